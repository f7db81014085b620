package appnode

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"sessionlab/lab/sim"
	"sessionlab/sessions"
)

// clustered is a manager whose sessions could be elsewhere too: it notes what
// the valves ask of it.
type clustered struct {
	*sessions.StandardManager
	alone bool
	asked []string
}

func (c *clustered) note(format string, args ...any) {
	c.asked = append(c.asked, fmt.Sprintf(format, args...))
}

func (c *clustered) HasMembers() bool { return !c.alone }

func (c *clustered) RequestCompleted(_ context.Context, s *sessions.Session) bool {
	v, _, _ := s.Attribute("count")
	c.note("completed count=%s", v.Text)
	return true
}

func (c *clustered) ResetReplication(*sessions.Session) { c.note("reset") }

func (c *clustered) ChangeID(_ context.Context, s *sessions.Session, newID string) error {
	c.note("change %s", newID)
	c.Rename(s, newID)
	return nil
}

func (c *clustered) Background(context.Context) { c.note("tick") }

// cluster plays a story on a node with that manager and these valves.
func cluster(t *testing.T, story func(*rig, *clustered), valves ...Valve) {
	t.Helper()
	c := &clustered{}
	playIn(t, sim.New(sim.Config{Seed: 1}), c, func(cfg *Config, _ *sessions.StandardConfig) { cfg.Valves = valves }, func(r *rig) { story(r, c) })
}

// asks checks what the manager has been asked since the last time.
func (c *clustered) asks(r *rig, after string, want ...string) {
	r.Helper()
	r.want("asked after "+after, strings.Join(c.asked, ", "), strings.Join(want, ", "))
	c.asked = nil
}

func replication(t *testing.T, filter string) *ReplicationValve {
	t.Helper()
	v, err := NewReplicationValve(ReplicationConfig{Filter: filter})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestReplicationRunsAfterTheApplication(t *testing.T) {
	cluster(t, func(r *rig, c *clustered) {
		r.post("/counter")
		c.asks(r, "a write", "completed count=1")
		r.get("/session")
		c.asks(r, "a read", "completed count=1")
		r.get("/nowhere")
		c.asks(r, "a page that does not touch the session", "completed count=1")
		r.get("/logout")
		c.asks(r, "a logout")
		r.cookie = ""
		r.get("/session")
		c.asks(r, "a request without a session")
	}, replication(t, ""))
}

func TestNodeWithoutMembersForgetsChangesWhateverTheFilter(t *testing.T) {
	cluster(t, func(r *rig, c *clustered) {
		c.alone = true
		r.post("/counter")
		c.asks(r, "a write alone", "reset")
	}, replication(t, ".*"))
}

func TestFilterMatchesTheWholeDecodedURI(t *testing.T) {
	for _, tt := range []struct {
		filter, target string
		replicated     bool
	}{
		{"/", "/", false},
		{"/", "/?a=b", false},
		{"/", "/;jsessionid=x", false},
		{"/", "/index.jsp", true},
		{"", "/", true},
		{"/c|/counter", "/counter", false},
		{"/c", "/counter", true},
		{"counter", "/counter", true},
		{".*er", "/%63ounter?x", false},
		{`.*\.gif;.*\.js`, "/index.js", true}, // the list of old releases matches nothing
	} {
		cluster(t, func(r *rig, c *clustered) {
			r.get("/counter")
			c.asked = nil
			r.get(tt.target)
			if got := len(c.asked) > 0; got != tt.replicated {
				t.Errorf("filter %q, GET %s: replicated %v, want %v", tt.filter, tt.target, got, tt.replicated)
			}
		}, replication(t, tt.filter))
	}
	if _, err := NewReplicationValve(ReplicationConfig{Filter: "(?=x)"}); err == nil {
		t.Error("a look-ahead was accepted, want an error")
	}
}

func TestForeignRouteIsReplacedByTheLocalOne(t *testing.T) {
	cluster(t, func(r *rig, c *clustered) {
		r.post("/counter")
		s := r.manager.Sessions()[0]
		foreign := sessions.WithRoute(s.ID(), "tomcat2")
		local := sessions.WithRoute(s.ID(), "tomcat1")
		c.Rename(s, foreign) // as if it had been replicated here

		old := "JSESSIONID=" + foreign
		r.cookie = old
		got := r.post("/counter")
		c.asks(r, "a request with a foreign route", "change "+local)
		r.want("session", got.Session, local)
		r.want("Set-Cookie", got.header.Get("Set-Cookie"), "JSESSIONID="+local+"; Path=/; HttpOnly")
		r.want("count", got.attribute("count"), "2/2/2")

		got = r.as(r.ctx, &old, "GET", "/session") // a second tab with the old cookie
		c.asks(r, "a request after another has renamed")
		r.want("session", got.Session, local)
		r.want("Set-Cookie", got.header.Get("Set-Cookie"), "JSESSIONID="+local+"; Path=/; HttpOnly")

		r.get("/session")
		c.asks(r, "a request with the local route")

		lost := "JSESSIONID=" + sessions.WithRoute("0123", "tomcat2")
		got = r.as(r.ctx, &lost, "GET", "/session")
		c.asks(r, "a request whose session is nowhere")
		r.want("session", got.Session, "")
		r.want("Set-Cookie", got.header.Get("Set-Cookie"), "")

		c.Rename(s, foreign)
		if err := r.client.Sleep(r.ctx, 31*time.Minute); err != nil {
			t.Fatal(err)
		}
		c.asked = nil // ticks
		late := "JSESSIONID=" + foreign
		got = r.as(r.ctx, &late, "GET", "/session")
		c.asks(r, "a request after the session's time", "change "+local)
		r.want("session", got.Session, "")
		r.want("Set-Cookie", got.header.Get("Set-Cookie"), "JSESSIONID="+local+"; Path=/; HttpOnly")

		r.cookie = ""
		r.post("/counter")
		c.asks(r, "a new session")
		c.Rename(r.manager.Sessions()[0], "AB") // no route at all
		bare := "JSESSIONID=AB"
		r.want("session", r.as(r.ctx, &bare, "GET", "/session").Session, "AB")
		c.asks(r, "a request without a route")
	}, JvmRouteBinderValve{})
}

func TestBackgroundThreadTicksUntilTheStop(t *testing.T) {
	cluster(t, func(r *rig, c *clustered) {
		sleep := func(d time.Duration) {
			if err := r.client.Sleep(r.ctx, d); err != nil {
				t.Fatal(err)
			}
		}
		sleep(25 * time.Second)
		c.asks(r, "25 s", "tick", "tick")
		if err := r.node.Stop(r.ctx); err != nil {
			t.Fatal(err)
		}
		sleep(time.Minute)
		c.asks(r, "the stop")
	})
}

func TestClusterValvesLeaveAStandardManagerAlone(t *testing.T) {
	play(t, func(c *Config, _ *sessions.StandardConfig) {
		c.Valves = []Valve{JvmRouteBinderValve{}, replication(t, "")}
	}, func(r *rig) {
		r.post("/counter")
		r.manager.Rename(r.manager.Sessions()[0], "AB.tomcat2")
		r.cookie = "JSESSIONID=AB.tomcat2"
		r.want("session", r.post("/counter").Session, "AB.tomcat2")
	})
}

func TestANodeWithoutARouteRenamesNothing(t *testing.T) {
	c := &clustered{}
	playIn(t, sim.New(sim.Config{Seed: 1}), c, func(cfg *Config, m *sessions.StandardConfig) {
		cfg.Valves, m.JvmRoute = []Valve{JvmRouteBinderValve{}}, ""
	}, func(r *rig) {
		r.post("/counter")
		c.Rename(r.manager.Sessions()[0], "AB.tomcat2")
		r.cookie = "JSESSIONID=AB.tomcat2"
		r.want("session", r.get("/session").Session, "AB.tomcat2")
		c.asks(r, "a request with another node's route")
	})
}

func TestStatisticsAreToldAfterEveryHundredthRequest(t *testing.T) {
	told := 0
	v, err := NewReplicationValve(ReplicationConfig{Statistics: true, Told: func(s ReplicationStatistics) {
		if told++; s.Requests != 100*told {
			t.Errorf("told after %d requests, want %d", s.Requests, 100*told)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	cluster(t, func(r *rig, _ *clustered) {
		for range 250 {
			r.get("/session")
		}
	}, v)
	if told != 2 {
		t.Errorf("told %d times in 250 requests, want 2", told)
	}
}
