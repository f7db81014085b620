package lab

import (
	"sessionlab/appnode"
	"sessionlab/proxy"
	"sessionlab/sessions/delta"
	"sessionlab/sessions/tribes"
)

// NodeStatus is a node's row in a table of the whole lab.
type NodeStatus struct {
	Name  string
	Addr  string // logical "address:port"
	State State
	// Node is what the node says of itself; zero unless State is NodeUp.
	Node appnode.Status
	// Members are the other nodes that it sees.
	Members []string
	// Channel is its part in the cluster, and Delta what its manager has counted;
	// nil if it has none, and if nothing is counted.
	Channel *tribes.Status
	Delta   *delta.Counts
}

// State is what a node's process is doing. A frozen node keeps its state.
type State string

// The states of a node. Only a node that is NodeUp answers: from the middle of a
// start to the end of a stop the port takes connections that wait.
const (
	NodeUp       State = "up"
	NodeDown     State = "down"
	NodeStarting State = "starting"
	NodeStopping State = "stopping"
)

// Status lists the nodes in the plan's order. Looking changes nothing and waits
// for nobody, not even for a frozen node.
func (l *Lab) Status() []NodeStatus {
	table := make([]NodeStatus, 0, len(l.names))
	for _, name := range l.names {
		row := NodeStatus{Name: name, Addr: l.NodeAddr(name)}
		var app *appnode.Node
		app, row.State = l.nodes[name].state(l.world.Up(name))
		if app != nil {
			row.Node = app.Status()
			row.Members = l.Members(name)
			if m := l.manager(name); m != nil {
				channel := m.Channel().Status()
				row.Channel = &channel
				if l.plan.Manager.Delta.EnableStatistics == delta.True {
					counts := m.Counts()
					row.Delta = &counts
				}
			}
		}
		table = append(table, row)
	}
	return table
}

func (n *node) state(booted bool) (*appnode.Node, State) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.app != nil && n.stopping:
		return nil, NodeStopping
	case n.app != nil:
		return n.app, NodeUp
	case n.starting && booted:
		return nil, NodeStarting
	}
	return nil, NodeDown
}

// ProxyStatus lists the proxy's groups, without waiting for a frozen proxy.
func (l *Lab) ProxyStatus() []proxy.GroupStatus {
	l.mu.Lock()
	ahead := l.proxyAhead
	l.mu.Unlock()
	return l.front.StatusAt(l.world.Operator().Now().Add(ahead))
}

// Skipped lists the lines of the front's configuration that are not simulated and
// can change outcomes.
func (l *Lab) Skipped() []proxy.Passed { return l.front.Skipped() }

// Clustered reports whether the nodes' session manager replicates.
func (l *Lab) Clustered() bool { return l.plan.Manager.clustered() }

// Up reports whether a node answers requests, or the proxy's process runs.
func (l *Lab) Up(name string) bool {
	n := l.nodes[name]
	if n == nil {
		return l.world.Up(name)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.app != nil && !n.stopping
}

// Down reports whether a machine's process has ended. A node that is starting
// or stopping is neither up nor down.
func (l *Lab) Down(name string) bool { return !l.world.Up(name) }

// Node is the running node of a name, nil when it is down.
func (l *Lab) Node(name string) *appnode.Node {
	n := l.nodes[name]
	if n == nil {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.app
}
