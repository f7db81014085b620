package tribes_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/sessions/tribes"
)

// TestMain fails the run when a goroutine outlives the worlds of the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is a machine with a channel, and what it was told.
type node struct {
	name string
	host world.Host
	*tribes.Channel

	mu     sync.Mutex
	events []tribes.Event
	got    []*tribes.Message
	at     []time.Duration // of got
}

func (n *node) received() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.got)
}

// bodies are the messages received, in order.
func (n *node) bodies() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var b []string
	for _, m := range n.got {
		b = append(b, string(m.Body))
	}
	return b
}

// sees are the machines that the node lists, sorted, each once.
func (n *node) sees() string {
	var names []string
	for _, m := range n.Members() {
		names = append(names, "t"+m.Host[len(m.Host)-1:])
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}

// story are the kinds of events about members, in order.
func (n *node) story() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var words []string
	for _, e := range n.events {
		switch e.Kind {
		case tribes.MemberAdded, tribes.MemberGone, tribes.MemberSuspect, tribes.MemberNotAdded:
			words = append(words, strings.TrimPrefix(e.Kind.String(), "member ")+" t"+e.Member.Host[len(e.Member.Host)-1:])
		}
	}
	return strings.Join(words, ", ")
}

// rig is a world with nodes t1, t2 ... at 172.16.12.101, .102 ...
type rig struct {
	t   testing.TB
	w   world.World
	ctx context.Context
}

func address(i int) string { return fmt.Sprintf("172.16.12.10%d", i) }

func (r *rig) boot(i int) world.Host {
	r.t.Helper()
	h, err := r.w.Boot(fmt.Sprintf("t%d", i), address(i))
	if err != nil {
		r.t.Fatal(err)
	}
	return h
}

// on makes a channel on a booted machine.
func (r *rig) on(h world.Host, cfg tribes.Config) *node {
	n := &node{name: h.Name(), host: h}
	cfg.Trace = func(e tribes.Event) {
		n.mu.Lock()
		n.events = append(n.events, e)
		n.mu.Unlock()
	}
	n.Channel = tribes.NewChannel(h, cfg)
	n.OnMessage(func(_ context.Context, m *tribes.Message) {
		at := h.Elapsed()
		n.mu.Lock()
		own := *m
		own.Body = slices.Clone(m.Body)
		n.got = append(n.got, &own)
		n.at = append(n.at, at)
		n.mu.Unlock()
	})
	return n
}

// formed starts a formed cluster of n nodes, of which nobody has asked for a state
// unless the configuration's Formation says so.
func (r *rig) formed(n int, cfg tribes.Config) []*node {
	r.t.Helper()
	if cfg.Formation == nil {
		cfg.Formation = &tribes.Formation{JVMStart: 800 * time.Millisecond}
	}
	var nodes []*node
	for i := range n {
		nd := r.on(r.boot(i+1), cfg)
		r.must(nd.Start(r.ctx))
		nodes = append(nodes, nd)
	}
	cfg.Formation.Complete(r.ctx)
	return nodes
}

// static is a configuration with n members.
func static(n int, cfg tribes.StaticConfig) *tribes.StaticConfig {
	for i := range n {
		cfg.Members = append(cfg.Members, tribes.StaticMember(address(i+1), 0))
	}
	return &cfg
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) now() time.Duration { return r.w.Operator().Elapsed() }

func (r *rig) sleep(d time.Duration) {
	r.t.Helper()
	r.must(r.w.Operator().Sleep(r.ctx, d))
}

// took is how long f takes.
func (r *rig) took(f func()) time.Duration {
	start := r.now()
	f()
	return r.now() - start
}

// until waits until cond holds, in steps, and returns how long that took.
func (r *rig) until(limit, step time.Duration, what string, cond func() bool) time.Duration {
	r.t.Helper()
	return r.took(func() {
		for start := r.now(); !cond(); r.sleep(step) {
			if r.now()-start > limit {
				r.t.Fatalf("waited %v in vain until %s", limit, what)
			}
		}
	})
}

// in runs f as the operator of a simulated world.
func in(t *testing.T, seed uint64, f func(r *rig)) {
	t.Helper()
	w := sim.New(sim.Config{Seed: seed})
	defer w.Close()
	run(t, w, f)
}

func run(t testing.TB, w world.World, f func(r *rig)) {
	t.Helper()
	err := w.Run(func(ctx context.Context) error {
		f(&rig{t: t, w: w, ctx: ctx})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func message(kind, key, body string, o tribes.Options) *tribes.Message {
	return &tribes.Message{Label: world.Label{Kind: kind, Key: key}, Body: []byte(body), Options: o}
}

func within(t *testing.T, what string, got, low, high time.Duration) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%s = %v, want %v to %v", what, got, low, high)
	}
}
