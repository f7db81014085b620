package tribes_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/sessions/tribes"
)

// detectorBelow is the order in which asynchronous failures are heard.
var detectorBelow = []string{tribes.MessageDispatchInterceptor, tribes.TcpFailureDetector}

func TestFailedAsynchronousSendIsHeardOnlyAboveTheDetector(t *testing.T) {
	for _, c := range []struct {
		name  string
		order []string
		sees  string
	}{
		{"documented order", nil, "t2"},
		{"order of the code", detectorBelow, ""},
	} {
		in(t, 1, func(r *rig) {
			nodes := r.formed(2, tribes.Config{Interceptors: c.order})
			r.must(r.w.Kill("t2"))
			r.must(nodes[0].Send(r.ctx, nodes[0].Members(), message("DELTA", "S", "x", 8)))
			r.sleep(100 * ms)
			if got := nodes[0].sees(); got != c.sees {
				t.Errorf("%s: after a failed send t1 sees %q, want %q", c.name, got, c.sees)
			}
			if n := nodes[0].Status().Count(tribes.SendFailed); n == 0 {
				t.Errorf("%s: the failed send is not traced", c.name)
			}
			r.sleep(4 * time.Second)
			if got := nodes[0].sees(); got != "" {
				t.Errorf("%s: 4 s later t1 sees %q, want nobody", c.name, got)
			}
		})
	}
}

func TestFrozenMemberStays(t *testing.T) {
	for _, c := range []struct {
		name     string
		detector tribes.FailureDetectorConfig
		sees     string
		story    string
	}{
		{"defaults", tribes.FailureDetectorConfig{}, "t2", "added t2, suspect t2"},
		{"connect only", tribes.FailureDetectorConfig{NoSendTest: true}, "t2", "added t2, suspect t2"},
		{"performReadTest", tribes.FailureDetectorConfig{PerformReadTest: true}, "", "added t2, gone t2"},
	} {
		in(t, 1, func(r *rig) {
			nodes := r.formed(2, tribes.Config{FailureDetector: c.detector})
			r.must(r.w.Pause("t2"))
			r.sleep(60 * time.Second)
			if got := nodes[0].sees(); got != c.sees {
				t.Errorf("%s: after a minute t1 sees %q, want %q", c.name, got, c.sees)
			}
			if got := nodes[0].story(); got != c.story {
				t.Errorf("%s: t1 tells %q, want %q", c.name, got, c.story)
			}
		})
	}
}

func TestFrozenMemberGoesWhenItsAcceptQueueIsFull(t *testing.T) {
	in(t, 1, func(r *rig) {
		nodes := r.formed(2, tribes.Config{})
		a := nodes[0]
		r.must(r.w.Pause("t2"))
		sends := 0
		took := r.took(func() {
			for a.sees() == "t2" && sends < 200 {
				a.Send(r.ctx, a.Members(), message("DELTA", "S", "x", 6))
				sends++
			}
		})
		// Each send makes up to three connections: its own, another after the
		// failure, and a probe. Fifty fit.
		if sends < 12 || sends > 50 {
			t.Errorf("t2 goes after %d sends (%v), want 12 to 50", sends, took)
		}
	})
}

func TestOldSuspectIsNoSuspectButStays(t *testing.T) {
	in(t, 1, func(r *rig) {
		nodes := r.formed(2, tribes.Config{})
		r.w.Faults().Add(fault.Rule{Verb: fault.Drop, Kind: "HEARTBEAT", From: "t2"}) // silent, and accepts every probe
		r.sleep(290 * time.Second)
		if s := nodes[0].Status(); len(s.Suspects) != 1 || nodes[0].sees() != "t2" {
			t.Errorf("after 290 s: suspects %v, members %q, want t2 in both", s.Suspects, nodes[0].sees())
		}
		r.sleep(30 * time.Second)
		if s := nodes[0].Status(); len(s.Suspects) != 0 || nodes[0].sees() != "t2" {
			t.Errorf("after 320 s: suspects %v, members %q, want none and t2", s.Suspects, nodes[0].sees())
		}
	})
}

func TestSuspectThatDiesIsFoundByTheHeartbeat(t *testing.T) {
	in(t, 1, func(r *rig) {
		nodes := r.formed(2, tribes.Config{})
		r.must(r.w.Pause("t2"))
		r.sleep(20 * time.Second)
		r.must(r.w.Kill("t2"))
		took := r.until(10*time.Second, 10*ms, "t1 has dropped t2", func() bool { return nodes[0].sees() == "" })
		within(t, "a dead suspect goes", took, 0, 5100*ms)
	})
}

func TestResumedMemberExecutesWhatArrived(t *testing.T) {
	in(t, 1, func(r *rig) {
		nodes := r.formed(2, tribes.Config{})
		a, b := nodes[0], nodes[1]
		r.must(r.w.Pause("t2"))
		if err := a.Send(r.ctx, a.Members(), message("DELTA", "S", "x", 6)); !errors.Is(err, tribes.ErrAckTimeout) {
			t.Errorf("Send = %v, want a timeout", err)
		}
		r.sleep(time.Second)
		r.must(r.w.Resume("t2"))
		r.sleep(6 * time.Second)
		if b.received() != 1 {
			t.Errorf("the resumed member got %d messages, want the one that timed out", b.received())
		}
		if s := a.Status(); a.sees() != "t2" || len(s.Suspects) != 0 {
			t.Errorf("after the resume: members %q, suspects %v, want t2 and none", a.sees(), s.Suspects)
		}
	})
}

// Who is just heard of is saved by that; the others are silent for too long.
func TestJumpOfTheWallClockExpiresMembers(t *testing.T) {
	for _, c := range []struct {
		name  string
		order []string
		lost  bool
		story string
	}{
		{"with the detector", nil, false, "suspect t"},
		{"without", []string{tribes.MessageDispatchInterceptor}, true, "gone t"},
	} {
		in(t, 1, func(r *rig) {
			nodes := r.formed(3, tribes.Config{Interceptors: c.order})
			a := nodes[0]
			r.sleep(time.Second)
			r.must(r.w.Skew("t1", 10*time.Second))
			lost := false
			for range 1000 {
				r.sleep(ms)
				lost = lost || a.sees() != "t2 t3"
			}
			if lost != c.lost || !strings.Contains(a.story(), c.story) {
				t.Errorf("%s: t1 loses members = %v, want %v; it tells %q", c.name, lost, c.lost, a.story())
			}
			r.sleep(5 * time.Second)
			if got := a.sees(); got != "t2 t3" {
				t.Errorf("%s: afterwards t1 sees %q, want all again", c.name, got)
			}
			if got := nodes[1].story(); got != "added t1, added t3" {
				t.Errorf("%s: t2, whose clock is right, tells %q", c.name, got)
			}
		})
	}
}

func TestPartitionAndHeal(t *testing.T) {
	in(t, 1, func(r *rig) {
		nodes := r.formed(2, tribes.Config{})
		r.sleep(time.Second)
		r.w.Faults().Partition([]string{"t1"}, []string{"t2"})
		took := r.until(10*time.Second, 10*ms, "both are alone", func() bool { return nodes[0].sees()+nodes[1].sees() == "" })
		within(t, "3 s of silence and a connect of 1 s", took, 3500*ms, 4600*ms)
		r.w.Faults().Heal()
		took = r.until(10*time.Second, 10*ms, "both are back", func() bool { return nodes[0].sees() == "t2" && nodes[1].sees() == "t1" })
		within(t, "the next heartbeat", took, 0, 600*ms)
	})
}

// A node that is back before its silence was noticed is another member, and
// the old one answers at its address: it stays, and gets every message too.
func TestQuickRestartLeavesAGhost(t *testing.T) {
	restart := func(t *testing.T, cfg tribes.Config, write bool) (members, copies int) {
		in(t, 1, func(r *rig) {
			nodes := r.formed(2, cfg)
			a := nodes[0]
			r.sleep(time.Second)
			r.must(r.w.Kill("t2"))
			if write {
				a.Send(r.ctx, a.Members(), message("DELTA", "S", "x", 6))
			}
			b := r.on(r.boot(2), tribes.Config{})
			r.must(b.Start(r.ctx))
			r.sleep(5 * time.Second)
			members = len(a.Members())
			r.must(a.Send(r.ctx, a.Members(), message("DELTA", "S", "x", 6)))
			copies = b.received()
		})
		return members, copies
	}
	if members, copies := restart(t, tribes.Config{}, false); members != 2 || copies != 2 {
		t.Errorf("after a quick restart: %d members, %d copies, want a ghost: 2 and 2", members, copies)
	}
	if members, copies := restart(t, tribes.Config{}, true); members != 1 || copies != 1 {
		t.Errorf("after a send that failed: %d members, %d copies, want 1 and 1", members, copies)
	}
	alone := tribes.Config{Interceptors: []string{tribes.MessageDispatchInterceptor}}
	if members, copies := restart(t, alone, false); members != 1 || copies != 1 {
		t.Errorf("without the detector: %d members, %d copies, want 1 and 1", members, copies)
	}
}

// A stop leaves a note that the member is shutting down. The start takes it back:
// otherwise a kill and a quick return later would be taken for the old stop.
func TestStaticMemberIsFoundAgainAfterAStopAndAQuickReturn(t *testing.T) {
	in(t, 1, func(r *rig) {
		cfg := tribes.Config{Static: static(2, tribes.StaticConfig{UseThread: true, PingInterval: 500 * ms, ExpirationTime: 3 * time.Second})}
		a, b := r.on(r.boot(1), cfg), r.on(r.boot(2), cfg)
		r.must(a.Start(r.ctx))
		r.must(b.Start(r.ctx))
		r.until(10*time.Second, ms, "they see each other", func() bool { return a.sees() == "t2" && b.sees() == "t1" })
		r.must(b.Stop(r.ctx))
		r.until(10*time.Second, ms, "t1 is alone after the stop", func() bool { return a.sees() == "" })
		r.must(r.w.Kill("t2"))
		r.sleep(5 * time.Second)
		b = r.on(r.boot(2), cfg)
		r.must(b.Start(r.ctx))
		r.until(10*time.Second, ms, "t2 is back after the stop", func() bool { return a.sees() == "t2" })
		r.must(r.w.Kill("t2"))
		if err := a.Send(r.ctx, a.Members(), message("DELTA", "S", "x", 6)); err == nil {
			t.Error("a send to a dead member succeeds")
		}
		r.until(10*time.Second, ms, "t1 is alone after the kill", func() bool { return a.sees() == "" })
		b = r.on(r.boot(2), cfg)
		r.must(b.Start(r.ctx))
		r.until(6*time.Second, ms, "t2 is back within a heartbeat", func() bool { return a.sees() == "t2" })
	})
}
