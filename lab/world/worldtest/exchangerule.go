package worldtest

import (
	"context"
	"net/http"
	"sync/atomic"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

// counted is a server that counts what it executed, and its client.
func (r *rig) counted() (h, alice world.Host, executed *atomic.Int32) {
	h, alice, executed = r.boot("tomcat1"), r.boot("alice"), new(atomic.Int32)
	r.serve(h, func(w http.ResponseWriter, req *http.Request) {
		executed.Add(1)
		hello(w, req)
	})
	return h, alice, executed
}

// exchangeLinks are the two halves of an exchange.
var exchangeLinks = []struct {
	kind, from, to string
	executed       int32 // while the message does not arrive
}{
	{"REQUEST", "alice", "tomcat1", 0},
	{"RESPONSE", "tomcat1", "alice", 1},
}

var exchangeRuleRows = func() []row {
	rows := []row{
		{"a rule is for its own half and link", func(r *rig) {
			h, alice, _ := r.counted()
			other := r.boot("tomcat2")
			r.serve(other, hello)
			var rules []*fault.Rule
			for _, rule := range []fault.Rule{
				{Verb: fault.Drop, Kind: "REQUEST", From: "tomcat1"},
				{Verb: fault.Drop, Kind: "RESPONSE", From: "alice"},
				{Verb: fault.Drop, Kind: "REQUEST", From: "alice", To: "tomcat2"},
				{Verb: fault.Drop, Kind: "DELTA"},
			} {
				rules = append(rules, r.w.Faults().Add(rule))
			}
			r.ok("request", r.ask(alice, web(h), "/").wait(), "hello")
			for _, rule := range rules {
				same(r, "hits of "+rule.String(), r.w.Faults().Hits(rule), 0)
			}
		}},
	}
	for _, l := range exchangeLinks {
		rows = append(rows,
			row{"hold " + l.kind, func(r *rig) {
				h, alice, executed := r.counted()
				rule := r.w.Faults().Add(fault.Rule{Verb: fault.Hold, Kind: l.kind, From: l.from, To: l.to})
				held := r.ask(alice, web(h), "/")
				r.eventually("the rule is hit", func() bool { return r.w.Faults().Hits(rule) == 1 })
				r.settle()
				same(r, "executed while held", executed.Load(), l.executed)
				same(r, "answered while held", held.ended(), false)
				r.w.Faults().Release(l.kind, "", "")
				r.ok("after release", held.wait(), "hello")
				r.ok("next request", r.ask(alice, web(h), "/").wait(), "hello")
				same(r, "executed", executed.Load(), 2)
			}},
			row{"drop " + l.kind, func(r *rig) {
				h, alice, executed := r.counted()
				rule := r.w.Faults().Add(fault.Rule{Verb: fault.Drop, Kind: l.kind, From: l.from, To: l.to, Count: 1})
				r.as(alice, func(ctx context.Context) {
					c := r.dialHTTP(ctx, alice, web(h))
					c.SetReadDeadline(short)
					r.outcome("request", r.get(ctx, c, "/").err, h.Addr(), world.ReadTimeout)
				})
				r.eventually("the server has got what is not lost", func() bool { return executed.Load() >= l.executed })
				r.settle()
				same(r, "executed", executed.Load(), l.executed)
				r.ok("next request", r.ask(alice, web(h), "/").wait(), "hello")
				same(r, "Hits", r.w.Faults().Hits(rule), 1)
			}},
			row{"delay " + l.kind, func(r *rig) {
				h, alice, _ := r.counted()
				r.w.Faults().Add(fault.Rule{Verb: fault.Delay, Kind: l.kind, From: l.from, To: l.to, By: short, Count: 2})
				r.as(alice, func(ctx context.Context) {
					c := r.dialHTTP(ctx, alice, web(h))
					for range 2 {
						start := alice.Elapsed()
						r.ok("request", r.get(ctx, c, "/"), "hello")
						if took := alice.Elapsed() - start; took < short {
							r.errorf("an exchange delayed by %v took %v", short, took)
						}
					}
				})
			}},
			row{"a counted drop of " + l.kind + " counts exchanges", func(r *rig) {
				h, alice, executed := r.counted()
				rule := r.w.Faults().Add(fault.Rule{Verb: fault.Duplicate, Kind: "DELTA"})
				seen := r.w.Faults().Add(fault.Rule{Verb: fault.Delay, Kind: l.kind})
				r.as(alice, func(ctx context.Context) {
					c := r.dialHTTP(ctx, alice, web(h))
					for range 5 {
						r.ok("request", exchange(ctx, c, request("POST", "/", "a body")), "hello")
					}
				})
				same(r, "executed", executed.Load(), 5)
				same(r, "hits of "+l.kind, r.w.Faults().Hits(seen), 5)
				same(r, "hits of another kind", r.w.Faults().Hits(rule), 0)
			}},
		)
	}
	return rows
}()
