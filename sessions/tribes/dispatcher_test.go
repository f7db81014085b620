package tribes_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"sessionlab/sessions/tribes"
)

func TestDispatcherGrowsToMaxThreads(t *testing.T) {
	for _, c := range []struct {
		name          string
		cfg           tribes.DispatchConfig
		messages      int
		threads, wait int
		afterwards    int
	}{
		{"one message", tribes.DispatchConfig{}, 1, 1, 0, 1},
		{"five at once", tribes.DispatchConfig{}, 5, 5, 0, 2},
		{"more than maxThreads", tribes.DispatchConfig{}, 14, 10, 4, 2},
		{"other limits", tribes.DispatchConfig{MaxThreads: 4, MaxSpareThreads: 3}, 14, 4, 10, 3},
		{"one thread", tribes.DispatchConfig{MaxThreads: 1, MaxSpareThreads: 1}, 14, 1, 13, 1},
	} {
		in(t, 1, func(r *rig) {
			nodes := r.formed(2, tribes.Config{Dispatch: c.cfg})
			a := nodes[0]
			r.must(r.w.Pause("t2")) // with an acknowledgement each send takes 5 s
			for i := range c.messages {
				r.must(a.Send(r.ctx, a.Members(), message("DELTA", fmt.Sprint("S", i), "x", 10)))
			}
			r.sleep(time.Second)
			if s := a.Status(); s.DispatchThreads != c.threads || s.Queued != c.wait || a.Pending() != c.messages {
				t.Errorf("%s: %d threads, %d queued, %d pending, want %d, %d, %d",
					c.name, s.DispatchThreads, s.Queued, a.Pending(), c.threads, c.wait, c.messages)
			}
			r.until(120*time.Second, time.Second, "the queue is empty", func() bool { return a.Pending() == 0 })
			r.sleep(6 * time.Second)
			if s := a.Status(); s.DispatchThreads != c.afterwards || s.DispatchBusy != 0 || s.QueuedBytes != 0 {
				t.Errorf("%s: after keepAliveTime %d threads, %d busy, %d bytes, want %d, 0, 0",
					c.name, s.DispatchThreads, s.DispatchBusy, s.QueuedBytes, c.afterwards)
			}
		})
	}
}

func TestFullQueue(t *testing.T) {
	for _, c := range []struct {
		name      string
		cfg       tribes.DispatchConfig
		low, high time.Duration // of the send that finds it full
		full      bool
		err       error
	}{
		{"room for both", tribes.DispatchConfig{}, 0, 0, false, nil},
		{"alwaysSend: the user waits", tribes.DispatchConfig{MaxQueueSize: 10}, 5 * time.Second, 5100 * ms, true, tribes.ErrAckTimeout},
		{"alwaysSend off: the message is lost", tribes.DispatchConfig{MaxQueueSize: 10, NoAlwaysSend: true}, 0, 0, true, tribes.ErrQueueFull},
	} {
		in(t, 1, func(r *rig) {
			nodes := r.formed(2, tribes.Config{Dispatch: c.cfg})
			a := nodes[0]
			r.must(r.w.Pause("t2"))
			r.must(a.Send(r.ctx, a.Members(), message("DELTA", "S1", "8 bytes.", 14)))
			var err error
			took := r.took(func() { err = a.Send(r.ctx, a.Members(), message("DELTA", "S2", "8 bytes.", 14)) })
			within(t, c.name, took, c.low, c.high)
			if !errors.Is(err, c.err) {
				t.Errorf("%s: Send = %v, want %v", c.name, err, c.err)
			}
			if got := a.Status().Count(tribes.QueueFull) == 1; got != c.full {
				t.Errorf("%s: queue full traced: %v, want %v", c.name, got, c.full)
			}
		})
	}
}

func TestStopDiscardsTheQueue(t *testing.T) {
	in(t, 1, func(r *rig) {
		nodes := r.formed(2, tribes.Config{Dispatch: tribes.DispatchConfig{MaxThreads: 2, MaxSpareThreads: 2}})
		a, b := nodes[0], nodes[1]
		for i := range 10 {
			r.must(a.Send(r.ctx, a.Members(), message("DELTA", fmt.Sprint("S", i), "x", 8)))
		}
		took := r.took(func() { r.must(a.Stop(r.ctx)) })
		within(t, "Stop, which waits for the selector and for nothing else", took, 100*ms, 100*ms)
		r.sleep(time.Second)
		if b.received() != 0 || a.Pending() != 0 || a.Status().Count(tribes.Discarded) != 1 {
			t.Errorf("after Stop: %d arrived, %d pending, discarded traced %d times, want 0, 0, 1",
				b.received(), a.Pending(), a.Status().Count(tribes.Discarded))
		}
	})
}

func TestKilledNodeLeavesNothingBehind(t *testing.T) {
	in(t, 1, func(r *rig) {
		nodes := r.formed(3, tribes.Config{})
		for i := range 30 {
			r.must(nodes[0].Send(r.ctx, nodes[0].Members(), message("DELTA", fmt.Sprint("S", i), "x", 14)))
		}
		r.must(r.w.Kill("t1"))
		r.sleep(10 * time.Second)
		if n := r.w.InFlight(); n != 0 {
			t.Errorf("%d messages are in flight", n)
		}
		for _, n := range nodes[1:] {
			if n.Pending() != 0 {
				t.Errorf("Pending of %s = %d", n.name, n.Pending())
			}
		}
		if got := nodes[1].sees(); got != "t3" {
			t.Errorf("t2 sees %q, want t3", got)
		}
	})
}
