package upstream

// random draws a server by weight.
//
// Source: nginx ngx_http_upstream_random_module.c.
func (r *Request) random(now int64) *Peer {
	if r.picks > maxPicks || len(r.list.peers) < 2 {
		return r.roundRobin(now)
	}
	if i, p := r.bound(now); p != nil {
		return r.take(i, p, now)
	}
	for {
		i, p := r.list.at(r.key.Draw(r.list.totalWeight))
		if !r.tried.has(i) && p.usable(now) {
			return r.take(i, p, now)
		}
		if r.picks++; r.picks > maxPicks {
			return r.roundRobin(now)
		}
	}
}

// randomTwo draws two different usable servers and takes the less loaded one,
// the second if they are equal. The draw of the first one counts as a pick.
func (r *Request) randomTwo(now int64) *Peer {
	if r.picks > maxPicks || len(r.list.peers) < 2 {
		return r.roundRobin(now)
	}
	if i, p := r.bound(now); p != nil {
		return r.take(i, p, now)
	}
	var first *Peer
	firstAt := 0
	for {
		i, p := r.list.at(r.key.Draw(r.list.totalWeight))
		if p != first && !r.tried.has(i) && p.usable(now) {
			if first == nil {
				firstAt, first = i, p
			} else {
				if load(p, first) > load(first, p) {
					i, p = firstAt, first
				}
				return r.take(i, p, now)
			}
		}
		if r.picks++; r.picks > maxPicks {
			return r.roundRobin(now)
		}
	}
}
