package tribes_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sessionlab/lab/world"
	"sessionlab/sessions/tribes"
)

const ms = time.Millisecond

// TestTimingSheet measures how long things take with Tomcat's defaults.
func TestTimingSheet(t *testing.T) {
	for _, c := range []struct {
		name      string
		low, high time.Duration
		measure   func(r *rig, a, b *node) time.Duration
	}{
		// The silence began up to one heartbeat before the kill.
		{"crash noticed by heartbeat", 2500 * ms, 3600 * ms, func(r *rig, a, b *node) time.Duration {
			r.must(r.w.Kill("t2"))
			return r.until(10*time.Second, ms, "t1 has dropped t2", func() bool { return a.sees() == "" })
		}},
		{"crash noticed by a failed synchronous send", 0, 2 * ms, func(r *rig, a, b *node) time.Duration {
			r.must(r.w.Kill("t2"))
			return r.took(func() {
				err := a.Send(r.ctx, a.Members(), message("DELTA", "S", "x", 6))
				if !errors.Is(err, world.ErrRefused) || a.sees() != "" {
					r.t.Errorf("Send = %v, Members = %q, want refused and nobody", err, a.sees())
				}
			})
		}},
		{"graceful stop noticed", 0, 2 * ms, func(r *rig, a, b *node) time.Duration {
			r.must(b.Stop(r.ctx))
			return r.until(time.Second, ms/10, "t1 has dropped t2", func() bool { return a.sees() == "" })
		}},
		{"synchronous send to a frozen member", 5 * time.Second, 5100 * ms, func(r *rig, a, b *node) time.Duration {
			r.must(r.w.Pause("t2"))
			return r.took(func() {
				err := a.Send(r.ctx, a.Members(), message("DELTA", "S", "x", 6))
				if !errors.Is(err, tribes.ErrAckTimeout) || a.sees() != "t2" {
					r.t.Errorf("Send = %v, Members = %q, want a timeout and t2 still there", err, a.sees())
				}
			})
		}},
		{"asynchronous send to a frozen member", 0, 0, func(r *rig, a, b *node) time.Duration {
			r.must(r.w.Pause("t2"))
			return r.took(func() { r.must(a.Send(r.ctx, a.Members(), message("DELTA", "S", "x", 14))) })
		}},
		{"dispatcher thread with acknowledgement of a frozen member", 5 * time.Second, 5100 * ms, func(r *rig, a, b *node) time.Duration {
			r.must(r.w.Pause("t2"))
			r.must(a.Send(r.ctx, a.Members(), message("DELTA", "S", "x", 14)))
			return r.until(10*time.Second, ms, "t1 is quiet", func() bool { return a.Pending() == 0 })
		}},
		{"dispatcher thread without acknowledgement of a frozen member", 0, 10 * ms, func(r *rig, a, b *node) time.Duration {
			r.must(r.w.Pause("t2"))
			r.must(a.Send(r.ctx, a.Members(), message("DELTA", "S", "x", 8)))
			return r.until(10*time.Second, ms, "t1 is quiet", func() bool { return a.Pending() == 0 })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(5) {
				in(t, seed, func(r *rig) {
					nodes := r.formed(2, tribes.Config{})
					r.sleep(6*time.Second + time.Duration(seed)*97*ms)
					within(t, c.name, c.measure(r, nodes[0], nodes[1]), c.low, c.high)
				})
			}
		})
	}
}

func TestMulticastStartTakesTwoSeconds(t *testing.T) {
	in(t, 1, func(r *rig) {
		a, b := r.on(r.boot(1), tribes.Config{}), r.on(r.boot(2), tribes.Config{})
		within(t, "start of the first", r.took(func() { r.must(a.Start(r.ctx)) }), 2000*ms, 2010*ms)
		within(t, "start of the second", r.took(func() { r.must(b.Start(r.ctx)) }), 2000*ms, 2010*ms)
		if a.sees() != "t2" || b.sees() != "t1" {
			t.Errorf("members: %q and %q, want each other", a.sees(), b.sees())
		}
		if older := b.Members()[0].AliveMs; older < 2000 {
			t.Errorf("alive time of the first = %d ms, want 2000 or more", older)
		}
	})
}

func TestOtherFrequencyStartsFaster(t *testing.T) {
	in(t, 1, func(r *rig) {
		cfg := tribes.Config{Membership: tribes.McastConfig{Frequency: 50 * ms}}
		a := r.on(r.boot(1), cfg)
		within(t, "start", r.took(func() { r.must(a.Start(r.ctx)) }), 200*ms, 210*ms)
	})
}

// The 5 s are the select timeout, not the timeout of 3 s.
func TestSilentMemberCostsTheSelectTimeout(t *testing.T) {
	for _, c := range []struct {
		selectTimeout, low, high time.Duration
	}{
		{5 * time.Second, 5000 * ms, 5100 * ms},
		{time.Second, 3000 * ms, 3100 * ms},
	} {
		in(t, 1, func(r *rig) {
			nodes := r.formed(2, tribes.Config{Sender: tribes.SenderConfig{SelectTimeout: c.selectTimeout}})
			r.must(r.w.Pause("t2"))
			a := nodes[0]
			took := r.took(func() { a.Send(r.ctx, a.Members(), message("DELTA", "S", "x", 2)) })
			within(t, "send with a select of "+c.selectTimeout.String(), took, c.low, c.high)
		})
	}
}

// A late event starts another select: two silences add up.
func TestLateAnswerOfOneMakesTheOtherCostMore(t *testing.T) {
	in(t, 1, func(r *rig) {
		nodes := r.formed(3, tribes.Config{})
		a := nodes[0]
		r.must(r.w.Pause("t2"))
		r.must(r.w.Pause("t3"))
		r.w.Operator().Go("thaw", func(ctx context.Context) {
			r.w.Operator().Sleep(ctx, 2900*ms)
			r.w.Resume("t3")
		})
		var err error
		took := r.took(func() { err = a.Send(r.ctx, a.Members(), message("DELTA", "S", "x", 6)) })
		within(t, "send", took, 7900*ms, 8000*ms)
		var failed *tribes.ChannelError
		if !errors.As(err, &failed) || len(failed.Faulty) != 1 || failed.Faulty[0].Member.Name != "t2" {
			t.Errorf("Send = %v, want t2 alone to be faulty", err)
		}
	})
}
