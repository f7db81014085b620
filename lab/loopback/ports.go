package loopback

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"sync"
	"syscall"

	"sessionlab/lab/world"
)

// ports knows which logical "address:port" of one protocol is open where. A
// logical port is taken when another of the lab has it; what other programs of
// this machine have only moves the real one. Nothing is sent to a port that is
// not in here.
type ports struct {
	addrs *addresses
	fixed map[netip.AddrPort]bool // logical; to be found at their own number

	mu   sync.Mutex
	open map[netip.AddrPort]netip.AddrPort // logical -> real; the zero value while it is being bound
	last map[netip.AddrPort]uint16         // logical -> the real port it was moved to, which it keeps if it can
}

func (p *ports) init(a *addresses, fixed []netip.AddrPort) {
	*p = ports{addrs: a, fixed: map[netip.AddrPort]bool{}, open: map[netip.AddrPort]netip.AddrPort{}, last: map[netip.AddrPort]uint16{}}
	for _, logical := range fixed {
		p.fixed[logical] = true
	}
}

// bind opens a socket for a logical "address:port": at that number where this
// machine has it free, else at any. Port 0 is any logical port that is free. The
// caller closes the socket and then calls closed.
func bind[S io.Closer](p *ports, logical netip.AddrPort, open func(at netip.AddrPort) (S, netip.AddrPort, error)) (s S, as, real netip.AddrPort, err error) {
	if logical.Port() == 0 {
		return bindAny(p, logical, open)
	}
	if !p.reserve(logical) {
		return s, logical, real, world.ErrPortTaken
	}
	for _, port := range p.candidates(logical) {
		at := netip.AddrPortFrom(p.addrs.mapped(logical.Addr()), port)
		s, real, err = open(at)
		if err == nil {
			p.opened(logical, real)
			return s, logical, real, nil
		}
		if errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("%w (%v)", world.ErrPortTaken, at)
		} else if !errors.Is(err, fs.ErrPermission) { // ports below 1024 are root's on most systems
			break
		}
	}
	p.closed(logical)
	return s, logical, real, err
}

// candidates are the real ports to try for a logical one; 0 is any.
func (p *ports) candidates(logical netip.AddrPort) []uint16 {
	if p.fixed[logical] {
		return []uint16{logical.Port()}
	}
	p.mu.Lock()
	last := p.last[logical]
	p.mu.Unlock()
	switch {
	case last != 0:
		return []uint16{last, 0}
	case p.addrs.table:
		return []uint16{0}
	}
	return []uint16{logical.Port(), 0}
}

// mostTries is how many real ports are tried until one has the number of a
// logical port that is free.
const mostTries = 100

// bindAny is bind for port 0. The logical port has the number of the real one.
func bindAny[S io.Closer](p *ports, logical netip.AddrPort, open func(at netip.AddrPort) (S, netip.AddrPort, error)) (s S, as, real netip.AddrPort, err error) {
	var none S
	for range mostTries {
		s, real, err = open(netip.AddrPortFrom(p.addrs.mapped(logical.Addr()), 0))
		if err != nil {
			return none, logical, real, err
		}
		as = netip.AddrPortFrom(logical.Addr(), real.Port())
		if p.reserve(as) {
			p.opened(as, real)
			return s, as, real, nil
		}
		_ = s.Close()
	}
	return none, logical, real, world.ErrPortTaken
}

// reserve takes a logical port and reports false if it is taken.
func (p *ports) reserve(logical netip.AddrPort) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, taken := p.open[logical]; taken {
		return false
	}
	p.open[logical] = netip.AddrPort{}
	return true
}

func (p *ports) opened(logical, real netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[logical] = real
	if real.Port() != logical.Port() {
		p.last[logical] = real.Port()
	}
}

func (p *ports) closed(logical netip.AddrPort) {
	p.mu.Lock()
	delete(p.open, logical)
	p.mu.Unlock()
}

// real is where a logical "address:port" is found, if it is open.
func (p *ports) real(logical netip.AddrPort) (netip.AddrPort, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	real := p.open[logical]
	return real, real.IsValid()
}

// unbound is the error of a port that could not be opened.
func (h *host) unbound(port int, err error) error {
	return &world.OpError{Op: "listen", Addr: h.at(port).String(), Err: h.enough(err, "listen on", h.at(port))}
}
