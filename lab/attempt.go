package lab

import (
	"fmt"

	"sessionlab/lab/world"
	"sessionlab/proxy"
)

// Attempt is one try of the proxy for a request.
type Attempt struct {
	Node    string
	Outcome string // a status such as "200", or an outcome on the wire
}

// TakeAttempts returns what the proxy tried for a request, and forgets it. A try
// that has not ended is told as canceled.
func (l *Lab) TakeAttempts(request string) []Attempt {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.attempts[request]
	delete(l.attempts, request)
	return a
}

// tryBegins notes the nth try for a request.
func (l *Lab) tryBegins(request string, nth int, a Attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if nth > 1 {
		l.attempts[request] = append(l.attempts[request], a)
		return
	}
	if len(l.room) == 0 {
		l.room = make([]Attempt, 256)
	}
	first := l.room[:1:1]
	first[0], l.room = a, l.room[1:]
	l.attempts[request] = first
}

// tryEnds notes how the latest try for a request has ended, unless nobody waits
// for the request any more.
func (l *Lab) tryEnds(request, outcome string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if tries := l.attempts[request]; len(tries) > 0 {
		tries[len(tries)-1].Outcome = outcome
	}
}

// proxyTraced turns the proxy's trace into events and attempts.
func (l *Lab) proxyTraced(e proxy.TraceEvent) {
	if e.Kind == proxy.Delivered {
		return // the user's record tells it
	}
	if e.Kind == proxy.LinePassed {
		l.tell(Skips, ProxyName, "a request passes %s (%s), which is not simulated: %s", e.Line.Directive, e.Line.Pos, e.Line.Reason)
		return
	}
	n, name := l.byAddr[e.Addr], e.Addr
	if n != nil {
		name = n.plan.Name
	}
	switch e.Kind {
	case proxy.AttemptBegan:
		if n != nil && !l.proxyGone.Load() {
			l.begins(n)
		}
		if e.Request != "" {
			// How it stands for a user who does not wait for its end.
			l.tryBegins(e.Request, e.Attempt, Attempt{name, world.Canceled.String()})
		}
		l.emit(&Event{Kind: Tries, Host: ProxyName, Peer: name, Request: e.Request})
	case proxy.AttemptEnded:
		outcome := e.Outcome.String()
		if e.Outcome == world.OK {
			outcome = world.StatusText(e.Status)
		}
		l.tryEnds(e.Request, outcome)
		if n != nil && !l.proxyGone.Load() {
			l.ends(n)
		}
	case proxy.ServerDisabled:
		l.emit(&Event{Kind: Excludes, Host: ProxyName, Peer: name, Request: e.Request,
			Text: fmt.Sprintf("the proxy takes %s out of service", name)})
	case proxy.ServerReadmitted:
		l.emit(&Event{Kind: Readmits, Host: ProxyName, Peer: name, Request: e.Request,
			Text: fmt.Sprintf("the proxy has %s in service again", name)})
	case proxy.NoLiveUpstreams:
		l.emit(&Event{Kind: Broken, Host: ProxyName, Request: e.Request,
			Text: "no live upstreams: the proxy answers 502 by itself", Class: "no live upstreams"})
	}
}
