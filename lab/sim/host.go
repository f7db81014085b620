package sim

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sessionlab/lab/world"
)

// machine is what survives a kill: name, address, disk, clock.
type machine struct {
	name, addr string
	order      int // in which it was first booted
	tie        uint32
	skew       time.Duration
	disk       disk
	up         *host // the running incarnation; nil when down
	links      map[*machine]*link
}

// host is one incarnation of a machine.
type host struct {
	*machine
	w         *World
	dead      bool
	paused    bool
	frozen    []*task // woken while paused, in order
	resumed   []*task // foreign tasks that wait for the resume
	root      *simCtx
	transport http.RoundTripper

	http    map[int]*httpListener
	streams map[int]*streamListener
	packets map[int]*packetConn
	ends    []*stream
}

func (h *host) Name() string { return h.name }
func (h *host) Addr() string { return h.addr }

func (h *host) Now() time.Time {
	if h.enter() != nil {
		return time.Time{}
	}
	return time.Unix(h.w.epoch, h.w.now+int64(h.skew)).UTC()
}

func (h *host) Elapsed() time.Duration {
	h.enter()
	return time.Duration(h.w.now)
}

// enter is the fence at the head of every call. A task of a dead host does not
// come back from it; a foreign task gets ErrHostDown. A paused host keeps a
// foreign task until it is resumed.
func (h *host) enter() error {
	if !h.dead && !h.paused && !h.w.ending {
		return nil
	}
	return h.fence()
}

// reach is enter for a call that waits for nothing. Made by a task of another
// machine it goes through while this one is paused, and takes effect when this
// one goes on: whoever looks at a frozen machine does not freeze with it.
func (h *host) reach() error {
	if t := h.w.current; h.paused && t != nil && t.host != h && !h.w.ending {
		return nil
	}
	return h.enter()
}

func (h *host) fence() error {
	w := h.w
	if w.ending {
		return world.ErrHostDown
	}
	t := w.current
	for {
		switch {
		case h.dead && t != nil && t.host == h:
			t.park() // never resumed; unwound at the end of the run
			return world.ErrHostDown
		case h.dead:
			return world.ErrHostDown
		case h.paused && t != nil:
			if t.host == h {
				// It paused itself, by a verb run at the seam.
				t.parked = true
				w.wake(t)
				t.park()
				continue
			}
			h.resumed = append(h.resumed, t)
			t.park()
		default:
			return nil
		}
	}
}

// wait parks the current task until it is woken, ctx ends, the time limit (ns,
// negative for none) has passed, or the host dies. ready is asked before and
// after; wait returns nil once it is true. It reports expired for the limit.
func (h *host) wait(ctx context.Context, limit int64, ready func() bool) (expired bool, err error) {
	w := h.w
	t := w.current
	if t == nil {
		panic("sim: a call that waits was made outside a task of the world")
	}
	var c *simCtx
	if ctx != nil {
		c = nearest(ctx)
		if c == nil && ctx.Err() != nil {
			return false, ctx.Err()
		}
	}
	t.expired = false
	switch {
	case limit < 0:
	case ready == nil:
		w.schedule(&t.nap, w.now+limit, t.host.tie)
	default:
		t.limit(w.now + limit)
	}
	for {
		if err = h.enter(); err != nil {
			break
		}
		if ready != nil && ready() {
			break
		}
		if c != nil && c.err != nil {
			err = c.err
			break
		}
		if t.expired {
			expired = true
			break
		}
		registered := c != nil && c != t.host.root
		if registered {
			c.enter(t)
		}
		if t.host != h {
			t.guestOf = h
		}
		t.park()
		t.guestOf = nil
		if registered && c.err == nil {
			c.leave(t)
		}
	}
	t.deadline = -1
	if limit >= 0 && ready == nil {
		w.cancel(&t.nap)
	}
	return expired, err
}

func (h *host) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		d = 0
	}
	_, err := h.wait(ctx, int64(d), nil)
	return err
}

func (h *host) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	c := h.newCtx(ctx)
	if h.enter() != nil {
		c.cancel(world.ErrHostDown)
		return c, func() {}
	}
	if c.err == nil {
		if d <= 0 {
			c.fire()
		} else {
			c.timer = event{what: c, index: -1}
			h.w.schedule(&c.timer, h.w.now+int64(d), h.tie)
		}
	}
	return c, func() {
		c.detach()
		c.cancel(context.Canceled)
	}
}

func (h *host) WithCancel(ctx context.Context) (context.Context, context.CancelFunc) {
	c := h.newCtx(ctx)
	if h.enter() != nil {
		c.cancel(world.ErrHostDown)
		return c, func() {}
	}
	return c, func() {
		c.detach()
		c.cancel(context.Canceled)
	}
}

func (h *host) Go(name string, f func(ctx context.Context)) {
	if h.reach() != nil {
		return
	}
	h.w.spawn(h, name, f)
}

func (h *host) NewSignal() world.Signal { return &signal{host: h} }

func (h *host) Transport() http.RoundTripper {
	if h.transport == nil {
		h.transport = world.NewTransport(h)
	}
	return h.transport
}

func (h *host) Disk() world.Disk { return hostDisk{h} }

func (h *host) Rand(purpose string, identity ...any) *rand.Rand {
	h.enter()
	k := h.Key(purpose)
	for _, part := range identity {
		k = k.Part(part)
	}
	return k.Rand()
}

func (h *host) Key(purpose string) world.Key { return h.w.key.Str(purpose) }

func (h *host) at(port int) string {
	var room [48]byte
	b := room[:0]
	if strings.IndexByte(h.addr, ':') >= 0 {
		b = append(append(append(b, '['), h.addr...), ']')
	} else {
		b = append(b, h.addr...)
	}
	return string(strconv.AppendInt(append(b, ':'), int64(port), 10))
}

// signal is an event that resets itself.
type signal struct {
	host   *host
	set    bool
	waiter *task
}

func (s *signal) Set() {
	if s.host.reach() != nil {
		return
	}
	s.set = true
	if s.waiter != nil {
		s.host.w.wake(s.waiter)
	}
}

func (s *signal) Wait(ctx context.Context) error { return s.wait(ctx, -1) }

func (s *signal) WaitWithin(ctx context.Context, d time.Duration) error {
	return s.wait(ctx, int64(d))
}

// wait waits without a limit if that is negative.
func (s *signal) wait(ctx context.Context, limit int64) error {
	if s.waiter != nil {
		panic("sim: two tasks wait on one signal of " + s.host.name)
	}
	s.waiter = s.host.w.current
	expired, err := s.host.wait(ctx, limit, s.take)
	s.waiter = nil
	if expired {
		return context.DeadlineExceeded
	}
	return err
}

func (s *signal) take() bool {
	if !s.set {
		return false
	}
	s.set = false
	return true
}
