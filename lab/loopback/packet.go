package loopback

import (
	"context"
	"errors"
	"hash/maphash"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

// post knows the datagram sockets of the lab, the groups they have joined, and
// the labels of what is on its way between them.
type post struct {
	mu      sync.Mutex
	groups  map[netip.AddrPort][]*packetConn
	sockets map[netip.AddrPort]*packetConn // by real address
	notes   map[netip.AddrPort][]note      // by real destination, in order of sending
	late    *net.UDPConn                   // sends what outlives its sender
}

// note goes beside a datagram.
type note struct {
	from  netip.AddrPort // real
	as    netip.AddrPort // the sender's logical address
	peer  string         // the sender
	label world.Label
	size  int
	sum   uint64
	told  chan struct{} // closed once its sending has been told
}

// maxNotes bounds the notes of one socket; the kernel has thrown away older
// datagrams long before.
const maxNotes = 4096

var hashSeed = maphash.MakeSeed()

// packetConn is a datagram socket. It implements world.PacketConn.
type packetConn struct {
	host  *host
	udp   *net.UDPConn
	addr  netip.AddrPort // logical
	real  netip.AddrPort
	group netip.AddrPort // zero when none was joined
	once  sync.Once
	gone  chan struct{}

	senders int  // of datagrams to it that are being written; guarded by post.mu
	left    bool // guarded by post.mu
}

func (h *host) ListenPacket(port int) (world.PacketConn, error) {
	return h.openPacket(port, netip.Addr{})
}

// JoinGroup implements world.Host. Groups exist inside this process: a
// datagram to a group is sent once to each socket that has joined.
func (h *host) JoinGroup(group string, port int) (world.PacketConn, error) {
	g, err := netip.ParseAddr(group)
	if err != nil {
		return nil, &world.OpError{Op: "join", Addr: group, Err: err}
	}
	if !h.world.faults.Routed(h.Name()) {
		return nil, &world.OpError{Op: "join", Addr: group, Err: world.ErrNoRoute}
	}
	return h.openPacket(port, g)
}

func (h *host) openPacket(port int, group netip.Addr) (world.PacketConn, error) {
	p := &packetConn{host: h, gone: make(chan struct{})}
	err := h.effect(func() error {
		var err error
		p.udp, p.addr, p.real, err = bind(&h.world.addrs.udp, h.at(port), listenUDP)
		return err
	})
	if err != nil {
		return nil, h.unbound(port, err)
	}
	if group.IsValid() {
		p.group = netip.AddrPortFrom(group, p.addr.Port())
	}
	h.world.post.enter(p)
	if err := h.own(p); err != nil {
		return nil, h.unbound(port, err)
	}
	return p, nil
}

func listenUDP(at netip.AddrPort) (*net.UDPConn, netip.AddrPort, error) {
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, at, err
	}
	return c, addrPort(c.LocalAddr()), nil
}

func (o *post) enter(p *packetConn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sockets == nil {
		o.sockets = map[netip.AddrPort]*packetConn{}
		o.groups = map[netip.AddrPort][]*packetConn{}
		o.notes = map[netip.AddrPort][]note{}
	}
	o.sockets[p.real] = p
	if p.group.IsValid() {
		o.groups[p.group] = append(o.groups[p.group], p)
	}
}

// leave takes a socket out. While somebody sends to it, its port stays bound, so
// that what is sent reaches no stranger: then it reports false, and the last of
// these closes it.
func (o *post) leave(p *packetConn) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.sockets, p.real)
	delete(o.notes, p.real)
	p.left = true
	o.groups[p.group] = slices.DeleteFunc(o.groups[p.group], func(q *packetConn) bool { return q == p })
	return p.senders == 0
}

// socketAt is the datagram socket at a logical address, or nil.
func (w *World) socketAt(logical netip.AddrPort) *packetConn {
	real, ok := w.addrs.udp.real(logical)
	if !ok {
		return nil
	}
	w.post.mu.Lock()
	defer w.post.mu.Unlock()
	return w.post.sockets[real]
}

// members are the sockets that have joined a group.
func (o *post) members(group netip.AddrPort) []*packetConn {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.groups[group])
}

// write sends a datagram with its note to a socket of the lab, if that is still
// open: what cannot be delivered is no error.
func (o *post) write(via *net.UDPConn, n note, b []byte, to *packetConn) error {
	n.from = addrPort(via.LocalAddr())
	n.size, n.sum = len(b), maphash.Bytes(hashSeed, b)
	o.mu.Lock()
	if o.sockets[to.real] != to {
		o.mu.Unlock()
		return nil
	}
	notes := append(o.notes[to.real], n)
	o.notes[to.real] = notes[max(0, len(notes)-maxNotes):]
	to.senders++
	o.mu.Unlock()
	_, err := via.WriteToUDPAddrPort(b, to.real)
	o.mu.Lock()
	to.senders--
	last := to.left && to.senders == 0
	o.mu.Unlock()
	if last {
		to.udp.Close()
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	return err
}

// claim finds the note of a datagram that arrived. Notes before it, of the same
// sender, belong to datagrams that the kernel has thrown away.
func (o *post) claim(at, from netip.AddrPort, b []byte) (note, bool) {
	sum := maphash.Bytes(hashSeed, b)
	o.mu.Lock()
	defer o.mu.Unlock()
	notes := o.notes[at]
	i := slices.IndexFunc(notes, func(n note) bool { return n.from == from && n.size == len(b) && n.sum == sum })
	if i < 0 {
		return note{}, false
	}
	found := notes[i]
	o.notes[at] = slices.Delete(notes, i, i+1)
	return found, true
}

// lateSocket is where datagrams are sent from that outlive their sender.
func (w *World) lateSocket() (*net.UDPConn, error) {
	o := &w.post
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.late == nil {
		at := netip.AddrPortFrom(w.addrs.mapped(operatorAddr), 0)
		late, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
		if err != nil {
			return nil, err
		}
		o.late = late
	}
	return o.late, nil
}

// close ends the socket for late datagrams.
func (o *post) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.late != nil {
		o.late.Close()
	}
}

func (p *packetConn) kick() { p.udp.SetReadDeadline(longAgo) }

func (p *packetConn) shut() {
	p.once.Do(func() {
		close(p.gone)
		p.host.disown(p)
		p.host.world.addrs.udp.closed(p.addr)
		if p.host.world.post.leave(p) {
			p.udp.Close()
		} else {
			p.kick()
		}
	})
}

func (p *packetConn) fail(op, addr string, err error) error {
	return &world.OpError{Op: op, Addr: addr, Err: err}
}

// receiveBuffer holds the largest datagram.
const receiveBuffer = 64 << 10

func (p *packetConn) ReadFrom(ctx context.Context, b []byte) (int, string, error) {
	n, from, err := p.read(ctx, b)
	if err != nil {
		return 0, "", p.fail("read", p.addr.String(), err)
	}
	return n, from, nil
}

func (p *packetConn) ReadFromWithin(ctx context.Context, b []byte, d time.Duration) (int, string, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return p.ReadFrom(ctx, b)
}

func (p *packetConn) read(ctx context.Context, b []byte) (int, string, error) {
	defer context.AfterFunc(ctx, p.kick)()
	w := p.host.world
	whole := make([]byte, receiveBuffer)
	for {
		p.udp.SetReadDeadline(noDeadline)
		if err := p.host.pass(ctx); err != nil {
			return 0, "", err
		}
		n, from, err := p.udp.ReadFromUDPAddrPort(whole)
		if down := p.host.gate(); down != nil {
			return 0, "", down
		}
		select {
		case <-p.gone:
			return 0, "", net.ErrClosed
		default:
		}
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ECONNREFUSED):
			continue
		default:
			return 0, "", p.host.enough(err, "read from", p.addr)
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		note, ok := w.post.claim(p.real, from, whole[:n])
		if !ok {
			return copy(b, whole[:n]), from.String(), nil // from outside the lab
		}
		<-note.told
		if down := p.host.gate(); down != nil {
			return 0, "", down
		}
		w.emit(world.Event{Op: world.Receives, Host: p.host.Name(), Peer: note.peer, Label: note.label, Size: n})
		return copy(b, whole[:n]), note.as.String(), p.host.gate()
	}
}

func (p *packetConn) WriteTo(l world.Label, b []byte, addr string) error {
	if err := p.host.gate(); err != nil {
		return p.fail("write", addr, err)
	}
	select {
	case <-p.gone:
		return p.fail("write", addr, net.ErrClosed)
	default:
	}
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return p.fail("write", addr, err)
	}
	if to.Addr().IsMulticast() && !p.host.world.faults.Routed(p.host.Name()) {
		return p.fail("write", addr, world.ErrNoRoute)
	}
	if err := p.send(l, b, to); err != nil {
		return p.fail("write", addr, p.host.enough(err, "send to", addr))
	}
	return nil
}

// send sends one datagram to every socket behind an address and tells the
// observer what left and what was lost.
func (p *packetConn) send(l world.Label, b []byte, to netip.AddrPort) error {
	w, me := p.host.world, p.host.Name()
	n := note{as: p.addr, peer: me, label: l, told: make(chan struct{})}
	defer close(n.told)
	peer, sockets := w.addressees(to)
	var lost []string
	for _, x := range sockets {
		passed, err := p.sendOne(n, b, x)
		if err != nil {
			return err
		}
		if !passed {
			lost = append(lost, x.host.Name())
		}
	}
	w.emit(world.Event{Op: world.Sends, Host: me, Peer: peer, Label: l, Size: len(b)})
	for _, name := range lost {
		w.emit(world.Event{Op: world.Loses, Host: me, Peer: name, Label: l, Size: len(b)})
	}
	return p.host.gate()
}

// addressees are the sockets behind an address, and what events call it: the
// machine, or the address of the group.
func (w *World) addressees(to netip.AddrPort) (peer string, sockets []*packetConn) {
	if to.Addr().IsMulticast() {
		return to.String(), w.post.members(to)
	}
	if p := w.socketAt(to); p != nil {
		sockets = append(sockets, p)
	}
	return w.nameOf(to.Addr()), sockets
}

// sendOne sends one datagram to one machine, through the fault table. It
// reports false if the datagram is lost. A machine's datagrams to itself go
// over no link.
func (p *packetConn) sendOne(n note, b []byte, to *packetConn) (passed bool, err error) {
	w, me, peer := p.host.world, p.host.Name(), to.host.Name()
	var a fault.Action
	if peer != me {
		a = w.decide(me, peer, n.label, fault.UDP)
	}
	switch {
	case a.Drop || a.Cut:
		return false, nil
	case a.Hold != nil || a.Delay > 0:
		return true, w.sendLate(a, n, b, to)
	}
	return true, p.host.fenced(func() error {
		for range 1 + a.Copies {
			if err := w.post.write(p.udp, n, b, to); err != nil {
				return err
			}
		}
		return nil
	})
}

// sendLate sends what the fault table keeps back or delays. It has left its
// sender, which may be gone by then.
func (w *World) sendLate(a fault.Action, n note, b []byte, to *packetConn) error {
	late, err := w.lateSocket()
	if err != nil {
		return err
	}
	b = slices.Clone(b)
	w.spawn(func() {
		if w.await(w.ctx, noDeadline, nil, func() bool { return !w.faults.Held(a.Hold) }) != nil {
			return
		}
		timer := time.NewTimer(a.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-w.ctx.Done():
			return
		}
		now := w.socketAt(to.addr) // its machine may have been booted again
		if now == nil {
			return
		}
		for range 1 + a.Copies {
			_ = now.host.enough(w.post.write(late, n, b, now), "be sent to at", now.addr) // else it is lost
		}
	})
	return nil
}

func (p *packetConn) Close() error {
	if err := p.host.gate(); err != nil {
		return err
	}
	p.shut()
	return nil
}
