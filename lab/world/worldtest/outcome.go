package worldtest

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"sessionlab/lab/world"
)

// cut ends an exchange the way a broken server does.
func cut(w http.ResponseWriter, o world.Outcome) { w.(world.ResponseCutter).Cut(o) }

// brokenAnswer is a line of the table of outcomes: what a handler does and how
// the client must see it.
type brokenAnswer struct {
	name    string
	req     func(path string) *http.Request
	handler http.HandlerFunc
	want    world.Outcome
	status  int // 0: no head
	body    string
}

func newRequest(path string) *http.Request { return request("GET", path, "") }

var brokenAnswers = []brokenAnswer{
	{"closed before the head", newRequest,
		func(w http.ResponseWriter, _ *http.Request) { cut(w, world.Closed) },
		world.Closed, 0, ""},
	{"reset before the head", newRequest,
		func(w http.ResponseWriter, _ *http.Request) { cut(w, world.Reset) },
		world.Reset, 0, ""},
	{"a bad head", newRequest,
		func(w http.ResponseWriter, _ *http.Request) { cut(w, world.BadHead) },
		world.BadHead, 0, ""},
	{"cut with a known length", newRequest,
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "half!")
			cut(w, world.Cut)
		},
		world.Cut, 200, "half!"},
	{"cut with a known length after a flush", newRequest,
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			io.WriteString(w, "!")
			cut(w, world.Cut)
		},
		world.Cut, 200, "half!"},
	{"cut after the head", newRequest,
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			w.(http.Flusher).Flush()
			cut(w, world.Cut)
		},
		world.Cut, 200, ""},
	{"cut when chunked", newRequest,
		func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			io.WriteString(w, "!")
			cut(w, world.Cut)
		},
		world.Cut, 200, "half!"},
	{"cut under HTTP/1.0 with a known length", oldRequest,
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "half!")
			w.(http.Flusher).Flush()
			cut(w, world.Cut)
		},
		world.Cut, 200, "half!"},
	{"cut under HTTP/1.0 without a length cannot be told", oldRequest,
		func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "half!")
			w.(http.Flusher).Flush()
			cut(w, world.Cut)
		},
		world.OK, 200, "half!"},
	{"closed before the head under HTTP/1.0", oldRequest,
		func(w http.ResponseWriter, _ *http.Request) { cut(w, world.Closed) },
		world.Closed, 0, ""},
}

// An answer of HTTP/0.9 cannot be told from one that was cut.
var barePage = brokenAnswer{"a text without a head", newRequest,
	func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.Header().Set("Content-Length", "100")
		w.(world.StatusWriter).WriteNoHead()
		io.WriteString(w, "no ")
		w.(http.Flusher).Flush()
		io.WriteString(w, "head")
	},
	world.OK, 200, "no head"}

// killedAnswer is the same by a kill: what has been sent when the machine dies.
type killedAnswer struct {
	name   string
	req    func(path string) *http.Request
	length string // Content-Length; "" is none
	sent   string // "" is nothing, not even the head
	want   world.Outcome
}

var killedAnswers = []killedAnswer{
	{"killed before the head", newRequest, "", "", world.Closed},
	{"killed before the head under HTTP/1.0", oldRequest, "", "", world.Closed},
	{"killed with a known length", newRequest, "10", "half!", world.Cut},
	{"killed when chunked", newRequest, "", "half!", world.Cut},
	{"killed under HTTP/1.0 without a length cannot be told", oldRequest, "", "half!", world.OK},
}

func (k killedAnswer) story(r *rig) {
	h, alice := r.boot("tomcat1"), r.boot("alice")
	var running atomic.Bool
	r.serve(h, func(w http.ResponseWriter, req *http.Request) {
		if k.length != "" {
			w.Header().Set("Content-Length", k.length)
		}
		if k.sent != "" {
			io.WriteString(w, k.sent)
			w.(http.Flusher).Flush()
		}
		running.Store(true)
		h.Sleep(req.Context(), 6*patience)
	})
	var a answer
	asking := r.start(alice, "request", func(ctx context.Context) {
		a = exchange(ctx, r.dialHTTP(ctx, alice, web(h)), k.req("/"))
	})
	r.eventually("the handler waits", running.Load)
	r.kill("tomcat1")
	asking.wait()
	r.outcome("request", a.err, h.Addr(), k.want)
	same(r, "body", a.body, k.sent)
	same(r, "a head came", a.status != 0, k.sent != "")
}

func (b brokenAnswer) story(r *rig) {
	h, alice := r.boot("tomcat1"), r.boot("alice")
	var executed atomic.Int32
	r.serve(h, func(w http.ResponseWriter, req *http.Request) {
		executed.Add(1)
		if req.URL.Path == "/whole" {
			hello(w, req)
			return
		}
		b.handler(w, req)
	})
	r.as(alice, func(ctx context.Context) {
		c := r.dialHTTP(ctx, alice, web(h))
		a := exchange(ctx, c, b.req("/"))
		r.outcome("request", a.err, h.Addr(), b.want)
		same(r, "body", a.body, b.body)
		same(r, "status", a.status, b.status)
		same(r, "executed", executed.Load(), 1)
		r.await(ctx, alice, "the connection is closed", func() bool { return !c.Alive() })
		if a := r.get(ctx, c, "/whole"); a.err == nil {
			r.errorf("next request on the broken connection: no error")
		}
		r.ok("next request on a new one", r.get(ctx, r.dialHTTP(ctx, alice, web(h)), "/whole"), "hello")
	})
}

// reusedAnswer tells the same on a connection that has been used before.
func (b brokenAnswer) reused(r *rig) {
	h, alice := r.boot("tomcat1"), r.boot("alice")
	r.serve(h, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/whole" {
			hello(w, req)
			return
		}
		b.handler(w, req)
	})
	r.as(alice, func(ctx context.Context) {
		c := r.dialHTTP(ctx, alice, web(h))
		r.ok("first request", r.get(ctx, c, "/whole"), "hello")
		a := exchange(ctx, c, b.req("/"))
		same(r, "Reused", c.Reused(), true)
		same(r, "Sent", c.Sent(), true)
		r.outcome("second request", a.err, h.Addr(), b.want)
		same(r, "body", a.body, b.body)
	})
}

var outcomeRows = func() []row {
	rows := []row{
		{"refused", func(r *rig) {
			h, alice := r.boot("tomcat1"), r.boot("alice")
			r.boot("tomcat2")
			r.kill("tomcat2")
			r.as(alice, func(ctx context.Context) {
				for _, x := range []struct{ where, addr string }{
					{"a port unserved", web(h)},
					{"a machine killed", addresses["tomcat2"] + ":8080"},
				} {
					_, err := alice.DialHTTP(ctx, x.addr)
					r.outcome("DialHTTP to "+x.where, err, x.addr, world.Refused)
					_, err = alice.Dial(ctx, x.addr)
					r.outcome("Dial to "+x.where, err, x.addr, world.Refused)
				}
			})
		}},
		{"connect timeout", func(r *rig) {
			h, alice := r.boot("tomcat1"), r.boot("alice")
			r.serve(h, hello)
			r.w.Faults().Partition([]string{"alice"}, []string{"tomcat1"})
			r.as(alice, func(ctx context.Context) {
				start := alice.Elapsed()
				limited, cancel := alice.WithTimeout(ctx, short)
				defer cancel()
				_, err := alice.DialHTTP(limited, web(h))
				r.outcome("DialHTTP", err, h.Addr(), world.ConnectTimeout)
				if took := alice.Elapsed() - start; took < short {
					r.errorf("connect timed out after %v, want %v or more", took, short)
				}
			})
		}},
		{"a connect given up is no timeout", func(r *rig) {
			h, alice := r.boot("tomcat1"), r.boot("alice")
			r.serve(h, hello)
			r.w.Faults().Partition([]string{"alice"}, []string{"tomcat1"})
			r.as(alice, func(ctx context.Context) {
				given, cancel := alice.WithCancel(ctx)
				alice.Go("give up", func(ctx context.Context) {
					if alice.Sleep(ctx, short) == nil {
						cancel()
					}
				})
				_, err := alice.DialHTTP(given, web(h))
				r.outcome("DialHTTP", err, h.Addr(), world.Canceled)
				r.isError("DialHTTP", err, context.Canceled)
			})
		}},
		{"head timeout", func(r *rig) {
			h, alice := r.boot("tomcat1"), r.boot("alice")
			var g gate
			r.serve(h, g.handler(h))
			r.as(alice, func(ctx context.Context) {
				c := r.dialHTTP(ctx, alice, web(h))
				start := alice.Elapsed()
				c.SetReadDeadline(short)
				err := r.get(ctx, c, "/").err
				r.outcome("RoundTrip", err, h.Addr(), world.ReadTimeout)
				if took := alice.Elapsed() - start; took < short {
					r.errorf("read timed out after %v, want %v or more", took, short)
				}
				same(r, "Sent", c.Sent(), true)
				if a := r.get(ctx, c, "/"); a.err == nil {
					r.errorf("request after a timeout: no error")
				}
			})
			g.open.Store(true)
			r.eventually("the server works on", func() bool { return g.out.Load() == 1 })
		}},
		{"body read timeout", func(r *rig) {
			h, alice := r.boot("tomcat1"), r.boot("alice")
			r.serve(h, func(w http.ResponseWriter, req *http.Request) {
				io.WriteString(w, "half")
				w.(http.Flusher).Flush()
				h.Sleep(req.Context(), 6*patience)
			})
			r.as(alice, func(ctx context.Context) {
				c := r.dialHTTP(ctx, alice, web(h))
				resp, err := c.RoundTrip(ctx, request("GET", "/", ""))
				r.must(err, "head")
				half := make([]byte, 4)
				_, err = io.ReadFull(resp.Body, half)
				r.must(err, "first half")
				same(r, "first half", string(half), "half")
				c.SetReadDeadline(short)
				n, err := resp.Body.Read(half)
				same(r, "bytes read", n, 0)
				r.outcome("body", err, h.Addr(), world.ReadTimeout)
			})
		}},
		{"cut with another outcome panics", func(r *rig) {
			h, alice := r.boot("tomcat1"), r.boot("alice")
			var panicked atomic.Int32
			var outcomes = []world.Outcome{world.OK, world.Refused, world.ConnectTimeout, world.ReadTimeout,
				world.Down, world.Canceled, world.Other}
			r.serve(h, func(w http.ResponseWriter, req *http.Request) {
				for _, o := range outcomes {
					func() {
						defer func() {
							if recover() != nil {
								panicked.Add(1)
							}
						}()
						cut(w, o)
					}()
				}
				hello(w, req)
			})
			r.ok("request", r.ask(alice, web(h), "/").wait(), "hello")
			same(r, "panics", panicked.Load(), int32(len(outcomes)))
		}},
		{"a text without a head does not end a connection that nobody wants to end", func(r *rig) {
			h, alice := r.boot("tomcat1"), r.boot("alice")
			r.serve(h, func(w http.ResponseWriter, _ *http.Request) {
				w.(world.StatusWriter).WriteNoHead()
				io.WriteString(w, "no head")
			}, world.ServeOptions{IdleTimeout: idle})
			r.as(alice, func(ctx context.Context) {
				c := r.dialHTTP(ctx, alice, web(h))
				resp, err := c.RoundTrip(ctx, request("GET", "/", ""))
				r.must(err, "RoundTrip")
				same(r, "version", resp.Proto, "HTTP/0.9")
				same(r, "lines of the head", len(resp.Header), 0)
				start := alice.Elapsed()
				r.ok("the whole text", wholeAnswer(resp), "no head")
				if took := alice.Elapsed() - start; took < idle/2 {
					r.errorf("the text ended after %v, want the idle time of %v", took, idle)
				}
			})
		}},
		{"nothing without a head is a connection that was closed", func(r *rig) {
			h, alice := r.boot("tomcat1"), r.boot("alice")
			r.serve(h, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Connection", "close")
				w.(world.StatusWriter).WriteNoHead()
				w.(http.Flusher).Flush()
			})
			r.as(alice, func(ctx context.Context) {
				r.outcome("request", r.get(ctx, r.dialHTTP(ctx, alice, web(h)), "/").err, h.Addr(), world.Closed)
			})
		}},
		{"reset when the server dies with input unread", func(r *rig) {
			h, alice := r.boot("tomcat1"), r.boot("alice")
			var running atomic.Bool
			r.serve(h, func(w http.ResponseWriter, req *http.Request) {
				running.Store(true)
				h.Sleep(req.Context(), 6*patience) // leaves the body where it is
			})
			var a answer
			asking := r.start(alice, "big request", func(ctx context.Context) {
				body := strings.Repeat("x", 16<<20) // more than sockets buffer
				a = exchange(ctx, r.dialHTTP(ctx, alice, web(h)), request("POST", "/", body))
			})
			r.eventually("the handler waits", running.Load)
			r.settle()
			r.kill("tomcat1")
			asking.wait()
			r.outcome("request", a.err, h.Addr(), world.Reset)
		}},
	}
	rows = append(rows, row{barePage.name, barePage.story}, row{barePage.name + " on a used connection", barePage.reused})
	for _, b := range brokenAnswers {
		rows = append(rows, row{b.name, b.story})
	}
	for _, b := range brokenAnswers[:5] {
		rows = append(rows, row{b.name + " on a used connection", b.reused})
	}
	for _, k := range killedAnswers {
		rows = append(rows, row{k.name, k.story})
	}
	return rows
}()
