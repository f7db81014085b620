package sim

import (
	"context"
	"slices"
	"time"
)

// simCtx is a context in virtual time. Deadline answers ok=false, so that no
// library compares virtual with real time.
type simCtx struct {
	host   *host
	parent context.Context
	above  *simCtx // the nearest virtual context over this one
	err    error
	done   chan struct{} // made when somebody asks
	timer  event         // of WithTimeout

	below   []*simCtx
	waiting []*task  // tasks parked under this context
	room    [1]*task // for waiting: mostly there is one
	funcs   []*afterFunc
}

type afterFunc struct{ f func() }

type simCtxKey struct{}

// nearest finds the virtual context that decides about ctx, nil if none does.
func nearest(ctx context.Context) *simCtx {
	if c, ok := ctx.(*simCtx); ok {
		return c
	}
	if ctx == nil {
		return nil
	}
	c, _ := ctx.Value(simCtxKey{}).(*simCtx)
	return c
}

func (h *host) newCtx(parent context.Context) *simCtx {
	c := &simCtx{host: h, parent: parent, above: nearest(parent)}
	c.waiting = c.room[:0]
	switch {
	case c.above == nil && parent.Err() != nil:
		c.err = parent.Err()
	case c.above == nil:
	case c.above.err != nil:
		c.err = c.above.err
	default:
		c.above.below = append(c.above.below, c)
	}
	return c
}

func (c *simCtx) Deadline() (time.Time, bool) { return time.Time{}, false }

func (c *simCtx) Done() <-chan struct{} {
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

func (c *simCtx) Err() error { return c.err }

func (c *simCtx) Value(key any) any {
	if key == (simCtxKey{}) {
		return c
	}
	if c.parent == nil {
		return nil
	}
	return c.parent.Value(key)
}

// AfterFunc calls f when the context ends. It is what package context looks
// for: without it that package would start a goroutine for every context of its
// own that is derived from this one. f is the library's and returns at once.
func (c *simCtx) AfterFunc(f func()) func() bool {
	if c.err != nil {
		f()
		return func() bool { return false }
	}
	a := &afterFunc{f}
	c.funcs = append(c.funcs, a)
	return func() bool {
		i := slices.Index(c.funcs, a)
		if i < 0 {
			return false
		}
		c.funcs = slices.Delete(c.funcs, i, i+1)
		return true
	}
}

// cancel ends the context and all below it, and wakes who waits under them.
func (c *simCtx) cancel(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	if c.timer.what != nil {
		c.host.w.cancel(&c.timer)
	}
	if c.done != nil {
		close(c.done)
	}
	waiting, below, funcs := c.waiting, c.below, c.funcs
	c.waiting, c.below, c.funcs = nil, nil, nil
	for _, t := range waiting {
		c.host.w.wake(t)
	}
	for _, b := range below {
		b.cancel(err)
	}
	for _, a := range funcs {
		a.f()
	}
}

// detach forgets the context in the one above it.
func (c *simCtx) detach() {
	if c.above == nil {
		return
	}
	if i := slices.Index(c.above.below, c); i >= 0 {
		last := len(c.above.below) - 1
		c.above.below[i] = c.above.below[last]
		c.above.below[last] = nil
		c.above.below = c.above.below[:last]
	}
}

// fire is the deadline of a context made by WithTimeout.
func (c *simCtx) fire() {
	c.detach()
	c.cancel(context.DeadlineExceeded)
}

// enter lists a task that parks under the context, and leave takes it off.
func (c *simCtx) enter(t *task) {
	t.place = len(c.waiting)
	c.waiting = append(c.waiting, t)
}

func (c *simCtx) leave(t *task) {
	last := len(c.waiting) - 1
	moved := c.waiting[last]
	c.waiting[t.place], moved.place = moved, t.place
	c.waiting[last] = nil
	c.waiting = c.waiting[:last]
}
