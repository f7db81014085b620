package worldtest

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"

	"sessionlab/lab/world"
)

// leaver is the story of a client that leaves while its request runs.
type leaver struct {
	running, left atomic.Bool
	ended         atomic.Bool // the handler's context ended
	done          atomic.Bool // the handler came to its end
}

// handler watches its context for a moment after the client has left.
func (l *leaver) handler(h world.Host) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		l.running.Store(true)
		for !l.left.Load() {
			if h.Sleep(context.Background(), tick) != nil {
				return
			}
		}
		l.ended.Store(h.Sleep(req.Context(), 2*short) != nil)
		io.WriteString(w, "to nobody")
		l.done.Store(true)
	}
}

// leave starts a request and closes its connection once it is being executed.
func (l *leaver) leave(r *rig, client, server world.Host) {
	r.as(client, func(ctx context.Context) {
		c := r.dialHTTP(ctx, client, web(server))
		giveUp, cancel := client.WithCancel(ctx)
		client.Go("give up", func(ctx context.Context) {
			for !l.running.Load() && client.Sleep(ctx, tick) == nil {
			}
			cancel()
		})
		r.isError("abandoned request", r.get(giveUp, c, "/").err, context.Canceled)
		c.Close()
	})
	l.left.Store(true)
}

var handlerRows = []row{
	{"a handler works on when the client has left", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var l leaver
		r.serve(h, l.handler(h))
		l.leave(r, alice, h)
		r.eventually("the handler is done", l.done.Load)
		same(r, "the handler's context ended", l.ended.Load(), false)
	}},
	{"ClientGone ends the handler's context", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var l leaver
		r.serve(h, l.handler(h), world.ServeOptions{ClientGone: true})
		l.leave(r, alice, h)
		r.eventually("the handler is done", l.done.Load)
		same(r, "the handler's context ended", l.ended.Load(), true)
	}},
	{"ClientGone sees a killed client", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var running atomic.Bool
		var err atomic.Pointer[error]
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			running.Store(true)
			ended := h.Sleep(req.Context(), 6*patience)
			err.Store(&ended)
		}, world.ServeOptions{ClientGone: true})
		r.ask(alice, web(h), "/")
		r.eventually("the handler runs", running.Load)
		r.kill("alice")
		r.eventually("the handler's context ends", func() bool { return err.Load() != nil })
		r.isError("Sleep in the handler", *err.Load(), context.Canceled)
	}},
	{"ClientGone leaves a patient client alone", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			io.ReadAll(req.Body)
			if h.Sleep(req.Context(), short) == nil {
				hello(w, req)
			}
		}, world.ServeOptions{ClientGone: true})
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			for range 2 {
				r.ok("patient client", exchange(ctx, c, request("POST", "/", "a body")), "hello")
			}
		})
	}},
	{"a panic kills the request and not the host", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			switch req.URL.Path {
			case "/before":
				panic("before the head")
			case "/within":
				io.WriteString(w, "half")
				w.(http.Flusher).Flush()
				panic("within the body")
			}
			hello(w, req)
		})
		r.as(alice, func(ctx context.Context) {
			before := r.get(ctx, r.dialHTTP(ctx, alice, web(h)), "/before")
			r.outcome("panic before the head", before.err, h.Addr(), world.Closed)
			within := r.get(ctx, r.dialHTTP(ctx, alice, web(h)), "/within")
			r.outcome("panic within the body", within.err, h.Addr(), world.Cut)
			same(r, "body before the panic", within.body, "half")
			r.ok("next request", r.get(ctx, r.dialHTTP(ctx, alice, web(h)), "/"), "hello")
		})
		same(r, "Up", r.w.Up("tomcat1"), true)
	}},
	{"a handler's tasks are the host's", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var done atomic.Bool
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			h.Go("after the answer", func(ctx context.Context) {
				if h.Sleep(ctx, short) == nil {
					done.Store(true)
				}
			})
			hello(w, req)
		})
		r.ok("answer", r.ask(alice, web(h), "/").wait(), "hello")
		r.eventually("the task outlives the request", done.Load)
	}},
}
