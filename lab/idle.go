package lab

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// demand is what a node is being asked at present.
type demand struct {
	pending atomic.Int64 // requests sent to it and not answered
	trying  atomic.Int64 // the proxy's attempts on it, from the choice to the end

	// door is held by who does something while the node is idle, and taken for a
	// moment by each attempt that begins: nobody comes in meanwhile.
	door sync.RWMutex
}

func (d *demand) idle() bool { return d.pending.Load() <= 0 && d.trying.Load() <= 0 }

// begins lets an attempt of the proxy begin, unless somebody is at the door.
func (l *Lab) begins(n *node) {
	for !n.door.TryRLock() {
		// Who is at the door is quick, and may wait for something itself: nothing
		// is to stand still for that in virtual time.
		if l.proxyHost.Sleep(context.Background(), 20*time.Microsecond) != nil {
			return // the proxy is gone
		}
	}
	n.trying.Add(1)
	n.door.RUnlock()
}

// ends ends an attempt of the proxy.
func (l *Lab) ends(n *node) {
	n.trying.Add(-1)
	l.lull(n)
}

// nobodyTries forgets the attempts of a proxy that was killed: none of them ends.
func (l *Lab) nobodyTries() {
	l.proxyGone.Store(true)
	for _, n := range l.nodes {
		n.trying.Store(0)
	}
}

// lull tells that a node is idle, if it is.
func (l *Lab) lull(n *node) {
	if n.idle() {
		l.WhileIdle(n.plan.Name, func() { l.emit(&Event{Kind: Idle, Host: n.plan.Name}) })
	}
}

// WhileIdle does something at once if a node is up and idle, and reports whether
// it did. No attempt of the proxy on the node begins meanwhile.
func (l *Lab) WhileIdle(name string, f func()) bool {
	n := l.nodes[name]
	if n == nil || !n.door.TryLock() {
		return false
	}
	defer n.door.Unlock()
	if !n.idle() || !l.Up(name) {
		return false
	}
	f()
	return true
}

// Pending is how many requests were sent to a node that it has not answered.
func (l *Lab) Pending(name string) int {
	if n := l.nodes[name]; n != nil {
		return int(n.pending.Load())
	}
	return 0
}

// AtWork reports whether a node has a request that it has not answered wholly: one
// on its way to it, or one on a thread, whose client may have left.
func (l *Lab) AtWork(name string) bool {
	n := l.nodes[name]
	if n == nil {
		return false
	}
	n.mu.Lock()
	app := n.app
	n.mu.Unlock()
	return n.pending.Load() > 0 || app != nil && app.Busy() > 0
}

// server is the node of that name; nil for the proxy, whose name comes most often,
// and for any other name.
func (l *Lab) server(name string) *node {
	if name == ProxyName {
		return nil
	}
	return l.nodes[name]
}

// asked counts a request that is on its way to a machine, if that is a node.
func (l *Lab) asked(name string) {
	if n := l.server(name); n != nil {
		n.pending.Add(1)
	}
}

// answered counts a machine's answer, if that is a node.
func (l *Lab) answered(name string) {
	if n := l.server(name); n != nil {
		n.answered()
		l.lull(n)
	}
}

// answered counts an answer. One to a request that has been forgotten, because the
// node was killed in between, changes nothing.
func (d *demand) answered() {
	for {
		left := d.pending.Load()
		if left <= 0 || d.pending.CompareAndSwap(left, left-1) {
			return
		}
	}
}
