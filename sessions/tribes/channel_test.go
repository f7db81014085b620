package tribes_test

import (
	"testing"
	"time"

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
