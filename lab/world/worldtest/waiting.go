package worldtest

import (
	"context"
	"slices"

	"sessionlab/lab/world"
)

var waitingRows = []row{
	{"a semaphore is first come, first served", func(r *rig) {
		h := r.boot("tomcat1")
		s := world.NewSemaphore(h, 1)
		r.as(h, func(ctx context.Context) { r.must(s.Acquire(ctx), "acquire a free place") })
		var order []int // its writer holds the place
		var tasks []*task
		for n := range 5 {
			tasks = append(tasks, r.start(h, "holder", func(ctx context.Context) {
				r.must(s.Acquire(ctx), "acquire")
				order = append(order, n)
				r.must(h.Sleep(ctx, tick), "hold the place")
				s.Release()
			}))
			r.eventually("the task waits for a place", func() bool { return s.Waiting() == n+1 })
		}
		r.as(h, func(context.Context) {
			same(r, "TryAcquire of a taken place", s.TryAcquire(), false)
			s.Release()
		})
		for _, t := range tasks {
			t.wait()
		}
		if want := []int{0, 1, 2, 3, 4}; !slices.Equal(order, want) {
			r.errorf("served in order %v, want %v", order, want)
		}
		same(r, "TryAcquire of a free place", s.TryAcquire(), true)
	}},
	{"a task that gives up leaves the semaphore's queue", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(ctx context.Context) {
			s := world.NewSemaphore(h, 1)
			r.must(s.Acquire(ctx), "acquire a free place")
			limited, cancel := h.WithTimeout(ctx, short)
			defer cancel()
			r.isError("Acquire of a taken place", s.Acquire(limited), context.DeadlineExceeded)
			same(r, "Waiting", s.Waiting(), 0)
			s.Release()
			same(r, "TryAcquire", s.TryAcquire(), true)
		})
	}},
	{"a mutex is held across waits", func(r *rig) {
		h := r.boot("tomcat1")
		m := world.NewMutex(h)
		count := 0
		var tasks []*task
		for range 4 {
			tasks = append(tasks, r.start(h, "adder", func(ctx context.Context) {
				for range 5 {
					r.must(m.Lock(ctx), "lock")
					read := count
					r.must(h.Sleep(ctx, tick), "sleep")
					count = read + 1
					m.Unlock()
				}
			}))
		}
		for _, t := range tasks {
			t.wait()
		}
		same(r, "count", count, 20)
	}},
	{"a queue is first in, first out", func(r *rig) {
		h := r.boot("tomcat1")
		q := world.NewQueue[int](h)
		var got []int
		taker := r.start(h, "taker", func(ctx context.Context) {
			for {
				n, ok, err := q.Take(ctx)
				r.must(err, "take")
				if !ok {
					return
				}
				got = append(got, n)
			}
		})
		r.as(h, func(ctx context.Context) {
			for n := range 10 {
				same(r, "Put", q.Put(n), true)
				if n%3 == 0 {
					r.must(h.Sleep(ctx, tick), "sleep")
				}
			}
			q.Close()
			same(r, "Put after Close", q.Put(99), false)
		})
		taker.wait()
		if want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}; !slices.Equal(got, want) {
			r.errorf("taken %v, want %v", got, want)
		}
	}},
	{"a taker that gives up leaves the queue usable", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(ctx context.Context) {
			q := world.NewQueue[string](h)
			limited, cancel := h.WithTimeout(ctx, short)
			defer cancel()
			_, _, err := q.Take(limited)
			r.isError("Take of an empty queue", err, context.DeadlineExceeded)
			q.Put("delta")
			item, ok, err := q.Take(ctx)
			if item != "delta" || !ok || err != nil {
				r.errorf("Take = %q, %v, %v, want delta, true, nil", item, ok, err)
			}
		})
	}},
	{"a closed queue is drained and lets its takers go", func(r *rig) {
		h := r.boot("tomcat1")
		q := world.NewQueue[string](h)
		var takers []*task
		for range 3 {
			takers = append(takers, r.start(h, "taker", func(ctx context.Context) {
				if _, ok, err := q.Take(ctx); ok || err != nil {
					r.errorf("Take of a closed queue = %v, %v, want false, nil", ok, err)
				}
			}))
		}
		r.settle()
		r.as(h, func(context.Context) { q.Close() })
		for _, t := range takers {
			t.wait()
		}
		full := world.NewQueue[string](h)
		r.as(h, func(ctx context.Context) {
			full.Put("left")
			full.Close()
			item, ok, err := full.Take(ctx)
			if item != "left" || !ok || err != nil {
				r.errorf("Take after Close = %q, %v, %v, want left, true, nil", item, ok, err)
			}
		})
	}},
}
