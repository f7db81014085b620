package upstream

// roundRobin chooses by smooth weighted round robin, from the backup list when
// the primary list has nobody.
//
// Source: nginx ngx_http_upstream_round_robin.c,
// ngx_http_upstream_get_round_robin_peer.
func (r *Request) roundRobin(now int64) *Peer {
	for {
		var p *Peer
		if r.list.single {
			p = r.lone(now)
		} else {
			p = r.smooth(now)
		}
		if p != nil || !r.toBackups() {
			return p
		}
	}
}

// lone chooses the only server of a group: failures do not matter to it, and
// it may be chosen again for the same request.
func (r *Request) lone(now int64) *Peer {
	if _, p := r.bound(now); p != nil {
		return p
	}
	p := r.list.peers[0]
	if p.Server.Down || p.Server.Drain || p.saturated() {
		return nil
	}
	return p
}

// smooth makes one selection in the current list. Ties go to the earlier
// server. A bound server takes the turn of the one that would have been chosen,
// and its debt grows by at most one such turn in a row.
//
// Source: nginx ngx_http_upstream_round_robin.c, ngx_http_upstream_get_peer.
func (r *Request) smooth(now int64) *Peer {
	at, bound := r.bound(now)
	if bound != nil && bound.current <= -(r.list.totalWeight-bound.Server.Weight) {
		return r.take(at, bound, now)
	}
	var best *Peer
	total := 0
	for i, p := range r.list.peers {
		if r.tried.has(i) || !p.usable(now) {
			continue
		}
		total += p.turn()
		if bound == nil && (best == nil || p.current > best.current) {
			at, best = i, p
		}
	}
	if bound != nil {
		best = bound
	}
	if best == nil {
		return nil
	}
	best.current -= total
	return r.take(at, best, now)
}
