package upstream

import (
	"fmt"
	"time"
)

// Group is an upstream block: its servers, its method, and what is known about
// each server. Two groups never share state, even about the same address.
type Group struct {
	name    string
	method  Method
	primary *list
	backup  *list // nil without backup servers
	ring    []point
}

// list is the primary or the backup half of a group, in configuration order.
type list struct {
	peers       []*Peer
	totalWeight int // down servers included
	tries       int // servers that are neither down nor draining
	single      bool
}

// New makes a group. A server's weight must be at least 1. Without a primary
// server the error is nginx's "no servers in upstream".
func New(name string, method Method, servers []Server) (*Group, error) {
	g := &Group{name: name, method: method, primary: &list{}}
	backup := &list{}
	for _, s := range servers {
		if s.Weight < 1 {
			return nil, fmt.Errorf(`invalid parameter "weight=%d"`, s.Weight)
		}
		l := g.primary
		if s.Backup {
			l = backup
		}
		l.peers = append(l.peers, newPeer(s))
		l.totalWeight += s.Weight
		if !s.Down && !s.Drain {
			l.tries++
		}
	}
	if len(g.primary.peers) == 0 {
		return nil, fmt.Errorf(`no servers in upstream "%s"`, name)
	}
	if len(backup.peers) > 0 {
		g.backup = backup
	}
	g.primary.single = len(g.primary.peers) == 1 && g.backup == nil
	if method == ConsistentHash {
		if sum := g.primary.totalWeight; sum > maxRing {
			return nil, fmt.Errorf("upstream %q: the weights of all servers of a consistent hash are %d together: at most %d, "+
				"for each unit is %d points of its ring", name, sum, maxRing, pointsPerWeight)
		}
		g.ring = newRing(g.primary.peers)
	}
	return g, nil
}

// Name is the group's name as configured.
func (g *Group) Name() string { return g.name }

// Method is how the group chooses.
func (g *Group) Method() Method { return g.method }

// Peers lists the primary servers and then the backup servers, each in
// configuration order. The slice is the caller's, the peers are the group's.
func (g *Group) Peers() []*Peer {
	peers := append([]*Peer(nil), g.primary.peers...)
	if g.backup != nil {
		peers = append(peers, g.backup.peers...)
	}
	return peers
}

// State is a server's standing, in the words of nginx's status page.
type State string

const (
	Up       State = "up"
	Down     State = "down"
	Draining State = "draining"
	Unavail  State = "unavail" // temporarily disabled: failures have reached max_fails
)

// Status is a snapshot of a server.
type Status struct {
	Name, Addr string
	State      State
	Backup     bool
	Weight     int
	Fails      int
	Conns      int // attempts in flight
	Requests   int // attempts ever begun
}

// Status lists the servers in the order of Peers. A server stays unavail
// until a probe has succeeded or fail_timeout has passed.
func (g *Group) Status(now time.Duration) []Status {
	var table []Status
	for _, p := range g.Peers() {
		s := Status{Name: p.Server.Name, Addr: p.Server.Addr, State: Up, Backup: p.Server.Backup,
			Weight: p.Server.Weight, Fails: p.fails, Conns: p.conns, Requests: p.requests}
		switch {
		case p.Server.Down:
			s.State = Down
		case p.Server.Drain:
			s.State = Draining
		case p.excluded(second(now)):
			s.State = Unavail
		}
		table = append(table, s)
	}
	return table
}
