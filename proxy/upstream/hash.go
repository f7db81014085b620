package upstream

import (
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
)

// ipHash chooses by the client's address: three octets of IPv4, all of IPv6.
//
// Source: nginx ngx_http_upstream_ip_hash_module.c.
func (r *Request) ipHash(now int64) *Peer {
	if r.picks > maxPicks || len(r.list.peers) < 2 {
		return r.roundRobin(now)
	}
	if i, p := r.bound(now); p != nil {
		return r.take(i, p, now)
	}
	h := r.hash
	for {
		for _, b := range r.key.Addr {
			h = (h*113 + uint32(b)) % 6271
		}
		i, p := r.list.at(int(h))
		if !r.tried.has(i) && p.usable(now) {
			r.hash = h
			return r.take(i, p, now)
		}
		if r.picks++; r.picks > maxPicks {
			return r.roundRobin(now)
		}
	}
}

// at finds the server whose share of the total weight n falls into, modulo
// that total.
func (l *list) at(n int) (int, *Peer) {
	n %= l.totalWeight
	for i, p := range l.peers {
		if n < p.Server.Weight {
			return i, p
		}
		n -= p.Server.Weight
	}
	panic("upstream: total weight of a list is not the sum of its weights")
}

// plainHash chooses by the key's CRC, as Cache::Memcached does. An empty key
// is left to round robin.
//
// Source: nginx ngx_http_upstream_hash_module.c.
func (r *Request) plainHash(now int64) *Peer {
	if r.picks > maxPicks || len(r.list.peers) < 2 || r.key.Hash == "" {
		return r.roundRobin(now)
	}
	if i, p := r.bound(now); p != nil {
		return r.take(i, p, now)
	}
	for {
		r.hash += hashStep(r.rehash, r.key.Hash)
		r.rehash++
		i, p := r.list.at(int(r.hash))
		if !r.tried.has(i) && p.usable(now) {
			return r.take(i, p, now)
		}
		if r.picks++; r.picks > maxPicks {
			return r.roundRobin(now)
		}
	}
}

// hashStep is what the n-th step adds to the hash.
func hashStep(n int, key string) uint32 {
	var c uint32
	if n > 0 {
		var digits [20]byte
		c = crc32.ChecksumIEEE(strconv.AppendInt(digits[:0], int64(n), 10))
	}
	return crcString(c, key) >> 16 & 0x7fff
}

// crcString continues a CRC-32 with a string, without copying it.
func crcString(c uint32, s string) uint32 {
	c = ^c
	for i := 0; i < len(s); i++ {
		c = crc32.IEEETable[byte(c)^s[i]] ^ c>>8
	}
	return ^c
}

// point is one of a server's places on the ring of the consistent hash.
type point struct {
	hash   uint32
	server string // the server's text
}

// pointsPerWeight is how many places a server has for each unit of weight.
const pointsPerWeight = 160

// maxRing is how much weight the servers of a consistent hash may have together.
const maxRing = 10_000

// newRing places the servers on the ring. Servers with the same text share
// their places.
//
// Source: nginx ngx_http_upstream_hash_module.c, ngx_http_upstream_update_chash.
func newRing(peers []*Peer) []point {
	var ring []point
	for _, p := range peers {
		host, port := splitText(p.Server.Name)
		base := crcString(0, host+"\x00"+port)
		var previous [4]byte
		for range p.Server.Weight * pointsPerWeight {
			h := crc32.Update(base, crc32.IEEETable, previous[:])
			ring = append(ring, point{h, p.Server.Name})
			binary.LittleEndian.PutUint32(previous[:], h)
		}
	}
	slices.SortStableFunc(ring, func(a, b point) int { return cmp.Compare(a.hash, b.hash) })
	return slices.CompactFunc(ring, func(a, b point) bool { return a.hash == b.hash })
}

// splitText splits a server's text at its last colon if only digits follow.
func splitText(text string) (host, port string) {
	if len(text) >= 5 && strings.EqualFold(text[:5], "unix:") {
		return text[5:], ""
	}
	i := strings.LastIndexByte(text, ':')
	if i < 0 || strings.Trim(text[i+1:], "0123456789") != "" {
		return text, ""
	}
	return text[:i], text[i+1:]
}

// firstPoint is the index of the first place at or after the key's CRC. It may
// be one past the end: the ring is read modulo its length.
func (g *Group) firstPoint(key string) uint32 {
	c := crcString(0, key)
	i, _ := slices.BinarySearchFunc(g.ring, c, func(p point, c uint32) int { return cmp.Compare(p.hash, c) })
	return uint32(i)
}

// consistentHash chooses the server of the first usable place at or after the
// key's. Several servers with that text take turns.
//
// Source: nginx ngx_http_upstream_hash_module.c,
// ngx_http_upstream_get_chash_peer.
func (r *Request) consistentHash(now int64) *Peer {
	if r.picks > maxPicks || r.list.single || r.key.Hash == "" {
		return r.roundRobin(now)
	}
	if i, p := r.bound(now); p != nil {
		return r.take(i, p, now)
	}
	for {
		text := r.group.ring[int(r.hash)%len(r.group.ring)].server
		if i, p := r.turnsOf(text, now); p != nil {
			return r.take(i, p, now)
		}
		r.hash++
		if r.picks++; r.picks > maxPicks {
			return r.roundRobin(now)
		}
	}
}

// turnsOf is a smooth weighted selection among the servers with one text.
func (r *Request) turnsOf(text string, now int64) (at int, best *Peer) {
	total := 0
	for i, p := range r.list.peers {
		if r.tried.has(i) || !p.usable(now) || p.Server.Name != text {
			continue
		}
		total += p.turn()
		if best == nil || p.current > best.current {
			at, best = i, p
		}
	}
	if best != nil {
		best.current -= total
	}
	return at, best
}
