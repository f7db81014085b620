package loopback

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"sessionlab/lab/world"
)

// host is one incarnation of a machine. It implements world.Host.
type host struct {
	world   *World
	machine *machine
	ctx     context.Context // ends at kill
	cancel  context.CancelCauseFunc
	down    chan struct{} // closed at kill

	// fence is held for reading while an effect is made that cannot wait, and
	// for writing at kill: after a kill no effect is left half done.
	fence sync.RWMutex

	mu        sync.Mutex
	dead      bool
	resumed   chan struct{} // closed at resume; nil unless paused
	resumedAt time.Time
	open      map[handle]struct{}
}

// handle is something open that belongs to a host.
type handle interface {
	kick() // makes a call that waits in the kernel return and look around
	shut() // closes it as the kernel does for a killed process
}

func newHost(w *World, m *machine) *host {
	h := &host{world: w, machine: m, down: make(chan struct{}), open: map[handle]struct{}{}}
	h.ctx, h.cancel = context.WithCancelCause(w.ctx)
	return h
}

// gate lets a call of this host pass: it waits while the host is paused and
// fails once it is killed, or once the run is broken.
func (h *host) gate() error {
	if h.world.broken.Load() != nil {
		return world.ErrHostDown
	}
	for {
		h.mu.Lock()
		dead, resumed := h.dead, h.resumed
		h.mu.Unlock()
		if dead {
			return world.ErrHostDown
		}
		if resumed == nil {
			return nil
		}
		select {
		case <-resumed:
		case <-h.down:
		}
	}
}

// pass is gate for a call that a context can end.
func (h *host) pass(ctx context.Context) error {
	if err := h.gate(); err != nil {
		return err
	}
	return ctx.Err()
}

// effect passes the gate and runs f fenced.
func (h *host) effect(f func() error) error {
	if err := h.gate(); err != nil {
		return err
	}
	return h.fenced(f)
}

// fenced runs f, which must not wait, unless the host is down; a kill comes
// before or after it.
func (h *host) fenced(f func() error) error {
	h.fence.RLock()
	defer h.fence.RUnlock()
	if h.isDown() {
		return world.ErrHostDown
	}
	return f()
}

func (h *host) isDown() bool {
	select {
	case <-h.down:
		return true
	default:
		return false
	}
}

// own enters something open, or closes it when the host is down.
func (h *host) own(x handle) error {
	h.mu.Lock()
	if !h.dead {
		h.open[x] = struct{}{}
		h.mu.Unlock()
		return nil
	}
	h.mu.Unlock()
	x.shut()
	return world.ErrHostDown
}

func (h *host) disown(x handle) {
	h.mu.Lock()
	delete(h.open, x)
	h.mu.Unlock()
}

func (h *host) handles() []handle {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]handle, 0, len(h.open))
	for x := range h.open {
		all = append(all, x)
	}
	return all
}

func (h *host) kill() {
	h.mu.Lock()
	if h.dead {
		h.mu.Unlock()
		return
	}
	h.dead = true
	close(h.down)
	h.mu.Unlock()
	for _, x := range h.handles() {
		x.shut()
	}
	h.fence.Lock() // waits for effects under way
	defer h.fence.Unlock()
	h.cancel(world.ErrHostDown)
}

func (h *host) pause() bool {
	h.mu.Lock()
	if h.dead || h.resumed != nil {
		h.mu.Unlock()
		return false
	}
	h.resumed = make(chan struct{})
	h.mu.Unlock()
	for _, x := range h.handles() {
		x.kick()
	}
	return true
}

func (h *host) resume() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dead || h.resumed == nil {
		return false
	}
	h.resumedAt = time.Now()
	close(h.resumed)
	h.resumed = nil
	return true
}

// resumeGrace is how long after a resume no deadline of reading ends: what
// arrived while the host was frozen is seen before its timers are.
// Source: nginx ngx_event.c, ngx_process_events_and_timers handles events
// before it expires timers.
const resumeGrace = 5 * time.Millisecond

// notBefore moves a deadline of reading behind the latest resume.
func (h *host) notBefore(deadline time.Time) time.Time {
	if deadline.IsZero() {
		return deadline
	}
	h.mu.Lock()
	earliest := h.resumedAt.Add(resumeGrace)
	h.mu.Unlock()
	if deadline.Before(earliest) {
		return earliest
	}
	return deadline
}

func (h *host) at(port int) netip.AddrPort {
	return netip.AddrPortFrom(h.machine.addr, uint16(port))
}

func (h *host) Name() string { return h.machine.name }
func (h *host) Addr() string { return h.machine.addr.String() }

func (h *host) Now() time.Time {
	_ = h.gate() // a dead host's clock is read by nobody who could act on it
	ahead := time.Duration(h.machine.ahead.Load())
	return h.world.zero.Round(0).Add(h.world.elapsed() + ahead)
}

func (h *host) Elapsed() time.Duration {
	_ = h.gate()
	return h.world.elapsed()
}

func (h *host) Sleep(ctx context.Context, d time.Duration) error {
	if err := h.pass(ctx); err != nil {
		return err
	}
	var err error
	due := h.world.elapsed() + d
	if nap(d) {
		err = ctx.Err()
	} else {
		err = h.await(ctx, d)
	}
	h.world.late.fired(h.Name(), due, h.world.elapsed())
	if down := h.gate(); down != nil {
		return down
	}
	return err
}

// await lets d pass unless ctx or the host ends first.
func (h *host) await(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	case <-h.down:
	}
	return nil
}

func (h *host) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	h.world.late.inForce(d)
	ctx, cancel := context.WithTimeout(ctx, d)
	return undated{ctx}, cancel
}

func (h *host) WithCancel(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}

// undated is a context that does not tell its deadline.
type undated struct{ context.Context }

func (undated) Deadline() (time.Time, bool) { return time.Time{}, false }

func (h *host) Go(name string, f func(ctx context.Context)) {
	h.mu.Lock()
	dead := h.dead
	h.mu.Unlock()
	if dead {
		return
	}
	h.world.spawn(func() {
		defer func() {
			if p := recover(); p != nil {
				h.world.fail(world.NewPanic("task "+name+" of "+h.Name(), p))
			}
		}()
		if h.gate() == nil {
			f(h.ctx)
		}
	})
}

// Key begins an identity.
func (h *host) Key(purpose string) world.Key { return world.NewKey(h.world.seed).Str(purpose) }

func (h *host) Rand(purpose string, identity ...any) *rand.Rand {
	key := h.Key(purpose)
	for _, part := range identity {
		key = key.Part(part)
	}
	return key.Rand()
}

func (h *host) NewSignal() world.Signal { return &signal{host: h, set: make(chan struct{}, 1)} }

// signal is a world.Signal: a channel with room for one.
type signal struct {
	host *host
	set  chan struct{}
}

func (s *signal) Set() {
	select {
	case s.set <- struct{}{}:
	default:
	}
}

func (s *signal) Wait(ctx context.Context) error { return s.wait(ctx, nil, 0) }

func (s *signal) WaitWithin(ctx context.Context, d time.Duration) error {
	due := s.host.world.elapsed() + d
	limit := time.NewTimer(d)
	defer limit.Stop()
	return s.wait(ctx, limit.C, due)
}

// wait waits until a limit that is due at a time, without one if it is nil.
func (s *signal) wait(ctx context.Context, limit <-chan time.Time, due time.Duration) error {
	if err := s.host.gate(); err != nil {
		return err
	}
	if limit != nil {
		due = max(due, s.host.world.elapsed()) // a pause is no lateness
	}
	var err error
	select {
	case <-s.set:
	default:
		select {
		case <-s.set:
		case <-limit:
			s.host.world.late.fired(s.host.Name(), due, s.host.world.elapsed())
			err = context.DeadlineExceeded
		case <-ctx.Done():
			err = ctx.Err()
		case <-s.host.down:
		}
	}
	if down := s.host.gate(); down != nil {
		return down
	}
	return err
}

func (h *host) Transport() http.RoundTripper { return world.NewTransport(h) }

func (h *host) Disk() world.Disk { return hostDisk{h} }

var _ world.Host = (*host)(nil)
