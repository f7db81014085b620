package upstream

import "time"

// Outcome is how an attempt ended, as far as a server's health goes.
type Outcome uint8

const (
	Served Outcome = iota // an answer was delivered, or the client left
	Passed                // 403 or 404, moved on: no failure
	Failed                // counts against max_fails
)

// Key is what a method or a binding looks at. Fields that the group's method
// does not use may be empty.
type Key struct {
	Addr []byte          // ip_hash: the client's address, 4 or 16 bytes; kept, not changed
	Hash string          // hash: the key's value
	SID  string          // sticky: the server to prefer; "" or an unknown one binds to nobody
	Draw func(n int) int // random: a draw from [0,n); needed by the random methods only
}

// Request walks one client request through a group: Next, Done, Next, Done.
// The zero value is unusable; call Begin. It may be begun again when its last
// attempt has ended.
type Request struct {
	group   *Group
	list    *list // primary, or backup once no primary could be chosen
	key     Key
	current *Peer
	tried   triedSet
	tries   int
	picks   int    // unusable picks of the hash and random methods
	hash    uint32 // state of the hash methods
	rehash  int
}

// Begin starts a request. The number of tries is that of the servers which are
// neither down nor draining, backups included.
func (r *Request) Begin(g *Group, key Key) {
	r.group, r.list, r.key, r.current = g, g.primary, key, nil
	r.tried.clear(g)
	r.tries = g.primary.tries
	if g.backup != nil {
		r.tries += g.backup.tries
	}
	r.picks, r.hash, r.rehash = 0, 0, 0
	switch g.method {
	case IPHash:
		r.hash = 89
		switch len(key.Addr) {
		case 4:
			r.key.Addr = key.Addr[:3]
		case 16:
		default:
			r.key.Addr = zeroAddr[:]
		}
	case ConsistentHash:
		r.hash = g.firstPoint(key.Hash)
	}
}

var zeroAddr [3]byte

// LimitTries applies proxy_next_upstream_tries; 0 is no limit.
func (r *Request) LimitTries(n int) {
	if n > 0 && r.tries > n {
		r.tries = n
	}
}

// Tries is how many attempts are left, one in progress included.
func (r *Request) Tries() int { return r.tries }

// AddTry grants one more try: an error on a cached connection says little
// about the server.
func (r *Request) AddTry() { r.tries++ }

// Next chooses a server for the next attempt. It answers ok=false when no
// server can be chosen ("no live upstreams"), which ends the request.
func (r *Request) Next(now time.Duration) (p *Peer, ok bool) {
	p = r.choose(second(now))
	if p == nil {
		return nil, false
	}
	r.current = p
	p.conns++
	p.requests++
	return p, true
}

func (r *Request) choose(now int64) *Peer {
	switch r.group.method {
	case IPHash:
		return r.ipHash(now)
	case Hash:
		return r.plainHash(now)
	case ConsistentHash:
		return r.consistentHash(now)
	case LeastConn:
		return r.leastConn(now)
	case Random:
		return r.random(now)
	case RandomTwo:
		return r.randomTwo(now)
	}
	return r.roundRobin(now)
}

// Done ends the attempt that Next began. A failure of a lone server is not
// counted, and leaves no further try.
func (r *Request) Done(now time.Duration, o Outcome) Change {
	p := r.current
	r.current = nil
	p.conns--
	if r.list.single {
		p.fails = 0
		r.tries = 0
		return Unchanged
	}
	if r.tries > 0 {
		r.tries--
	}
	if o == Failed {
		return p.fail(second(now))
	}
	return p.succeed()
}

// bound finds the server that the request is bound to, if it can be used.
//
// Source: nginx ngx_http_upstream_round_robin.c,
// ngx_http_upstream_get_rr_peer_by_sid.
func (r *Request) bound(now int64) (int, *Peer) {
	if r.key.SID == "" {
		return 0, nil
	}
	for i, p := range r.list.peers {
		if p.SID == r.key.SID {
			if r.tried.has(i) || !p.usableBound(now) {
				return 0, nil
			}
			return i, p
		}
	}
	return 0, nil
}

// take marks a chosen server as tried, and as probed if it was excluded.
func (r *Request) take(i int, p *Peer, now int64) *Peer {
	r.tried.add(i)
	p.probe(now)
	return p
}

// toBackups switches the request to the backup list for good.
func (r *Request) toBackups() bool {
	if r.group.backup == nil || r.list == r.group.backup {
		return false
	}
	r.list = r.group.backup
	r.tried.clear(r.group)
	return true
}

// triedSet is the set of list positions that were tried for a request.
type triedSet struct {
	low  uint64
	high []uint64
}

func (s *triedSet) clear(g *Group) {
	s.low = 0
	n := len(g.primary.peers)
	if g.backup != nil {
		n = max(n, len(g.backup.peers))
	}
	if n > 64 {
		s.high = make([]uint64, (n-1)/64)
	}
}

func (s *triedSet) word(i int) *uint64 {
	if i < 64 {
		return &s.low
	}
	return &s.high[i/64-1]
}

func (s *triedSet) has(i int) bool { return *s.word(i)&(1<<(i%64)) != 0 }
func (s *triedSet) add(i int)      { *s.word(i) |= 1 << (i % 64) }
