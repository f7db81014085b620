package tribes_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
	"sessionlab/sessions/tribes"
)

func TestStartOptionsChooseTheServices(t *testing.T) {
	const rest = tribes.ReceiveMessages | tribes.SendMessages
	for _, c := range []struct {
		name    string
		options tribes.StartOptions // of t1
		t1, t2  string              // whom each sees
		took    time.Duration
	}{
		{"all", 0, "t2", "t1", 2 * time.Second},
		{"no membership", rest, "", "", 0},
		{"listens only", rest | tribes.ListenMembership, "t2", "", time.Second},
		{"is heard only", rest | tribes.BroadcastMembership, "", "t1", time.Second},
	} {
		in(t, 1, func(r *rig) {
			b := r.on(r.boot(2), tribes.Config{})
			r.must(b.Start(r.ctx))
			a := r.on(r.boot(1), tribes.Config{StartOptions: c.options})
			within(t, c.name, r.took(func() { r.must(a.Start(r.ctx)) }), c.took, c.took+10*ms)
			r.sleep(time.Second)
			if a.sees() != c.t1 || b.sees() != c.t2 {
				t.Errorf("%s: t1 sees %q, t2 sees %q, want %q and %q", c.name, a.sees(), b.sees(), c.t1, c.t2)
			}
		})
	}
}

// An operator who mistypes the address gets clusters of one.
func TestOtherGroupIsAnotherCluster(t *testing.T) {
	for _, c := range []struct {
		other tribes.McastConfig
		sees  string
	}{{tribes.McastConfig{}, "t2"}, {tribes.McastConfig{Address: "228.0.0.8"}, ""}, {tribes.McastConfig{Port: 45565}, ""}} {
		in(t, 1, func(r *rig) {
			a := r.on(r.boot(1), tribes.Config{})
			b := r.on(r.boot(2), tribes.Config{Membership: c.other})
			r.must(a.Start(r.ctx))
			r.must(b.Start(r.ctx))
			if got := a.sees(); got != c.sees {
				t.Errorf("with %+v on t2, t1 sees %q, want %q", c.other, got, c.sees)
			}
		})
	}
}

// A member whose heartbeats are lost stays with the detector, which can connect to
// it. Its goodbye takes it out at once all the same.
func TestGoodbyeOfASuspectIsHeardOf(t *testing.T) {
	in(t, 1, func(r *rig) {
		nodes := r.formed(2, tribes.Config{})
		a, b := nodes[0], nodes[1]
		r.w.Faults().Add(fault.Rule{Verb: fault.Drop, Kind: "HEARTBEAT", From: "t2"})
		r.until(10*time.Second, ms, "t1 suspects t2", func() bool { return a.story() == "added t2, suspect t2" })
		r.w.Faults().Clear()
		r.w.Operator().Go("stop", func(context.Context) { r.must(b.Stop(r.ctx)) })
		r.sleep(2 * ms)
		if got := a.sees(); got != "" {
			t.Errorf("after the goodbye of t2 t1 sees %q", got)
		}
		r.sleep(time.Second)
	})
}

func TestLostHeartbeatsWithinDropTimeDoNotMatter(t *testing.T) {
	for _, c := range []struct {
		cfg  tribes.McastConfig
		sees string
	}{{tribes.McastConfig{}, "t2"}, {tribes.McastConfig{DropTime: time.Second}, ""}} {
		in(t, 1, func(r *rig) {
			alone := []string{tribes.MessageDispatchInterceptor}
			nodes := r.formed(2, tribes.Config{Membership: c.cfg, Interceptors: alone})
			r.sleep(time.Second)
			r.w.Faults().Partition([]string{"t1"}, []string{"t2"})
			r.sleep(2 * time.Second)
			if got := nodes[0].sees(); got != c.sees {
				t.Errorf("dropTime %v: after 2 s of silence t1 sees %q, want %q", c.cfg.DropTime, got, c.sees)
			}
		})
	}
}

// Without a sender of heartbeats only the receiver looks for who is silent.
func TestSoTimeoutIsHowOftenTheReceiverLooksForTheSilent(t *testing.T) {
	for _, c := range []struct {
		soTimeout time.Duration
		low, high time.Duration // of the silence after which t2 is gone
	}{{0, 3 * time.Second, 3600 * ms}, {10 * time.Second, 9400 * ms, 10 * time.Second}} {
		in(t, 1, func(r *rig) {
			a := r.on(r.boot(1), tribes.Config{
				Membership:   tribes.McastConfig{SoTimeout: c.soTimeout},
				StartOptions: tribes.ReceiveMessages | tribes.SendMessages | tribes.ListenMembership,
				Interceptors: []string{tribes.MessageDispatchInterceptor},
			})
			b := r.on(r.boot(2), tribes.Config{})
			r.must(a.Start(r.ctx))
			r.must(b.Start(r.ctx))
			r.must(r.w.Kill("t2"))
			took := r.until(20*time.Second, 10*ms, "t2 is gone", func() bool { return a.sees() == "" })
			within(t, fmt.Sprintf("soTimeout %v: silence", c.soTimeout), took, c.low, c.high)
		})
	}
}

func TestFormedClusterStartsAtOnceAndIsTold(t *testing.T) {
	for _, size := range []int{1, 2, 3} {
		in(t, 1, func(r *rig) {
			var nodes []*node
			took := r.took(func() { nodes = r.formed(size, tribes.Config{}) })
			within(t, "start of a formed cluster", took, 0, 0)
			if got, want := nodes[0].story(), []string{"", "added t2", "added t2, added t3"}[size-1]; got != want {
				t.Errorf("%d nodes: t1 tells %q, want %q", size, got, want)
			}
			r.sleep(20 * time.Second)
			if got, want := len(nodes[0].Members()), size-1; got != want {
				t.Errorf("%d nodes: after 20 s t1 has %d members, want %d", size, got, want)
			}
		})
	}
}

func TestUniqueIDIsThatOfTheIncarnation(t *testing.T) {
	in(t, 1, func(r *rig) {
		h := r.boot(1)
		first := tribes.LocalMember(h, 0)
		if again := tribes.LocalMember(h, 0); !again.Same(first) {
			t.Error("two members at one moment")
		}
		if other := tribes.LocalMember(r.boot(2), 0); other.UniqueID == first.UniqueID {
			t.Error("two machines have one unique id")
		}
		r.must(r.w.Kill("t1"))
		r.sleep(ms)
		if next := tribes.LocalMember(r.boot(1), 0); next.Same(first) || next.Addr() != first.Addr() {
			t.Error("the next incarnation is the same member")
		}
		if tribes.StaticMember(address(1), 0).UniqueID != tribes.StaticMember(address(1), 4000).UniqueID {
			t.Error("a static member has two unique ids")
		}
	})
}

func TestHeartbeatsGoToTheGroup(t *testing.T) {
	in(t, 1, func(r *rig) {
		sent := 0
		r.w.Observe(func(e world.Event) {
			if e.Op == world.Sends && e.Host == "t1" && e.Label.Kind == "HEARTBEAT" && e.Peer == "228.0.0.4:45564" {
				sent++
			}
		})
		nodes := r.formed(1, tribes.Config{})
		r.sleep(10 * time.Second)
		if n := nodes[0].Status().Heartbeats; sent != 20 || n != sent {
			t.Errorf("%d heartbeats in 10 s, %d counted, want 20", sent, n)
		}
	})
}

// The first heartbeat is sent after a second of listening; if it does not get out,
// the start fails.
func TestStartFailsWithoutARouteForMulticast(t *testing.T) {
	for _, after := range []time.Duration{0, 500 * ms} {
		in(t, 1, func(r *rig) {
			a := r.on(r.boot(1), tribes.Config{})
			r.w.Operator().Go("unroute", func(ctx context.Context) {
				r.w.Operator().Sleep(ctx, after)
				r.w.Faults().Unroute("t1")
			})
			r.sleep(0)
			if after == 0 {
				r.sleep(ms)
			}
			var err error
			took := r.took(func() { err = a.Start(r.ctx) })
			if !errors.Is(err, world.ErrNoRoute) {
				t.Errorf("route lost after %v: Start = %v, want %v", after, err, world.ErrNoRoute)
			}
			within(t, "the failed start", took, 0, 1200*ms)
		})
	}
}

// A sender whose heartbeats fail ten times in a row begins anew, each 5 s.
func TestMembershipRecoversWhenTheRouteIsBack(t *testing.T) {
	for _, c := range []struct {
		lost time.Duration
		want string // what t1 tells of t2
	}{
		{2 * time.Second, ""},
		{4 * time.Second, "suspect t2"},
		{12 * time.Second, "suspect t2, gone t2, added t2"},
	} {
		in(t, 1, func(r *rig) {
			nodes := r.formed(2, tribes.Config{})
			a, b := nodes[0], nodes[1]
			r.sleep(time.Second)
			before := a.story()
			r.w.Faults().Unroute("t2")
			r.sleep(c.lost)
			r.w.Faults().Heal()
			r.sleep(8 * time.Second)
			if got := strings.TrimPrefix(strings.TrimPrefix(a.story(), before), ", "); got != c.want {
				t.Errorf("route lost for %v: t1 tells %q, want %q", c.lost, got, c.want)
			}
			if a.sees() != "t2" || b.sees() != "t1" {
				t.Errorf("route lost for %v: they see %q and %q, want each other", c.lost, a.sees(), b.sees())
			}
			if n := b.Status().Count(tribes.HeartbeatFailed); n == 0 {
				t.Errorf("route lost for %v: nothing is told", c.lost)
			}
		})
	}
}
