package loopback

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

// streamListener implements world.StreamListener.
type streamListener struct{ *listener }

func (h *host) Listen(port int) (world.StreamListener, error) {
	tcp, err := h.listen(port, world.StreamBacklog)
	if err != nil {
		return nil, err
	}
	l := streamListener{tcp}
	if err := h.own(tcp); err != nil {
		return nil, &world.OpError{Op: "listen", Addr: l.Addr(), Err: err}
	}
	return l, nil
}

func (l streamListener) Addr() string { return l.addr.String() }

func (l streamListener) Accept(ctx context.Context) (world.Stream, error) {
	s, err := l.accept(ctx)
	if err != nil {
		return nil, &world.OpError{Op: "accept", Addr: l.Addr(), Err: err}
	}
	return newStream(s, l.addr)
}

func (l streamListener) Close() error {
	if err := l.host.gate(); err != nil {
		return err
	}
	l.shut()
	l.host.disown(l.listener)
	return nil
}

func (h *host) Dial(ctx context.Context, addr string) (world.Stream, error) {
	s, err := h.dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	return newStream(s, h.at(int(s.key.client.Port())))
}

// stream is one end of a byte stream with labelled writes. It implements
// world.Stream.
type stream struct {
	*sock
	local netip.AddrPort // logical
	quit  chan struct{}  // closed when this end is; what was sent may still be on its way

	mu      sync.Mutex
	queue   []*parcel // what the fault table keeps back, and all behind it
	waiting int       // bytes of queue
	pumping bool
	broken  error
	closed  bool
}

// parcel is a message that did not go at once.
type parcel struct {
	label world.Label
	frame []byte
	kept  bool        // by the fault table
	hold  *fault.Rule // the rule that does, or nil for a partition
	delay time.Duration
	lost  bool          // the kernel has sent it, and a partition has swallowed it
	again bool          // the kernel sends it again with the one before it
	told  chan struct{} // closed once its leaving has been told
	left  bool          // it is on its way
	due   time.Time     // when it arrives, once it has left
}

func newStream(s *sock, local netip.AddrPort) (world.Stream, error) {
	s.resends = true
	t := &stream{sock: s, local: local, quit: make(chan struct{})}
	if err := s.host.own(t); err != nil {
		return nil, s.fail("dial", err)
	}
	return t, nil
}

func (t *stream) in() *way  { return &t.wire.ways[1-t.end] }
func (t *stream) out() *way { return &t.wire.ways[t.end] }

func (t *stream) RemoteAddr() string { return t.remoteAddr().String() }

func (t *stream) LocalAddr() string { return t.local.String() }

func (t *stream) Read(ctx context.Context, p []byte) (int, error) {
	if err := t.host.pass(ctx); err != nil {
		return 0, t.fail("read", err)
	}
	t.in().finish()
	if len(p) == 0 {
		return 0, nil
	}
	n, err := t.read(ctx, p)
	if err != nil {
		if err == io.EOF {
			t.in().end()
			return 0, io.EOF
		}
		if errors.Is(err, world.ErrReset) {
			t.in().end()
		}
		return 0, t.fail("read", err)
	}
	for _, m := range t.in().take(n) {
		<-m.told
		if err := t.host.gate(); err != nil {
			return 0, t.fail("read", err)
		}
		t.emit(world.Receives, m.label, m.size)
	}
	if err := t.host.gate(); err != nil {
		return 0, t.fail("read", err)
	}
	return n, nil
}

func (t *stream) Write(ctx context.Context, l world.Label, frame []byte) error {
	if err := t.host.pass(ctx); err != nil {
		return t.fail("write", err)
	}
	if err := t.usable(); err != nil {
		return t.fail("write", err)
	}
	a := t.host.world.decide(t.host.Name(), t.peer(), l, fault.TCP)
	if a.Drop {
		t.emit(world.Loses, l, len(frame))
		return t.gated()
	}
	kept := a.Hold != nil || a.Cut
	if err := t.awaitRoom(ctx); err != nil {
		t.shut()
		return t.fail("write", err)
	}
	for range 1 + a.Copies {
		if err := t.post(ctx, &parcel{label: l, frame: frame, told: make(chan struct{}), kept: kept, hold: a.Hold, delay: a.Delay, lost: a.Cut && a.Hold == nil}); err != nil {
			t.shut()
			return t.fail("write", err)
		}
	}
	return t.gated()
}

// awaitRoom waits until not too much waits to leave.
func (t *stream) awaitRoom(ctx context.Context) error {
	room := func() bool {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.waiting <= world.StreamWindow || t.closed || t.broken != nil
	}
	if room() {
		return nil
	}
	if err := t.host.world.await(ctx, noDeadline, t.quit, room); err != nil {
		return err
	}
	return t.usable()
}

func (t *stream) gated() error {
	if err := t.host.gate(); err != nil {
		return t.fail("write", err)
	}
	return nil
}

func (t *stream) emit(op world.EventOp, l world.Label, size int) {
	t.host.world.emit(world.Event{Op: op, Host: t.host.Name(), Peer: t.peer(), Label: l, Size: size})
}

func (t *stream) usable() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return net.ErrClosed
	}
	return t.broken
}

// post sends a message now, or puts it behind what waits.
func (t *stream) post(ctx context.Context, p *parcel) error {
	t.mu.Lock()
	if t.closed { // since Write has looked
		t.mu.Unlock()
		return t.cause(net.ErrClosed)
	}
	read := t.out().put(p.label, len(p.frame), p.told)
	if !t.pumping && !p.kept && p.delay == 0 {
		t.mu.Unlock()
		defer close(p.told)
		_, err := t.write(ctx, p.frame)
		switch {
		case err != nil:
		case read:
			t.emit(world.Sends, p.label, len(p.frame))
		default: // the other end is closed
			t.emit(world.Loses, p.label, len(p.frame))
		}
		return err
	}
	p.frame = append([]byte(nil), p.frame...)
	leaves := !p.kept && (len(t.queue) == 0 || t.queue[len(t.queue)-1].left)
	if leaves {
		p.leave()
	}
	t.queue = append(t.queue, p)
	t.waiting += len(p.frame)
	if !t.pumping {
		t.pumping = t.host.world.spawn(t.pump)
	}
	t.mu.Unlock()
	if leaves {
		t.emit(world.Sends, p.label, len(p.frame))
		close(p.told)
	}
	return nil
}

func (p *parcel) leave() {
	p.left = true
	p.due = time.Now().Add(p.delay)
}

// pump sends what waits, in order. What has left goes on even if this end is
// closed meanwhile, as what the kernel has taken does; what has not is lost.
func (t *stream) pump() {
	w := t.host.world
	for {
		t.mu.Lock()
		if len(t.queue) == 0 {
			t.pumping = false
			closed := t.closed
			t.mu.Unlock()
			if closed {
				t.sock.shut()
			}
			return
		}
		p := t.queue[0]
		left := p.left
		t.mu.Unlock()

		if !left {
			if t.awaitLeave(p) != nil {
				t.shut()
				if w.ctx.Err() != nil {
					t.abandon() // the run is over: nothing is sent again
				}
				continue
			}
			t.mu.Lock()
			closed := t.closed && !p.lost
			if !closed {
				p.leave()
			}
			t.mu.Unlock()
			if closed {
				continue // it was lost with this end
			}
			t.emit(world.Sends, p.label, len(p.frame))
			close(p.told)
		}
		timer := time.NewTimer(time.Until(p.due))
		select {
		case <-timer.C:
		case <-w.ctx.Done():
			timer.Stop()
			t.sock.shut()
		}
		if err := t.deliver(p.frame); err != nil {
			t.mu.Lock()
			t.broken = err
			t.mu.Unlock()
			t.abandon()
			continue
		}
		t.mu.Lock()
		full := t.waiting > world.StreamWindow
		t.queue = t.queue[1:]
		t.waiting -= len(p.frame)
		t.mu.Unlock()
		if full {
			w.links.wake()
		}
	}
}

// awaitLeave waits until a parcel may leave. What a rule has held leaves for the
// first time then; what a partition has swallowed, and all behind it, when the kernel
// sends it again.
func (t *stream) awaitLeave(p *parcel) error {
	w, from, to := t.host.world, t.host.Name(), t.peer()
	if p.hold != nil {
		if err := w.await(w.ctx, noDeadline, t.quit, func() bool { return !w.faults.Held(p.hold) }); err != nil {
			return err
		}
	}
	if w.passable(from, to, nil) && (!p.lost || p.again) {
		return nil
	}
	t.mu.Lock()
	p.lost = true // the kernel has it, whatever becomes of this end
	t.mu.Unlock()
	if err := w.awaitResend(w.ctx, noDeadline, nil, from, to, fault.Resend); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, behind := range t.queue {
		behind.again = behind.lost
	}
	return nil
}

// abandon loses everything that waits.
func (t *stream) abandon() {
	t.mu.Lock()
	lost := t.queue
	t.queue, t.waiting = nil, 0
	t.mu.Unlock()
	t.out().withdraw(len(lost))
}

// deliver writes to the kernel, past the gate of the host: these bytes have
// left it.
func (t *stream) deliver(frame []byte) error {
	defer context.AfterFunc(t.host.world.ctx, t.sock.shut)()
	for len(frame) > 0 {
		t.conn.SetWriteDeadline(noDeadline)
		n, err := t.conn.Write(frame)
		frame = frame[n:]
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return t.cause(err)
		}
	}
	return nil
}

// Writable is false: only the kernel knows how much room a socket has.
func (t *stream) Writable() bool { return false }

func (t *stream) Stalled() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.queue {
		if !p.left {
			return p.hold != nil && t.host.world.faults.Held(p.hold)
		}
	}
	return false
}

func (t *stream) Close() error {
	if err := t.host.gate(); err != nil {
		return err
	}
	t.shut()
	return nil
}

// shut closes this end. FIN follows what is on its way.
func (t *stream) shut() {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return
	}
	t.closed = true
	close(t.quit)
	going := 0
	for going < len(t.queue) && (t.queue[going].left || t.queue[going].lost) {
		going++
	}
	lost := len(t.queue) - going
	t.queue = t.queue[:going]
	t.mu.Unlock()
	t.out().withdraw(lost)
	t.host.disown(t)
	if going > 0 {
		t.conn.CloseRead()
	} else {
		t.sock.shut()
	}
	t.leave()
}
