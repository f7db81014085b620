package lab

import "slices"

// Members are the nodes that a node's membership lists, in the plan's order.
func (l *Lab) Members(name string) []string {
	m := l.manager(name)
	if m == nil {
		return nil
	}
	var names []string
	for _, member := range m.Channel().Members() {
		names = append(names, l.machineAt(member.Host))
	}
	slices.SortFunc(names, func(a, b string) int { return slices.Index(l.names, a) - slices.Index(l.names, b) })
	return names
}

// Sees reports whether a node's membership lists another node.
func (l *Lab) Sees(name, peer string) bool { return slices.Contains(l.Members(name), peer) }

// Quiet reports whether no message between nodes is queued, on its way or being
// processed. Paused nodes cannot be asked and count with what is on its way.
func (l *Lab) Quiet() bool {
	if l.world.InFlight() > 0 {
		return false
	}
	for _, name := range l.names {
		if m := l.manager(name); m != nil && m.Pending() > 0 {
			return false
		}
	}
	return true
}

// machineAt is the name of the node whose machine has an address, or the address.
func (l *Lab) machineAt(addr string) string {
	if n := l.byHost[addr]; n != nil {
		return n.plan.Name
	}
	return addr
}
