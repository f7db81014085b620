package worldtest

import (
	"context"
	"net/http"
	"sync/atomic"

	"sessionlab/lab/world"
)

// through does a GET through a transport.
func through(ctx context.Context, rt http.RoundTripper, server world.Host, path string) answer {
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+web(server)+path, nil)
	if err != nil {
		return answer{err: err}
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return answer{err: err}
	}
	return wholeAnswer(resp)
}

var transportRows = []row{
	{"a transport reuses its connection", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		remotes := make(map[string]int)
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			remotes[req.RemoteAddr]++
			streamed(w, req)
		})
		r.as(alice, func(ctx context.Context) {
			rt := alice.Transport()
			for range 3 {
				r.ok("answer", through(ctx, rt, h, "/"), "HTTP/1.1 streamed")
			}
			same(r, "connections", len(remotes), 1)
		})
	}},
	{"a transport asks at once on several connections", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var g gate
		r.serve(h, g.handler(h))
		rt := alice.Transport()
		var answers [3]answer
		var tasks []*task
		for i := range answers {
			tasks = append(tasks, r.start(alice, "request", func(ctx context.Context) {
				answers[i] = through(ctx, rt, h, "/")
			}))
		}
		r.eventually("all are being executed", func() bool { return g.in.Load() == 3 })
		g.open.Store(true)
		for i, t := range tasks {
			t.wait()
			r.ok("answer", answers[i], "hello")
		}
	}},
	{"a transport never repeats a request", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var executed atomic.Int32
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			executed.Add(1)
			switch req.URL.Path {
			case "/closed":
				w.(world.ResponseCutter).Cut(world.Closed)
			case "/reset":
				w.(world.ResponseCutter).Cut(world.Reset)
			default:
				hello(w, req)
			}
		})
		r.as(alice, func(ctx context.Context) {
			rt := alice.Transport()
			for _, c := range []struct {
				path string
				want world.Outcome
			}{{"/closed", world.Closed}, {"/reset", world.Reset}} {
				r.ok("answer", through(ctx, rt, h, "/"), "hello")
				before := executed.Load()
				r.outcome(c.path, through(ctx, rt, h, c.path).err, h.Addr(), c.want)
				same(r, "executions of "+c.path, executed.Load()-before, 1)
			}
			r.ok("next answer", through(ctx, rt, h, "/"), "hello")
		})
	}},
	{"a transport leaves connections that were closed", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, hello, world.ServeOptions{IdleTimeout: idle})
		r.as(alice, func(ctx context.Context) {
			rt := alice.Transport()
			r.ok("first", through(ctx, rt, h, "/"), "hello")
			r.must(alice.Sleep(ctx, 2*idle), "sleep")
			r.ok("after the idle timeout", through(ctx, rt, h, "/"), "hello")
		})
	}},
	{"a transport outlives the server's incarnation", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, hello)
		rt := alice.Transport()
		r.as(alice, func(ctx context.Context) { r.ok("first", through(ctx, rt, h, "/"), "hello") })
		r.kill("tomcat1")
		r.settle()
		r.as(alice, func(ctx context.Context) {
			r.outcome("request to a dead machine", through(ctx, rt, h, "/").err, h.Addr(), world.Refused)
		})
		next := r.boot("tomcat1")
		r.serve(next, hello)
		r.as(alice, func(ctx context.Context) { r.ok("after the reboot", through(ctx, rt, next, "/"), "hello") })
	}},
	{"a transport ends a request with its context", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var g gate
		r.serve(h, g.handler(h))
		r.as(alice, func(ctx context.Context) {
			limited, cancel := alice.WithTimeout(ctx, short)
			defer cancel()
			err := through(limited, alice.Transport(), h, "/").err
			r.isError("RoundTrip", err, context.DeadlineExceeded)
			r.outcome("RoundTrip", err, h.Addr(), world.Canceled)
		})
	}},
	{"an http.Client can use a transport", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path == "/old" {
				http.Redirect(w, req, "/new", http.StatusFound)
				return
			}
			hello(w, req)
		})
		r.as(alice, func(ctx context.Context) {
			client := http.Client{Transport: alice.Transport()}
			req, err := http.NewRequestWithContext(ctx, "GET", "http://"+web(h)+"/old", nil)
			r.must(err, "request")
			resp, err := client.Do(req)
			r.must(err, "redirected request")
			r.ok("after the redirect", wholeAnswer(resp), "hello")
		})
	}},
}
