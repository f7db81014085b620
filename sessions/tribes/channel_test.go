package tribes_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sessionlab/lab/world"
	"sessionlab/sessions/tribes"
)

func TestEveryOptionDelivers(t *testing.T) {
	for _, c := range []struct {
		options tribes.Options
		waits   bool // for the receiver
	}{{0, false}, {2, false}, {4, false}, {6, true}, {8, false}, {10, false}, {14, false}} {
		in(t, 1, func(r *rig) {
			nodes := r.formed(3, tribes.Config{})
			a, b := nodes[0], nodes[1]
			took := r.took(func() { r.must(a.Send(r.ctx, a.Members(), message("DELTA", "S1", "hello", c.options))) })
			if arrived := b.received() == 1; c.waits && !arrived {
				t.Errorf("options %d: Send is back after %v, the receiver has nothing", c.options, took)
			}
			r.sleep(50 * time.Millisecond)
			for _, n := range nodes[1:] {
				if got := n.bodies(); len(got) != 1 || got[0] != "hello" {
					t.Errorf("options %d: %s got %q, want one hello", c.options, n.name, got)
				}
				if from := n.got[0].From; from.Name != "t1" || from.Port != 4000 {
					t.Errorf("options %d: From = %v, want t1 at port 4000", c.options, from)
				}
			}
			for _, n := range nodes {
				if n.Pending() != 0 {
					t.Errorf("options %d: Pending of %s = %d when all is quiet", c.options, n.name, n.Pending())
				}
			}
		})
	}
}

// The others know at once and the port is closed at once; then the stop waits for
// the selector's thread, unless that was first.
func TestStopWaitsForTheSelectorBehindAClosedPort(t *testing.T) {
	const stops = 200
	waited := 0
	for seed := range uint64(stops) {
		in(t, seed, func(r *rig) {
			nodes := r.formed(2, tribes.Config{})
			a, b := nodes[0], nodes[1]
			r.sleep(time.Second)
			var took time.Duration
			r.w.Operator().Go("stop", func(context.Context) { took = r.took(func() { r.must(b.Stop(r.ctx)) }) })
			r.sleep(2 * ms)
			if got := a.sees(); got != "" {
				t.Errorf("2 ms after the stop began t1 sees %q", got)
			}
			if _, err := a.host.Dial(r.ctx, "172.16.12.102:4000"); !errors.Is(err, world.ErrRefused) {
				t.Errorf("2 ms after the stop began the port of t2: %v, want refused", err)
			}
			if err := b.Stop(r.ctx); !errors.Is(err, tribes.ErrStopped) {
				t.Errorf("a second stop: %v, want %v", err, tribes.ErrStopped)
			}
			r.sleep(time.Second)
			switch took {
			case 100 * ms:
				waited++
			case 0:
			default:
				t.Errorf("stop took %v, want 100 ms or nothing", took)
			}
		})
	}
	if share := waited * 100 / stops; share < 80 || share > 95 {
		t.Errorf("%d %% of the stops wait, want about 87", share)
	}
}
