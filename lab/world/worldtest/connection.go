package worldtest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	"sessionlab/lab/world"
)

var connectionRows = []row{
	{"a connection is kept alive", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		remotes := make(map[string]int) // the client asks one thing at a time
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			remotes[req.RemoteAddr]++
			hello(w, req)
		})
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			same(r, "Alive before use", c.Alive(), true)
			same(r, "Sent before use", c.Sent(), false)
			same(r, "Reused before use", c.Reused(), false)
			for n := range 3 {
				r.ok("answer", r.get(ctx, c, "/"), "hello")
				same(r, "Sent", c.Sent(), true)
				same(r, "Reused", c.Reused(), n > 0)
				same(r, "Alive", c.Alive(), true)
			}
			same(r, "connections seen by the server", len(remotes), 1)
			r.must(c.Close(), "close")
			same(r, "Alive after Close", c.Alive(), false)
			if a := r.get(ctx, c, "/"); a.err == nil {
				r.errorf("request on a closed connection: no error")
			}
		})
	}},
	{"a request whose context has ended is not sent", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var executed atomic.Int32
		r.serve(h, func(http.ResponseWriter, *http.Request) { executed.Add(1) })
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			given, cancel := alice.WithCancel(ctx)
			cancel()
			a := r.get(given, c, "/")
			r.isError("RoundTrip", a.err, context.Canceled)
			r.outcome("RoundTrip", a.err, h.Addr(), world.Canceled)
			same(r, "Sent", c.Sent(), false)
		})
		r.settle()
		same(r, "executed", executed.Load(), 0)
	}},
	{"a connection is unusable after an error", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path == "/slow" {
				h.Sleep(req.Context(), 2*short)
			}
			hello(w, req)
		})
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			limited, cancel := alice.WithTimeout(ctx, short)
			defer cancel()
			a := r.get(limited, c, "/slow")
			r.isError("RoundTrip", a.err, context.DeadlineExceeded)
			r.outcome("RoundTrip", a.err, h.Addr(), world.Canceled)
			same(r, "Sent", c.Sent(), true)
			same(r, "Alive", c.Alive(), false)
			if a := r.get(ctx, c, "/"); a.err == nil {
				r.errorf("request after an error: no error")
			}
		})
	}},
	{"a body closed early closes the connection", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, hello)
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			resp, err := c.RoundTrip(ctx, request("GET", "/", ""))
			r.must(err, "head")
			r.must(resp.Body.Close(), "close the body")
			same(r, "Alive", c.Alive(), false)
			if a := r.get(ctx, c, "/"); a.err == nil {
				r.errorf("request after a body closed early: no error")
			}
		})
	}},
	{"a connection is closed after MaxRequests", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, hello, world.ServeOptions{MaxRequests: 2})
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			r.ok("first", r.get(ctx, c, "/"), "hello")
			r.ok("second", r.get(ctx, c, "/"), "hello")
			r.await(ctx, alice, "the connection is closed", func() bool { return !c.Alive() })
			r.ok("on a new connection", r.get(ctx, r.dialHTTP(ctx, alice, web(h)), "/"), "hello")
		})
	}},
	{"a handler is asked the how manieth request it is, and says how long to wait for the next", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			k := w.(world.ConnectionKeeper)
			if req.URL.Path == "/short" {
				k.KeepFor(idle)
			}
			fmt.Fprint(w, k.Served())
		})
		r.as(alice, func(ctx context.Context) {
			for range 2 { // a connection that is made of an old one has forgotten
				c := r.dialHTTP(ctx, alice, web(h))
				r.ok("first", r.get(ctx, c, "/"), "0")
				r.must(alice.Sleep(ctx, 2*idle), "sleep")
				r.ok("second", r.get(ctx, c, "/short"), "1")
				start := alice.Elapsed()
				r.await(ctx, alice, "the connection is closed", func() bool { return !c.Alive() })
				if took := alice.Elapsed() - start; took < idle/2 {
					r.errorf("closed after %v, want about %v", took, idle)
				}
				r.must(c.Close(), "close")
			}
		})
	}},
	{"an idle connection is closed after IdleTimeout", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, hello, world.ServeOptions{IdleTimeout: idle})
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			start := alice.Elapsed()
			r.ok("first", r.get(ctx, c, "/"), "hello")
			r.await(ctx, alice, "the connection is closed", func() bool { return !c.Alive() })
			if took := alice.Elapsed() - start; took < idle {
				r.errorf("closed after %v, want %v or more", took, idle)
			}
			err := r.get(ctx, c, "/").err
			if o := world.OutcomeOf(err); o != world.Closed && o != world.Reset {
				r.errorf("request on a connection closed by the server: outcome %v (%v), want closed or reset", o, err)
			}
			fresh := r.dialHTTP(ctx, alice, web(h))
			r.await(ctx, alice, "a connection never used is closed", func() bool { return !fresh.Alive() })
		})
	}},
	{"a connection that asks for nothing is closed after HeaderTimeout, one that has asked after IdleTimeout", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, hello, world.ServeOptions{HeaderTimeout: idle})
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			r.ok("first", r.get(ctx, c, "/"), "hello")
			fresh := r.dialHTTP(ctx, alice, web(h))
			start := alice.Elapsed()
			r.await(ctx, alice, "the connection never used is closed", func() bool { return !fresh.Alive() })
			if took := alice.Elapsed() - start; took < idle/2 {
				r.errorf("closed after %v, want about %v", took, idle)
			}
			r.must(alice.Sleep(ctx, 2*idle), "sleep")
			r.ok("second", r.get(ctx, c, "/"), "hello")
		})
	}},
	{"IdleTimeout leaves a running exchange alone", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			h.Sleep(req.Context(), 2*idle)
			hello(w, req)
		}, world.ServeOptions{IdleTimeout: idle})
		r.ok("slow answer", r.ask(alice, web(h), "/").wait(), "hello")
	}},
	{"either side may ask for the close", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path == "/last" {
				w.Header().Set("Connection", "close")
			}
			hello(w, req)
		})
		r.as(alice, func(ctx context.Context) {
			polite := request("GET", "/", "")
			polite.Header.Set("Connection", "close")
			closing := request("GET", "/", "")
			closing.Close = true
			for _, x := range []struct {
				who string
				req *http.Request
			}{
				{"the request's header", polite},
				{"Request.Close", closing},
				{"the answer's header", request("GET", "/last", "")},
			} {
				c := r.dialHTTP(ctx, alice, web(h))
				r.ok(x.who, exchange(ctx, c, x.req), "hello")
				r.await(ctx, alice, "the connection is closed by "+x.who, func() bool { return !c.Alive() })
			}
		})
	}},
	{"a read deadline can be moved on", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		const parts, deadline = 5, 600 * tick
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			for range parts {
				h.Sleep(req.Context(), deadline/4)
				io.WriteString(w, "x")
				w.(http.Flusher).Flush()
			}
		})
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			start := alice.Elapsed()
			c.SetReadDeadline(deadline)
			resp, err := c.RoundTrip(ctx, request("GET", "/", ""))
			r.must(err, "head")
			buf := make([]byte, 1)
			for range parts {
				c.SetReadDeadline(deadline)
				_, err := io.ReadFull(resp.Body, buf)
				r.must(err, "a part within its deadline")
			}
			if took := alice.Elapsed() - start; took < deadline {
				r.errorf("the answer took %v, the row needs more than one deadline of %v", took, deadline)
			}
			if _, err := resp.Body.Read(buf); err != io.EOF {
				r.errorf("end of the body: %v, want EOF itself", err)
			}
		})
	}},
	{"a read deadline can be removed", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			h.Sleep(req.Context(), 2*short)
			hello(w, req)
		})
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			c.SetReadDeadline(short)
			c.SetReadDeadline(0)
			r.ok("slow answer", r.get(ctx, c, "/"), "hello")
		})
	}},
}
