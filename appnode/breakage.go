package appnode

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"sessionlab/lab/world"
)

// breakage is how the next answers are broken on the operator's order. The zero
// value breaks none.
type breakage struct {
	how     breaking
	status  int      // answered instead of running the application; 0 runs it
	cookies []string // Set-Cookie lines beside the status
	left    int      // how many more requests; 0 means all
}

type breaking uint8

const (
	asUsual breaking = iota
	closing
	resetting
	badHead
	partial
	headless
	hanging
)

var breakings = map[string]breaking{
	"ok": asUsual, "close": closing, "reset": resetting,
	"invalid_header": badHead, "partial": partial, "http09": headless, "hang": hanging,
}

// Answer makes the node answer its next count requests in a certain way, all
// later ones if count is 0. It replaces what was ordered before and lets go of
// the answers that hang. The cookies are Set-Cookie lines beside a status.
//
//   - "ok": as usual.
//   - A status from 200 to 599: that status. The application does not run, no
//     session is touched.
//   - "close", "reset", "invalid_header": the application runs and its effects
//     stay, replication included, but the client gets an end of the connection,
//     a reset, or a head with a line that is none. So does a node that dies
//     after it has done its work.
//   - "partial": the same, but the head and half of the body arrive.
//   - "http09": the same, but the body arrives without its head, and the
//     connection ends with it.
//   - "hang": the same, but nothing arrives until the next Answer; then what was
//     kept is sent. A hanging request holds its thread.
//
// While an answer is to be broken, nothing of it leaves before the work is done,
// however large it is. A request that is answered with 400 counts.
func (n *Node) Answer(kind string, count int, cookies ...string) error {
	b := breakage{left: count, cookies: cookies}
	how, known := breakings[kind]
	if b.how = how; !known {
		status, err := strconv.Atoi(kind)
		if err != nil || status < 200 || status > 599 {
			return fmt.Errorf("answer %s: unknown kind %q", n.host.Name(), kind)
		}
		b.status = status
	}
	if b.status == 0 && len(cookies) > 0 {
		return fmt.Errorf("answer %s: %s sets no cookies", n.host.Name(), kind)
	}
	if count < 0 {
		return errors.New("answer " + n.host.Name() + ": negative count")
	}
	n.mu.Lock()
	n.fault = b
	waiting := n.hanging
	n.hanging = nil
	n.mu.Unlock()
	for _, signal := range waiting {
		signal.Set()
	}
	return nil
}

// takeFault is what happens to the request that begins now. n.mu is held.
func (n *Node) takeFault() breakage {
	b := n.fault
	if b.left > 0 {
		if n.fault.left--; n.fault.left == 0 {
			n.fault = breakage{}
		}
	}
	return b
}

// hang waits for the next Answer, or the end of the host.
func (n *Node) hang(r *Request) error {
	signal := n.host.NewSignal()
	n.mu.Lock()
	n.hanging = append(n.hanging, signal)
	n.mu.Unlock()
	err := signal.Wait(r.ctx)
	if err != nil {
		n.mu.Lock()
		n.hanging = slices.DeleteFunc(n.hanging, func(s world.Signal) bool { return s == signal })
		n.mu.Unlock()
	}
	return err
}
