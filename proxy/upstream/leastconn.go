package upstream

// leastConn chooses the server with the fewest requests in flight for its
// weight; equals take turns by smooth weighted round robin.
//
// Source: nginx ngx_http_upstream_least_conn_module.c.
func (r *Request) leastConn(now int64) *Peer {
	for {
		if r.list.single {
			return r.roundRobin(now)
		}
		p := r.least(now)
		if p != nil || !r.toBackups() {
			return p
		}
	}
}

func (r *Request) least(now int64) *Peer {
	if i, p := r.bound(now); p != nil {
		return r.take(i, p, now)
	}
	var best *Peer
	at, many := 0, false
	for i, p := range r.list.peers {
		if r.tried.has(i) || !p.usable(now) {
			continue
		}
		switch {
		case best == nil || load(p, best) < load(best, p):
			at, best, many = i, p, false
		case load(p, best) == load(best, p):
			many = true
		}
	}
	if best == nil {
		return nil
	}
	total := 0
	if many {
		for i, p := range r.list.peers {
			if i < at || r.tried.has(i) || !p.usable(now) || load(p, best) != load(best, p) {
				continue
			}
			total += p.turn()
			if p.current > best.current {
				at, best = i, p
			}
		}
	}
	best.current -= total
	return r.take(at, best, now)
}

// load is what p's requests in flight weigh when compared with other:
// conns(p)/weight(p) < conns(other)/weight(other) if load(p, other) < load(other, p).
func load(p, other *Peer) int { return p.conns * other.Server.Weight }
