package worldtest

import (
	"context"

	"sessionlab/lab/world"
)

var signalRows = []row{
	{"set before wait is kept", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(ctx context.Context) {
			s := h.NewSignal()
			s.Set()
			r.isError("Wait", s.Wait(ctx), nil)
		})
	}},
	{"sets do not add up", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(ctx context.Context) {
			s := h.NewSignal()
			s.Set()
			s.Set()
			s.Set()
			r.isError("first Wait", s.Wait(ctx), nil)
			limited, cancel := h.WithTimeout(ctx, short)
			defer cancel()
			r.isError("second Wait", s.Wait(limited), context.DeadlineExceeded)
		})
	}},
	{"set wakes the waiting task", func(r *rig) {
		h := r.boot("tomcat1")
		s := h.NewSignal()
		var err error
		waiter := r.start(h, "waiter", func(ctx context.Context) { err = s.Wait(ctx) })
		r.settle()
		same(r, "waiter ended before Set", waiter.ended(), false)
		r.as(h, func(context.Context) { s.Set() })
		waiter.wait()
		r.isError("Wait", err, nil)
	}},
	{"two tasks hand each other the turn", func(r *rig) {
		h := r.boot("tomcat1")
		ping, pong := h.NewSignal(), h.NewSignal()
		turns := 0 // one of the two tasks has the turn
		other := r.start(h, "pong", func(ctx context.Context) {
			for range 100 {
				r.must(ping.Wait(ctx), "wait for ping")
				turns++
				pong.Set()
			}
		})
		r.as(h, func(ctx context.Context) {
			for range 100 {
				turns++
				ping.Set()
				r.must(pong.Wait(ctx), "wait for pong")
			}
		})
		other.wait()
		same(r, "turns", turns, 200)
	}},
	{"a wait that gave up loses no set", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(ctx context.Context) {
			s := h.NewSignal()
			limited, cancel := h.WithTimeout(ctx, short)
			defer cancel()
			r.isError("Wait", s.Wait(limited), context.DeadlineExceeded)
			s.Set()
			r.isError("Wait after Set", s.Wait(ctx), nil)
		})
	}},
	{"a wait within a time gives up after it and loses no set", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(ctx context.Context) {
			s := h.NewSignal()
			r.isError("WaitWithin", s.WaitWithin(ctx, short), context.DeadlineExceeded)
			s.Set()
			r.isError("WaitWithin after Set", s.WaitWithin(ctx, short), nil)
			h.Go("setter", func(context.Context) { s.Set() })
			r.isError("WaitWithin of a Set that comes", s.WaitWithin(ctx, patience), nil)
			ended, cancel := h.WithCancel(ctx)
			cancel()
			r.isError("WaitWithin under a context that has ended", s.WaitWithin(ended, short), context.Canceled)
		})
	}},
	{"a dead host's signal says so", func(r *rig) {
		h := r.boot("tomcat1")
		s := h.NewSignal()
		r.kill("tomcat1")
		r.isError("Wait", s.Wait(r.ctx), world.ErrHostDown)
	}},
}
