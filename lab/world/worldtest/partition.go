package worldtest

import (
	"context"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

// partition cuts tomcat1 and alice off from tomcat2.
func (r *rig) partition() *fault.Cut {
	return r.w.Faults().Partition([]string{"tomcat1", "alice"}, []string{"tomcat2"})
}

// reaches reports whether a connect to a machine's web port is answered.
func (r *rig) reaches(from, to world.Host) bool {
	answered := false
	r.as(from, func(ctx context.Context) {
		limited, cancel := from.WithTimeout(ctx, short)
		defer cancel()
		c, err := from.DialHTTP(limited, web(to))
		if err == nil {
			answered = true
			c.Close()
			return
		}
		r.outcome("connect from "+from.Name(), err, to.Addr(), world.ConnectTimeout)
	})
	return answered
}

var partitionRows = []row{
	{"connects fail both ways, and only between the two sides", func(r *rig) {
		one, two, three, alice := r.boot("tomcat1"), r.boot("tomcat2"), r.boot("tomcat3"), r.boot("alice")
		machines := []world.Host{one, two, three, alice}
		for _, h := range machines {
			r.serve(h, hello)
		}
		partition := r.partition()
		cut := 0
		for _, from := range machines {
			for _, to := range machines {
				want := from == to || from == three || to == three || (from != two && to != two)
				if !want {
					cut++
					same(r, from.Name()+" reaches "+to.Name(), r.reaches(from, to), want)
					continue
				}
				r.ok(from.Name()+" to "+to.Name(), r.ask(from, web(to), "/").wait(), "hello")
			}
		}
		if hits := r.w.Faults().CutHits(partition); hits < cut {
			r.errorf("CutHits = %d after %d connects into the partition", hits, cut)
		}
		r.w.Faults().Heal()
		r.ok("after heal", r.ask(one, web(two), "/").wait(), "hello")
		r.ok("after heal, the other way", r.ask(two, web(one), "/").wait(), "hello")
	}},
	{"a connect with a limit gives up, and its caller's context does not end", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		r.serve(two, hello)
		r.partition()
		r.as(one, func(ctx context.Context) {
			began := one.Elapsed()
			_, err := one.DialHTTPWithin(ctx, web(two), short)
			r.outcome("connect into the partition", err, two.Addr(), world.ConnectTimeout)
			if took := one.Elapsed() - began; took < short {
				r.errorf("connect gave up after %v, want at least %v", took, short)
			}
			same(r, "the caller's context", ctx.Err(), nil)
			r.w.Faults().Heal()
			c, err := one.DialHTTPWithin(ctx, web(two), patience)
			r.must(err, "connect after heal")
			r.ok("after heal", r.get(ctx, c, "/"), "hello")
			r.must(c.Close(), "close")
		})
	}},
	{"streams dial into a connect timeout too", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		l := r.listen(two, 4000)
		r.partition()
		r.as(one, func(ctx context.Context) {
			limited, cancel := one.WithTimeout(ctx, short)
			defer cancel()
			_, err := one.Dial(limited, l.Addr())
			r.outcome("Dial", err, two.Addr(), world.ConnectTimeout)
		})
	}},
	{"a machine that is down cannot refuse across a partition", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		r.partition()
		same(r, "an unserved port answers", r.reaches(one, two), false)
		r.kill("tomcat2")
		same(r, "a dead machine answers", r.reaches(one, two), false)
		r.w.Faults().Heal()
		r.refused(one, web(two))
	}},
	{"a stream stalls and delivers after heal", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in, back := r.collect(two, far), r.collect(one, s)
		r.writes(one, s, delta("s1"), "before ")
		r.gets("tomcat2", in, "before ")
		r.partition()
		r.as(one, func(ctx context.Context) {
			r.write(ctx, s, delta("s1"), "within ")
			same(r, "Stalled", s.Stalled(), false) // the kernel has it
			r.write(ctx, s, ack, "within too ")
		})
		r.writes(two, far, ack, "back")
		r.settle()
		same(r, "received across the partition", in.text(), "before ")
		same(r, "received across it, the other way", back.text(), "")
		same(r, "in flight", r.w.InFlight(), 3)
		r.w.Faults().Heal()
		r.gets("tomcat2", in, "before within within too ")
		r.gets("tomcat1", back, "back")
	}},
	{"streams beside the partition go on", func(r *rig) {
		one, two, three := r.boot("tomcat1"), r.boot("tomcat2"), r.boot("tomcat3")
		s, far := r.connect(one, three, 4000)
		side, farSide := r.connect(three, two, 4000)
		in, inSide := r.collect(three, far), r.collect(two, farSide)
		r.partition()
		r.writes(one, s, delta("s1"), "one to three")
		r.writes(three, side, delta("s1"), "three to two")
		r.gets("tomcat3", in, "one to three")
		r.gets("tomcat2", inSide, "three to two")
	}},
	{"a request on an open connection waits for heal", func(r *rig) {
		two, alice := r.boot("tomcat2"), r.boot("alice")
		var g gate
		r.serve(two, g.handler(two))
		g.open.Store(true)
		var c world.HTTPConn
		r.as(alice, func(ctx context.Context) {
			c = r.dialHTTP(ctx, alice, web(two))
			r.ok("before", r.get(ctx, c, "/"), "hello")
		})
		r.partition()
		var a answer
		waiting := r.start(alice, "request", func(ctx context.Context) { a = r.get(ctx, c, "/") })
		r.settle()
		same(r, "executed behind the partition", g.in.Load(), 1)
		same(r, "answered across the partition", waiting.ended(), false)
		r.w.Faults().Heal()
		waiting.wait()
		r.ok("after heal", a, "hello")
		same(r, "executed", g.in.Load(), 2)
	}},
	{"an answer waits for heal", func(r *rig) {
		two, alice := r.boot("tomcat2"), r.boot("alice")
		var g gate
		r.serve(two, g.handler(two))
		running := r.ask(alice, web(two), "/")
		r.eventually("the request is being executed", func() bool { return g.in.Load() == 1 })
		r.partition()
		g.open.Store(true)
		r.settle()
		same(r, "answered across the partition", running.ended(), false)
		r.w.Faults().Heal()
		r.ok("after heal", running.wait(), "hello")
	}},
	{"partitions add up until heal", func(r *rig) {
		one, two, three := r.boot("tomcat1"), r.boot("tomcat2"), r.boot("tomcat3")
		r.serve(one, hello)
		r.serve(three, hello)
		r.w.Faults().Partition([]string{"tomcat1"}, []string{"tomcat2"})
		r.w.Faults().Partition([]string{"tomcat2"}, []string{"tomcat3"})
		same(r, "tomcat2 reaches tomcat1", r.reaches(two, one), false)
		same(r, "tomcat2 reaches tomcat3", r.reaches(two, three), false)
		r.w.Faults().Clear()
		r.ok("after clear", r.ask(two, web(one), "/").wait(), "hello")
		r.ok("after clear, the third", r.ask(two, web(three), "/").wait(), "hello")
	}},
}
