package appnode

import (
	"context"
	"strings"
	"testing"
	"time"

	"sessionlab/sessions"
)

func TestPagesDoWhatTheySay(t *testing.T) {
	playBoth(t, nil, func(r *rig) {
		steps := []struct {
			method, target string
			status         int
			attribute      string // its name
			want           string // value/write/writes after the step
		}{
			{"GET", "/session", 200, "cart", ""},
			{"GET", "/counter", 200, "count", ""},
			{"GET", "/set?name=cart&value=pen", 200, "cart", "pen/3/1"},
			{"POST", "/set?name=cart&value=a%20b+c", 200, "cart", "a b c/4/2"},
			{"GET", "/mutate?name=cart&value=book", 200, "cart", "book/5/3"},
			{"GET", "/mutate?name=bag&value=book", 500, "", ""},
			{"GET", "/session", 200, "cart", "book/5/3"},
			{"GET", "/set?name=cart&value=", 200, "cart", "/8/4"},
			{"GET", "/set?name=cart", 200, "cart", ""},
			{"GET", "/set?value=pen", 500, "", ""},
			{"GET", "/set?name=cart&value=ink", 200, "cart", "ink/11/1"},
			{"GET", "/remove?name=cart", 200, "cart", ""},
			{"GET", "/remove?name=cart", 200, "cart", ""},
			{"GET", "/set?name=count&value=many", 200, "count", "many/14/1"},
			{"GET", "/counter?add=1", 500, "", ""},
			{"GET", "/login?user=alice", 200, "user", "alice/16/1"},
			{"GET", "/login", 500, "", ""},
			{"GET", "/session?ms=soon", 500, "", ""},
			{"GET", "/status/503", 503, "", ""},
			{"GET", "/status/201", 201, "user", "alice/16/1"},
			{"GET", "/status/204", 204, "", ""},
			{"GET", "/status/99", 404, "", ""},
			{"GET", "/nowhere", 404, "", ""},
			{"HEAD", "/session", 200, "", ""},
		}
		for i, step := range steps {
			got := r.do(step.method, step.target)
			if got.err != nil || got.status != step.status {
				t.Errorf("step %d, %s %s: status %d, error %v, want %d", i+1, step.method, step.target, got.status, got.err, step.status)
			}
			if step.attribute != "" {
				if a := got.attribute(step.attribute); a != step.want {
					t.Errorf("step %d, %s %s: %s = %q, want %q", i+1, step.method, step.target, step.attribute, a, step.want)
				}
			}
		}
	})
}

func TestOnlySessionLogoutAndStatusCreateNoSession(t *testing.T) {
	play(t, nil, func(r *rig) {
		tests := []struct {
			target  string
			creates bool
		}{
			{"/session", false}, {"/logout", false}, {"/status/200", false}, {"/status/500", false}, {"/nowhere", false},
			{"/", true}, {"/index.jsp", true}, {"/counter", true}, {"/set?name=a&value=b", true},
			{"/remove?name=a", true}, {"/login?user=a", true}, {"/mutate?name=a&value=b", true},
		}
		for _, tt := range tests {
			var cookie string
			before := r.manager.Figures().Created
			r.as(r.ctx, &cookie, "GET", tt.target)
			if got := r.manager.Figures().Created > before; got != tt.creates || (cookie != "") != tt.creates {
				t.Errorf("GET %s: session created %v, cookie %q, want created %v", tt.target, got, cookie, tt.creates)
			}
		}
	})
}

func TestTutorialPageShowsTheNodeAndSetsItsAttribute(t *testing.T) {
	play(t, func(c *Config, _ *sessions.StandardConfig) { c.Number = 2 }, func(r *rig) {
		for _, target := range []string{"/", "/index.jsp"} {
			page := r.get(target)
			if i := strings.Index(page.body, "<td>"+strings.TrimPrefix(r.cookie, "JSESSIONID=")+"</td>"); i < 0 {
				t.Errorf("GET %s: no session id in %s", target, page.body)
			}
			for _, want := range []string{"<title>test.tomcat1</title>", `<h1><font color="blue">test.tomcat1.org</font></h1>`, "<td>Session ID</td>", "<td>Created on</td>"} {
				if !strings.Contains(page.body, want) {
					t.Errorf("GET %s: no %s in %s", target, want, page.body)
				}
			}
			r.want("content type", page.header.Get("Content-Type"), typePage)
		}
		r.want("attribute", r.get("/session").attribute("test.org"), "test.org/2/2")
	})
}

func TestLoginRotatesTheID(t *testing.T) {
	playBoth(t, nil, func(r *rig) {
		before := r.post("/counter")
		old := r.cookie
		login := r.get("/login?user=alice")
		if login.Session == before.Session || r.cookie == old || r.cookie != "JSESSIONID="+login.Session {
			t.Errorf("after the login the id is %s with cookie %q, before it was %s", login.Session, r.cookie, before.Session)
		}
		r.want("user", login.User, "alice")
		r.want("attribute user", login.attribute("user"), "alice/2/1")
		r.want("count after the login", r.get("/counter").attribute("count"), "1/1/1")
		r.want("session under the old id", r.as(r.ctx, &old, "GET", "/session").Session, "")
		r.want("events", strings.Join(r.events, ", "), "tomcat1 created 40, tomcat1 renamed 40")
	})
}

func TestLogoutEndsTheSessionAndTheOldCookieGetsANewID(t *testing.T) {
	play(t, nil, func(r *rig) {
		before := r.post("/counter")
		out := r.get("/logout")
		r.want("session after the logout", out.Session, "")
		r.want("Set-Cookie", out.header.Get("Set-Cookie"), "")
		next := r.post("/counter")
		if next.Session == before.Session || !next.New {
			t.Errorf("the old cookie got session %s, new %v, want another, new one than %s", next.Session, next.New, before.Session)
		}
		r.want("count", next.attribute("count"), "1/3/1")
	})
}

func TestErrorPages(t *testing.T) {
	play(t, func(c *Config, m *sessions.StandardConfig) { m.MaxActiveSessions = 1 }, func(r *rig) {
		var other string
		r.get("/counter")
		tests := []struct {
			target string
			status int
			want   []string
		}{
			{"/<b>", 404, []string{"HTTP Status 404 – Not Found", "Status Report", "[/&lt;b&gt;] is not available"}},
			{"/counter", 500, []string{"Internal Server Error", "Exception Report", "too many active sessions"}},
			{"/status/99", 404, []string{"[/status/99] is not available"}},
			{"/status/199", 404, []string{"[/status/199] is not available"}},
			{"/status/400", 400, []string{"HTTP Status 400 – Bad Request"}},
			{"/status/418", 418, []string{"HTTP Status 418 – I'm a teapot", "Apache Tomcat/10.1"}},
		}
		for _, tt := range tests {
			got := r.as(r.ctx, &other, "GET", tt.target)
			r.want("status of "+tt.target, got.status, tt.status)
			r.want("content type of "+tt.target, got.header.Get("Content-Type"), typeError)
			for _, want := range tt.want {
				if !strings.Contains(got.body, want) {
					t.Errorf("GET %s: no %q in %s", tt.target, want, got.body)
				}
			}
		}
		r.want("errors", r.node.Status().Counts.Errors, 6)
		r.want("rejected", r.node.Status().Sessions.Rejected, 1)
	})
}

func TestOverlappingRequestsLoseAWrite(t *testing.T) {
	play(t, nil, func(r *rig) {
		r.post("/counter")
		together(r, "/counter?add=1&ms=400", "/counter?add=1&ms=600")
		r.want("count", r.get("/counter").attribute("count"), "2/3/2")

		together(r, "/counter?add=1", "/set?name=cart&value=pen&ms=5")
		r.want("count", r.get("/counter").attribute("count"), "3/5/3")
	})
}

// together sends GETs of one session at the same time and waits for all.
func together(r *rig, targets ...string) (replies []reply) {
	replies = make([]reply, len(targets))
	done := r.client.NewSignal()
	left := len(targets)
	for i, target := range targets {
		r.client.Go("user", func(ctx context.Context) {
			cookie := r.cookie
			replies[i] = r.as(ctx, &cookie, "GET", target)
			if left--; left == 0 {
				done.Set()
			}
		})
	}
	if err := done.Wait(r.ctx); err != nil {
		r.Fatal(err)
	}
	return replies
}

func TestLogoutInTheMiddleOfAWriteIsAnException(t *testing.T) {
	play(t, nil, func(r *rig) {
		r.post("/counter")
		got := together(r, "/counter?add=1&ms=500", "/logout")
		r.want("status of the write", got[0].status, 500)
		if !strings.Contains(got[0].body, "session already invalidated") {
			t.Errorf("error page %s, want the reason", got[0].body)
		}
	})
}

func TestPauseLiesBetweenReadAndWrite(t *testing.T) {
	play(t, nil, func(r *rig) {
		r.post("/counter")
		start := r.client.Elapsed()
		done := r.client.NewSignal()
		r.client.Go("user", func(ctx context.Context) {
			cookie := r.cookie
			r.as(ctx, &cookie, "GET", "/counter?add=1&ms=1000")
			done.Set()
		})
		if err := r.client.Sleep(r.ctx, 500*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		r.want("count during the pause", r.get("/session").attribute("count"), "1/1/1")
		if err := done.Wait(r.ctx); err != nil {
			t.Fatal(err)
		}
		if took := r.client.Elapsed() - start; took < time.Second || took > 1002*time.Millisecond {
			t.Errorf("ms=1000 took %v, want a second", took)
		}
		r.want("count after it", r.get("/session").attribute("count"), "2/2/2")
	})
}

func TestSizePadsTheAnswer(t *testing.T) {
	play(t, nil, func(r *rig) {
		natural := len(r.get("/session").body)
		for _, target := range []string{"/session?size=", "/counter?add=1&size=", "/index.jsp?size="} {
			for _, tt := range []struct {
				size   string
				length int
			}{{"1000", 1000}, {"8192", 8192}, {"8193", 8193}, {"100000", 100000}} {
				got := r.get(target + tt.size)
				if len(got.body) != tt.length || got.err != nil {
					t.Errorf("GET %s%s: %d bytes, error %v, want %d", target, tt.size, len(got.body), got.err, tt.length)
				}
			}
		}
		r.cookie = ""
		r.want("length with a size smaller than the answer", len(r.get("/session?size=10").body), natural)
	})
}

func TestPostedFormHasParameters(t *testing.T) {
	play(t, nil, func(r *rig) {
		got := r.postForm("/set?name=cart", "name=bag&value=a%26b")
		r.want("attribute", got.attribute("cart"), "a&b/1/1")
	})
}

func TestPathCaseMatters(t *testing.T) {
	play(t, nil, func(r *rig) {
		r.want("status", r.get("/Counter").status, 404)
	})
}
