package tribes_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
	"sessionlab/sessions/tribes"
)

// overtaken is the share of new sessions, one each 20 ms, whose first DELTA
// arrives before their CREATED, in percent.
func overtaken(t *testing.T, cfg tribes.Config, options tribes.Options) (percent int) {
	const sessions = 500
	in(t, 7, func(r *rig) {
		nodes := r.formed(2, cfg)
		a, b := nodes[0], nodes[1]
		for i := range sessions {
			key := fmt.Sprint("S", i)
			r.must(a.Send(r.ctx, a.Members(), message("CREATED", key, "created "+key, options)))
			r.sleep(200 * time.Microsecond)
			r.must(a.Send(r.ctx, a.Members(), message("DELTA", key, "delta "+key, options)))
			r.sleep(20 * ms)
		}
		bodies := b.bodies()
		if len(bodies) != 2*sessions {
			t.Fatalf("%d messages arrived, want %d", len(bodies), 2*sessions)
		}
		n := 0
		for i := range sessions {
			key := fmt.Sprint("S", i)
			if slices.Index(bodies, "delta "+key) < slices.Index(bodies, "created "+key) {
				n++
			}
		}
		percent = n * 100 / sessions
	})
	return percent
}

func TestAsynchronousMessagesOvertake(t *testing.T) {
	one := tribes.DispatchConfig{MaxThreads: 1, MaxSpareThreads: 1}
	for _, c := range []struct {
		name      string
		cfg       tribes.Config
		options   tribes.Options
		low, high int
	}{
		{"async", tribes.Config{}, 8, 10, 38},
		{"async with acknowledgement", tribes.Config{}, 14, 10, 38},
		{"one thread", tribes.Config{Dispatch: one}, 8, 3, 20},
		{"no pick-up time", tribes.Config{Pickup: -1}, 8, 0, 0},
		{"no dispatcher", tribes.Config{Interceptors: []string{tribes.TcpFailureDetector}}, 8, 3, 27},
		{"not asynchronous", tribes.Config{}, 4, 3, 27},
		{"acknowledged on receipt", tribes.Config{}, 2, 0, 1},
		{"synchronous", tribes.Config{}, 6, 0, 0},
	} {
		if got := overtaken(t, c.cfg, c.options); got < c.low || got > c.high {
			t.Errorf("%s: %d %% of new sessions are overtaken, want %d to %d", c.name, got, c.low, c.high)
		}
	}
}

// What the selector sees at once is handed out at once, so messages close behind
// each other are in any order; half a millisecond is mostly enough for the first to
// be through.
func TestFewBurstsEndInAnotherOrder(t *testing.T) {
	const bursts = 300
	for _, c := range []struct {
		options   tribes.Options
		low, high int
	}{{8, 1, 6}, {4, 1, 6}, {6, 0, 0}} {
		in(t, 3, func(r *rig) {
			nodes := r.formed(2, tribes.Config{})
			a, b := nodes[0], nodes[1]
			last := 0
			for i := range bursts {
				key := fmt.Sprint("S", i)
				for n := range 5 {
					r.must(a.Send(r.ctx, a.Members(), message("DELTA", key, fmt.Sprint(n), c.options)))
					r.sleep(550 * time.Microsecond)
				}
				r.sleep(20 * ms)
				if bodies := b.bodies(); bodies[len(bodies)-1] != "4" {
					last++
				}
			}
			if got := last * 100 / bursts; got < c.low || got > c.high {
				t.Errorf("options %d: %d %% of bursts end with another than their last message, want %d to %d", c.options, got, c.low, c.high)
			}
		})
	}
}

// Whoever does not wait for the receiver's thread may read too early: with 4 as
// with 8; with 2 hardly ever, since the acknowledgement leaves the thread that is
// about to process the message.
func TestAQuarterOfImmediateReadsIsStale(t *testing.T) {
	const reads = 500
	for _, c := range []struct {
		options   tribes.Options
		low, high int
	}{{8, 20, 30}, {4, 12, 25}, {2, 0, 3}, {6, 0, 0}} {
		in(t, 3, func(r *rig) {
			nodes := r.formed(2, tribes.Config{})
			a, b := nodes[0], nodes[1]
			stale := 0
			for i := range reads {
				r.must(a.Send(r.ctx, a.Members(), message("DELTA", fmt.Sprint("S", i), "x", c.options)))
				r.sleep(400 * time.Microsecond)
				if b.received() != i+1 {
					stale++
				}
				r.sleep(20 * ms)
			}
			if got := stale * 100 / reads; got < c.low || got > c.high {
				t.Errorf("options %d: %d %% of reads are stale, want %d to %d", c.options, got, c.low, c.high)
			}
		})
	}
}

// A draw belongs to its message: what else is sent does not change it.
func TestPickupDependsOnTheMessageAlone(t *testing.T) {
	arrival := func(others int) (at time.Duration) {
		in(t, 5, func(r *rig) {
			nodes := r.formed(2, tribes.Config{})
			for i := range others {
				r.must(nodes[0].Send(r.ctx, nodes[0].Members(), message("DELTA", fmt.Sprint("other", i), "x", 8)))
				r.sleep(20 * ms)
			}
			r.sleep(time.Second - r.now())
			r.must(nodes[0].Send(r.ctx, nodes[0].Members(), message("DELTA", "mine", "x", 8)))
			r.sleep(50 * ms)
			at = nodes[1].at[others]
		})
		return at
	}
	// A first message pays for its connection: two sent before warm both runs up.
	if one, two := arrival(2), arrival(7); one != two {
		t.Errorf("arrives at %v after 2 others, at %v after 7", one, two)
	}
}

func TestHeldMessageIsOvertakenOnAnotherConnection(t *testing.T) {
	for _, options := range []tribes.Options{0, 8} {
		in(t, 1, func(r *rig) {
			nodes := r.formed(2, tribes.Config{})
			a, b := nodes[0], nodes[1]
			r.w.Faults().Add(fault.Rule{Verb: fault.Hold, Kind: "DELTA", Count: 1})
			for i := range 3 {
				r.must(a.Send(r.ctx, a.Members(), message("DELTA", "S", fmt.Sprint(i), options)))
				r.sleep(20 * ms)
			}
			if got := b.bodies(); !slices.Equal(got, []string{"1", "2"}) {
				t.Errorf("options %d: while the first is held %q arrive, want 1 and 2", options, got)
			}
			r.w.Faults().Release("", "", "")
			r.sleep(20 * ms)
			if got := b.bodies(); !slices.Equal(got, []string{"1", "2", "0"}) {
				t.Errorf("options %d: after the release %q, want 1 2 0", options, got)
			}
		})
	}
}

func TestOneConnectionKeepsTheOrderOfAHold(t *testing.T) {
	in(t, 1, func(r *rig) {
		nodes := r.formed(2, tribes.Config{Sender: tribes.SenderConfig{PoolSize: 1, MaxWait: 50 * ms}})
		a, b := nodes[0], nodes[1]
		r.w.Faults().Add(fault.Rule{Verb: fault.Hold, Kind: "DELTA", Count: 1})
		r.must(a.Send(r.ctx, a.Members(), message("DELTA", "S", "0", 0)))
		if err := a.Send(r.ctx, a.Members(), message("DELTA", "S", "1", 0)); err == nil {
			t.Error("a second message leaves although the only sender is stalled")
		}
		if n := a.Status().Count(tribes.PoolExhausted); n != 1 {
			t.Errorf("pool exhausted %d times, want once", n)
		}
		r.w.Faults().Release("", "", "")
		r.must(a.Send(r.ctx, a.Members(), message("DELTA", "S", "2", 0)))
		r.sleep(ms)
		if got := b.bodies(); !slices.Equal(got, []string{"0", "2"}) {
			t.Errorf("arrived: %q, want 0 and 2", got)
		}
	})
}

func TestRunsAreEqualForASeed(t *testing.T) {
	record := func(seed uint64) (events []world.Event) {
		in(t, seed, func(r *rig) {
			r.w.Observe(func(e world.Event) { events = append(events, e) })
			nodes := r.formed(3, tribes.Config{})
			for i := range 20 {
				r.must(nodes[i%3].Send(r.ctx, nodes[i%3].Members(), message("DELTA", fmt.Sprint("S", i), "x", 8)))
				r.sleep(ms)
			}
			r.must(r.w.Kill("t3"))
			r.sleep(10 * time.Second)
		})
		return events
	}
	if one, two := record(4), record(4); !slices.Equal(one, two) {
		t.Errorf("two runs of one seed: %d and %d events, not the same", len(one), len(two))
	}
	if one, two := record(4), record(5); slices.Equal(one, two) {
		t.Error("two seeds give the same run")
	}
}
