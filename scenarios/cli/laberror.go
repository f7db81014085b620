package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"

	"sessionlab/lab"
	"sessionlab/lab/world"
	"sessionlab/scenarios"
	"sessionlab/scenarios/script"
)

// labError tells what kept the lab from running; if a port is taken, whose it
// is and how to choose another.
func labError(j job, sc *script.Scenario, err error) error {
	op, taken := portTaken(err)
	if !taken {
		return &exit{exitLab, fmt.Errorf("%s: %w", j.name, err), forbidden(err)}
	}
	if op.Op != "listen" {
		return &exit{exitLab, fmt.Errorf("%s: another lab has the addresses that the scenario names (%s is taken)", j.name, op.Addr),
			"wait until that one is through, or leave out " + whatNames(sc) + ": then free addresses are found"}
	}
	who, port := ownerOf(sc, op.Addr)
	_, attached := sc.Attachment(scenarios.NginxConf)
	hint := "choose another address or port for it, as in: node " + who + " addr=10.0.0.77 or port=8081, or end what listens there"
	switch {
	case everywhere(port):
		hint = "another program has that port on every address of this machine: " + otherPorts(attached) + ", or end that program"
	case who == lab.ProxyName && attached:
		hint = "choose another port in nginx.conf, or end what listens there"
	case who == lab.ProxyName:
		hint = "choose another port or address for it on the proxy line: port=8081 or addr=10.0.0.77, or end what listens there"
	}
	if who != lab.ProxyName {
		who = "node " + who
	}
	return &exit{exitLab, fmt.Errorf("%s: %s cannot listen on %s: %w", j.name, who, op.Addr, op.Err),
		hint + "; --world sim needs no ports"}
}

// portTaken is what went wrong where that is a port, or an address, that
// somebody else has.
func portTaken(err error) (*world.OpError, bool) {
	var op *world.OpError
	return op, errors.Is(err, world.ErrPortTaken) && errors.As(err, &op)
}

// forbidden is the hint for a port that the system does not give to everybody.
func forbidden(err error) string {
	if !errors.Is(err, fs.ErrPermission) {
		return ""
	}
	return "ports below 1024 are root's on most systems: choose one above, such as 8080; --world sim needs no ports"
}

// otherPorts says how to get away from a port that is taken on every address.
func otherPorts(attached bool) string {
	if attached {
		return "choose other ports in nginx.conf, and the same for the nodes by --set nodes.port=8081"
	}
	return "--set nodes.port=8081 --set proxy.port=8081 takes others"
}

// whatNames is what names the addresses of a scenario.
func whatNames(sc *script.Scenario) string {
	if scenarios.ListensElsewhere(sc) {
		return "listen in nginx.conf, or say 8080 there"
	}
	return "addr= and port="
}

// everywhere reports whether a port is taken on every loopback address: then
// this one has it, too, where nobody else would listen.
func everywhere(port string) bool {
	l, err := net.Listen("tcp4", net.JoinHostPort("127.255.255.1", port))
	if err != nil {
		return errors.Is(err, syscall.EADDRINUSE)
	}
	_ = l.Close()
	return false
}

// ownerOf is the name of a scenario's machine at a logical "address:port", and
// the port.
func ownerOf(sc *script.Scenario, addr string) (name, port string) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr, ""
	}
	plan, err := scenarios.PlanOf(sc)
	if err != nil {
		return addr, port
	}
	for i, n := range plan.Nodes {
		if n.Addr == host || n.Addr == "" && lab.DefaultNodeAddr(i) == host {
			return n.Name, port
		}
	}
	return lab.ProxyName, port
}
