package worldtest

import (
	"context"
	"io"
	"strings"

	"sessionlab/lab/fault"
)

var ruleRows = []row{
	{"hold keeps a message and what is behind it on its stream", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		other, farOther := r.connect(one, two, 4001)
		in, inOther := r.collect(two, far), r.collect(two, farOther)
		r.writes(one, s, delta("s1"), "before ")
		r.gets("tomcat2", in, "before ")

		rule := r.w.Faults().Add(fault.Rule{Verb: fault.Hold, Kind: "DELTA", From: "tomcat1", To: "tomcat2"})
		r.as(one, func(ctx context.Context) {
			same(r, "Stalled before", s.Stalled(), false)
			r.write(ctx, s, delta("s1"), "held ") // returns
			same(r, "Stalled behind a hold", s.Stalled(), true)
			r.write(ctx, s, ack, "behind ")
			same(r, "Stalled on another stream", other.Stalled(), false)
			r.write(ctx, other, ack, "passes")
		})
		r.gets("tomcat2 on another stream", inOther, "passes")
		r.settle()
		same(r, "received before release", in.text(), "before ")
		same(r, "Hits", r.w.Faults().Hits(rule), 1)

		r.w.Faults().Release("DELTA", "", "")
		r.gets("tomcat2", in, "before held behind ")
		r.as(one, func(ctx context.Context) {
			r.await(ctx, one, "the stream is not stalled", func() bool { return !s.Stalled() })
			r.write(ctx, s, delta("s1"), "after") // release has ended the rule
		})
		r.gets("tomcat2", in, "before held behind after")
	}},
	{"hold is for its link and direction", func(r *rig) {
		one, two, three := r.boot("tomcat1"), r.boot("tomcat2"), r.boot("tomcat3")
		s, far := r.connect(one, two, 4000)
		side, farSide := r.connect(one, three, 4000)
		in, back, inSide := r.collect(two, far), r.collect(one, s), r.collect(three, farSide)
		r.w.Faults().Add(fault.Rule{Verb: fault.Hold, Kind: "DELTA", From: "tomcat1", To: "tomcat2"})
		r.writes(one, s, delta("s1"), "held")
		r.writes(two, far, delta("s1"), "back")
		r.writes(one, side, delta("s1"), "aside")
		r.gets("tomcat1", back, "back")
		r.gets("tomcat3", inSide, "aside")
		r.settle()
		same(r, "received on the held link", in.text(), "")
	}},
	{"a counted hold keeps so many", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		other, farOther := r.connect(one, two, 4001)
		in, inOther := r.collect(two, far), r.collect(two, farOther)
		r.w.Faults().Add(fault.Rule{Verb: fault.Hold, Kind: "DELTA", Count: 1})
		r.writes(one, s, delta("s1"), "held ")
		r.writes(one, other, delta("s1"), "overtakes")
		r.gets("tomcat2 on another stream", inOther, "overtakes")
		same(r, "received on the held stream", in.text(), "")
		r.w.Faults().Clear()
		r.gets("tomcat2", in, "held ")
	}},
	{"what is held does not outlive its sender", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in := r.collect(two, far)
		r.w.Faults().Add(fault.Rule{Verb: fault.Hold, Kind: "DELTA"})
		r.writes(one, s, ack, "sent ")
		r.writes(one, s, delta("s1"), "held")
		r.gets("tomcat2", in, "sent ")
		r.kill("tomcat1")
		r.w.Faults().Clear()
		r.isError("end", in.wait(r), io.EOF)
		same(r, "received", in.text(), "sent ")
	}},
	{"drop loses one message and keeps the stream", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in := r.collect(two, far)
		rule := r.w.Faults().Add(fault.Rule{Verb: fault.Drop, Kind: "DELTA", Count: 2})
		r.as(one, func(ctx context.Context) {
			r.write(ctx, s, ack, "a ")
			r.write(ctx, s, delta("s1"), "lost ")
			same(r, "Stalled behind a drop", s.Stalled(), false)
			r.write(ctx, s, ack, "b ")
			r.write(ctx, s, delta("s2"), "lost too ")
			r.write(ctx, s, delta("s1"), "c ") // the third: the count is used up
		})
		r.gets("tomcat2", in, "a b c ")
		same(r, "Hits", r.w.Faults().Hits(rule), 2)
	}},
	{"delay keeps the order of a stream", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		other, farOther := r.connect(one, two, 4001)
		in, inOther := r.collect(two, far), r.collect(two, farOther)
		const by = 10 * short
		r.w.Faults().Add(fault.Rule{Verb: fault.Delay, Kind: "DELTA", By: by, Count: 1})
		start := one.Elapsed()
		r.writes(one, s, delta("s1"), "delayed ")
		r.writes(one, s, ack, "behind ")
		r.writes(one, other, ack, "overtakes")
		r.gets("tomcat2 on another stream", inOther, "overtakes")
		r.gets("tomcat2", in, "delayed behind ")
		if early, late := inOther.first().at, in.first().at; early > late {
			r.errorf("a message on another stream came at %v, after the delayed one at %v", early, late)
		}
		if took := in.first().at - start; took < by {
			r.errorf("a message delayed by %v took %v", by, took)
		}
	}},
	{"delays of a stream do not add up", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in := r.collect(two, far)
		r.w.Faults().Add(fault.Rule{Verb: fault.Delay, Kind: "DELTA", By: 3 * short})
		start := one.Elapsed()
		const messages = 100 // all on the way at the same time
		r.as(one, func(ctx context.Context) {
			for range messages {
				r.write(ctx, s, delta("s1"), "x")
			}
		})
		r.gets("tomcat2", in, strings.Repeat("x", messages))
		if took := in.last().at - start; took < 3*short || took > messages/2*3*short {
			r.errorf("%d messages, each delayed by %v, took %v", messages, 3*short, took)
		}
	}},
	{"duplicate sends a message twice", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in := r.collect(two, far)
		r.w.Faults().Add(fault.Rule{Verb: fault.Duplicate, Kind: "DELTA", Count: 1})
		r.writes(one, s, ack, "a ")
		r.writes(one, s, delta("s1"), "twice ")
		r.writes(one, s, delta("s1"), "once ")
		r.gets("tomcat2", in, "a twice twice once ")
	}},
	{"a percentage is of the messages, not of the streams", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in := r.collect(two, far)
		rule := r.w.Faults().Add(fault.Rule{Verb: fault.Drop, Kind: "DELTA", Percent: 30})
		const messages = 200
		r.as(one, func(ctx context.Context) {
			for range messages {
				r.write(ctx, s, delta("s1"), "x")
			}
			r.write(ctx, s, ack, ".")
		})
		lost := r.w.Faults().Hits(rule)
		if lost < messages*15/100 || lost > messages*45/100 {
			r.errorf("lost %d of %d at 30 percent", lost, messages)
		}
		r.gets("tomcat2", in, strings.Repeat("x", messages-lost)+".")
	}},
	{"the operator's messages touch no rule", func(r *rig) {
		h := r.boot("tomcat1")
		r.serve(h, hello)
		s, far := r.connect(r.op, h, 4000)
		in, back := r.collect(h, far), r.collect(r.op, s)
		var rules []*fault.Rule
		for _, v := range []fault.Verb{fault.Hold, fault.Drop, fault.Duplicate} {
			rules = append(rules, r.w.Faults().Add(fault.Rule{Verb: v}))
		}
		r.writes(r.op, s, delta("s1"), "there")
		r.writes(h, far, delta("s1"), "and back")
		r.gets("tomcat1", in, "there")
		r.gets("the operator", back, "and back")
		r.as(r.op, func(ctx context.Context) {
			r.ok("operator's request", r.get(ctx, r.dialHTTP(ctx, r.op, web(h)), "/"), "hello")
		})
		for _, rule := range rules {
			same(r, "hits of "+rule.String(), r.w.Faults().Hits(rule), 0)
		}
	}},
	{"a connect is no message", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		rule := r.w.Faults().Add(fault.Rule{Verb: fault.Hold})
		s, _ := r.connect(one, two, 4000)
		same(r, "Hits", r.w.Faults().Hits(rule), 0)
		same(r, "Stalled", s.Stalled(), false)
	}},
}
