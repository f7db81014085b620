package worldtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"sessionlab/lab/world"
)

// large is a body that fits into no buffer between a writer and a reader.
const large = 1 << 20

// bodyWriter is a handler that writes a run and tells how that went.
type bodyWriter struct {
	size  int64
	limit time.Duration // of LimitWrites; 0 calls none
	first bool          // the length is announced

	began, done atomic.Bool
	wrote       atomic.Int64
	err         atomic.Pointer[error]
}

func (b *bodyWriter) handler(w http.ResponseWriter, _ *http.Request) {
	if b.first {
		w.Header().Set("Content-Length", strconv.FormatInt(b.size, 10))
	}
	if b.limit > 0 {
		w.(world.WriteLimiter).LimitWrites(b.limit)
	}
	b.began.Store(true)
	n, err := world.WriteRun(w, world.Run{Byte: 'x', Length: b.size})
	b.wrote.Store(n)
	b.err.Store(&err)
	b.done.Store(true)
}

// head asks and reads the head of the answer only.
func (r *rig) head(ctx context.Context, c world.HTTPConn, req *http.Request) *http.Response {
	resp, err := c.RoundTrip(ctx, req)
	r.must(err, "%s %s", req.Method, req.URL)
	return resp
}

// readRuns reads a body by its runs and says how long it was.
func readRuns(body io.Reader) (size int64, err error) {
	p := make([]byte, 8<<10)
	for {
		n, run, err := world.ReadRun(body, p)
		if size += int64(n) + run.Length; err == io.EOF {
			return size, nil
		} else if err != nil {
			return size, err
		}
	}
}

var bodyRows = []row{
	{"a Write waits for a reader that reads nothing, and goes on when it does", func(r *rig) {
		for _, announced := range []bool{false, true} {
			b := &bodyWriter{size: large, first: announced}
			h, alice := r.boot("tomcat1"), r.boot("alice")
			r.serve(h, b.handler)
			r.as(alice, func(ctx context.Context) {
				resp := r.head(ctx, r.dialHTTP(ctx, alice, web(h)), request("GET", "/", ""))
				r.must(alice.Sleep(ctx, short), "sleep")
				same(r, "the handler is done before anything is read", b.done.Load(), false)
				n, err := readRuns(resp.Body)
				if n != large || err != nil {
					r.errorf("read %d bytes, %v, want %d", n, err, large)
				}
			})
			r.eventually("the handler is done", b.done.Load)
			same(r, "bytes written", b.wrote.Load(), large)
			r.kill("tomcat1")
			r.kill("alice")
		}
	}},
	{"a body of the window does not wait for its reader", func(r *rig) {
		b := &bodyWriter{size: world.BodyWindow}
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, b.handler)
		r.as(alice, func(ctx context.Context) {
			resp := r.head(ctx, r.dialHTTP(ctx, alice, web(h)), request("GET", "/", ""))
			r.await(ctx, alice, "the handler is done", b.done.Load)
			r.ok("what was written", wholeAnswer(resp), strings.Repeat("x", world.BodyWindow))
		})
	}},
	{"a Write that waits fails when the reader leaves, and so do the next ones", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var began, done atomic.Bool
		var wrote atomic.Int64
		var errs [2]error
		r.serve(h, func(w http.ResponseWriter, _ *http.Request) {
			began.Store(true)
			var n int64
			n, errs[0] = world.WriteRun(w, world.Run{Byte: 'x', Length: large})
			wrote.Store(n)
			_, errs[1] = io.WriteString(w, "more")
			done.Store(true)
		})
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			r.head(ctx, c, request("GET", "/", ""))
			r.must(alice.Sleep(ctx, short), "sleep")
			same(r, "the handler is done", done.Load(), false)
			r.must(c.Close(), "close")
		})
		r.eventually("the handler is done", done.Load)
		for i, err := range errs {
			r.isError("write "+strconv.Itoa(i), err, world.ErrReset)
		}
		if n := wrote.Load(); n >= large {
			r.errorf("%d bytes were written to nobody", n)
		}
	}},
	{"a Write that waits fails when the reader is killed", func(r *rig) {
		b := &bodyWriter{size: large}
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, b.handler)
		r.as(alice, func(ctx context.Context) {
			r.head(ctx, r.dialHTTP(ctx, alice, web(h)), request("GET", "/", ""))
		})
		r.settle()
		same(r, "the handler is done", b.done.Load(), false)
		r.kill("alice")
		r.eventually("the handler is done", b.done.Load)
		r.isError("write", *b.err.Load(), world.ErrReset)
	}},
	{"a killed writer's body is cut", func(r *rig) {
		b := &bodyWriter{size: large}
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, b.handler)
		var resp *http.Response
		r.as(alice, func(ctx context.Context) {
			resp = r.head(ctx, r.dialHTTP(ctx, alice, web(h)), request("GET", "/", ""))
		})
		r.settle()
		r.kill("tomcat1")
		r.as(alice, func(context.Context) {
			n, err := readRuns(resp.Body)
			r.outcome("body", err, h.Addr(), world.Cut)
			if n == 0 || n >= large {
				r.errorf("%d of %d bytes arrived, want some", n, large)
			}
		})
	}},
	{"a Write waits for a paused reader", func(r *rig) {
		b := &bodyWriter{size: large}
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, b.handler)
		reading := r.start(alice, "reader", func(ctx context.Context) {
			resp := r.head(ctx, r.dialHTTP(ctx, alice, web(h)), request("GET", "/", ""))
			r.must(alice.Sleep(ctx, short), "sleep")
			if n, err := readRuns(resp.Body); n != large || err != nil {
				r.errorf("read %d bytes, %v, want %d", n, err, large)
			}
		})
		r.eventually("the handler writes", b.began.Load)
		r.pause("alice")
		r.pass(2 * short)
		same(r, "the handler is done while the reader is paused", b.done.Load(), false)
		r.resume("alice")
		reading.wait()
		r.eventually("the handler is done", b.done.Load)
	}},
	{"LimitWrites ends a Write whose reader takes nothing, and the connection", func(r *rig) {
		b := &bodyWriter{size: large, limit: short}
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, b.handler)
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			resp := r.head(ctx, c, request("GET", "/", ""))
			r.await(ctx, alice, "the handler is done", b.done.Load)
			r.isError("write", *b.err.Load(), world.ErrWriteTimeout)
			_, err := readRuns(resp.Body)
			r.outcome("body", err, h.Addr(), world.Cut)
		})
	}},
	{"LimitWrites leaves a slow reader alone", func(r *rig) {
		b := &bodyWriter{size: large, limit: idle}
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, b.handler)
		r.as(alice, func(ctx context.Context) {
			resp := r.head(ctx, r.dialHTTP(ctx, alice, web(h)), request("GET", "/", ""))
			p := make([]byte, 64<<10)
			for {
				r.must(alice.Sleep(ctx, idle/10), "sleep")
				if _, err := io.ReadFull(resp.Body, p); err != nil {
					r.isError("body", err, io.EOF)
					return
				}
			}
		})
	}},
	{"LimitReads ends a Read whose client sends nothing, and no other", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var size atomic.Int64
		var end atomic.Pointer[error]
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			req.Body.(world.ReadLimiter).LimitReads(idle)
			n, err := io.Copy(io.Discard, req.Body)
			if err != nil {
				size.Store(n)
				end.Store(&err)
				cut(w, world.Closed)
				return
			}
			hello(w, req)
		})
		r.as(alice, func(ctx context.Context) {
			for _, row := range []struct {
				pause time.Duration
				fails bool
			}{{idle / 4, false}, {3 * idle, true}} {
				req := request("POST", "/", "")
				req.ContentLength = 3 * world.BodyWindow
				req.Body = io.NopCloser(&slowBody{left: req.ContentLength, sleep: func() { r.must(alice.Sleep(ctx, row.pause), "sleep") }})
				a := exchange(ctx, r.dialHTTP(ctx, alice, web(h)), req)
				if (a.err != nil) != row.fails {
					r.errorf("with pauses of %v the exchange ends with %v", row.pause, a.err)
				}
			}
			r.eventually("the Read ends", func() bool { return end.Load() != nil })
			r.isError("read", *end.Load(), world.ErrReadTimeout)
			if n := size.Load(); n < world.BodyWindow || n >= 3*world.BodyWindow {
				r.errorf("%d bytes were read before, want the first window", n)
			}
		})
	}},
	{"a run arrives as its bytes, between others", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "before")
			for _, run := range []world.Run{{Byte: 'x', Length: 3}, {Byte: 'x', Length: 100_000}, {Byte: 'y', Length: 70_000}, {}} {
				if n, err := world.WriteRun(w, run); n != run.Length || err != nil {
					r.errorf("WriteRun of %d = %d, %v", run.Length, n, err)
				}
			}
			io.WriteString(w, "behind")
		})
		want := "before" + strings.Repeat("x", 100_003) + strings.Repeat("y", 70_000) + "behind"
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			if a := r.get(ctx, c, "/"); a.body != want || a.err != nil {
				r.errorf("read %d bytes, %v, want the %d that were written", len(a.body), a.err, len(want))
			}
			resp := r.head(ctx, c, request("GET", "/", ""))
			var got []byte
			p := make([]byte, 8<<10)
			for {
				n, run, err := world.ReadRun(resp.Body, p)
				got = append(append(got, p[:n]...), bytes.Repeat([]byte{run.Byte}, int(run.Length))...)
				if err != nil {
					r.isError("body", err, io.EOF)
					break
				}
			}
			if string(got) != want {
				r.errorf("read %d bytes by runs, want the %d that were written", len(got), len(want))
			}
		})
	}},
	{"a run that is longer than the length that was announced is refused", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var got atomic.Pointer[error]
		r.serve(h, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, err := world.WriteRun(w, world.Run{Byte: 'x', Length: 11})
			got.Store(&err)
		})
		r.as(alice, func(ctx context.Context) {
			r.outcome("answer", r.get(ctx, r.dialHTTP(ctx, alice, web(h)), "/").err, h.Addr(), world.Cut)
		})
		if err := *got.Load(); !errors.Is(err, http.ErrContentLength) {
			r.errorf("WriteRun = %v, want %v", err, http.ErrContentLength)
		}
	}},
}

// endless is a body of n bytes.
type endless struct{ n int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.n == 0 {
		return 0, io.EOF
	}
	n, _ := world.Run{Byte: 'x', Length: e.n}.Fill(p)
	e.n -= int64(n)
	return n, nil
}

// upload is a request with a large body, whose length is announced or not.
func upload(size int64, announced bool) *http.Request {
	req := request("PUT", "/", "")
	req.Body, req.ContentLength = io.NopCloser(&endless{size}), -1
	if announced {
		req.ContentLength = size
	}
	return req
}

var requestBodyRows = []row{
	{"a request's body waits for a handler that reads nothing, and goes on when it does", func(r *rig) {
		for _, announced := range []bool{false, true} {
			h, alice := r.boot("tomcat1"), r.boot("alice")
			var began, goOn, sent atomic.Bool
			var got atomic.Int64
			r.serve(h, func(w http.ResponseWriter, req *http.Request) {
				began.Store(true)
				r.await(req.Context(), h, "the handler may read", goOn.Load)
				n, err := readRuns(req.Body)
				if err != nil {
					r.errorf("body: %v", err)
				}
				got.Store(n)
				hello(w, req)
			})
			sending := r.start(alice, "sender", func(ctx context.Context) {
				req := upload(large, announced)
				c := r.dialHTTP(ctx, alice, web(h))
				resp := r.head(ctx, c, req)
				sent.Store(true)
				r.ok("answer", wholeAnswer(resp), "hello")
				same(r, "Alive", c.Alive(), true)
			})
			r.eventually("the handler runs", began.Load)
			r.settle()
			same(r, "the body is sent before anything is read", sent.Load(), false)
			goOn.Store(true)
			sending.wait()
			same(r, "bytes read", got.Load(), large)
			r.kill("tomcat1")
			r.kill("alice")
		}
	}},
	{"a handler that leaves a body unread answers all the same; of a large one the connection ends", func(r *rig) {
		const swallowed = 2 << 20 // Tomcat's maxSwallowSize
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, hello)
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			for range 2 {
				r.ok("answer to a body that is swallowed", exchange(ctx, c, upload(swallowed-1, true)), "hello")
			}
			same(r, "Alive", c.Alive(), true)
			r.ok("answer to one that is too large", exchange(ctx, c, upload(2*swallowed, true)), "hello")
			r.await(ctx, alice, "the connection is closed", func() bool { return !c.Alive() })
		})
	}},
	{"a client that leaves in the middle of its body cuts it", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var done atomic.Bool
		var got error
		r.serve(h, func(_ http.ResponseWriter, req *http.Request) {
			r.must(h.Sleep(req.Context(), 2*short), "sleep")
			_, got = readRuns(req.Body)
			done.Store(true)
		})
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			giveUp, cancel := alice.WithTimeout(ctx, short)
			defer cancel()
			r.isError("sending", exchange(giveUp, c, upload(large, true)).err, context.DeadlineExceeded)
		})
		r.eventually("the handler is done", done.Load)
		r.isError("body", got, io.ErrUnexpectedEOF)
	}},
	{"a body that is not as long as announced is not sent whole", func(r *rig) {
		for _, size := range []int64{10, large} {
			h, alice := r.boot("tomcat1"), r.boot("alice")
			var whole atomic.Bool
			r.serve(h, func(w http.ResponseWriter, req *http.Request) {
				_, err := readRuns(req.Body)
				whole.Store(err == nil)
			})
			r.as(alice, func(ctx context.Context) {
				for _, more := range []int64{-1, 1} {
					req := upload(size+more, true)
					req.ContentLength = size
					if a := exchange(ctx, r.dialHTTP(ctx, alice, web(h)), req); a.err == nil {
						r.errorf("a body of %d bytes, announced as %d: no error", size+more, size)
					}
				}
			})
			same(r, "a handler read a whole body that was too short", whole.Load(), false)
			r.kill("tomcat1")
			r.kill("alice")
		}
	}},
}

var partitionBodyRows = []row{
	{"a partition in the middle of an answer's body holds the rest back", func(r *rig) {
		two, alice := r.boot("tomcat2"), r.boot("alice")
		b := &bodyWriter{size: large}
		r.serve(two, b.handler)
		var resp *http.Response
		r.as(alice, func(ctx context.Context) {
			resp = r.head(ctx, r.dialHTTP(ctx, alice, web(two)), request("GET", "/", ""))
		})
		r.settle()
		r.partition()
		reading := r.start(alice, "reader", func(context.Context) {
			if n, err := readRuns(resp.Body); n != large || err != nil {
				r.errorf("read %d bytes, %v, want %d", n, err, large)
			}
		})
		r.pass(2 * short)
		same(r, "the body is read in spite of the partition", reading.ended(), false)
		r.w.Faults().Heal()
		reading.wait()
	}},
	{"a partition in the middle of a request's body holds the rest back", func(r *rig) {
		two, alice := r.boot("tomcat2"), r.boot("alice")
		var began, goOn, whole atomic.Bool
		r.serve(two, func(w http.ResponseWriter, req *http.Request) {
			began.Store(true)
			r.await(req.Context(), two, "the handler may read", goOn.Load)
			if n, err := readRuns(req.Body); n != large || err != nil {
				r.errorf("read %d bytes, %v, want %d", n, err, large)
			}
			whole.Store(true)
			hello(w, req)
		})
		sending := r.start(alice, "sender", func(ctx context.Context) {
			r.ok("answer", exchange(ctx, r.dialHTTP(ctx, alice, web(two)), upload(large, true)), "hello")
		})
		r.eventually("the handler runs", began.Load)
		r.settle()
		r.partition()
		goOn.Store(true)
		r.pass(2 * short)
		same(r, "the body is read whole in spite of the partition", whole.Load(), false)
		r.w.Faults().Heal()
		sending.wait()
	}},
}

// slowBody is a body whose sender waits before every window of it but the first.
type slowBody struct {
	left  int64
	sent  int64
	sleep func()
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	if b.sent == world.BodyWindow {
		b.sleep()
		b.sent = 0
	}
	n := min(int64(len(p)), b.left, world.BodyWindow-b.sent)
	clear(p[:n])
	b.left -= n
	b.sent += n
	return int(n), nil
}
