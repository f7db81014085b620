package appnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/sessions"
)

// valve is a step made of two functions.
type valve struct{ before, after func(*Request) }

func (v valve) Invoke(r *Request, next Pipeline) {
	if v.before != nil {
		v.before(r)
	}
	next.Invoke(r)
	if v.after != nil {
		v.after(r)
	}
}

func TestValvesWrapTheApplicationInOrder(t *testing.T) {
	var steps []string
	step := func(name string) func(*Request) {
		return func(r *Request) { steps = append(steps, fmt.Sprint(name, " ", r.Path())) }
	}
	play(t, func(c *Config, _ *sessions.StandardConfig) {
		c.Valves = []Valve{valve{step("in1"), step("out1")}, valve{step("in2"), step("out2")}}
	}, func(r *rig) {
		r.get("/session;a=b?c=d")
		r.want("steps", strings.Join(steps, ", "), "in1 /session, in2 /session, out2 /session, out1 /session")
	})
}

func TestSmallAnswerWaitsForTheValvesAndALargeOneDoesNot(t *testing.T) {
	tests := []struct {
		target string
		waits  bool
	}{
		{"/counter", true},
		{"/counter?size=8192", true},
		{"/counter?size=8193", false},
		{"/counter?flush=1", false},
		{"/nowhere", true},
	}
	var node *Node
	slow := valve{after: func(r *Request) { _ = node.host.Sleep(r.Context(), time.Second) }}
	play(t, func(c *Config, _ *sessions.StandardConfig) { c.Valves = []Valve{slow} }, func(r *rig) {
		node = r.node
		for _, tt := range tests {
			conn, err := r.client.DialHTTP(r.ctx, nodeAddr+":8080")
			if err != nil {
				t.Fatal(err)
			}
			req, _ := http.NewRequest("GET", "http://"+nodeAddr+tt.target, nil)
			start := r.client.Elapsed()
			resp, err := conn.RoundTrip(r.ctx, req)
			if err != nil {
				t.Fatal(err)
			}
			took := r.client.Elapsed() - start
			if waits := took >= time.Second; waits != tt.waits {
				t.Errorf("%s: head after %v, want it to wait for the valve: %v", tt.target, took, tt.waits)
			}
			if announced := resp.ContentLength >= 0; announced != tt.waits {
				t.Errorf("%s: content length %d, want it announced: %v", tt.target, resp.ContentLength, tt.waits)
			}
			conn.Close()
		}
	})
}

func TestNoSessionIsCreatedAfterTheHeadHasLeft(t *testing.T) {
	early := valve{before: func(r *Request) { r.response.flush() }}
	play(t, func(c *Config, _ *sessions.StandardConfig) { c.Valves = []Valve{early} }, func(r *rig) {
		got := r.get("/counter")
		r.want("status", got.status, 200)
		if world.OutcomeOf(got.err) != world.Cut {
			t.Errorf("body ends with %v, want a cut: the client must see the exception", got.err)
		}
		r.want("sessions created", r.manager.Figures().Created, 0)
	})
}

func TestRequestsQueueForThreads(t *testing.T) {
	play(t, func(c *Config, _ *sessions.StandardConfig) { c.MaxThreads = 2 }, func(r *rig) {
		start := r.client.Elapsed()
		done := r.client.NewSignal()
		var ends []time.Duration
		for range 5 {
			r.client.Go("user", func(ctx context.Context) {
				var cookie string
				r.as(ctx, &cookie, "GET", "/session?ms=100")
				if ends = append(ends, (r.client.Elapsed() - start).Truncate(50*time.Millisecond)); len(ends) == 5 {
					done.Set()
				}
			})
		}
		if err := r.client.Sleep(r.ctx, 50*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		counts := r.node.Status().Counts
		r.want("busy", counts.Busy, 2)
		r.want("waiting", counts.Waiting, 3)
		if err := done.Wait(r.ctx); err != nil {
			t.Fatal(err)
		}
		r.want("ends", fmt.Sprint(ends), "[100ms 100ms 200ms 200ms 300ms]")
	})
}

func TestIdleConnectionHoldsNoThreadAndIsClosedInTheEnd(t *testing.T) {
	play(t, func(c *Config, _ *sessions.StandardConfig) { c.MaxThreads = 1 }, func(r *rig) {
		idle, err := r.client.DialHTTP(r.ctx, nodeAddr+":8080")
		if err != nil {
			t.Fatal(err)
		}
		req, _ := http.NewRequest("GET", "http://"+nodeAddr+"/status/204", nil)
		if _, err := idle.RoundTrip(r.ctx, req); err != nil {
			t.Fatal(err)
		}
		r.want("status beside an idle connection", r.get("/session").status, 200)
		for _, tt := range []struct {
			wait  time.Duration
			alive bool
		}{{19 * time.Second, true}, {2 * time.Second, false}} {
			if err := r.client.Sleep(r.ctx, tt.wait); err != nil {
				t.Fatal(err)
			}
			r.want(fmt.Sprint("alive after ", tt.wait, " more"), idle.Alive(), tt.alive)
		}
	})
}

func TestConnectionEndsWithItsHundredthRequest(t *testing.T) {
	play(t, nil, func(r *rig) {
		conn, err := r.client.DialHTTP(r.ctx, nodeAddr+":8080")
		if err != nil {
			t.Fatal(err)
		}
		served := 0
		for conn.Alive() && served < 200 {
			req, _ := http.NewRequest("GET", "http://"+nodeAddr+"/status/204", nil)
			if _, err := conn.RoundTrip(r.ctx, req); err != nil {
				t.Fatal(err)
			}
			served++
			if err := r.client.Sleep(r.ctx, time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		r.want("requests on one connection", served, 100)
	})
}

func TestServiceTimeBelongsToTheRequest(t *testing.T) {
	took := func(before int) (d time.Duration) {
		play(t, func(c *Config, _ *sessions.StandardConfig) {
			c.Service = Service{Time: 100 * time.Millisecond, Spread: 100 * time.Millisecond}
		}, func(r *rig) {
			for range before {
				var cookie string
				r.as(r.ctx, &cookie, "GET", "/counter", RequestHeader, "bob/1")
			}
			start := r.client.Elapsed()
			r.as(r.ctx, &r.cookie, "GET", "/session", RequestHeader, "alice/1")
			d = r.client.Elapsed() - start
		})
		return d.Truncate(time.Millisecond)
	}
	alone, behind := took(0), took(3)
	if alone != behind || alone < 100*time.Millisecond || alone > 202*time.Millisecond {
		t.Errorf("service took %v alone and %v behind others, want the same between 100ms and 200ms", alone, behind)
	}
}

func TestTheFirstRequestOfAProcessTakesLonger(t *testing.T) {
	play(t, func(c *Config, _ *sessions.StandardConfig) {
		c.Service = Service{Time: 10 * time.Millisecond, First: 50 * time.Millisecond}
	}, func(r *rig) {
		for i, want := range []time.Duration{60 * time.Millisecond, 10 * time.Millisecond, 10 * time.Millisecond} {
			start := r.client.Elapsed()
			r.as(r.ctx, &r.cookie, "GET", "/session")
			if took := (r.client.Elapsed() - start).Truncate(5 * time.Millisecond); took != want {
				t.Errorf("request %d took %v, want %v", i+1, took, want)
			}
		}
	})
}

// Requests draw by their names, those without a name by their number on the node.
func TestTheTimeOfARequestIsDrawn(t *testing.T) {
	const most = 20
	for _, row := range []struct {
		name     string
		service  Service
		low      int           // requests that take no more than atLeast
		atLeast  time.Duration // for all
		distinct bool          // no two of them take the same time
	}{
		{"a spread", Service{Time: 100 * time.Millisecond, Spread: 100 * time.Millisecond}, 0, 100 * time.Millisecond, true},
		{"none", Service{Time: 100 * time.Millisecond}, most, 100 * time.Millisecond, false},
		{"a stall of half", Service{Stalled: 0.5, Stall: time.Second}, 11, 0, false},
		{"a stall of all", Service{Stalled: 1, Stall: time.Second}, 0, 0, true},
	} {
		play(t, func(c *Config, _ *sessions.StandardConfig) { c.Service = row.service }, func(r *rig) {
			for _, name := range []string{"", "alice/%d"} {
				seen, low := map[time.Duration]bool{}, 0
				for i := range most {
					if name != "" {
						name = fmt.Sprintf("alice/%d", i)
					}
					start := r.client.Elapsed()
					r.as(r.ctx, &r.cookie, "GET", "/session", RequestHeader, name)
					took := (r.client.Elapsed() - start).Truncate(10 * time.Microsecond)
					if took < row.atLeast {
						t.Errorf("%s: a request took %v, want %v at least", row.name, took, row.atLeast)
					}
					if took < row.atLeast+2*time.Millisecond {
						low++
					}
					seen[took] = true
				}
				if row.distinct && len(seen) != most {
					t.Errorf("%s: %d requests named %q took %d different times", row.name, most, name, len(seen))
				}
				if row.low != most && low > row.low || row.low == most && low != most || row.low > 0 && low == 0 {
					t.Errorf("%s: %d of %d requests named %q took no more than %v, want about %d", row.name, low, most, name, row.atLeast, row.low)
				}
			}
		})
	}
}

// The id that a client sent is what the valves see, and no other.
func TestALoginWithoutACookieHasNoRequestedID(t *testing.T) {
	var before, after string
	see := valve{before: func(r *Request) { before = r.RequestedID() }, after: func(r *Request) { after = r.RequestedID() }}
	play(t, func(c *Config, _ *sessions.StandardConfig) { c.Valves = []Valve{see} }, func(r *rig) {
		r.get("/login?user=alice")
		r.want("requested id without a cookie", before+after, "")
		old := strings.TrimPrefix(r.cookie, "JSESSIONID=")
		id := r.get("/login?user=alice").Session
		r.want("requested id before a login", before, old)
		r.want("requested id after a login", after, id)
	})
}

func TestAConnectionEndsWithAMalformedRequest(t *testing.T) {
	play(t, nil, func(r *rig) {
		conn, err := r.client.DialHTTP(r.ctx, nodeAddr+":8080")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for _, row := range []struct {
			target     string
			status     int
			connection string
		}{{"/session", 200, ""}, {"/%2F", 400, "close"}} {
			req, err := http.NewRequest("GET", "http://"+nodeAddr+":8080"+row.target, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := conn.RoundTrip(r.ctx, req)
			if err != nil {
				t.Fatalf("GET %s: %v", row.target, err)
			}
			r.want("status of "+row.target, resp.StatusCode, row.status)
			r.want("Connection of "+row.target, resp.Header.Get("Connection"), row.connection)
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				t.Fatal(err)
			}
		}
		if conn.Alive() {
			t.Error("the connection lives on after a malformed request")
		}
	})
}

func TestStartLoadsBeforeThePortOpensAndStopSaves(t *testing.T) {
	save := func(_ *Config, m *sessions.StandardConfig) { m.Pathname = "SESSIONS.ser" }
	playBoth(t, save, func(r *rig) {
		before := r.post("/counter")
		if err := r.node.Stop(r.ctx); err != nil {
			t.Fatal(err)
		}
		if got := r.get("/counter"); !errors.Is(got.err, world.ErrRefused) {
			t.Errorf("after the stop: %v, want %v", got.err, world.ErrRefused)
		}
		if err := r.w.Kill("tomcat1"); err != nil {
			t.Fatal(err)
		}
		r.boot(save)
		if err := r.node.Start(r.ctx); err != nil {
			t.Fatal(err)
		}
		after := r.post("/counter")
		r.want("session", after.Session, before.Session)
		r.want("count", after.attribute("count"), "2/3/2")
		r.want("created", after.Created, before.Created)
		r.want("new", after.New, false)
		r.want("events", strings.Join(r.events, ", "), "tomcat1 created 40, tomcat1 saved 40, tomcat1 loaded 40")
	})
}

func TestStopWaitsForRunningRequestsButNotForEver(t *testing.T) {
	for _, tt := range []struct {
		ms   string
		want world.Outcome
		took time.Duration
	}{
		{"12", world.OK, 0}, // over before the stop looks
		{"20", world.OK, 105 * time.Millisecond},
		{"100", world.OK, 105 * time.Millisecond},
		{"150", world.OK, 205 * time.Millisecond},
		{"1500", world.OK, 1505 * time.Millisecond},
		{"9000", world.Closed, 2105 * time.Millisecond},
	} {
		play(t, nil, func(r *rig) {
			done := r.client.NewSignal()
			var got reply
			r.client.Go("user", func(ctx context.Context) {
				cookie := ""
				got = r.as(ctx, &cookie, "GET", "/counter?add=1&ms="+tt.ms)
				done.Set()
			})
			if err := r.client.Sleep(r.ctx, 10*time.Millisecond); err != nil {
				t.Fatal(err)
			}
			start := r.client.Elapsed()
			if err := r.node.Stop(r.ctx); err != nil {
				t.Fatal(err)
			}
			took := (r.client.Elapsed() - start).Round(5 * time.Millisecond)
			r.want("stop with a request of "+tt.ms+" ms took", took, tt.took)
			if err := done.Wait(r.ctx); err != nil {
				t.Fatal(err)
			}
			if outcome := world.OutcomeOf(got.err); outcome != tt.want {
				t.Errorf("request of %s ms: %v, want %v", tt.ms, outcome, tt.want)
			}
		})
	}
}

// slowManager takes its time to start and to stop.
type slowManager struct {
	*sessions.StandardManager
	host world.Host
}

func (m slowManager) Start(ctx context.Context) error {
	return errors.Join(m.host.Sleep(ctx, time.Second), m.StandardManager.Start(ctx))
}

func (m slowManager) Stop(ctx context.Context) error {
	return errors.Join(m.host.Sleep(ctx, time.Second), m.StandardManager.Stop(ctx))
}

func TestPortIsBoundFromInitUntilTheManagerHasStopped(t *testing.T) {
	w := sim.New(sim.Config{Seed: 1})
	defer w.Close()
	err := w.Run(func(ctx context.Context) error {
		r := &rig{T: t, ctx: ctx, w: w}
		var err error
		if r.client, err = w.Boot("alice", "10.0.1.7"); err != nil {
			return err
		}
		host, err := w.Boot("tomcat1", nodeAddr)
		if err != nil {
			return err
		}
		node := New(host, Config{Manager: slowManager{sessions.NewStandardManager(host, sessions.StandardConfig{}), host}})
		if got := r.get("/session"); !errors.Is(got.err, world.ErrRefused) {
			t.Errorf("before init: %v, want %v", got.err, world.ErrRefused)
		}
		if err := node.Init(); err != nil {
			return err
		}
		host.Go("start", func(ctx context.Context) {
			if err := node.Start(ctx); err != nil {
				t.Error(err)
			}
		})
		begun := r.client.Elapsed()
		r.want("status of a request during the start", r.get("/session").status, http.StatusOK)
		r.want("it took", (r.client.Elapsed() - begun).Round(100*time.Millisecond), time.Second)

		host.Go("stop", func(ctx context.Context) {
			if err := node.Stop(ctx); err != nil {
				t.Error(err)
			}
		})
		if err := r.client.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
		begun = r.client.Elapsed()
		if got := r.get("/session"); !errors.Is(got.err, world.ErrReset) {
			t.Errorf("during the stop: %v, want %v", got.err, world.ErrReset)
		}
		r.want("it took", (r.client.Elapsed() - begun).Round(100*time.Millisecond), time.Second)
		if got := r.get("/session"); !errors.Is(got.err, world.ErrRefused) {
			t.Errorf("after the stop: %v, want %v", got.err, world.ErrRefused)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBackgroundThreadExpiresSessionsEveryMinute(t *testing.T) {
	play(t, func(_ *Config, m *sessions.StandardConfig) { m.MaxInactiveInterval = 5 * time.Second }, func(r *rig) {
		r.get("/counter")
		for _, tt := range []struct {
			wait time.Duration
			held int
		}{{59 * time.Second, 1}, {2 * time.Second, 0}} {
			if err := r.client.Sleep(r.ctx, tt.wait); err != nil {
				t.Fatal(err)
			}
			r.want(fmt.Sprint("sessions after ", tt.wait, " more"), len(r.node.Copies()), tt.held)
		}
		r.want("events", strings.Join(r.events, ", "), "tomcat1 created 40, tomcat1 expired 40")
	})
}

func TestClientThatLeavesDoesNotStopItsRequest(t *testing.T) {
	play(t, nil, func(r *rig) {
		r.post("/counter")
		conn, err := r.client.DialHTTP(r.ctx, nodeAddr+":8080")
		if err != nil {
			t.Fatal(err)
		}
		conn.SetReadDeadline(100 * time.Millisecond)
		req, _ := http.NewRequest("GET", "http://"+nodeAddr+"/counter?add=1&ms=500", nil)
		req.Header.Set("Cookie", r.cookie)
		if _, err := conn.RoundTrip(r.ctx, req); !errors.Is(err, world.ErrReadTimeout) {
			t.Fatalf("impatient request: %v, want %v", err, world.ErrReadTimeout)
		}
		conn.Close()
		if err := r.client.Sleep(r.ctx, time.Second); err != nil {
			t.Fatal(err)
		}
		r.want("count", r.get("/counter").attribute("count"), "2/0/2")
	})
}

func TestConcurrentRequestsOfOneSessionLoseWritesButNoCount(t *testing.T) {
	const tasks, each = 4, 25
	playBoth(t, nil, func(r *rig) {
		r.post("/counter")
		done := world.NewQueue[int](r.client)
		for range tasks {
			r.client.Go("user", func(ctx context.Context) {
				cookie, ok := r.cookie, 0
				for range each {
					if r.as(ctx, &cookie, "POST", "/counter").status == http.StatusOK {
						ok++
					}
				}
				done.Put(ok)
			})
		}
		answered := 0
		for range tasks {
			ok, _, err := done.Take(r.ctx)
			if err != nil {
				t.Fatal(err)
			}
			answered += ok
		}
		r.want("requests answered", answered, tasks*each)
		got := r.get("/counter")
		for _, a := range got.Attributes {
			if a.Text != strconv.FormatUint(a.Writes, 10) || a.Writes > tasks*each+1 {
				t.Errorf("count %s with %d writes behind it, want the same, at most %d", a.Text, a.Writes, tasks*each+1)
			}
		}
		r.want("sessions", len(r.node.Copies()), 1)
	})
}
