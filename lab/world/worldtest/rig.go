package worldtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sessionlab/lab/world"
)

const (
	patience = 10 * time.Second      // bound for what must happen; a timeout that must not pass
	short    = 50 * time.Millisecond // a timeout that must pass; how long a story watches that nothing happens
	idle     = 4 * short             // an idle timeout that a request in time does not meet
	tick     = time.Millisecond      // between two looks
)

// addresses are those of the machines in the stories.
var addresses = map[string]string{
	"tomcat1": "172.16.12.101",
	"tomcat2": "172.16.12.102",
	"tomcat3": "172.16.12.103",
	"alice":   "10.0.1.7",
	"bob":     "10.0.2.8",
	"carol":   "2001:db8::7",
	"dave":    "2001:db8::8",
}

// rig is what a row needs to play its story.
type rig struct {
	t    *testing.T
	w    world.World
	op   world.Host
	ctx  context.Context // of the operator's task
	seen *recorder       // nil unless the chapter is observed

	mu   sync.Mutex
	over bool
}

// end stops the reporting: a task that a world failed to end must not speak
// for a test that is over.
func (r *rig) end() {
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
}

// errorf reports a failure, and the story goes on.
func (r *rig) errorf(format string, args ...any) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		r.t.Errorf(format, args...)
	}
}

// broken is the panic of a story that cannot go on.
type broken struct{ why string }

// stop ends the story. t.Fatal would end a goroutine that is the world's.
func (r *rig) stop(format string, args ...any) {
	panic(broken{fmt.Sprintf(format, args...)})
}

// must stops the story on an error.
func (r *rig) must(err error, format string, args ...any) {
	if err != nil {
		r.stop("%s: %v", fmt.Sprintf(format, args...), err)
	}
}

// guard runs f and returns what broke the story. Any other panic passes on: it
// may be the world that unwinds a task.
func guard(f func()) (why string) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case broken:
			why = p.why
		default:
			panic(p)
		}
	}()
	f()
	return ""
}

// eventually waits, as the operator, until cond holds.
func (r *rig) eventually(what string, cond func() bool) {
	r.await(r.ctx, r.op, what, cond)
}

// await waits in a task of h until cond holds.
func (r *rig) await(ctx context.Context, h world.Host, what string, cond func() bool) {
	for start := h.Elapsed(); !cond(); {
		if h.Elapsed()-start > patience {
			r.stop("waited %v in vain until %s", patience, what)
		}
		r.must(h.Sleep(ctx, tick), "sleep until %s", what)
	}
}

// settle gives what must not happen a moment to happen.
func (r *rig) settle() { r.pass(short) }

// pass lets d go by for the operator.
func (r *rig) pass(d time.Duration) { r.must(r.op.Sleep(r.ctx, d), "operator's sleep") }

// task is a task of a machine whose end the story can wait for. What it wrote
// may be read after wait.
type task struct {
	r    *rig
	name string
	over atomic.Bool
	why  string
}

// start starts f as a task of h.
func (r *rig) start(h world.Host, name string, f func(ctx context.Context)) *task {
	t := &task{r: r, name: name}
	h.Go(name, func(ctx context.Context) {
		t.why = guard(func() { f(ctx) })
		t.over.Store(true)
	})
	return t
}

func (t *task) ended() bool { return t.over.Load() }

// wait waits for the end of the task; if it broke, so does the story.
func (t *task) wait() {
	t.r.eventually(t.name+" ends", t.ended)
	if t.why != "" {
		t.r.stop("%s: %s", t.name, t.why)
	}
}

// as runs f as a task of h and waits for its end.
func (r *rig) as(h world.Host, f func(ctx context.Context)) {
	r.start(h, "a step of "+h.Name(), f).wait()
}

// boot starts a machine of the table of addresses.
func (r *rig) boot(name string) world.Host {
	h, err := r.w.Boot(name, addresses[name])
	r.must(err, "boot %s", name)
	return h
}

func (r *rig) kill(name string)   { r.must(r.w.Kill(name), "kill %s", name) }
func (r *rig) pause(name string)  { r.must(r.w.Pause(name), "pause %s", name) }
func (r *rig) resume(name string) { r.must(r.w.Resume(name), "resume %s", name) }

// causes are the errors behind the outcomes that have one of their own.
var causes = map[world.Outcome]error{
	world.Refused:        world.ErrRefused,
	world.ConnectTimeout: world.ErrConnectTimeout,
	world.Closed:         io.EOF,
	world.Reset:          world.ErrReset,
	world.ReadTimeout:    world.ErrReadTimeout,
	world.BadHead:        world.ErrBadHead,
	world.Cut:            io.ErrUnexpectedEOF,
	world.Down:           world.ErrHostDown,
}

// outcome checks how an exchange or a dial ended: its class, the cause behind
// it, and for an error of the wire the *world.OpError around it, which names
// the peer.
func (r *rig) outcome(what string, err error, peer string, want world.Outcome) {
	r.t.Helper()
	if got := world.OutcomeOf(err); got != want {
		r.errorf("%s: outcome %v (error: %v), want %v", what, got, err, want)
		return
	}
	if cause := causes[want]; cause != nil && !errors.Is(err, cause) {
		r.errorf("%s: error %v, want one that is %v", what, err, cause)
	}
	switch want {
	case world.Refused, world.ConnectTimeout, world.Reset, world.ReadTimeout, world.BadHead:
		var op *world.OpError
		if !errors.As(err, &op) {
			r.errorf("%s: error %v is no *world.OpError", what, err)
		} else if !strings.HasPrefix(op.Addr, peer) || op.Op == "" {
			r.errorf("%s: failed operation %q on %q, want its name and an address of %s", what, op.Op, op.Addr, peer)
		}
	}
}

// isError checks the cause of an error.
func (r *rig) isError(what string, err, want error) {
	r.t.Helper()
	if !errors.Is(err, want) {
		r.errorf("%s: error %v, want %v", what, err, want)
	}
}

// same checks a value.
func same[T comparable](r *rig, what string, got, want T) {
	r.t.Helper()
	if got != want {
		r.errorf("%s = %v, want %v", what, got, want)
	}
}
