package worldtest

import (
	"context"
	"slices"
	"sync"
	"time"

	"sessionlab/lab/world"
)

// ahead is how far a machine's wall clock is ahead of the operator's.
func (r *rig) ahead(h world.Host) time.Duration {
	return h.Now().Sub(r.op.Now()).Round(time.Minute)
}

func (r *rig) skew(h world.Host, d time.Duration) {
	r.must(r.w.Skew(h.Name(), d), "skew %s by %v", h.Name(), d)
}

var clockRows = []row{
	{"skew moves one wall clock", func(r *rig) {
		h, other := r.boot("tomcat1"), r.boot("tomcat2")
		same(r, "unskewed", r.ahead(h), 0)
		for _, d := range []time.Duration{2 * time.Hour, 2 * time.Hour, -3 * time.Hour, 0} {
			before := h.Elapsed()
			r.skew(h, d)
			same(r, "skewed machine", r.ahead(h), d) // set, not added
			same(r, "other machine", r.ahead(other), 0)
			if moved := h.Elapsed() - before; moved < 0 || moved > time.Hour {
				r.errorf("Elapsed moved by %v with a skew of %v", moved, d)
			}
		}
	}},
	{"skew outlives the incarnation", func(r *rig) {
		r.skew(r.boot("tomcat1"), time.Hour)
		r.kill("tomcat1")
		same(r, "skew after reboot", r.ahead(r.boot("tomcat1")), time.Hour)
	}},
	{"the wall clock runs with the monotonic one", func(r *rig) {
		h := r.boot("tomcat1")
		r.skew(h, -time.Hour)
		before := h.Now()
		r.pass(short)
		if ran := h.Now().Sub(before); ran < short-5*time.Millisecond || ran > patience {
			r.errorf("wall clock ran %v while %v passed", ran, short)
		}
	}},
	{"elapsed is the same on every machine", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		r.skew(two, time.Hour)
		for range 100 {
			a, b, c := one.Elapsed(), two.Elapsed(), one.Elapsed()
			if a > b || b > c || a < 0 {
				r.errorf("Elapsed read on two machines in turn: %v, %v, %v", a, b, c)
			}
		}
	}},
	{"sleep is monotonic", func(r *rig) {
		h := r.boot("tomcat1")
		var took time.Duration
		sleep := r.start(h, "sleeper", func(ctx context.Context) {
			start := h.Elapsed()
			r.must(h.Sleep(ctx, 3*short), "sleep")
			took = h.Elapsed() - start
		})
		r.skew(h, 24*time.Hour)
		r.settle()
		r.skew(h, -24*time.Hour)
		sleep.wait()
		if took < 3*short || took > patience {
			r.errorf("Sleep(%v) on a skewed machine took %v", 3*short, took)
		}
	}},
	{"timeouts are monotonic", func(r *rig) {
		h := r.boot("tomcat1")
		var took time.Duration
		timeout := r.start(h, "timeout", func(ctx context.Context) {
			start := h.Elapsed()
			limited, cancel := h.WithTimeout(ctx, 3*short)
			defer cancel()
			r.isError("sleep", h.Sleep(limited, 6*patience), context.DeadlineExceeded)
			took = h.Elapsed() - start
		})
		r.skew(h, 24*time.Hour)
		r.settle()
		r.skew(h, -24*time.Hour)
		timeout.wait()
		if took < 3*short || took > patience {
			r.errorf("a timeout of %v on a skewed machine took %v", 3*short, took)
		}
	}},
	{"sleeps end in the order of their lengths", func(r *rig) {
		h := r.boot("tomcat1")
		var mu sync.Mutex
		var order []int
		var tasks []*task
		for _, n := range []int{3, 1, 4, 2} {
			tasks = append(tasks, r.start(h, "sleeper", func(ctx context.Context) {
				r.must(h.Sleep(ctx, time.Duration(2*n)*short), "sleep")
				mu.Lock()
				order = append(order, n)
				mu.Unlock()
			}))
		}
		for _, t := range tasks {
			t.wait()
		}
		if want := []int{1, 2, 3, 4}; !slices.Equal(order, want) {
			r.errorf("sleepers woke in order %v, want %v", order, want)
		}
	}},
	{"a sleep ends with its context", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(ctx context.Context) {
			sleeping, cancel := h.WithCancel(ctx)
			start := h.Elapsed()
			h.Go("canceller", func(ctx context.Context) {
				if h.Sleep(ctx, tick) == nil {
					cancel()
				}
			})
			r.isError("cancelled sleep", h.Sleep(sleeping, 6*patience), context.Canceled)
			if took := h.Elapsed() - start; took > patience {
				r.errorf("a cancelled sleep took %v", took)
			}
			r.isError("sleep with an ended context", h.Sleep(sleeping, 6*patience), context.Canceled)
		})
	}},
	{"a sleep of no time returns", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(ctx context.Context) {
			for _, d := range []time.Duration{0, -time.Hour} {
				r.isError("Sleep("+d.String()+")", h.Sleep(ctx, d), nil)
			}
		})
	}},
}
