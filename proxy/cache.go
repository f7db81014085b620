package proxy

import (
	"sync"
	"time"

	"sessionlab/lab/world"
)

// link is a connection to a server with what the cache must know about it.
type link struct {
	world.HTTPConn
	addr     string
	owner    *location     // whose cache it is in, where each location has its own
	requests int           // begun on it
	opened   time.Duration // monotonic, as the next one
	idle     time.Duration // since when
}

// cache keeps the idle connections of a group, the one used last first.
//
// Source: nginx ngx_http_upstream_keepalive_module.c.
type cache struct {
	size        int // of the whole cache; 0 keeps none
	local       bool
	maxRequests int
	maxAge      time.Duration
	maxIdle     time.Duration

	mu    sync.Mutex // guards memory only
	links []*link    // the one used last at the end
}

// take gives the idle connection to addr that was used last, or nil.
func (c *cache) take(now time.Duration, addr string, l *location) *link {
	if c.size == 0 {
		return nil
	}
	for {
		found, old := c.pick(now, addr, l)
		if old != nil {
			old.Close()
			continue
		}
		if found == nil || found.Alive() {
			return found
		}
		found.Close()
	}
}

// pick removes one connection: one that has been idle for too long, or the one
// that is wanted.
func (c *cache) pick(now time.Duration, addr string, l *location) (found, old *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, k := range c.links {
		if c.maxIdle > 0 && now-k.idle >= c.maxIdle {
			c.remove(i)
			return nil, k
		}
	}
	for i := len(c.links) - 1; i >= 0; i-- {
		if k := c.links[i]; k.addr == addr && (!c.local || k.owner == l) {
			c.remove(i)
			return k, nil
		}
	}
	return nil, nil
}

func (c *cache) remove(i int) {
	copy(c.links[i:], c.links[i+1:])
	c.links[len(c.links)-1] = nil
	c.links = c.links[:len(c.links)-1]
}

// put keeps a connection that has ended its exchange well, or closes it. A full
// cache loses the one that has been idle longest. k may be room that is used
// again.
func (c *cache) put(now time.Duration, k *link, l *location) {
	if c.size == 0 || k.requests >= c.maxRequests || now-k.opened > c.maxAge {
		k.Close()
		return
	}
	k.SetReadDeadline(0)
	if k.requests == 1 {
		own := *k
		k = &own
	}
	k.idle, k.owner = now, l
	var old *link
	c.mu.Lock()
	if len(c.links) >= c.size {
		old = c.links[0]
		c.remove(0)
	}
	c.links = append(c.links, k)
	c.mu.Unlock()
	if old != nil {
		old.Close()
	}
}

// closeAll empties the cache.
func (c *cache) closeAll() {
	c.mu.Lock()
	links := c.links
	c.links = nil
	c.mu.Unlock()
	for _, k := range links {
		k.Close()
	}
}
