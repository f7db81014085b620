package cli

import (
	"net"
	"net/netip"
	"slices"
	"strconv"

	"sessionlab/scenarios"
	"sessionlab/scenarios/script"
)

// Addresses says which real addresses a world takes for those of a scenario.
type Addresses int

const (
	AnyFree     Addresses = iota // some that no other lab has
	PlainIfFree                  // the scenario's own, or others if another lab has these
	Plain                        // the scenario's own; if another lab has them that is an error
)

// Place says where on this machine a lab is found. The zero value leaves it to
// the world.
type Place struct {
	Addresses Addresses
	// Fixed are the ports of the front that somebody wrote down, and may type into
	// a browser. The world has them at that very number or fails; every other
	// port of the lab may be anywhere.
	Fixed []netip.AddrPort
}

// placeOf is where the lab of a scenario runs.
func placeOf(sc *script.Scenario) Place {
	p := Place{Fixed: scenarios.WrittenPorts(sc)}
	switch {
	case len(p.Fixed) > 0:
		p.Addresses = Plain
	case namesAddresses(sc):
		p.Addresses = PlainIfFree
	}
	return p
}

// placeOfUp is where the lab of a scenario is kept up: at the plain addresses,
// unless free says anywhere.
func placeOfUp(sc *script.Scenario, free bool) Place {
	if free {
		return Place{}
	}
	return Place{Addresses: Plain, Fixed: scenarios.WrittenPorts(sc)}
}

// namesAddresses reports whether a scenario says where something is to be found.
func namesAddresses(sc *script.Scenario) bool {
	return sc.Noun("proxy").Options.Has("addr") ||
		slices.ContainsFunc(sc.All("node"), func(n script.Noun) bool { return n.Options.Has("addr") })
}

// freePort is a port above one that is taken which nobody has at that real
// address now, as a proposal.
func freePort(host string, taken int) int {
	for port := taken + 1; port < 1<<16; port++ {
		if l, err := net.Listen("tcp4", net.JoinHostPort(host, strconv.Itoa(port))); err == nil {
			_ = l.Close()
			return port
		}
	}
	return 0
}
