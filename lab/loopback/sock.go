package loopback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

// sock is one end of a TCP connection of a host. What waits in the kernel is
// kicked out by a deadline in the past whenever something happens that it must
// look at: the end of a context, a pause, a kill.
type sock struct {
	host *host
	conn *net.TCPConn
	key  wireKey
	wire *wire
	end  int           // which end of the wire this is
	gone chan struct{} // closed when this end is
	// stall is how long a write may wait for the other end to take something;
	// zero for ever. It belongs to who writes.
	stall time.Duration
	// resends says that the end of the connection, which a partition keeps back,
	// arrives when the kernel sends it again.
	resends bool

	whoIsThere sync.Once
	remote     netip.AddrPort // logical; ask remoteAddr
	peerName   string         // ask peer

	mu       sync.Mutex
	deadline time.Time // of reading; zero for none
	closed   bool
}

// longAgo is a deadline that ends a call in the kernel at once.
var longAgo = time.Unix(1, 0)

// dialed is the end of the machine that dialed.
func dialed(h *host, conn *net.TCPConn, remote netip.AddrPort) *sock {
	s := newSock(h, conn, dialerEnd, wireKey{client: addrPort(conn.LocalAddr()), server: addrPort(conn.RemoteAddr())})
	s.whoIsThere.Do(func() {
		s.remote = remote
		s.peerName = h.world.nameOf(remote.Addr())
	})
	return s
}

// accepted is the end of the machine that listened.
func accepted(h *host, conn *net.TCPConn) *sock {
	return newSock(h, conn, listenerEnd, wireKey{client: addrPort(conn.RemoteAddr()), server: addrPort(conn.LocalAddr())})
}

func newSock(h *host, conn *net.TCPConn, end int, key wireKey) *sock {
	return &sock{host: h, conn: conn, key: key, wire: h.world.wires.join(key, end), end: end, gone: make(chan struct{})}
}

func (s *sock) resolve() {
	s.whoIsThere.Do(func() {
		w := s.host.world
		s.remote = w.addrs.dialerOf(w, s.key)
		s.peerName = w.nameOf(s.remote.Addr())
	})
}

// remoteAddr is the other end's logical address.
func (s *sock) remoteAddr() netip.AddrPort {
	s.resolve()
	return s.remote
}

// peer is the other end's machine, or its address if it is none of the lab.
func (s *sock) peer() string {
	s.resolve()
	return s.peerName
}

func (s *sock) fail(op string, err error) error {
	return &world.OpError{Op: op, Addr: s.remoteAddr().String(), Err: err}
}

// kick makes calls that wait in the kernel return.
func (s *sock) kick() {
	s.conn.SetReadDeadline(longAgo)
	s.conn.SetWriteDeadline(longAgo)
}

// shut closes this end: the kernel sends FIN, or RST where input lies unread.
func (s *sock) shut() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.gone)
	s.mu.Unlock()
	s.host.disown(s)
	s.leave()
	s.host.world.addrs.forgetDial(s.key)
	s.conn.Close()
}

// leave says that this end reads no more.
func (s *sock) leave() { s.host.world.wires.leave(s.key, s.wire, s.end) }

// reset closes this end with RST.
func (s *sock) reset() {
	s.conn.SetLinger(0)
	s.shut()
}

func (s *sock) isClosed() bool {
	select {
	case <-s.gone:
		return true
	default:
		return false
	}
}

// setDeadline sets when reading ends with world.ErrReadTimeout; zero for never.
func (s *sock) setDeadline(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = at
	s.conn.SetReadDeadline(longAgo) // whoever reads looks again
}

// arm has the kernel end the next read at the deadline. It takes the lock, so
// that a deadline that is set meanwhile is not overlooked.
func (s *sock) arm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn.SetReadDeadline(s.host.notBefore(s.deadline))
}

func (s *sock) readDeadline() time.Time {
	s.mu.Lock()
	at := s.deadline
	s.mu.Unlock()
	return s.host.notBefore(at)
}

// read fills p with what has arrived, waiting for at least one byte. Its errors
// are io.EOF, ctx's, and those of the outcome table. When ctx ends no byte is
// lost.
func (s *sock) read(ctx context.Context, p []byte) (int, error) {
	defer context.AfterFunc(ctx, s.kick)()
	for {
		s.arm() // before looking: a kick after the look is not lost
		if err := s.host.pass(ctx); err != nil {
			return 0, err
		}
		n, err := s.conn.Read(p)
		if down := s.host.gate(); down != nil {
			return 0, down
		}
		switch {
		case n > 0:
			return n, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			if at := s.readDeadline(); !at.IsZero() && !time.Now().Before(at) {
				return 0, world.ErrReadTimeout
			}
		case s.isClosed() || s.host.world.passable(s.peer(), s.host.Name(), nil):
			return 0, s.cause(err)
		default: // a partition keeps back the end of the connection
			if waited := s.awaitEnd(ctx); waited != nil {
				return 0, waited
			}
			return 0, s.cause(err)
		}
	}
}

// write sends all of p; n is how much of it left. It does not pass the host's
// gate after that: the caller does, when it has told what happened.
func (s *sock) write(ctx context.Context, p []byte) (n int, err error) {
	defer context.AfterFunc(ctx, s.kick)()
	for {
		var stalled time.Time
		if s.stall > 0 {
			stalled = time.Now().Add(s.stall)
		}
		s.conn.SetWriteDeadline(stalled)
		if err := s.host.pass(ctx); err != nil {
			return n, err
		}
		m, err := s.conn.Write(p[n:])
		n += m
		if err == nil {
			return n, nil
		}
		if down := s.host.gate(); down != nil {
			return n, down
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, s.cause(err)
		}
		if m == 0 && s.stall > 0 && !time.Now().Before(stalled) {
			s.shut()
			return n, world.ErrWriteTimeout
		}
	}
}

// limitWindow gives a connection for HTTP buffers of the size of a body's window:
// those that Linux chooses take megabytes before a writer waits.
func (s *sock) limitWindow() {
	_ = s.conn.SetWriteBuffer(world.BodyWindow) // a system that refuses keeps its own
	_ = s.conn.SetReadBuffer(world.BodyWindow)
}

// send is write for bytes that a partition keeps back.
func (s *sock) send(ctx context.Context, p []byte) (int, error) {
	if err := s.awaitPassable(ctx, s.host.Name(), s.peer()); err != nil {
		return 0, err
	}
	return s.write(ctx, p)
}

// firstPart is how much of an HTTP message has left when it counts as sent. A
// new exchange finds that much room in the kernel's buffers, so that the
// sender need not wait for the receiver before it tells.
const firstPart = 32 << 10

// sendMessage sends an HTTP message, or its head and the beginning of its
// body, and tells the observer.
func (s *sock) sendMessage(ctx context.Context, label world.Label, p []byte) (n int, err error) {
	n, err = s.sendFirst(ctx, label, p)
	if err == nil && n < len(p) {
		var rest int
		rest, err = s.send(ctx, p[n:])
		n += rest
	}
	if down := s.host.gate(); down != nil {
		return n, down
	}
	return n, err
}

func (s *sock) sendFirst(ctx context.Context, label world.Label, p []byte) (int, error) {
	tell := s.wire.turns[s.end].begin()
	defer tell()
	n, err := s.send(ctx, p[:min(len(p), firstPart)])
	if err == nil {
		s.host.world.emit(world.Event{Op: world.Sends, Host: s.host.Name(), Peer: s.peer(), Label: label, Size: len(p)})
	}
	return n, err
}

// received waits until the sending of an HTTP message that has arrived was
// told, and tells that it was received.
func (s *sock) received(label world.Label, size int) error {
	s.wire.turns[1-s.end].await()
	if err := s.host.gate(); err != nil {
		return err
	}
	s.host.world.emit(world.Event{Op: world.Receives, Host: s.host.Name(), Peer: s.peer(), Label: label, Size: size})
	return s.host.gate()
}

func (s *sock) awaitPassable(ctx context.Context, from, to string) error {
	w := s.host.world
	if w.passable(from, to, nil) {
		return nil
	}
	return s.await(ctx, func() bool { return w.passable(from, to, nil) })
}

// awaitEnd waits for the end of the connection, which a partition keeps back. On a
// stream it comes when the kernel sends it again.
func (s *sock) awaitEnd(ctx context.Context) error {
	if !s.resends {
		return s.awaitPassable(ctx, s.peer(), s.host.Name())
	}
	err := s.host.world.awaitResend(ctx, s.readDeadline(), s.gone, s.peer(), s.host.Name(), fault.Resend)
	if down := s.host.gate(); down != nil {
		return down
	}
	return err
}

// await waits for a change of the fault table, as a read would.
func (s *sock) await(ctx context.Context, ok func() bool) error {
	err := s.host.world.await(ctx, s.readDeadline(), s.gone, ok)
	if down := s.host.gate(); down != nil {
		return down
	}
	return err
}

// admit asks the fault table about an HTTP message and does what it answers.
// It reports false if the message is lost.
func (s *sock) admit(ctx context.Context, label world.Label, size int) (bool, error) {
	w, from, to := s.host.world, s.host.Name(), s.peer()
	a := w.decide(from, to, label, fault.TCP)
	if a.Drop {
		w.emit(world.Event{Op: world.Loses, Host: from, Peer: to, Label: label, Size: size})
		return false, s.host.gate()
	}
	if a.Hold != nil || a.Cut {
		if err := s.await(ctx, func() bool { return w.passable(from, to, a.Hold) }); err != nil {
			return false, err
		}
	}
	if a.Delay > 0 {
		arrived := time.Now().Add(a.Delay)
		timer := time.AfterFunc(a.Delay, w.links.wake)
		defer timer.Stop()
		if err := s.await(ctx, func() bool { return !time.Now().Before(arrived) }); err != nil {
			return false, err
		}
	}
	return true, nil
}

// cause is an error of the kernel in the words of the outcome table.
func (s *sock) cause(err error) error {
	switch {
	case err == io.EOF:
		return io.EOF
	case s.host.isDown():
		return world.ErrHostDown
	case s.isClosed():
		return net.ErrClosed
	case errors.Is(err, syscall.EPIPE):
		return errAfterEnd
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.ECONNABORTED):
		return world.ErrReset
	}
	return s.host.enough(err, "use its connection with", s.remoteAddr())
}

// errAfterEnd is a write that was answered with a reset because the peer had
// closed the connection before: reading shows its end.
var errAfterEnd = fmt.Errorf("%w: it was closed before", world.ErrReset)

// source reads a sock under a context that changes from exchange to exchange.
type source struct {
	sock *sock
	ctx  context.Context
	n    int   // bytes read
	err  error // the latest error of the sock

	limit time.Duration // of each read; 0: what the sock says
	until time.Time     // the end of reads that have a limit; zero for none
}

func (s *source) Read(p []byte) (int, error) {
	if s.limit > 0 {
		at := time.Now().Add(s.limit)
		if !s.until.IsZero() && s.until.Before(at) {
			at = s.until
		}
		s.sock.setDeadline(at)
		defer s.sock.setDeadline(noDeadline)
	}
	n, err := s.sock.read(s.ctx, p)
	s.n += n
	if err != nil {
		s.err = err
	}
	return n, err
}
