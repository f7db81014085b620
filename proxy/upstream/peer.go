package upstream

import "time"

// Peer is a server of a group together with what the group knows about it.
type Peer struct {
	Server Server // as configured; not to be changed
	SID    string // id in sticky cookies and routes

	current   int // current_weight
	effective int // effective_weight: 0 <= effective <= Server.Weight
	conns     int // attempts in flight
	requests  int // attempts ever begun
	fails     int
	accessed  int64 // second of the last failure
	checked   int64 // second of the last failure or probe: never before accessed
}

// longAgo stands for "never" in accessed and checked.
const longAgo = -1 << 40

func newPeer(s Server) *Peer {
	return &Peer{Server: s, SID: s.sid(), effective: s.Weight, accessed: longAgo, checked: longAgo}
}

// second cuts a time to whole seconds.
func second(now time.Duration) int64 {
	s := int64(now / time.Second)
	if now < 0 && now%time.Second != 0 {
		s--
	}
	return s
}

func (p *Peer) failTimeout() int64 { return int64(p.Server.FailTimeout / time.Second) }

// excluded reports whether failures keep the peer out at this second.
//
// Source: nginx ngx_http_upstream_round_robin.c, ngx_http_upstream_get_peer.
func (p *Peer) excluded(now int64) bool {
	return p.Server.MaxFails > 0 && p.fails >= p.Server.MaxFails && now-p.checked <= p.failTimeout()
}

func (p *Peer) saturated() bool {
	return p.Server.MaxConns > 0 && p.conns >= p.Server.MaxConns
}

// usable reports whether an unbound request may be given to the peer.
func (p *Peer) usable(now int64) bool {
	return !p.Server.Down && !p.Server.Drain && !p.excluded(now) && !p.saturated()
}

// usableBound reports whether a request bound to the peer may be given to it.
func (p *Peer) usableBound(now int64) bool {
	return !p.Server.Down && !p.excluded(now) && !p.saturated()
}

// turn adds the peer's effective weight to its current weight, lets the
// effective weight recover by one, and returns what was added.
func (p *Peer) turn() int {
	added := p.effective
	p.current += added
	if p.effective < p.Server.Weight {
		p.effective++
	}
	return added
}

// probe notes that the peer is tried again after its fail_timeout: until the
// attempt ends others keep away.
func (p *Peer) probe(now int64) {
	if now-p.checked > p.failTimeout() {
		p.checked = now
	}
}

// Change is what the end of an attempt did to a server's standing.
type Change uint8

const (
	Unchanged  Change = iota
	Disabled          // "upstream server temporarily disabled": it has reached max_fails
	Readmitted        // a probe succeeded: failures are forgotten
)

// fail counts a failed attempt.
//
// Source: nginx ngx_http_upstream_round_robin.c,
// ngx_http_upstream_free_round_robin_peer.
func (p *Peer) fail(now int64) Change {
	p.fails++
	p.accessed, p.checked = now, now
	if p.Server.MaxFails == 0 {
		return Unchanged
	}
	p.effective = max(0, p.effective-p.Server.Weight/p.Server.MaxFails)
	if p.fails >= p.Server.MaxFails {
		return Disabled
	}
	return Unchanged
}

// succeed forgets the failures if this attempt was begun more than
// fail_timeout after the last of them.
func (p *Peer) succeed() Change {
	if p.accessed >= p.checked {
		return Unchanged
	}
	was := p.Server.MaxFails > 0 && p.fails >= p.Server.MaxFails
	p.fails = 0
	if was {
		return Readmitted
	}
	return Unchanged
}
