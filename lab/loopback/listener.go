package loopback

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"sessionlab/lab/world"
)

// defaultBacklog is how many connections wait to be accepted.
const defaultBacklog = 128

// listener is a TCP port of a host.
type listener struct {
	host *host
	tcp  *net.TCPListener
	addr netip.AddrPort // logical
	real netip.AddrPort
	once sync.Once
	gone chan struct{}

	drained atomic.Bool
}

// errDrained ends the task that accepts, while the port stays bound.
var errDrained = errors.New("not accepting any more")

// listen opens a port, which is not yet owned by the host.
func (h *host) listen(port, backlog int) (*listener, error) {
	if backlog == 0 {
		backlog = defaultBacklog
	}
	logical := h.at(port)
	l := &listener{host: h, addr: logical, gone: make(chan struct{})}
	ports := &h.world.addrs.tcp
	err := h.effect(func() error {
		at, err := ports.bindAt(logical)
		if err != nil {
			return bound(logical, at, err)
		}
		l.tcp, err = net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(at))
		if err != nil {
			return bound(logical, at, err)
		}
		l.real = addrPort(l.tcp.Addr())
		if port == 0 {
			l.addr = h.at(int(l.real.Port()))
		}
		if !ports.opened(l.addr, l.real) {
			l.tcp.Close()
			return bound(logical, netip.AddrPort{}, world.ErrPortTaken)
		}
		if err := limitBacklog(l.tcp, backlog); err != nil {
			l.shut()
			return bound(logical, l.real, err)
		}
		return nil
	})
	if err == world.ErrHostDown {
		err = &world.OpError{Op: "listen", Addr: logical.String(), Err: err}
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (l *listener) kick() { l.tcp.SetDeadline(longAgo) }

func (l *listener) shut() {
	l.once.Do(func() {
		close(l.gone)
		l.host.world.addrs.tcp.closed(l.addr)
		l.tcp.Close()
		l.host.world.wires.refuse(l.real)
	})
}

// leaveBacklog leaves to the kernel whoever connects from now on.
func (l *listener) leaveBacklog() {
	l.drained.Store(true)
	l.kick()
}

func (l *listener) isDrained() bool { return l.drained.Load() }

func (l *listener) isClosed() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

// accept waits for a connection. The caller owns it.
func (l *listener) accept(ctx context.Context) (*sock, error) {
	defer context.AfterFunc(ctx, l.kick)()
	for {
		l.tcp.SetDeadline(noDeadline)
		if l.isDrained() {
			return nil, errDrained
		}
		if err := l.host.pass(ctx); err != nil {
			return nil, err
		}
		conn, err := l.tcp.AcceptTCP()
		if down := l.host.gate(); down != nil {
			if err == nil {
				conn.Close()
			}
			return nil, down
		}
		switch {
		case err == nil:
			return accepted(l.host, conn), nil
		case l.isClosed():
			return nil, net.ErrClosed
		case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ECONNABORTED):
		case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
			if err := l.host.Sleep(ctx, 5*time.Millisecond); err != nil {
				return nil, err
			}
		default:
			return nil, err
		}
	}
}

var noDeadline time.Time
