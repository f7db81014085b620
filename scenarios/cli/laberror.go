package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"sessionlab/lab"
	"sessionlab/lab/world"
	"sessionlab/scenarios"
	"sessionlab/scenarios/script"
)

// hindrance is a lab that could not run, told to whoever asked for it: how they
// change one thing and ask again, and how they get around the machine's ports.
type hindrance struct {
	job      job
	scenario *script.Scenario
	url      func(addr string) string // where a logical "address:port" is on this machine, if that is known
	again    string                   // the command, to be completed by a flag
	around   string                   // what needs none of the scenario's ports
}

// tell says what kept the lab from running and what to do about it.
func (h hindrance) tell(err error) error {
	op, taken := portTaken(err)
	short := new(world.Shortage)
	switch {
	case errors.As(err, &short):
		return h.exit(err, short.Remedy)
	case errors.Is(err, fs.ErrPermission) && h.fixed(err):
		return h.exit(err, fmt.Sprintf("ports below 1024 are root's on most systems: %s, or %s", h.otherPort(err), h.around))
	case !taken:
		return h.exit(err, "")
	case op.Op != "listen":
		return h.exit(fmt.Errorf("another lab has the addresses that this one is to have (%s is taken)", op.Addr), "wait until that one is through, or "+h.around)
	case h.fixed(err):
		return h.exit(fmt.Errorf("%s cannot listen on %s: %w", lab.ProxyName, op.Addr, op.Err),
			fmt.Sprintf("%s, or end that program, or %s", h.otherPort(err), h.around))
	}
	who := ownerOf(h.scenario, op.Addr)
	return h.exit(fmt.Errorf("%s cannot listen on %s: something else in the lab does", who, op.Addr), "")
}

func (h hindrance) exit(err error, hint string) error {
	return &exit{exitLab, fmt.Errorf("%s: %w", h.job.name, err), hint}
}

// fixed reports whether the port that an error is about is one that somebody
// wrote down for the front.
func (h hindrance) fixed(err error) bool {
	var op *world.OpError
	if !errors.As(err, &op) {
		return false
	}
	at, err := netip.ParseAddrPort(op.Addr)
	return err == nil && slices.Contains(scenarios.WrittenPorts(h.scenario), at)
}

// otherPort says how the front gets another port.
func (h hindrance) otherPort(err error) string {
	var op *world.OpError
	if !errors.As(err, &op) {
		return ""
	}
	if _, attached := h.scenario.Attachment(scenarios.NginxConf); attached {
		return "have it listen on another port in nginx.conf"
	}
	host := "127.0.0.1"
	if h.url != nil {
		host, _, _ = net.SplitHostPort(h.url(op.Addr))
	}
	taken, _ := strconv.Atoi(portOf(op.Addr))
	return fmt.Sprintf("%s --set proxy.port=%d takes another port", h.again, freePort(host, max(taken, 1023)))
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// portTaken is what went wrong where that is a port, or an address, that
// somebody else has.
func portTaken(err error) (*world.OpError, bool) {
	var op *world.OpError
	return op, errors.Is(err, world.ErrPortTaken) && errors.As(err, &op)
}

// ownerOf is what a scenario calls its machine at a logical "address:port".
func ownerOf(sc *script.Scenario, addr string) string {
	host, _, _ := net.SplitHostPort(addr)
	if plan, err := scenarios.PlanOf(sc); err == nil {
		for i, n := range plan.Nodes {
			if n.Addr == host || n.Addr == "" && lab.DefaultNodeAddr(i) == host {
				return "node " + n.Name
			}
		}
	}
	return lab.ProxyName
}
