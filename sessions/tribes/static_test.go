package tribes_test

import (
	"context"
	"testing"
	"time"

	"sessionlab/lab/world"
	"sessionlab/sessions/tribes"
)

// fastPing is a static membership as an operator in a hurry configures it.
var fastPing = tribes.StaticConfig{UseThread: true, PingInterval: 500 * ms, ExpirationTime: 3 * time.Second}

func TestStaticMembersFindEachOther(t *testing.T) {
	in(t, 1, func(r *rig) {
		cfg := tribes.Config{Static: static(3, tribes.StaticConfig{})}
		var nodes []*node
		for i := range 3 {
			n := r.on(r.boot(i+1), cfg)
			within(t, "start", r.took(func() { r.must(n.Start(r.ctx)) }), 0, 50*ms)
			nodes = append(nodes, n)
		}
		for i, want := range []string{"t2 t3", "t1 t3", "t1 t2"} {
			if got := nodes[i].sees(); got != want {
				t.Errorf("%s sees %q, want %q", nodes[i].name, got, want)
			}
		}
		r.must(nodes[2].Stop(r.ctx))
		r.sleep(10 * ms)
		if got := nodes[0].sees(); got != "t2" {
			t.Errorf("after the stop of t3 t1 sees %q, want t2", got)
		}
	})
}

// The port of a node that starts accepts connections before its senders run: who
// asks it then waits for the whole rpcTimeout. A little later it says that nobody
// answers.
func TestStaticNodesThatStartTogetherMayWaitForNothing(t *testing.T) {
	const seeds = 60
	for _, c := range []struct {
		name      string
		cfg       tribes.Config
		low, high int // starts in which somebody waits
	}{
		{"by default", tribes.Config{}, 5, 45},
		{"no pick-up time", tribes.Config{Pickup: -1}, 0, 0},
	} {
		c.cfg.Static = static(2, tribes.StaticConfig{RpcTimeout: 2 * time.Second})
		waited := 0
		for seed := range uint64(seeds) {
			in(t, seed, func(r *rig) {
				a, b := r.on(r.boot(1), c.cfg), r.on(r.boot(2), c.cfg)
				done := r.w.Operator().NewSignal()
				r.w.Operator().Go("start t2", func(ctx context.Context) {
					r.must(b.Start(ctx))
					done.Set()
				})
				took := r.took(func() {
					r.must(a.Start(r.ctx))
					r.must(done.Wait(r.ctx))
				})
				if took >= 2*time.Second {
					waited++
					within(t, "a start for nothing", took, 2*time.Second, 2200*ms)
				} else {
					within(t, "start", took, 0, 200*ms)
				}
				r.until(10*time.Second, 10*ms, "they list each other", func() bool { return a.sees() == "t2" && b.sees() == "t1" })
			})
		}
		if waited < c.low || waited > c.high {
			t.Errorf("%s: in %d of %d starts somebody waits for nothing, want %d to %d", c.name, waited, seeds, c.low, c.high)
		}
	}
}

func TestStaticExpiryIsCheckedOnlyAfterAPing(t *testing.T) {
	for _, c := range []struct {
		name      string
		cfg       tribes.StaticConfig
		low, high time.Duration
	}{
		// Silent for more than 5 s, looked at every 5 s.
		{"with the channel's heartbeat", tribes.StaticConfig{}, 5 * time.Second, 10100 * ms},
		{"with a thread", tribes.StaticConfig{UseThread: true}, 4 * time.Second, 6100 * ms},
		{"with a thread in a hurry", fastPing, 2500 * ms, 3600 * ms},
	} {
		in(t, 1, func(r *rig) {
			a := r.on(r.boot(1), tribes.Config{Static: static(2, c.cfg)})
			b := r.on(r.boot(2), tribes.Config{Static: static(2, c.cfg)})
			r.must(a.Start(r.ctx))
			r.must(b.Start(r.ctx))
			r.sleep(11 * time.Second)
			r.must(r.w.Kill("t2"))
			took := r.until(20*time.Second, 10*ms, "t1 has dropped t2", func() bool { return a.sees() == "" })
			within(t, c.name, took, c.low, c.high)
		})
	}
}

// hole restarts t2 after down and says how long t1 does not list it then.
func hole(t *testing.T, seed uint64, cfg tribes.Config, down time.Duration, write bool) (absent time.Duration) {
	in(t, seed, func(r *rig) {
		a, b := r.on(r.boot(1), cfg), r.on(r.boot(2), cfg)
		r.must(a.Start(r.ctx))
		r.must(b.Start(r.ctx))
		r.sleep(11*time.Second + time.Duration(seed)*500*ms)
		r.must(r.w.Kill("t2"))
		if write {
			if err := a.Send(r.ctx, a.Members(), message("DELTA", "S", "x", 6)); err == nil {
				t.Error("a send to a dead member succeeds")
			}
			if a.sees() != "" {
				t.Errorf("after a failed send t1 sees %q, want nobody", a.sees())
			}
		}
		r.sleep(down)
		b = r.on(r.boot(2), cfg)
		r.must(b.Start(r.ctx))
		absent = r.until(20*time.Second, 10*ms, "t1 lists t2", func() bool { return a.sees() == "t2" })
	})
	return absent
}

func TestRestartHoleOfStaticMembership(t *testing.T) {
	cfg := tribes.Config{Static: static(2, fastPing)}
	longest := time.Duration(0)
	for seed := range uint64(6) {
		longest = max(longest, hole(t, seed, cfg, 800*ms, true))
	}
	within(t, "longest hole after a quick restart with writes", longest, 2*time.Second, 5100*ms)
	for _, c := range []struct {
		name  string
		cfg   tribes.Config
		down  time.Duration
		write bool
	}{
		{"without a write nobody noticed the outage", cfg, 800 * ms, false},
		{"after 5 s the ping had noticed it too", cfg, 5 * time.Second, true},
		{"without the detector nobody is removed by a failed send",
			tribes.Config{Static: static(2, fastPing), Interceptors: []string{tribes.MessageDispatchInterceptor}}, 800 * ms, false},
	} {
		for seed := range uint64(3) {
			within(t, c.name, hole(t, seed, c.cfg, c.down, c.write), 0, 50*ms)
		}
	}
}

// With multicast the returning node is a new member, heard of at once.
func TestMulticastHasNoRestartHole(t *testing.T) {
	if got := hole(t, 1, tribes.Config{}, 800*ms, true); got > 50*ms {
		t.Errorf("t1 does not list t2 for %v after its start", got)
	}
}

func TestFrozenStaticMemberStays(t *testing.T) {
	in(t, 1, func(r *rig) {
		cfg := tribes.Config{Static: static(2, fastPing)}
		a, b := r.on(r.boot(1), cfg), r.on(r.boot(2), cfg)
		r.must(a.Start(r.ctx))
		r.must(b.Start(r.ctx))
		r.must(r.w.Pause("t2"))
		r.sleep(30 * time.Second)
		if got := a.story(); a.sees() != "t2" || got != "added t2, suspect t2" {
			t.Errorf("t1 sees %q and tells %q, want t2 to stay as a suspect", a.sees(), got)
		}
	})
}

func TestNobodyThere(t *testing.T) {
	in(t, 1, func(r *rig) {
		a := r.on(r.boot(1), tribes.Config{Static: static(3, tribes.StaticConfig{})})
		within(t, "start of the only one", r.took(func() { r.must(a.Start(r.ctx)) }), 0, 10*ms)
		if a.sees() != "" {
			t.Errorf("t1 sees %q", a.sees())
		}
	})
}

func TestMembershipMessagesAreHeartbeats(t *testing.T) {
	in(t, 1, func(r *rig) {
		kinds := map[string]int{}
		r.w.Observe(func(e world.Event) {
			if e.Op == world.Sends {
				kinds[e.Label.Kind]++
			}
		})
		cfg := tribes.Config{Static: static(2, fastPing)}
		a, b := r.on(r.boot(1), cfg), r.on(r.boot(2), cfg)
		r.must(a.Start(r.ctx))
		r.must(b.Start(r.ctx))
		r.sleep(3 * time.Second)
		if kinds["HEARTBEAT"] < 10 || kinds["PROBE"] != 2 || len(kinds) != 2 {
			t.Errorf("messages sent by kind: %v, want heartbeats and two probes", kinds)
		}
	})
}
