package worldtest

import (
	"context"
	"net/http"
	"sync/atomic"

	"sessionlab/lab/world"
)

// gate is a handler that runs until it is opened.
type gate struct {
	in   atomic.Int32 // requests that have come in
	out  atomic.Int32 // requests that have been executed to the end
	open atomic.Bool
}

func (g *gate) handler(h world.Host) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		g.in.Add(1)
		for !g.open.Load() {
			if h.Sleep(req.Context(), tick) != nil {
				return
			}
		}
		hello(w, req)
		g.out.Add(1)
	}
}

// refused waits until connects from h are refused.
func (r *rig) refused(h world.Host, addr string) {
	r.as(h, func(ctx context.Context) {
		r.await(ctx, h, "connects to "+addr+" are refused", func() bool {
			c, err := h.DialHTTP(ctx, addr)
			if err == nil {
				c.Close()
			}
			return world.OutcomeOf(err) == world.Refused
		})
	})
}

var listenerRows = []row{
	{"a port is taken once", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		l := r.serve(one, hello)
		r.as(one, func(context.Context) {
			_, err := one.Serve(webPort, http.HandlerFunc(hello), world.ServeOptions{})
			r.isError("Serve on a taken port", err, world.ErrPortTaken)
			_, err = one.Listen(webPort)
			r.isError("Listen on a taken port", err, world.ErrPortTaken)
		})
		r.serve(two, hello) // another machine's port is another port
		r.as(one, func(context.Context) { r.must(l.Close(), "close") })
		r.serve(one, hello)
	}},
	{"close ends every connection at once", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var g gate
		l := r.serve(h, g.handler(h))
		running := r.ask(alice, web(h), "/")
		r.eventually("the request is being executed", func() bool { return g.in.Load() == 1 })
		r.as(h, func(context.Context) { r.must(l.Close(), "close") })
		r.outcome("running request", running.wait().err, h.Addr(), world.Closed)
		r.refused(alice, web(h))
	}},
	{"shutdown waits for the running exchange", func(r *rig) {
		h, alice, bob := r.boot("tomcat1"), r.boot("alice"), r.boot("bob")
		var g gate
		l := r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path == "/quick" {
				hello(w, req)
				return
			}
			g.handler(h)(w, req)
		})
		var idle world.HTTPConn
		r.as(bob, func(ctx context.Context) {
			idle = r.dialHTTP(ctx, bob, web(h))
			r.ok("quick request", r.get(ctx, idle, "/quick"), "hello")
		})
		running := r.ask(alice, web(h), "/slow")
		r.eventually("the request is being executed", func() bool { return g.in.Load() == 1 })
		var err error
		shutdown := r.start(h, "shutdown", func(ctx context.Context) { err = l.Shutdown(ctx) })
		r.refused(bob, web(h))
		r.as(bob, func(ctx context.Context) {
			r.await(ctx, bob, "the idle connection is closed", func() bool { return !idle.Alive() })
		})
		r.settle()
		same(r, "shutdown ended before the exchange", shutdown.ended(), false)
		g.open.Store(true)
		r.ok("running request", running.wait(), "hello")
		shutdown.wait()
		r.isError("Shutdown", err, nil)
	}},
	{"shutdown gives up with its context", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var g gate
		l := r.serve(h, g.handler(h))
		running := r.ask(alice, web(h), "/")
		r.eventually("the request is being executed", func() bool { return g.in.Load() == 1 })
		r.as(h, func(ctx context.Context) {
			limited, cancel := h.WithTimeout(ctx, short)
			defer cancel()
			r.isError("Shutdown", l.Shutdown(limited), context.DeadlineExceeded)
		})
		g.open.Store(true)
		r.ok("running request", running.wait(), "hello")
	}},
	{"shutdown of an idle port returns", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		l := r.serve(h, hello)
		r.as(h, func(ctx context.Context) { r.isError("Shutdown", l.Shutdown(ctx), nil) })
		r.refused(alice, web(h))
		r.serve(h, hello)
		r.ok("served again", r.ask(alice, web(h), "/").wait(), "hello")
	}},
	{"who connects before the port is ready is served when it is", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var executed atomic.Int32
		l := r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			executed.Add(1)
			hello(w, req)
		}, world.ServeOptions{Unready: true, IdleTimeout: short})
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			c.SetReadDeadline(short)
			r.outcome("request before", r.get(ctx, c, "/").err, h.Addr(), world.ReadTimeout)
			r.must(c.Close(), "close")
		})
		waiting := r.ask(alice, web(h), "/")
		r.settle()
		same(r, "answered before", waiting.ended(), false)
		same(r, "executed before", executed.Load(), 0)
		r.as(h, func(context.Context) { l.Ready() })
		r.ok("who waited", waiting.wait(), "hello")
		r.ok("who comes later", r.ask(alice, web(h), "/").wait(), "hello")
		r.eventually("the request that its client gave up is executed, too", func() bool { return executed.Load() == 3 })
	}},
	{"the backlog of a port that is not ready is limited", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, hello, world.ServeOptions{Unready: true, Backlog: 2})
		accepted := r.fill(alice, h, 8)
		if accepted < 2 || accepted > 3 { // one more is the kernel's
			r.errorf("a port with a backlog of 2 took %d connects, want 2 or 3", accepted)
		}
	}},
	{"a port that was never ready resets who waits when it closes", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		l := r.serve(h, hello, world.ServeOptions{Unready: true})
		waiting := r.ask(alice, web(h), "/")
		r.settle()
		r.as(h, func(context.Context) { r.must(l.Close(), "close") })
		r.outcome("who waited", waiting.wait().err, h.Addr(), world.Reset)
		r.refused(alice, web(h))
	}},
	{"a kill resets who waits for a port to be ready", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, hello, world.ServeOptions{Unready: true})
		waiting := r.ask(alice, web(h), "/")
		r.settle()
		r.kill("tomcat1")
		r.outcome("who waited", waiting.wait().err, h.Addr(), world.Reset)
		r.refused(alice, web(h))
	}},
	{"a drained port answers what runs and keeps the others waiting until it closes", func(r *rig) {
		h, alice, bob := r.boot("tomcat1"), r.boot("alice"), r.boot("bob")
		var g gate
		l := r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path == "/quick" {
				hello(w, req)
				return
			}
			g.handler(h)(w, req)
		})
		var idle world.HTTPConn
		r.as(bob, func(ctx context.Context) {
			idle = r.dialHTTP(ctx, bob, web(h))
			r.ok("quick request", r.get(ctx, idle, "/quick"), "hello")
		})
		running := r.ask(alice, web(h), "/slow")
		r.eventually("the request is being executed", func() bool { return g.in.Load() == 1 })
		var err error
		drain := r.start(h, "drain", func(ctx context.Context) { err = l.Drain(ctx) })
		r.settle()
		waiting := r.ask(bob, web(h), "/quick")
		r.settle()
		same(r, "answered a request that came later", waiting.ended(), false)
		same(r, "drained before the exchange ended", drain.ended(), false)
		r.as(bob, func(ctx context.Context) {
			same(r, "the idle connection is alive", idle.Alive(), true)
			r.outcome("request on the idle connection", r.get(ctx, idle, "/quick").err, h.Addr(), world.Closed)
		})
		g.open.Store(true)
		r.ok("running request", running.wait(), "hello")
		drain.wait()
		r.isError("Drain", err, nil)
		r.settle()
		same(r, "answered a request after the drain", waiting.ended(), false)
		r.as(h, func(context.Context) { r.must(l.Close(), "close") })
		r.outcome("who came later", waiting.wait().err, h.Addr(), world.Reset)
		r.refused(alice, web(h))
	}},
	{"drain gives up with its context", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var g gate
		l := r.serve(h, g.handler(h))
		running := r.ask(alice, web(h), "/")
		r.eventually("the request is being executed", func() bool { return g.in.Load() == 1 })
		r.as(h, func(ctx context.Context) {
			limited, cancel := h.WithTimeout(ctx, short)
			defer cancel()
			r.isError("Drain", l.Drain(limited), context.DeadlineExceeded)
			r.must(l.Close(), "close")
		})
		r.outcome("running request", running.wait().err, h.Addr(), world.Closed)
		r.refused(alice, web(h))
	}},
	{"other ports go on", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		l := r.serve(h, hello)
		r.as(h, func(context.Context) {
			_, err := h.Serve(8009, http.HandlerFunc(hello), world.ServeOptions{})
			r.must(err, "serve on a second port")
			r.must(l.Close(), "close the first")
		})
		r.ok("second port", r.ask(alice, h.Addr()+":8009", "/").wait(), "hello")
	}},
}
