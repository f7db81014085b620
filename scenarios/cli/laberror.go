package cli

import (
	"errors"
	"fmt"
	"net"

	"sessionlab/lab"
	"sessionlab/lab/world"
	"sessionlab/scenarios"
	"sessionlab/scenarios/script"
)

// labError tells what kept the lab from running; if a port is taken, whose it
// is and how to choose another.
func labError(j job, sc *script.Scenario, err error) error {
	var op *world.OpError
	if !errors.Is(err, world.ErrPortTaken) || !errors.As(err, &op) {
		return &exit{status: exitLab, err: fmt.Errorf("%s: %w", j.name, err)}
	}
	if op.Op != "listen" {
		return &exit{exitLab, fmt.Errorf("%s: another lab has the addresses that the scenario names (%s is taken)", j.name, op.Addr),
			"wait until that one is through, or leave out addr= and port=: then free addresses are found"}
	}
	who := ownerOf(sc, op.Addr)
	hint := "choose another address for it, as in: node " + who + " addr=10.0.0.77, or end what listens there"
	if who == lab.ProxyName {
		hint = "choose another port or address for it on the proxy line: port=8081 or addr=10.0.0.77, or end what listens there"
	}
	if who != lab.ProxyName {
		who = "node " + who
	}
	if !namesAddresses(sc) {
		// A block of addresses was free: somebody has the port on all of them.
		hint = "another program has that port on every address of this machine: end it"
	}
	return &exit{exitLab, fmt.Errorf("%s: %s cannot listen on %s: %w", j.name, who, op.Addr, op.Err),
		hint + "; --world sim needs no ports"}
}

// ownerOf is the name of a scenario's machine at a logical "address:port".
func ownerOf(sc *script.Scenario, addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	plan, err := scenarios.PlanOf(sc)
	if err != nil {
		return addr
	}
	for i, n := range plan.Nodes {
		if n.Addr == host || n.Addr == "" && lab.DefaultNodeAddr(i) == host {
			return n.Name
		}
	}
	return lab.ProxyName
}
