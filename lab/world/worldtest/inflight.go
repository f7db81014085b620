package worldtest

import (
	"context"
	"strings"

	"sessionlab/lab/fault"
)

var inFlightRows = []row{
	{"a message counts from write until its receiver asks for more", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		same(r, "before", r.w.InFlight(), 0)
		r.writes(one, s, delta("s1"), "abcd")
		same(r, "written", r.w.InFlight(), 1)
		r.settle()
		same(r, "arrived, not read", r.w.InFlight(), 1)
		read := func(want string) {
			r.as(two, func(ctx context.Context) {
				p := make([]byte, 2)
				for got := ""; got != want; {
					n, err := far.Read(ctx, p)
					r.must(err, "read")
					if got += string(p[:n]); !strings.HasPrefix(want, got) {
						r.stop("read %q, want %q", got, want)
					}
				}
			})
		}
		read("ab")
		same(r, "half read", r.w.InFlight(), 1)
		read("cd")
		same(r, "read, being worked on", r.w.InFlight(), 1)
		in := r.collect(two, far)
		r.eventually("the receiver has asked for more", func() bool { return r.w.InFlight() == 0 })
		same(r, "read since", in.text(), "")
	}},
	{"all messages of all streams count", func(r *rig) {
		one, two, three := r.boot("tomcat1"), r.boot("tomcat2"), r.boot("tomcat3")
		s, far := r.connect(one, two, 4000)
		side, farSide := r.connect(one, three, 4000)
		r.writes(one, s, delta("s1"), "a", "b", "c")
		r.writes(one, side, delta("s1"), "d", "e")
		r.writes(three, farSide, ack, "f")
		same(r, "written", r.w.InFlight(), 6)
		ins := []*inbox{r.collect(two, far), r.collect(three, farSide), r.collect(one, side)}
		r.eventually("nothing is in flight", func() bool { return r.w.InFlight() == 0 })
		for i, want := range []string{"abc", "de", "f"} {
			same(r, "received when nothing is in flight", ins[i].text(), want)
		}
	}},
	{"held messages count", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in := r.collect(two, far)
		r.w.Faults().Add(fault.Rule{Verb: fault.Hold, Kind: "DELTA"})
		r.writes(one, s, delta("s1"), "held ")
		r.writes(one, s, ack, "behind")
		r.settle()
		same(r, "held", r.w.InFlight(), 2)
		r.w.Faults().Clear()
		r.eventually("nothing is in flight", func() bool { return r.w.InFlight() == 0 })
		same(r, "received when nothing is in flight", in.text(), "held behind")
	}},
	{"dropped messages do not count", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		r.w.Faults().Add(fault.Rule{Verb: fault.Drop, Kind: "DELTA", Count: 1})
		r.writes(one, s, delta("s1"), "lost")
		same(r, "after a drop", r.w.InFlight(), 0)
		r.writes(one, s, delta("s1"), "sent")
		same(r, "after the next", r.w.InFlight(), 1)
		r.collect(two, far)
		r.eventually("nothing is in flight", func() bool { return r.w.InFlight() == 0 })
	}},
	{"what can no longer be received does not count", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		killed, _ := r.connect(one, two, 4000)
		closed, farClosed := r.connect(one, two, 4001)
		r.writes(one, killed, delta("s1"), "a", "b")
		r.writes(one, closed, delta("s1"), "c")
		same(r, "written", r.w.InFlight(), 3)
		r.as(two, func(context.Context) { r.must(farClosed.Close(), "close") })
		r.eventually("the closed stream counts no more", func() bool { return r.w.InFlight() == 2 })
		r.kill("tomcat2")
		r.eventually("nothing is in flight", func() bool { return r.w.InFlight() == 0 })
	}},
}
