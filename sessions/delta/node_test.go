package delta

import (
	"fmt"
	"testing"
	"time"

	"sessionlab/appnode"
	"sessionlab/lab/fault"
	"sessionlab/sessions"
	"sessionlab/sessions/tribes"
)

// acked is channelSendOptions=6: the request waits until it has been processed.
const acked = tribes.UseAck | tribes.SynchronizedAck

// noBinder are Tomcat's valves without JvmRouteBinderValve.
var noBinder = []appnode.Valve{&appnode.ReplicationValve{}}

func TestSessionIsCreatedChangedAndEndedOnEveryNode(t *testing.T) {
	playBoth(t, settings{nodes: 3, config: options(acked)}, func(r *rig) {
		alice := r.browser()
		alice.do(r.nodes[0], "POST /counter")
		for i, want := range []string{"count=1 primary", "count=1 replica", "count=1 replica"} {
			r.want("copy on "+r.nodes[i].name, r.nodes[i].copy(alice), want)
		}
		alice.do(r.nodes[0], "GET /logout")
		for _, n := range r.nodes {
			r.want("copy after the logout on "+n.name, n.copy(alice), "none")
		}
	})
}

func TestReadOnAnotherNodeIsStaleUnlessTheWriterWaits(t *testing.T) {
	for _, tt := range []struct {
		options tribes.Options
		want    string
	}{
		{tribes.Asynchronous, "pen"},
		{tribes.SynchronizedAck, "pen"},      // alone it waits for nothing
		{tribes.Asynchronous | acked, "pen"}, // only the dispatcher waits
		{tribes.UseAck, "book"},              // here the way is what takes time
		{tribes.UseAck | tribes.SynchronizedAck, "book"},
	} {
		play(t, settings{nodes: 2, config: options(tt.options), valves: noBinder}, func(r *rig) {
			one, two, alice := r.nodes[0], r.nodes[1], r.browser()
			alice.do(one, "GET /counter")
			r.quiet()
			alice.do(one, "POST /set?name=cart&value=pen")
			r.quiet()
			r.fault(fault.Rule{Verb: fault.Delay, Kind: "DELTA", By: 50 * time.Millisecond})
			alice.do(one, "POST /set?name=cart&value=book")
			got := alice.do(two, "GET /session").value("cart")
			r.want(fmt.Sprintf("cart at once on tomcat2, options %d", tt.options), got, tt.want)
			r.quiet()
			r.want("cart on tomcat2 later", alice.do(two, "GET /session").value("cart"), "book")
		})
	}
}

func TestNewIDMakesDeltasOnTheirWayUnknown(t *testing.T) {
	for _, tt := range []struct {
		name   string
		valves []appnode.Valve
		want   string
	}{
		{"JvmRouteBinderValve", nil, "count=1 primary"},
		{"no JvmRouteBinderValve", noBinder, "count=2 replica"},
	} {
		play(t, settings{nodes: 2, valves: tt.valves}, func(r *rig) {
			one, two, alice := r.nodes[0], r.nodes[1], r.browser()
			alice.do(one, "GET /counter")
			r.quiet()
			alice.do(one, "POST /counter")
			r.quiet()
			r.fault(fault.Rule{Verb: fault.Delay, Kind: "DELTA", From: "tomcat1", By: 50 * time.Millisecond})
			alice.do(one, "POST /counter")
			r.want(tt.name+": count at once on tomcat2", alice.do(two, "GET /session").value("count"), "1")
			r.quiet()
			r.want(tt.name+": copy on tomcat2", two.copy(alice), tt.want)
		})
	}
}

func TestFirstAttributeIsLostWhenDeltaOvertakesCreated(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options tribes.Options
		hold    string
		want    string
		unknown int
	}{
		{"CREATED is held", tribes.Asynchronous, "CREATED", "replica", 1},
		{"DELTA is held", tribes.Asynchronous, "DELTA", "count=1 replica", 0},
		{"the request waits", acked, "", "count=1 replica", 0},
	} {
		play(t, settings{nodes: 2, config: options(tt.options)}, func(r *rig) {
			one, two, alice := r.nodes[0], r.nodes[1], r.browser()
			if tt.hold != "" {
				r.fault(fault.Rule{Verb: fault.Hold, Kind: tt.hold})
			}
			alice.do(one, "POST /counter")
			r.wait(time.Second)
			r.w.Faults().Release("", "", "")
			r.quiet()
			r.want(tt.name+": copy on tomcat2", two.copy(alice), tt.want)
			r.want(tt.name+": dropped", r.traced("tomcat2: DELTA", UnknownSession.String()), tt.unknown)

			if err := r.w.Kill("tomcat1"); err != nil {
				t.Fatal(err)
			}
			got := alice.do(two, "POST /counter")
			want := "2"
			if tt.unknown > 0 {
				want = "1" // same session, not new, and it starts anew
			}
			r.want(tt.name+": count after the failover", got.value("count"), want)
			r.want(tt.name+": new", got.New, false)
		})
	}
}

func TestSomeNewSessionsLoseTheirFirstAttributeByThemselves(t *testing.T) {
	for _, tt := range []struct {
		options  tribes.Options
		min, max int
	}{
		{tribes.Asynchronous, 20, 120},
		{acked, 0, 0},
	} {
		play(t, settings{nodes: 2, config: options(tt.options)}, func(r *rig) {
			lost := 0
			for range 200 {
				alice := r.browser()
				alice.do(r.nodes[0], "POST /counter")
				r.wait(20 * time.Millisecond)
				if r.nodes[1].copy(alice) == "replica" {
					lost++
				}
			}
			if lost < tt.min || lost > tt.max {
				t.Errorf("options %d: %d of 200 copies are empty, want %d to %d", tt.options, lost, tt.min, tt.max)
			}
		})
	}
}

func TestWriteThatWaitsIsErasedByTheOtherNodesDelta(t *testing.T) {
	filter, err := appnode.NewReplicationValve(appnode.ReplicationConfig{Filter: "/set"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, release string
		second        int // the node that gets the second request
		request       string
		onOne, onTwo  string
		erased        int
	}{
		{"not sticky", "10.1", 1, "POST /counter", "count=1 k1=a primary", "count=1 replica", 1},
		{"sticky", "10.1", 0, "POST /counter", "count=1 k1=a primary", "count=1 k1=a replica", 0},
		{"a read of 10.1", "10.1", 1, "GET /session", "k1=a primary", "replica", 1},
		{"a read of 8.5", "8.5", 1, "GET /session", "k1=a primary", "k1=a replica", 0},
	} {
		play(t, settings{nodes: 2, release: tt.release, config: options(acked), valves: []appnode.Valve{filter}}, func(r *rig) {
			one, two, alice := r.nodes[0], r.nodes[1], r.browser()
			alice.do(one, "GET /counter")
			alice.do(one, "POST /set?name=k1&value=a") // the filter takes it: it is to go out later
			r.want("copy on tomcat2 after the first write", two.copy(alice), "replica")
			alice.do(r.nodes[tt.second], tt.request)
			alice.do(one, "GET /session") // later
			r.want(tt.name+": copy on tomcat1", one.copy(alice), tt.onOne)
			r.want(tt.name+": copy on tomcat2", two.copy(alice), tt.onTwo)
			r.want(tt.name+": erased", r.traced(DeltaErased.String(), "k1"), tt.erased)
		})
	}
}

func TestFilterSwallowsAWriteUntilTheNextRequestThatPasses(t *testing.T) {
	for _, tt := range []struct{ filter, want string }{
		{"/", "replica"},
		{"", "test.org=test.org replica"},
	} {
		valve, err := appnode.NewReplicationValve(appnode.ReplicationConfig{Filter: tt.filter})
		if err != nil {
			t.Fatal(err)
		}
		play(t, settings{nodes: 2, config: options(acked), valves: []appnode.Valve{valve}}, func(r *rig) {
			one, two, alice := r.nodes[0], r.nodes[1], r.browser()
			alice.do(one, "GET /")
			r.want("copy after / with filter "+tt.filter, two.copy(alice), tt.want)
			alice.do(one, "GET /session")
			r.want("copy after another page", two.copy(alice), "test.org=test.org replica")
		})
	}
}

func TestChangeInPlaceIsNotSentUntilTheAttributeIsSet(t *testing.T) {
	play(t, settings{nodes: 2, config: options(acked)}, func(r *rig) {
		one, two, alice := r.nodes[0], r.nodes[1], r.browser()
		alice.do(one, "POST /set?name=cart&value=pen")
		alice.do(one, "GET /mutate?name=cart&value=pen,book")
		r.want("copy on tomcat1", one.copy(alice), "cart=pen,book primary")
		r.want("copy on tomcat2", two.copy(alice), "cart=pen replica")
		alice.do(one, "POST /set?name=cart&value=pen,book,ink")
		r.want("copy on tomcat2 after a set", two.copy(alice), "cart=pen,book,ink replica")
	})
}

func TestParallelWritesOnTwoNodes(t *testing.T) {
	for _, tt := range []struct {
		name, first, second string
		together            bool
		want                string
	}{
		{"one attribute, together", "POST /counter?ms=40", "POST /counter?ms=60", true, "count=2"},
		{"one attribute, one after the other", "POST /counter?ms=40", "POST /counter?ms=60", false, "count=3"},
		{"two attributes, together", "POST /set?name=a&value=1&ms=40", "POST /set?name=b&value=1&ms=60", true, "a=1 b=1 count=1"},
	} {
		play(t, settings{nodes: 2, config: options(acked), valves: noBinder}, func(r *rig) {
			one, two, alice := r.nodes[0], r.nodes[1], r.browser()
			alice.do(one, "POST /counter")
			alice.meanwhile(one, tt.first)
			if !tt.together {
				r.wait(50 * time.Millisecond)
			}
			alice.meanwhile(two, tt.second)
			r.wait(time.Second)
			r.want(tt.name+": copy on tomcat1", one.copy(alice), tt.want+" replica")
			r.want(tt.name+": copy on tomcat2", two.copy(alice), tt.want+" primary")
		})
	}
}

func TestLogoutThatIsLostLeavesTheOtherCopyAlive(t *testing.T) {
	for _, lost := range []bool{false, true} {
		play(t, settings{nodes: 2}, func(r *rig) {
			one, two, alice := r.nodes[0], r.nodes[1], r.browser()
			alice.do(one, "GET /counter")
			r.quiet()
			if lost {
				r.fault(fault.Rule{Verb: fault.Drop, Kind: "EXPIRED"})
			}
			old := alice.cookie
			alice.do(one, "GET /logout")
			r.quiet()
			alice.cookie = old
			r.want(fmt.Sprintf("session after the logout, EXPIRED lost %v: alive on tomcat2", lost),
				alice.do(two, "GET /session").Session != "", lost)
		})
	}
}

// expiry is a cluster with an interval of a minute and a scan each second.
func expiry(nodes int) settings {
	return settings{nodes: nodes, processor: time.Second, config: func(_ string, c *Config) {
		c.MaxInactiveInterval, c.ProcessExpiresFrequency, c.SendOptions = time.Minute, 1, acked
	}}
}

func TestSessionOfADeadNodeIsAcceptedForTwiceItsInterval(t *testing.T) {
	for _, tt := range []struct {
		killed bool
		after  time.Duration
		alive  bool
	}{
		{false, 59 * time.Second, true},
		{false, 62 * time.Second, false}, // the primary copy has told everyone
		{true, 62 * time.Second, true},
		{true, 119 * time.Second, true},
		{true, 122 * time.Second, false},
	} {
		play(t, expiry(2), func(r *rig) {
			one, two, alice := r.nodes[0], r.nodes[1], r.browser()
			alice.do(one, "POST /counter")
			if tt.killed {
				if err := r.w.Kill("tomcat1"); err != nil {
					t.Fatal(err)
				}
			}
			r.wait(tt.after)
			got := alice.do(two, "GET /session").Session != ""
			r.want(fmt.Sprintf("alive on tomcat2 after %v, tomcat1 killed %v", tt.after, tt.killed), got, tt.alive)
		})
	}
}

// Up to 8.5 who only reads is announced once per interval, from 9.0.110 on by each
// request.
func TestCopyOfAReaderDiesWhenItsAnnouncementIsLost(t *testing.T) {
	for _, tt := range []struct{ release, lost, want string }{
		{"8.5", "", "count=1 replica"},
		{"8.5", "ACCESSED", "none"},
		{"8.5", "DELTA", "count=1 replica"},
		{"10.1", "ACCESSED", "count=1 replica"},
		{"10.1", "DELTA", "none"},
	} {
		s := expiry(2)
		s.release = tt.release
		play(t, s, func(r *rig) {
			one, two, alice := r.nodes[0], r.nodes[1], r.browser()
			alice.do(one, "POST /counter")
			if tt.lost != "" {
				r.fault(fault.Rule{Verb: fault.Drop, Kind: tt.lost})
			}
			for range 5 {
				r.wait(50 * time.Second)
				r.want("session of the reader", alice.do(one, "GET /session").value("count"), "1")
			}
			r.want(fmt.Sprintf("copy on tomcat2, %s, %s lost", tt.release, tt.lost), two.copy(alice), tt.want)
		})
	}
}

func TestRequestThatJoinsASessionSendsADelta(t *testing.T) {
	for _, tt := range []struct {
		release          string
		deltas, accesses int
	}{
		{"10.1", 3, 0}, {"9", 3, 0}, {"8.5", 0, 1}, {"7", 0, 1},
	} {
		play(t, settings{nodes: 2, release: tt.release, config: options(acked), valves: noBinder}, func(r *rig) {
			one, two, alice := r.nodes[0], r.nodes[1], r.browser()
			alice.do(one, "POST /counter")
			for range 3 {
				alice.do(two, "GET /session")
			}
			sent := two.manager.Counts().Sent
			r.want("DELTA sent by three reads, "+tt.release, sent[Delta], tt.deltas)
			r.want("ACCESSED sent by three reads, "+tt.release, sent[Accessed], tt.accesses)
			r.want("copy on tomcat1", one.copy(alice), "count=1 replica")
		})
	}
}

func TestClockStepExpiresThePrimaryCopiesOfANodeEverywhere(t *testing.T) {
	play(t, expiry(2), func(r *rig) {
		one, two, alice := r.nodes[0], r.nodes[1], r.browser()
		alice.do(one, "POST /counter")
		if err := r.w.Skew("tomcat2", 2*time.Minute-2*time.Second); err != nil {
			t.Fatal(err)
		}
		r.wait(1500 * time.Millisecond)
		r.want("copy on tomcat2, whose clock is nearly two intervals ahead", two.copy(alice), "count=1 replica")
		if err := r.w.Skew("tomcat1", time.Minute); err != nil {
			t.Fatal(err)
		}
		r.wait(1500 * time.Millisecond)
		r.want("copy on tomcat2 after the step of tomcat1", two.copy(alice), "none")
		r.want("copy on tomcat1", one.copy(alice), "none")
	})
}

func TestStopOfOneNodeLogsEveryoneOutIfToldTo(t *testing.T) {
	for _, tt := range []struct {
		expire  bool
		options tribes.Options
		want    int
	}{
		{false, acked, 20},
		{true, acked, 0},
		{true, tribes.Asynchronous, 0}, // 20 ms are enough for the dispatcher
	} {
		play(t, settings{nodes: 2, config: func(_ string, c *Config) {
			c.ExpireSessionsOnShutdown, c.SendOptions = tt.expire, tt.options
		}}, func(r *rig) {
			for range 20 {
				r.browser().do(r.nodes[0], "GET /counter")
				r.quiet()
			}
			if err := r.nodes[1].tomcat.Stop(r.ctx); err != nil {
				t.Fatal(err)
			}
			r.wait(time.Second)
			r.want(fmt.Sprintf("sessions on tomcat1, expireSessionsOnShutdown=%v", tt.expire),
				len(r.nodes[0].manager.Sessions()), tt.want)
		})
	}
}

func TestWhatIsQueuedAtTheEndOfAStopIsNeverSent(t *testing.T) {
	play(t, settings{nodes: 2, config: func(_ string, c *Config) {
		c.ExpireSessionsOnShutdown, c.UndeployTime = true, -1
		c.Tribes.Pickup = time.Second
	}}, func(r *rig) {
		for range 20 {
			r.browser().do(r.nodes[0], "GET /counter")
			r.wait(20 * time.Second)
		}
		if err := r.nodes[1].tomcat.Stop(r.ctx); err != nil {
			t.Fatal(err)
		}
		r.wait(20 * time.Second)
		if got := len(r.nodes[0].manager.Sessions()); got == 0 {
			t.Error("no session is left on tomcat1, want those whose EXPIRED was still queued")
		}
	})
}

func TestRouteFollowsTheNodeOnlyWithTheValve(t *testing.T) {
	for _, valve := range []bool{true, false} {
		valves := []appnode.Valve{appnode.JvmRouteBinderValve{}, &appnode.ReplicationValve{}}
		if !valve {
			valves = valves[1:]
		}
		for _, release := range sessions.Releases() {
			play(t, settings{nodes: 2, valves: valves, config: func(_ string, c *Config) {
				c.SendOptions, c.Release = acked, release
			}}, func(r *rig) {
				one, two, alice := r.nodes[0], r.nodes[1], r.browser()
				first := alice.do(one, "POST /counter").cookie
				for i := range 6 {
					n := r.nodes[(i+1)%2]
					got := alice.do(n, "POST /counter")
					want := ""
					if valve {
						want = sessions.WithRoute(first, n.name)
					}
					r.want("Set-Cookie of "+n.name, got.cookie, want)
					r.want("count", got.value("count"), fmt.Sprint(i+2))
					r.want("ids on both nodes", one.id(alice) == two.id(alice), true)
				}
				old := r.browser()
				old.cookie = sessions.WithRoute(first, "tomcat2") // a second tab with the cookie before the last
				got := old.do(two, "GET /session").Session != ""
				r.want(fmt.Sprintf("%s: old cookie accepted by the node in it, valve %v", release.Name, valve), got, false)
			})
		}
	}
}

func TestTwoNodesThatRenameTogetherForkTheSession(t *testing.T) {
	for _, together := range []bool{true, false} {
		play(t, settings{nodes: 3, config: options(acked)}, func(r *rig) {
			alice, tab := r.browser(), r.browser()
			alice.do(r.nodes[0], "POST /counter")
			tab.cookie = alice.cookie
			if err := r.w.Kill("tomcat1"); err != nil {
				t.Fatal(err)
			}
			r.wait(5 * time.Second)
			alice.meanwhile(r.nodes[1], "POST /counter")
			if !together {
				r.wait(time.Second)
			}
			tab.meanwhile(r.nodes[2], "POST /counter")
			r.wait(time.Second)
			forked := r.nodes[1].id(alice) != r.nodes[2].id(alice)
			r.want(fmt.Sprintf("forked, together %v", together), forked, together)
		})
	}
}

func TestLoginIsReplicatedWithItsNewID(t *testing.T) {
	for _, release := range sessions.Releases() {
		play(t, settings{nodes: 2, config: func(_ string, c *Config) {
			c.SendOptions, c.Release = acked, release
		}}, func(r *rig) {
			one, two, alice := r.nodes[0], r.nodes[1], r.browser()
			before := alice.do(one, "POST /counter").cookie
			after := alice.do(one, "POST /login?user=alice").cookie
			r.want("the id has changed", before != after, true)
			r.want(release.Name+": copy on tomcat2", two.copy(alice), "count=1 user=alice replica")
			var st sessions.State
			two.manager.Lookup(after).State(&st)
			r.want("principal on tomcat2", st.Principal, "alice")
			r.want("old id on tomcat2", two.manager.Lookup(before) == nil, true)
		})
	}
}
