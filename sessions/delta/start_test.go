package delta

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/sessions"
	"sessionlab/sessions/tribes"
)

// begin starts a node on a new incarnation of its machine, or on a new machine,
// in the background. It finds the cluster as a real node does. The time that the
// start has taken is there when it is over.
func (r *rig) begin(name string, s settings) (n *node, took *time.Duration) {
	r.Helper()
	n = &node{rig: r, name: name}
	for _, known := range r.nodes {
		if known.name == name {
			n = known
		}
	}
	n.boot()
	n.make(s, nil)
	if !slices.Contains(r.nodes, n) {
		r.nodes = append(r.nodes, n)
	}
	took = new(time.Duration)
	began := r.client.Elapsed()
	n.host.Go("main", func(ctx context.Context) {
		if err := n.tomcat.Start(ctx); err != nil {
			r.Errorf("start %s: %v", name, err)
		}
		*took = r.client.Elapsed() - began
	})
	return n, took
}

// holds is how many sessions a node holds.
func (n *node) holds() int { return len(n.manager.Sessions()) }

// fill makes sessions on a node and waits until they are everywhere.
func (n *node) fill(sessions int) {
	for range sessions {
		n.browser().do(n, "POST /counter")
	}
	n.quiet()
}

func TestRestartedNodeHasEverySessionBeforeItsPortOpens(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config func(string, *Config)
		blocks int
	}{
		{"whole", options(acked), 1},
		{"asynchronous", options(tribes.Asynchronous), 1},
		{"in blocks", func(_ string, c *Config) {
			c.SendOptions, c.SendAllSessions, c.SendAllSessionsSize = acked, False, 100
		}, 4},
		{"8.5, whose asker waits until it has been answered", func(_ string, c *Config) {
			c.SendOptions, c.Release = acked, sessions.Release{Name: "8.5"}
		}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := settings{nodes: 2, config: tt.config}
			play(t, s, func(r *rig) {
				one, two, alice := r.nodes[0], r.nodes[1], r.browser()
				one.fill(300)
				r.want("sessions on tomcat2", two.holds(), 300)
				if err := r.w.Kill("tomcat2"); err != nil {
					t.Fatal(err)
				}
				one.fill(19)
				alice.do(one, "POST /counter")

				_, took := r.begin("tomcat2", s)
				before := one.manager.Counts().Sent[State]
				r.until("tomcat2 is up", func() bool {
					got := alice.do(two, "GET /session")
					if got.err == nil && *took == 0 {
						t.Errorf("answered %+v before the start was over", got)
					}
					return *took > 0
				})
				r.want("sessions on tomcat2 when it answers", two.holds(), 320)
				r.want("blocks", one.manager.Counts().Sent[State]-before, tt.blocks)
				r.want("count on tomcat2", alice.do(two, "POST /counter").value("count"), "2")
				// 2 s of membership, then a poll or the pauses between blocks.
				limit := 2*time.Second + 500*time.Millisecond + time.Duration(tt.blocks-1)*2*time.Second
				if *took > limit {
					t.Errorf("start took %v, want at most %v", *took, limit)
				}
			})
		})
	}
}

func TestNodesStartedTogetherWaitForEachOther(t *testing.T) {
	for _, tt := range []struct {
		apart time.Duration
		waits bool
	}{
		{0, true},
		{5 * time.Second, false},
	} {
		s := settings{}
		play(t, s, func(r *rig) {
			_, first := r.begin("tomcat1", s)
			r.wait(tt.apart)
			_, second := r.begin("tomcat2", s)
			r.wait(2 * time.Minute)
			for i, took := range []time.Duration{*first, *second} {
				if got := took > time.Minute; got != tt.waits || took == 0 {
					t.Errorf("started %v apart: tomcat%d took %v, more than a minute %v, want %v", tt.apart, i+1, took, got, tt.waits)
				}
			}
			want := 0
			if tt.waits {
				want = 1
			}
			for _, n := range r.nodes {
				r.want(fmt.Sprintf("GET_ALL dropped by %s, started %v apart", n.name, tt.apart),
					r.traced(n.name+": GET_ALL", TooOld.String()), want)
			}
		})
	}
}

func TestOnlyTheOldestMemberIsAskedForTheState(t *testing.T) {
	for _, tt := range []struct {
		frozen string
		want   int
		waits  bool
	}{
		{"", 10, false},
		{"tomcat1", 0, true}, // though tomcat2 has every session
		{"tomcat2", 10, false},
	} {
		s := settings{}
		play(t, s, func(r *rig) {
			r.begin("tomcat1", s)
			r.wait(20 * time.Second)
			r.begin("tomcat2", s)
			r.wait(20 * time.Second)
			r.nodes[0].fill(10)
			r.want("sessions on tomcat2", r.nodes[1].holds(), 10)
			three, took := r.begin("tomcat3", s)
			if tt.frozen != "" {
				// A node that is frozen before is not even seen.
				r.wait(1900 * time.Millisecond)
				if err := r.w.Pause(tt.frozen); err != nil {
					t.Fatal(err)
				}
			}
			r.wait(2 * time.Minute)
			r.want("sessions on tomcat3, frozen: "+tt.frozen, three.holds(), tt.want)
			r.want("more than a minute until tomcat3 is up, frozen: "+tt.frozen, *took > time.Minute, tt.waits)
		})
	}
}

func TestPartitionHealsAndSessionsDoNot(t *testing.T) {
	for _, tt := range []struct {
		name string
		cut  time.Duration
		want int // sessions missing on the other side
	}{
		{"longer than dropTime", 20 * time.Second, 5},
		{"shorter", time.Second, 0},
	} {
		play(t, settings{nodes: 2}, func(r *rig) {
			one, two, alice, bob := r.nodes[0], r.nodes[1], r.browser(), r.browser()
			alice.do(one, "GET /counter")
			bob.do(one, "GET /counter")
			r.quiet()
			r.wait(5 * time.Second)
			r.w.Faults().Partition([]string{"tomcat1"}, []string{"tomcat2"})
			r.wait(tt.cut - 500*time.Millisecond)
			for range 5 {
				r.browser().do(one, "GET /counter")
			}
			alice.do(one, "GET /logout")
			bob.do(one, "POST /counter")
			r.wait(500 * time.Millisecond)
			r.w.Faults().Heal()
			r.wait(time.Minute)
			r.want(tt.name+": members of tomcat1", len(one.manager.Channel().Members()), 1)
			r.want(tt.name+": members of tomcat2", len(two.manager.Channel().Members()), 1)
			missing := 0
			for _, s := range one.manager.Sessions() {
				if two.manager.Lookup(s.ID()) == nil {
					missing++
				}
			}
			r.want(tt.name+": sessions of tomcat1 missing on tomcat2", missing, tt.want)
			apart := tt.want > 0
			r.want(tt.name+": alice's session alive on tomcat2", two.copy(alice) != "none", apart)
			r.want(tt.name+": bob's copies differ", two.copy(bob) == "replica", apart)

			bob.do(one, "POST /set?name=cart&value=pen") // a later write carries itself only
			r.quiet()
			want := "cart=pen count=1 replica"
			if apart {
				want = "cart=pen replica"
			}
			r.want(tt.name+": bob's copy after another write", two.copy(bob), want)
		})
	}
}

func TestSessionMadeWhileThePeerIsNotListedNeverGetsThere(t *testing.T) {
	for _, listed := range []bool{true, false} {
		s := settings{nodes: 2, config: options(acked)}
		play(t, s, func(r *rig) {
			one, two, alice := r.nodes[0], r.nodes[1], r.browser()
			if !listed {
				r.fault(fault.Rule{Verb: fault.Drop, Kind: "HEARTBEAT", From: "tomcat2"})
				r.wait(5 * time.Second)
				if err := r.w.Kill("tomcat2"); err != nil {
					t.Fatal(err)
				}
				r.wait(5 * time.Second)
				_, took := r.begin("tomcat2", s)
				r.until("tomcat2 is up", func() bool { return *took > 0 })
			}
			alice.do(one, "POST /counter")
			r.w.Faults().Clear()
			r.wait(10 * time.Second)
			r.want("members of tomcat1 afterwards", len(one.manager.Channel().Members()), 1)
			alice.do(one, "POST /counter")
			want := "none"
			if listed {
				want = "count=2 replica"
			}
			r.want(fmt.Sprintf("copy on tomcat2, listed when the session was made %v", listed), two.copy(alice), want)
		})
	}
}

func TestWriteOfANodeWhoseClockIsBehindIsLostDuringATransfer(t *testing.T) {
	for _, tt := range []struct {
		behind time.Duration
		drop   Flag
		want   string
	}{
		{0, True, "count=2 replica"},
		{5 * time.Minute, True, "count=1 replica"},
		{5 * time.Minute, False, "count=2 replica"},
	} {
		s := settings{nodes: 2, valves: noBinder, config: func(_ string, c *Config) { c.StateTimestampDrop = tt.drop }}
		play(t, s, func(r *rig) {
			one, two, alice := r.nodes[0], r.nodes[1], r.browser()
			alice.do(one, "GET /counter")
			r.quiet()
			alice.do(one, "POST /counter")
			r.quiet()
			r.wait(5 * time.Second)
			r.fault(fault.Rule{Verb: fault.Delay, Kind: "TRANSFER_COMPLETE", By: 300 * time.Millisecond})
			three, took := r.begin("tomcat3", s)
			r.until("the state has come", func() bool { return three.manager.Counts().Received[State] > 0 })
			r.want("state has come and the start is not over", *took, time.Duration(0))
			writer := two // is not the one that was asked
			if two.manager.Counts().Sent[State] > 0 {
				writer = one
			}
			if err := r.w.Skew(writer.name, -tt.behind); err != nil {
				t.Fatal(err)
			}
			alice.do(writer, "POST /counter")
			r.until("tomcat3 is up", func() bool { return *took > 0 })
			r.quiet()
			r.want(fmt.Sprintf("copy on tomcat3, writer %v behind, stateTimestampDrop=%v", tt.behind, tt.drop == True),
				three.copy(alice), tt.want)
		})
	}
}
