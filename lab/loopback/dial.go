package loopback

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

// dial opens a connection to a logical "address:port". The caller owns it.
func (h *host) dial(ctx context.Context, addr string) (*sock, error) {
	s, err := h.connect(ctx, addr)
	if err != nil {
		return nil, &world.OpError{Op: "dial", Addr: addr, Err: err}
	}
	return s, nil
}

func (h *host) connect(ctx context.Context, addr string) (*sock, error) {
	if err := h.gate(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, givenUp(err)
	}
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	w := h.world
	if peer := w.nameOf(to.Addr()); !w.passable(h.Name(), peer, nil) {
		w.faults.MeetCut(h.Name(), peer)
		err := w.awaitResend(ctx, noDeadline, h.down, h.Name(), peer, fault.Reconnect)
		if down := h.gate(); down != nil {
			return nil, down
		}
		if err != nil {
			return nil, givenUp(err)
		}
	}
	real, ok := w.addrs.tcp.real(to)
	if !ok {
		return nil, world.ErrRefused
	}
	conn, err := h.connectReal(ctx, real)
	if down := h.gate(); down != nil {
		if conn != nil {
			conn.Close()
		}
		return nil, down
	}
	switch {
	case err == nil:
		if now, ok := w.addrs.tcp.real(to); !ok || now != real {
			conn.Close() // the port was closed meanwhile; who has it now is a stranger
			return nil, world.ErrRefused
		}
		return dialed(h, conn, to), nil
	case ctx.Err() != nil:
		return nil, givenUp(ctx.Err())
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, world.ErrRefused
	case errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, os.ErrDeadlineExceeded):
		return nil, world.ErrConnectTimeout
	case errors.Is(err, syscall.ECONNRESET):
		return nil, world.ErrReset
	}
	return nil, h.enough(err, "connect to", addr)
}

func (h *host) connectReal(ctx context.Context, to netip.AddrPort) (*net.TCPConn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)()
	w := h.world
	w.addrs.dialStarts(to, h.machine.addr)
	d := net.Dialer{
		LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(w.addrs.mapped(h.machine.addr), 0)),
		KeepAlive: -1,
		Control:   latePort,
	}
	conn, err := d.DialContext(ctx, "tcp4", to.String())
	tcp, _ := conn.(*net.TCPConn)
	w.addrs.dialEnds(to, h.machine.addr, tcp)
	return tcp, err
}

// givenUp is the end of a dial's context in the words of the outcome table.
func givenUp(err error) error {
	if err == context.DeadlineExceeded {
		return world.ErrConnectTimeout
	}
	return err
}
