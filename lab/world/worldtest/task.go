package worldtest

import (
	"context"
	"sync/atomic"
)

var taskRows = []row{
	{"tasks start tasks", func(r *rig) {
		h := r.boot("tomcat1")
		var sum atomic.Int32
		h.Go("parent", func(ctx context.Context) {
			for i := range 10 {
				h.Go("child", func(ctx context.Context) { sum.Add(int32(i)) })
			}
		})
		r.eventually("all children ran", func() bool { return sum.Load() == 45 })
	}},
	{"a task's context does not end while its host is up", func(r *rig) {
		h := r.boot("tomcat1")
		var kept context.Context
		r.as(h, func(ctx context.Context) { kept = ctx })
		r.as(h, func(ctx context.Context) { r.ended("a running task's context", ctx, nil) })
		r.kill("tomcat1")
		r.eventually("the context has ended with the host", func() bool { return kept.Err() != nil })
	}},
	{"tasks end with their host", func(r *rig) {
		h := r.boot("tomcat1")
		var ticks atomic.Int32
		h.Go("ticker", func(ctx context.Context) {
			for h.Sleep(ctx, tick) == nil {
				ticks.Add(1)
			}
		})
		r.eventually("the ticker ticks", func() bool { return ticks.Load() > 2 })
		r.kill("tomcat1")
		r.settle()
		before := ticks.Load()
		r.boot("tomcat1")
		r.settle()
		same(r, "ticks after the kill", ticks.Load(), before)
	}},
	{"a dead host starts no task", func(r *rig) {
		h := r.boot("tomcat1")
		r.kill("tomcat1")
		var ran atomic.Bool
		h.Go("late", func(context.Context) { ran.Store(true) })
		r.settle()
		same(r, "task of a dead host ran", ran.Load(), false)
	}},
}
