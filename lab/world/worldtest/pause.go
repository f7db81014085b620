package worldtest

import (
	"context"
	"net/http"
	"sync/atomic"

	"sessionlab/lab/world"
)

// fill connects to h until its backlog is full, and reports how many it took.
func (r *rig) fill(from, h world.Host, most int) (accepted int) {
	r.as(from, func(ctx context.Context) {
		for range most {
			limited, cancel := from.WithTimeout(ctx, 5*short)
			_, err := from.DialHTTP(limited, web(h))
			cancel()
			if err != nil {
				r.outcome("dial of a full backlog", err, h.Addr(), world.ConnectTimeout)
				return
			}
			accepted++
		}
	})
	return accepted
}

var pauseRows = []row{
	{"a timer that waits for a paused machine is not late", func(r *rig) {
		const pause = 20 * short
		h := r.boot("tomcat1")
		begun, ended := r.op.NewSignal(), r.op.NewSignal()
		h.Go("sleeper", func(ctx context.Context) {
			begun.Set()
			r.must(h.Sleep(ctx, short), "sleep")
			ended.Set()
		})
		r.must(begun.Wait(r.ctx), "wait for the sleeper")
		r.pause("tomcat1")
		r.must(r.op.Sleep(r.ctx, pause), "sleep")
		r.resume("tomcat1")
		r.must(ended.Wait(r.ctx), "wait for the sleeper's end")
		if late := r.w.Lateness(); late.Host == "tomcat1" && late.By >= pause/2 {
			r.errorf("after a pause of %v a timer of tomcat1 counts as %v late", pause, late.By)
		}
	}},
	{"connects succeed, no answer comes, resume executes what arrived", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var executed atomic.Int32
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			executed.Add(1)
			hello(w, req)
		})
		r.pause("tomcat1")
		r.as(alice, func(ctx context.Context) {
			for range 3 {
				limited, cancel := alice.WithTimeout(ctx, patience)
				c, err := alice.DialHTTP(limited, web(h))
				cancel()
				r.must(err, "dial a paused machine")
				c.SetReadDeadline(short)
				r.outcome("request to a paused machine", r.get(ctx, c, "/").err, h.Addr(), world.ReadTimeout)
				r.must(c.Close(), "close")
			}
		})
		same(r, "executed while paused", executed.Load(), 0)
		r.resume("tomcat1")
		r.eventually("what arrived is executed", func() bool { return executed.Load() == 3 })
		r.ok("after resume", r.ask(alice, web(h), "/").wait(), "hello")
		same(r, "executed in all", executed.Load(), 4)
	}},
	{"a patient client gets its answer after resume", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, hello)
		var c world.HTTPConn
		r.as(alice, func(ctx context.Context) {
			c = r.dialHTTP(ctx, alice, web(h))
			r.ok("before", r.get(ctx, c, "/"), "hello")
		})
		r.pause("tomcat1")
		var old answer
		onOld := r.start(alice, "request on an old connection", func(ctx context.Context) { old = r.get(ctx, c, "/") })
		onNew := r.ask(alice, web(h), "/")
		r.settle()
		same(r, "answered while paused", onOld.ended() || onNew.ended(), false)
		r.resume("tomcat1")
		onOld.wait()
		r.ok("on the old connection", old, "hello")
		r.ok("on a new one", onNew.wait(), "hello")
	}},
	{"a running handler stands still", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var g gate
		r.serve(h, g.handler(h))
		running := r.ask(alice, web(h), "/")
		r.eventually("the request is being executed", func() bool { return g.in.Load() == 1 })
		r.pause("tomcat1")
		r.settle()
		g.open.Store(true)
		r.settle()
		same(r, "answered while paused", running.ended(), false)
		r.resume("tomcat1")
		r.ok("after resume", running.wait(), "hello")
	}},
	{"tasks stand still and go on", func(r *rig) {
		h := r.boot("tomcat1")
		var ticks atomic.Int32
		h.Go("ticker", func(ctx context.Context) {
			for h.Sleep(ctx, tick) == nil {
				ticks.Add(1)
			}
		})
		r.eventually("the ticker ticks", func() bool { return ticks.Load() > 2 })
		r.pause("tomcat1")
		r.settle()
		before := ticks.Load()
		r.settle()
		same(r, "ticks while paused", ticks.Load(), before)
		r.resume("tomcat1")
		r.eventually("the ticker goes on", func() bool { return ticks.Load() > before+2 })
	}},
	{"a task and a signal given from outside wait for resume, whoever gives them does not", func(r *rig) {
		h, other := r.boot("tomcat1"), r.boot("tomcat2")
		s := h.NewSignal()
		var woken, begun atomic.Int32
		h.Go("sleeper", func(ctx context.Context) {
			if s.Wait(ctx) == nil {
				woken.Add(1)
			}
		})
		r.settle()
		r.pause("tomcat1")
		r.as(other, func(context.Context) {
			s.Set()
			h.Go("late", func(context.Context) { begun.Add(1) })
		})
		r.settle()
		same(r, "woken while paused", woken.Load(), 0)
		same(r, "begun while paused", begun.Load(), 0)
		r.resume("tomcat1")
		r.eventually("both go on", func() bool { return woken.Load() == 1 && begun.Load() == 1 })
	}},
	{"others do not notice a pause", func(r *rig) {
		h, other, alice := r.boot("tomcat1"), r.boot("tomcat2"), r.boot("alice")
		r.serve(h, hello)
		r.serve(other, hello)
		r.pause("tomcat1")
		r.ok("request to the other machine", r.ask(alice, web(other), "/").wait(), "hello")
		r.resume("tomcat1")
	}},
	{"streams and datagrams keep what arrives", func(r *rig) {
		h, peer := r.boot("tomcat1"), r.boot("tomcat2")
		s, other := r.connect(peer, h, 4000)
		in := r.collect(h, other)
		packets := r.receive(h, 4002)
		r.pause("tomcat1")
		r.as(peer, func(ctx context.Context) {
			r.write(ctx, s, delta("s1"), "one ")
			r.write(ctx, s, delta("s1"), "two ")
		})
		r.datagram(peer, 4003, heartbeat, "beat", h.Addr()+":4002")
		r.settle()
		same(r, "read from the stream while paused", in.text(), "")
		same(r, "datagrams read while paused", packets.text(), "")
		r.resume("tomcat1")
		r.eventually("the stream's messages are read", func() bool { return in.text() == "one two " })
		r.eventually("the datagram is read", func() bool { return packets.text() == "beat|" })
	}},
	{"the backlog of a paused machine is limited", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, hello, world.ServeOptions{Backlog: 2})
		r.pause("tomcat1")
		accepted := r.fill(alice, h, 8)
		if accepted < 2 || accepted > 4 { // one more is the kernel's, one more the accepting task's
			r.errorf("a paused machine with a backlog of 2 accepted %d connects, want 2 to 4", accepted)
		}
	}},
	{"the backlog of streams of a paused machine is Java's", func(r *rig) {
		h, peer := r.boot("tomcat1"), r.boot("tomcat2")
		r.as(h, func(context.Context) {
			_, err := h.Listen(4000)
			r.must(err, "listen")
		})
		r.pause("tomcat1")
		accepted := 0
		r.as(peer, func(ctx context.Context) {
			for range world.StreamBacklog + 5 {
				limited, cancel := peer.WithTimeout(ctx, 5*short)
				_, err := peer.Dial(limited, h.Addr()+":4000")
				cancel()
				if err != nil {
					return
				}
				accepted++
			}
		})
		if accepted < world.StreamBacklog || accepted > world.StreamBacklog+2 {
			r.errorf("a paused machine accepted %d streams, want %d or two more", accepted, world.StreamBacklog)
		}
	}},
	{"killed while paused", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var executed atomic.Int32
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			executed.Add(1)
			hello(w, req)
		})
		r.pause("tomcat1")
		var c world.HTTPConn
		r.as(alice, func(ctx context.Context) { c = r.dialHTTP(ctx, alice, web(h)) })
		var a answer
		waiting := r.start(alice, "request", func(ctx context.Context) { a = r.get(ctx, c, "/") })
		r.settle()
		r.kill("tomcat1")
		same(r, "Up", r.w.Up("tomcat1"), false)
		waiting.wait()
		r.outcome("request that it never read", a.err, h.Addr(), world.Reset)
		r.refused(alice, web(h))
		next := r.boot("tomcat1")
		r.serve(next, hello) // a new incarnation is not paused
		r.ok("after the boot", r.ask(alice, web(next), "/").wait(), "hello")
		r.settle()
		same(r, "executed by the old incarnation", executed.Load(), 0)
	}},
	{"a paused client stands still", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var g gate
		r.serve(h, g.handler(h))
		running := r.ask(alice, web(h), "/")
		r.eventually("the request is being executed", func() bool { return g.in.Load() == 1 })
		r.pause("alice")
		g.open.Store(true)
		r.eventually("the answer is written", func() bool { return g.out.Load() == 1 })
		r.settle()
		same(r, "answer seen while paused", running.ended(), false)
		r.resume("alice")
		r.ok("after resume", running.wait(), "hello")
	}},
}
