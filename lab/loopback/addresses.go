package loopback

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"

	"sessionlab/lab/world"
)

// guardPort is the port of the socket that marks a block of addresses as
// taken. It says nothing and accepts nothing. Where another program has that port
// on every address, the next one marks the block, up to guardPorts of them.
const (
	guardPort  = 17216
	guardPorts = 4
)

var (
	// operatorAddr is logical and from a block that no network uses (RFC 5737).
	// It is bound where the guard is, out of the way of every machine.
	operatorAddr = netip.AddrFrom4([4]byte{192, 0, 2, 1})
	guardAddr    = netip.AddrFrom4([4]byte{172, 16, 255, 254})
	localhost    = netip.AddrFrom4([4]byte{127, 0, 0, 1})
)

// addresses translates between logical addresses and those of this machine.
type addresses struct {
	offset int
	table  bool         // everything is on 127.0.0.1
	guard  net.Listener // nil with a port table
	tcp    ports
	udp    ports

	mu      sync.Mutex
	settled *sync.Cond
	dialing map[netip.AddrPort]int     // dials under way, by real destination
	dialed  map[wireKey]netip.AddrPort // by the port table: who dialed, logically
}

// claim takes a block of addresses.
func claim(cfg Config) (*addresses, error) {
	a := &addresses{table: cfg.PortTable, dialing: map[netip.AddrPort]int{}, dialed: map[wireKey]netip.AddrPort{}}
	a.settled = sync.NewCond(&a.mu)
	a.tcp.init(a, cfg.Fixed)
	a.udp.init(a, nil)
	if cfg.Offset < ProbeFromZero || cfg.Offset > 255 {
		return nil, fmt.Errorf("offset %d is not between 0 and 255", cfg.Offset)
	}
	if a.table {
		return a, nil
	}
	if cfg.Offset >= 0 {
		return a, a.take(cfg.Offset)
	}
	start := 0
	if cfg.Offset == Probe {
		start = processSpread()
	}
	var err error
	for k := range 256 {
		offset := (start + k) % 256
		if offset == 240 || cfg.Offset == Probe && offset == 0 {
			continue // 127.0.x.y is where this machine's own services are; 0 is for those who ask
		}
		if err = a.take(offset); !errors.Is(err, world.ErrPortTaken) {
			return a, err
		}
	}
	return nil, err
}

// processSpread keeps the probing of several processes apart.
func processSpread() int { return os.Getpid() * 7 }

// take binds the guard of one block. A system that has no such address makes
// it a port table.
func (a *addresses) take(offset int) error {
	a.offset = offset
	guard, err := guardAt(a.mapped(guardAddr), guardPort)
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		a.table = true
		return nil
	}
	a.guard = guard
	return err
}

// guardAt binds the first of the ports that no other program has on every
// address. world.ErrPortTaken means that another lab has it.
func guardAt(addr netip.Addr, first uint16) (guard net.Listener, err error) {
	for port := first; port < first+guardPorts; port++ {
		at := netip.AddrPortFrom(addr, port)
		guard, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(at))
		switch {
		case err == nil:
			return guard, nil
		case !errors.Is(err, syscall.EADDRINUSE):
			return nil, &world.OpError{Op: "guard", Addr: at.String(), Err: err}
		case !strangers(port):
			return nil, &world.OpError{Op: "guard", Addr: at.String(), Err: world.ErrPortTaken}
		}
	}
	return nil, &world.OpError{Op: "guard", Addr: addr.String(), Err: world.ErrPortTaken}
}

// strangers reports whether a port that is taken is so on every address of this
// machine, by a program that is no lab.
func strangers(port uint16) bool {
	elsewhere := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 255, 255, 1}), port)
	probe, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(elsewhere))
	if err != nil {
		return errors.Is(err, syscall.EADDRINUSE)
	}
	_ = probe.Close()
	return false
}

func (a *addresses) release() error {
	if a.guard == nil {
		return nil
	}
	guard := a.guard
	a.guard = nil
	return guard.Close()
}

// mapped is where a logical address is on this machine. IPv6 addresses are all at
// one, where the operator is.
func (a *addresses) mapped(logical netip.Addr) netip.Addr {
	if a.table {
		return localhost
	}
	if logical == operatorAddr || logical.Is6() {
		logical = guardAddr
	}
	b := logical.As4()
	return netip.AddrFrom4([4]byte{127, byte(int(b[1]) + a.offset), b[2], b[3]})
}

// tabled reports whether the port table says who a machine is: its real address
// is not its own.
func (a *addresses) tabled(logical netip.Addr) bool { return a.table || logical.Is6() }

// dialStarts notes that a dial to a real address is under way, so that the
// accepting side can wait until its other end is known.
func (a *addresses) dialStarts(to netip.AddrPort, from netip.Addr) {
	if !a.tabled(from) {
		return
	}
	a.mu.Lock()
	a.dialing[to]++
	a.mu.Unlock()
}

// dialEnds notes who dialed; conn is nil when the dial failed.
func (a *addresses) dialEnds(to netip.AddrPort, from netip.Addr, conn *net.TCPConn) {
	if !a.tabled(from) {
		return
	}
	a.mu.Lock()
	if a.dialing[to]--; a.dialing[to] == 0 {
		delete(a.dialing, to)
	}
	if conn != nil {
		local := addrPort(conn.LocalAddr())
		a.dialed[wireKey{local, to}] = netip.AddrPortFrom(from, local.Port())
	}
	a.mu.Unlock()
	a.settled.Broadcast()
}

// dialerOf is the logical address of the client of an accepted connection. It
// waits for dials under way that could be this one.
func (a *addresses) dialerOf(w *World, key wireKey) netip.AddrPort {
	if logical, ok := a.tableSays(key); ok {
		return logical
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for logical := range w.byAddr {
		if !a.tabled(logical) && a.mapped(logical) == key.client.Addr() {
			return netip.AddrPortFrom(logical, key.client.Port())
		}
	}
	return key.client
}

// tableSays is who dialed, by the port table, once the dials under way that could
// be this one have ended.
func (a *addresses) tableSays(key wireKey) (logical netip.AddrPort, ok bool) {
	if !a.inTable(key) {
		return logical, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for {
		if logical, ok = a.dialed[key]; ok || a.dialing[key.server] == 0 {
			return logical, ok
		}
		a.settled.Wait()
	}
}

// inTable reports whether the client of a connection may be in the port table.
func (a *addresses) inTable(key wireKey) bool {
	return a.table || key.client.Addr() == a.mapped(operatorAddr)
}

// forgetDial ends what dialEnds noted.
func (a *addresses) forgetDial(key wireKey) {
	if !a.inTable(key) {
		return
	}
	a.mu.Lock()
	delete(a.dialed, key)
	a.mu.Unlock()
}

// addrPort is a socket's address as a comparable value.
func addrPort(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.TCPAddr:
		ap = a.AddrPort()
	case *net.UDPAddr:
		ap = a.AddrPort()
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
