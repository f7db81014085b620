package proxy

import (
	"time"

	"sessionlab/lab/world"
)

// TraceKind says what a TraceEvent reports.
type TraceKind uint8

const (
	AttemptBegan     TraceKind = iota + 1 // a server was chosen
	AttemptEnded                          // Outcome and Status say how
	ServerDisabled                        // "upstream server temporarily disabled"
	ServerReadmitted                      // a probe succeeded
	NoLiveUpstreams                       // "no live upstreams": Server is the group
	Delivered                             // the exchange is over
	LinePassed                            // a request is the first to pass a line that is not simulated
	VariableFailed                        // a variable depends on itself, or is too long: Text says which
)

func (k TraceKind) String() string {
	return [...]string{"?", "attempt began", "attempt ended", "upstream server temporarily disabled",
		"upstream server readmitted", "no live upstreams", "delivered", "skipped line passed", "variable failed"}[k]
}

// TraceEvent is something the proxy did. It is a value.
type TraceEvent struct {
	Kind TraceKind
	At   time.Duration // since time zero
	// Request is the identity that the request's sender has given it, "" for
	// none; Attempt says which of its attempts it is about, 1 for the first.
	Request string
	Attempt int
	// Unnamed, with AttemptBegan: the server does not get that identity, since
	// proxy_set_header leaves its header out or gives it another value.
	Unnamed bool
	Group   string
	Server  string        // as written in the upstream block
	Addr    string        // the server's address
	Outcome world.Outcome // AttemptEnded: what happened on the wire
	// Status is, for AttemptEnded, what $upstream_status shows (502 or 504 for
	// a failure, 0 if the client left first); for Delivered, what the client
	// got (499 if it left before anything was sent).
	Status int
	// UpstreamAddr and UpstreamStatus are the variables of that name as the
	// access log shows them, with Delivered.
	UpstreamAddr, UpstreamStatus string
	// Cut: the answer ended early and the client could see it.
	Cut bool
	// Line is that of LinePassed.
	Line *Skipped
	Text string // of VariableFailed
}

// unnamed reports whether the request goes out without its identity.
func (x *exchange) unnamed(l *location) bool {
	if x.id == "" || !l.replaced.has(world.HeaderRequest) {
		return false
	}
	sent := x.out.Header[world.HeaderRequest]
	return len(sent) == 0 || sent[0] != x.id
}

func (x *exchange) trace(e TraceEvent) {
	if x.p.config.Trace == nil {
		return
	}
	e.At = x.p.host.Elapsed()
	e.Request, e.Attempt = x.id, x.tried
	x.p.config.Trace(e)
}
