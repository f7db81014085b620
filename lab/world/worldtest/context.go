package worldtest

import (
	"context"
	"time"

	"sessionlab/lab/world"
)

// colour is a key for context values.
type colour struct{}

// isDone looks at a context's channel without waiting for it.
func isDone(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

// ended checks that a context has ended, and how.
func (r *rig) ended(what string, ctx context.Context, want error) {
	r.t.Helper()
	r.isError(what+": Err", ctx.Err(), want)
	same(r, what+": Done is closed", isDone(ctx), want != nil)
}

// runs waits for what a context.AfterFunc says. The world has a moment to hear
// of the end; then the library runs the function in a goroutine of its own, out
// of the world's sight, so that this wait is in real time in every world.
func (r *rig) runs(ctx context.Context, h world.Host, said <-chan string, want string) {
	r.t.Helper()
	r.must(h.Sleep(ctx, tick), "sleep")
	select {
	case got := <-said:
		same(r, "context.AfterFunc ran", got, want)
	case <-time.After(patience):
		r.stop("context.AfterFunc did not run: %s", want)
	}
}

var contextRows = []row{
	{"a timeout ends with DeadlineExceeded", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(ctx context.Context) {
			start := h.Elapsed()
			limited, cancel := h.WithTimeout(ctx, short)
			r.isError("sleep", h.Sleep(limited, 6*patience), context.DeadlineExceeded)
			if took := h.Elapsed() - start; took < short {
				r.errorf("a timeout of %v came after %v", short, took)
			}
			r.ended("after the timeout", limited, context.DeadlineExceeded)
			cancel()
			r.ended("cancelled after the timeout", limited, context.DeadlineExceeded)
			r.ended("its parent", ctx, nil)
		})
	}},
	{"a timeout has no deadline to read", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(ctx context.Context) {
			limited, cancel := h.WithTimeout(ctx, patience)
			defer cancel()
			child, cancelChild := h.WithCancel(limited)
			defer cancelChild()
			for _, c := range []context.Context{limited, child} {
				if at, ok := c.Deadline(); ok {
					r.errorf("Deadline = %v, true; want none", at)
				}
			}
		})
	}},
	{"cancel ends with Canceled", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(ctx context.Context) {
			plain, cancel := h.WithCancel(ctx)
			limited, cancelLimited := h.WithTimeout(ctx, 6*patience)
			r.ended("before cancel", plain, nil)
			for range 2 {
				cancel()
				cancelLimited()
				r.ended("cancelled", plain, context.Canceled)
				r.ended("timeout cancelled early", limited, context.Canceled)
			}
			r.ended("their parent", ctx, nil)
		})
	}},
	{"a timeout of no time has ended", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(ctx context.Context) {
			for _, d := range []time.Duration{0, -time.Second} {
				limited, cancel := h.WithTimeout(ctx, d)
				r.isError("sleep with a timeout of "+d.String(), h.Sleep(limited, 6*patience), context.DeadlineExceeded)
				cancel()
			}
		})
	}},
	{"the end of a parent ends its children", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(ctx context.Context) {
			parent, cancel := h.WithCancel(context.WithValue(ctx, colour{}, "green"))
			child, cancelChild := h.WithTimeout(parent, 6*patience)
			defer cancelChild()
			grandchild, cancelGrandchild := h.WithCancel(context.WithValue(child, colour{}, "blue"))
			defer cancelGrandchild()
			sibling, cancelSibling := h.WithCancel(parent)

			cancelSibling()
			r.ended("a cancelled child", sibling, context.Canceled)
			r.ended("the parent of a cancelled child", parent, nil)
			r.ended("its sibling", child, nil)
			same(r, "value of the child", child.Value(colour{}), any("green"))
			same(r, "value of the grandchild", grandchild.Value(colour{}), any("blue"))

			cancel()
			r.ended("child", child, context.Canceled)
			r.ended("grandchild", grandchild, context.Canceled)
			late, cancelLate := h.WithTimeout(parent, 6*patience)
			defer cancelLate()
			r.ended("child of an ended parent", late, context.Canceled)
		})
	}},
	{"the shorter of two timeouts ends both", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(ctx context.Context) {
			parent, cancel := h.WithTimeout(ctx, short)
			defer cancel()
			child, cancelChild := h.WithTimeout(parent, 6*patience)
			defer cancelChild()
			r.isError("sleep under the child", h.Sleep(child, 6*patience), context.DeadlineExceeded)
			r.ended("parent", parent, context.DeadlineExceeded)

			parent, cancel = h.WithTimeout(ctx, 6*patience)
			defer cancel()
			child, cancelChild = h.WithTimeout(parent, short)
			defer cancelChild()
			r.isError("sleep under the short child", h.Sleep(child, 6*patience), context.DeadlineExceeded)
			r.ended("its long parent", parent, nil)
		})
	}},
	{"context.AfterFunc runs at the end", func(r *rig) {
		h := r.boot("tomcat1")
		ran, stopped := make(chan string, 10), make(chan string, 10)
		r.as(h, func(ctx context.Context) {
			plain, cancel := h.WithCancel(ctx)
			context.AfterFunc(plain, func() { ran <- "cancelled" })
			stop := context.AfterFunc(plain, func() { stopped <- "stopped" })
			same(r, "stop before the end", stop(), true)
			same(r, "stop again", stop(), false)
			same(r, "runs before the end", len(ran), 0)
			cancel()
			r.runs(ctx, h, ran, "cancelled")
			stop = context.AfterFunc(plain, func() { ran <- "late" })
			r.runs(ctx, h, ran, "late")
			same(r, "stop after the run", stop(), false)

			limited, cancelLimited := h.WithTimeout(ctx, short)
			defer cancelLimited()
			context.AfterFunc(limited, func() { ran <- "timed out" })
			r.isError("sleep", h.Sleep(limited, 6*patience), context.DeadlineExceeded)
			r.runs(ctx, h, ran, "timed out")
		})
		r.settle()
		same(r, "runs of a stopped function", len(stopped), 0)
		same(r, "further runs", len(ran), 0)
	}},
	{"the library's contexts end with the world's", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(ctx context.Context) {
			parent, cancel := h.WithCancel(ctx)
			child, cancelChild := context.WithCancel(parent)
			defer cancelChild()
			r.ended("before", child, nil)
			cancel()
			r.await(ctx, h, "the library's child has ended", func() bool { return isDone(child) })
			r.ended("after", child, context.Canceled)
		})
	}},
	{"a wait for a signal ends with the timeout", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(ctx context.Context) {
			limited, cancel := h.WithTimeout(context.Background(), short)
			defer cancel()
			r.isError("Wait", h.NewSignal().Wait(limited), context.DeadlineExceeded)
		})
	}},
}
