package appnode

import (
	"net/http"
	"time"

	"sessionlab/lab/world"
)

// ServeHTTP is the connector: it runs one request on one of the node's threads.
// Source: Tomcat CoyoteAdapter.java, service.
func (n *Node) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	ctx := hr.Context()
	if n.cfg.Received != nil {
		n.cfg.Received(hr)
	}
	if n.threads.Acquire(ctx) != nil {
		return // the host is down
	}
	defer n.threads.Release()
	r, broken, count := n.begin()
	defer n.end(r)

	r.response.begin(w, &n.cfg)
	refused := r.parse(n, hr)
	r.service = n.serviceTime(r, count)
	switch {
	case refused != "":
		r.refuse(refused)
	case broken.status != 0:
		r.tell()
		r.sendStatus(broken.status)
		if len(broken.cookies) > 0 {
			w.Header()["Set-Cookie"] = broken.cookies
		}
	default:
		r.response.held = broken.how != asUsual
		before := r.share(inConnector) + n.stall(r, count)
		if len(n.cfg.Valves) == 0 {
			before += r.share(inFilters) // nothing happens in between
		}
		if r.spend(before) == nil {
			r.findRequestedID()
			n.pipeline.Invoke(r)
		}
	}
	n.deliver(r, broken)
}

// serviceTime is what this request takes. A nameless request draws by its number
// on this node.
func (n *Node) serviceTime(r *Request, count int) time.Duration {
	d := n.cfg.Service.Time
	if count == 1 {
		d += n.cfg.Service.First
	}
	if spread := n.cfg.Service.Spread; spread > 0 {
		key := n.serviceKey.Str(r.identity.Request)
		if r.identity.Request == "" {
			key = key.Int(uint64(count))
		}
		d += time.Duration(key.Float() * float64(spread))
	}
	return d
}

// stall is how long this request waits for a core besides.
func (n *Node) stall(r *Request, count int) time.Duration {
	s := n.cfg.Service
	if s.Stalled <= 0 {
		return 0
	}
	key := n.stallKey.Str(r.identity.Request)
	if r.identity.Request == "" {
		key = key.Int(uint64(count))
	}
	if key.Float() >= s.Stalled {
		return 0
	}
	return time.Duration(key.Rand().ExpFloat64() * float64(s.Stall))
}

// Shares of the service time in percent. Waking a thread and reading the request
// takes the most; there is little between valves and page; what is left goes by
// while the page writes its answer.
const (
	inConnector = 60
	inFilters   = 10
)

func (r *Request) share(percent time.Duration) time.Duration { return r.service * percent / 100 }

// spend lets a part of the service time pass on the request's thread.
func (r *Request) spend(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	return r.node.host.Sleep(r.ctx, d)
}

// begin counts a request and hands out room for it, and what is to become of it.
func (n *Node) begin() (r *Request, broken breakage, count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.counts.Requests++
	n.counts.Busy++
	if last := len(n.spare) - 1; last >= 0 {
		r, n.spare = n.spare[last], n.spare[:last]
	} else {
		r = &Request{}
	}
	return r, n.takeFault(), n.counts.Requests
}

// end gives the room back.
func (n *Node) end(r *Request) {
	failed := r.response.status >= http.StatusBadRequest
	r.recycle()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.counts.Busy--
	if failed {
		n.counts.Errors++
	}
	n.spare = append(n.spare, r)
}

// deliver sends the answer, or breaks it.
func (n *Node) deliver(r *Request, broken breakage) {
	switch broken.how {
	case closing:
		r.response.cutOff(world.Closed)
	case resetting:
		r.response.cutOff(world.Reset)
	case badHead:
		r.response.cutOff(world.BadHead)
	case partial:
		r.response.finishHalf()
		r.response.cutOff(world.Cut)
	case headless:
		r.response.closing, r.response.headless = true, true
	case hanging:
		if n.hang(r) != nil {
			return
		}
	}
	r.response.finish()
}
