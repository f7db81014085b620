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
	l := &listener{host: h, gone: make(chan struct{})}
	err := h.effect(func() error {
		var err error
		l.tcp, l.addr, l.real, err = bind(&h.world.addrs.tcp, h.at(port), listenTCP)
		if err != nil {
			return err
		}
		if err := limitBacklog(l.tcp, backlog); err != nil {
			l.shut()
			return err
		}
		return nil
	})
	if err != nil {
		return nil, h.unbound(port, err)
	}
	return l, nil
}

func listenTCP(at netip.AddrPort) (*net.TCPListener, netip.AddrPort, error) {
	l, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(at))
	if err != nil {
		return nil, at, err
	}
	return l, addrPort(l.Addr()), nil
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
		default:
			return nil, l.host.enough(err, "accept on", l.addr)
		}
	}
}

var noDeadline time.Time
