package lab

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sessionlab/appnode"
	"sessionlab/lab/world"
	"sessionlab/proxy"
	"sessionlab/sessions"
)

// Trail is what proxy and nodes have noted of one request.
type Trail struct {
	Attempts []Attempt
	Notes    []appnode.Note // one for each execution, in their order
	Received []Received     // what nodes have got of it, in order; kept if Plan.KeepReceived says so

	attributes []sessions.Attribute // room for those of the notes
}

// Attempt is one try of the proxy for a request.
type Attempt struct {
	Node    string
	Outcome string // a status such as "200", or an outcome on the wire
	Unnamed bool   // the proxy did not pass the request's identity on
}

// TakeTrail returns what has been noted of a request, nil for nothing, and forgets
// it. A try that has not ended is in it as canceled. The caller gives the trail
// back with ReturnTrail when it has been read.
func (l *Lab) TakeTrail(request string) *Trail {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.trails[request]
	delete(l.trails, request)
	return t
}

// ReturnTrail gives a trail back. Nobody may look at it from then on.
func (l *Lab) ReturnTrail(t *Trail) {
	if t == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t.Attempts, t.Notes, t.Received, t.attributes = t.Attempts[:0], t.Notes[:0], t.Received[:0], t.attributes[:0]
	l.spare = append(l.spare, t)
}

// EachTrailLeft calls f for every request with a trail that nobody has taken, in
// the order of their names: those under way, and what was noted after the trail
// had been taken. f must not keep the trail, and must not call the lab.
func (l *Lab) EachTrailLeft(f func(request string, t *Trail)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, request := range slices.Sorted(maps.Keys(l.trails)) {
		f(request, l.trails[request])
	}
}

// trail is a request's trail, made if there is none. l.mu is held.
func (l *Lab) trail(request string) *Trail {
	t := l.trails[request]
	if t != nil {
		return t
	}
	if last := len(l.spare) - 1; last >= 0 {
		t, l.spare = l.spare[last], l.spare[:last]
	} else {
		t = &Trail{}
	}
	l.trails[request] = t
	return t
}

// noted keeps what a node did for an execution of a request, and tells what its
// connector refuses.
func (l *Lab) noted(n *appnode.Note) {
	if n.Request != "" {
		l.mu.Lock()
		t := l.trail(n.Request)
		t.Notes = append(t.Notes, *n)
		if n.Attributes != nil {
			from := len(t.attributes)
			t.attributes = append(t.attributes, n.Attributes...)
			t.Notes[len(t.Notes)-1].Attributes = t.attributes[from:len(t.attributes):len(t.attributes)]
		}
		l.mu.Unlock()
	}
	if rule, _, _ := strings.Cut(n.Refused, `"`); rule != "" {
		l.emit(&Event{Kind: Broken, Host: n.Node, Request: n.Request, Class: "refuses " + rule,
			Text: fmt.Sprintf("the connector of %s answers %d by itself: %s%s", n.Node, n.Status, n.Refused, l.remedy(n))})
	}
}

// remedy says what to write when a Host that a node refuses is the name of one of
// the proxy's groups. Source: nginx ngx_http_proxy_module, proxy_set_header: Host
// is $proxy_host by default.
func (l *Lab) remedy(n *appnode.Note) string {
	if strings.IndexByte(n.Host, '_') < 0 {
		return ""
	}
	for i := range l.plan.Proxy.Upstreams {
		if l.plan.Proxy.Upstreams[i].Name == n.Host {
			return "; it is the name of the proxy's group, which nginx sends unless told otherwise: write proxy_set_header Host $host"
		}
	}
	return ""
}

// tryBegins notes the nth try for a request.
func (l *Lab) tryBegins(request string, nth int, a Attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.trail(request)
	if nth == 1 {
		t.Attempts = t.Attempts[:0]
	}
	t.Attempts = append(t.Attempts, a)
}

// tryEnds notes how the latest try for a request has ended, unless nobody waits
// for the request any more.
func (l *Lab) tryEnds(request, outcome string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.trails[request]; t != nil && len(t.Attempts) > 0 {
		t.Attempts[len(t.Attempts)-1].Outcome = outcome
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
			l.tryBegins(e.Request, e.Attempt, Attempt{name, world.Canceled.String(), e.Unnamed})
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
		text := fmt.Sprintf("the proxy takes %s out of service in upstream %s", name, e.Group)
		if l.isOut(e, true) {
			text = "" // a further failure of one that is out already
		}
		l.emit(&Event{Kind: Excludes, Host: ProxyName, Peer: name, Request: e.Request, Text: text})
	case proxy.ServerReadmitted:
		l.isOut(e, false)
		l.emit(&Event{Kind: Readmits, Host: ProxyName, Peer: name, Request: e.Request,
			Text: fmt.Sprintf("the proxy has %s in service again in upstream %s", name, e.Group)})
	case proxy.VariableFailed:
		l.emit(&Event{Kind: Broken, Host: ProxyName, Request: e.Request, Text: "the proxy's error log: " + e.Text, Class: e.Text})
	case proxy.NoLiveUpstreams:
		l.emit(&Event{Kind: Broken, Host: ProxyName, Request: e.Request,
			Text: "no live upstreams: the proxy answers 502 by itself", Class: "no live upstreams"})
	}
}

// isOut notes whether a server is out of service in its group, and reports whether
// it was so before.
func (l *Lab) isOut(e proxy.TraceEvent, out bool) (before bool) {
	key := e.Group + " " + e.Addr
	l.mu.Lock()
	defer l.mu.Unlock()
	before = l.out[key]
	l.out[key] = out
	return before
}
