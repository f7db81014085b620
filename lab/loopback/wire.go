package loopback

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"sessionlab/lab/world"
)

// wireKey is a TCP connection, by its real addresses.
type wireKey struct{ client, server netip.AddrPort }

// wires carries beside the bytes what both ends know of a connection: the labels
// of messages, and whether their sending has been told to the observer, so that
// nobody sees a message received before it was sent.
type wires struct {
	inFlight atomic.Int64

	mu   sync.Mutex
	open map[wireKey]*wire
}

// The two ends of a wire, and the ways that start at them.
const (
	dialerEnd = iota
	listenerEnd
)

// wire is what goes beside one connection.
type wire struct {
	ways   [2]way  // of a stream's messages, by the end that sends
	turns  [2]turn // of HTTP's, by the end that sends
	joined [2]bool // guarded by wires.mu
	left   [2]bool
}

// join is called by each end once. Whoever is first makes the wire.
func (ws *wires) join(key wireKey, end int) *wire {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.open == nil {
		ws.open = map[wireKey]*wire{}
	}
	x := ws.open[key]
	if x == nil || x.joined[end] { // of an earlier connection with the same ports
		x = new(wire)
		x.ways[dialerEnd].inFlight = &ws.inFlight
		x.ways[listenerEnd].inFlight = &ws.inFlight
		ws.open[key] = x
	}
	x.joined[end] = true
	return x
}

// leave says that an end is closed: what was on the way to it is finished.
func (ws *wires) leave(key wireKey, x *wire, end int) {
	ws.mu.Lock()
	x.left[end] = true
	if x.left[1-end] && ws.open[key] == x {
		delete(ws.open, key)
	}
	ws.mu.Unlock()
	x.ways[1-end].end()
}

// refuse ends the wires to a port that no one will accept any more.
func (ws *wires) refuse(server netip.AddrPort) {
	ws.mu.Lock()
	var never []*wire
	for key, x := range ws.open {
		if key.server == server && !x.joined[listenerEnd] {
			never = append(never, x)
			delete(ws.open, key)
		}
	}
	ws.mu.Unlock()
	for _, x := range never {
		x.ways[dialerEnd].end()
	}
}

// turn is one direction of an HTTP connection: for each message on its way a
// channel that is closed once its sending has been told.
type turn struct {
	mu   sync.Mutex
	told []chan struct{}
}

// begin is called before a message is written, its result when the observer has
// heard of it.
func (t *turn) begin() (tell func()) {
	told := make(chan struct{})
	t.mu.Lock()
	t.told = append(t.told, told)
	t.mu.Unlock()
	return func() { close(told) }
}

// await is called when a message has arrived. For one from outside the lab nobody
// has called begin.
func (t *turn) await() {
	t.mu.Lock()
	var told chan struct{}
	if len(t.told) > 0 {
		told = t.told[0]
		t.told = t.told[1:]
	}
	t.mu.Unlock()
	if told != nil {
		<-told
	}
}

// way is one direction of a wire: the messages that its reader has not
// finished with, in order.
type way struct {
	inFlight *atomic.Int64

	mu       sync.Mutex
	messages []message
	sent     int64 // where the last message ends
	read     int64 // how far the reader has come
	received int   // how many of messages have been read to their end
	ended    bool
}

// message says where a message ends in the bytes of its way.
type message struct {
	end   int64
	label world.Label
	size  int
	told  chan struct{} // closed once its sending has been told
}

// put enters a message that is about to be written; the caller closes told when
// the observer has heard of it. It reports false when nobody will read it.
func (y *way) put(label world.Label, size int, told chan struct{}) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.ended {
		return false
	}
	y.sent += int64(size)
	y.messages = append(y.messages, message{y.sent, label, size, told})
	y.inFlight.Add(1)
	return true
}

// take notes that n more bytes were read and returns the messages that were
// completed by them.
func (y *way) take(n int) []message {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.read += int64(n)
	first := y.received
	for y.received < len(y.messages) && y.messages[y.received].end <= y.read {
		y.received++
	}
	return append([]message(nil), y.messages[first:y.received]...)
}

// finish says that the reader asks for more: what it has got is dealt with.
func (y *way) finish() {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.messages = y.messages[y.received:]
	y.inFlight.Add(-int64(y.received))
	y.received = 0
}

// withdraw takes back the last n messages, which were never written.
func (y *way) withdraw(n int) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.ended {
		return
	}
	for range n {
		last := len(y.messages) - 1
		y.sent -= int64(y.messages[last].size)
		y.messages = y.messages[:last]
		y.inFlight.Add(-1)
	}
}

// end says that nothing more will be read.
func (y *way) end() {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.ended = true
	y.inFlight.Add(-int64(len(y.messages)))
	y.messages, y.received = nil, 0
}
