package scenarios_test

import (
	"fmt"
	"strings"
	"testing"

	"sessionlab/lab/world"
	"sessionlab/scenarios"
	"sessionlab/scenarios/continuity"
	"sessionlab/scenarios/report"
	"sessionlab/scenarios/script"
)

// worlds are both kinds.
var worlds = []struct {
	kind string
	make func(*script.Scenario) (world.World, error)
}{{"sim", inSim}, {"loopback", onLoopback}}

// Whatever keeps the last look from a node: nobody can claim that the session was
// kept, and only what is left nowhere is lost.
func TestALastLookThatNoNodeAnswersShowsNothing(t *testing.T) {
	const saved = "tomcat 9\nnodes a b\nmanager StandardManager\n"
	const front = "\n-- nginx.conf --\nevents {}\nhttp { upstream pool { server a:8080; server b:8080; } server { listen 8080; %s } }\n"
	for _, row := range []struct {
		name, text string
		lost       int
		unseen     int
		verdict    report.Verdict
		reason     string // a part of a story
	}{
		{"killed with kill -9", "nodes a b\nmanager StandardManager\nproxy round_robin\nuser bob\nbob POST /counter\nkill a b\nend 500ms\nexpect sessions.lost == 0", 1, 0, report.Fail,
			"no copy of it is left on any machine or in any store"},
		{"stopped, with the sessions in a file", saved + "proxy round_robin\nuser bob\nbob POST /counter\nstop a b\nwait until a is down\nwait until b is down\nend 1500ms\nexpect sessions.lost == 0", 0, 1, report.Inconclusive,
			"still held by SESSIONS.ser of a"},
		{"stopped, with the sessions in no file", "tomcat 10.1\nnodes a b\nmanager StandardManager\nproxy round_robin\nuser bob\nbob POST /counter\nstop a b\nwait until a is down\nwait until b is down\nend 1500ms\nexpect sessions.lost == 0", 1, 0, report.Fail,
			"no copy of it is left"},
		{"killed at work, when its answer's head had left", "nodes a\nmanager StandardManager\nuser bob\nbob POST /counter\nmeanwhile bob GET /counter?add=1&ms=500&flush=1 as x\nwait 100ms\nkill a\nwait for bob.x\nend 1s\nexpect sessions.lost == 0", 1, 0, report.Fail,
			"no copy of it is left"},
		{"killed at work, where another node has a copy", "nodes a b\nmanager DeltaManager\ncluster channelSendOptions=6\nproxy round_robin\nuser bob\nbob POST /counter\nwait until quiet\nmeanwhile bob GET /counter?add=1&ms=500&flush=1 as x\nwait 100ms\nkill b\nwait for bob.x\nend 1s\nexpect sessions.lost == 0", 0, 0, report.Pass,
			""},
		{"killed at work for somebody else", "nodes a b\nmanager StandardManager\nproxy round_robin\nuser bob\nuser eve\nbob POST /counter\nmeanwhile eve GET /session?ms=500&flush=1 as x\nwait 100ms\nkill b\nwait for eve.x\nend 1s\nexpect sessions.lost == 0", 0, 0, report.Pass,
			""},
		{"frozen", "nodes a b\nmanager DeltaManager\ncluster channelSendOptions=6\nproxy round_robin proxy_read_timeout=200ms\nuser bob\nbob POST /counter\nwait until quiet\npause a b\nend 500ms\nexpect sessions.lost == 0", 0, 1, report.Inconclusive,
			"still held by a (primary), b (replica)"},
		{"frozen after a stale read", "nodes a b\nmanager DeltaManager\ncluster channelSendOptions=8\nvalve JvmRouteBinderValve enabled=false\nproxy round_robin proxy_read_timeout=200ms\nuser bob\nbob GET /counter\nwait until quiet\nbob POST /set?name=z&value=1\nwait until quiet\nhold DELTA from a to b\nbob POST /set?name=z&value=2\nbob GET /session\nrelease DELTA\nwait until quiet\npause a b\nend 500ms\nexpect sessions.rolled_back == 0 and sessions.stale_reads == 1", 0, 1, report.Inconclusive,
			"still held by a (replica), b (replica)"},
		{"cut off from the proxy", "nodes a b\nmanager StandardManager\nproxy round_robin proxy_connect_timeout=200ms\nuser bob\nbob POST /counter\npartition proxy | a b\nend 500ms\nexpect sessions.lost == 0", 0, 1, report.Inconclusive,
			"still held by a (sole)"},
		{"answered by the proxy itself", "nodes a b\nuser bob\nbob POST /counter on a\nend 500ms\nexpect sessions.lost == 0" + strings.Replace(front, "%s", "location / { return 403; }", 1), 0, 1, report.Inconclusive,
			"the proxy answered 403"},
		{"answered by the nodes with an error", "nodes a b\nproxy round_robin\nuser bob\nbob POST /counter\nanswer a 503\nanswer b 503\nend 500ms\nexpect sessions.lost == 0", 0, 1, report.Inconclusive,
			"answered 503"},
		{"with a cookie for one path only", "nodes a b\napp sessionCookiePath=/counter\nmanager StandardManager\nproxy round_robin\nuser bob\nbob POST /counter\nkill a\nend 500ms\nexpect sessions.lost == 0", 1, 0, report.Fail,
			"b knew no such session"},
		{"through the only way that there is", "nodes a b\nmanager DeltaManager\ncluster channelSendOptions=6\nuser bob\nbob POST /buy\nend 500ms\nexpect sessions.kept == 1 and sessions.unseen == 0" +
			strings.Replace(front, "%s", "location = /buy { proxy_pass http://pool/counter; } location / { return 403; }", 1), 0, 0, report.Pass, ""},
	} {
		for _, w := range worlds {
			t.Run(row.name+" "+w.kind, func(t *testing.T) {
				t.Parallel()
				r := run(t, row.name, []byte(row.text), w.kind, w.make)
				if r.Verdict != row.verdict || r.Sessions.Lost != row.lost || r.Sessions.Unseen != row.unseen {
					t.Errorf("verdict %s, lost %d, unseen %d, want %s, %d, %d\n%s", r.Verdict, r.Sessions.Lost, r.Sessions.Unseen, row.verdict, row.lost, row.unseen, textOf(t, r))
				}
				story := ""
				for _, a := range r.Anomalies {
					story += a.Explanation
				}
				if !strings.Contains(story, row.reason) || row.reason != "" && !strings.Contains(story, "After the end each user looked once more: ") {
					t.Errorf("stories %q, want one of the last look with %q", story, row.reason)
				}
			})
		}
	}
}

// Whatever keeps a user from presenting a session: it is lost with its last copy.
// Who keeps cookies is owed it at the next page.
func TestASessionThatItsUserDoesNotPresent(t *testing.T) {
	const front = "\n-- nginx.conf --\nevents {}\nhttp { upstream pool { server a:8080; server b:8080; } server { listen 8080; location / { proxy_pass http://a:8080; %s } } }\n"
	const twice, killed = "user bob\nbob POST /counter\nbob POST /counter\n", "user bob\nbob POST /counter\nkill a\nbob GET /session on b\n"
	for _, row := range []struct {
		name, nouns, script, line string
		kept, lost                int
		mechanism                 continuity.Mechanism // of the anomaly, "" for none
	}{
		{"cookies for other paths, asked for again", "", twice, "proxy_cookie_path / /elsewhere/;", 1, 1, continuity.CookieWithheld},
		{"cookies for other paths, its node killed", "", strings.Replace(killed, "on b", "cookie=none", 1), "proxy_cookie_path / /elsewhere/;", 0, 1, continuity.NoCopyLeft},
		{"cookies for another domain", "app sessionCookieDomain=example.org\n", twice, "", 1, 1, continuity.CookieWithheld},
		{"cookies left out by the proxy", "", twice, "proxy_hide_header Set-Cookie;", 1, 1, continuity.CookieWithheld},
		{"an application without cookies", "app cookies=no\n", twice, "", 1, 1, continuity.CookieWithheld},
		{"a user without cookies", "", strings.Replace(twice, "bob", "bob cookies=no", 1), "", 2, 0, ""},
		{"a user without cookies, the node killed", "", strings.Replace(twice, "bob", "bob cookies=no", 1) + "kill a\n", "", 0, 2, continuity.NoCopyLeft},
		{"a request without cookies, the node killed", "", "user bob\nbob POST /counter cookie=none\nkill a\n", "", 0, 1, continuity.NoCopyLeft},
	} {
		for _, w := range worlds {
			t.Run(row.name+" "+w.kind, func(t *testing.T) {
				t.Parallel()
				r := run(t, row.name, []byte("nodes a b\nmanager StandardManager\n"+row.nouns+row.script+"end 500ms\nexpect sessions.lost == 0"+
					strings.Replace(front, "%s", row.line, 1)), w.kind, w.make)
				if r.Sessions.Kept != row.kept || r.Sessions.Lost != row.lost {
					t.Errorf("kept %d, lost %d, want %d, %d\n%s", r.Sessions.Kept, r.Sessions.Lost, row.kept, row.lost, textOf(t, r))
				}
				for _, a := range r.Anomalies {
					if a.Mechanism != string(row.mechanism) {
						t.Errorf("anomaly by %s, want %s: %s", a.Mechanism, row.mechanism, a.Explanation)
					}
				}
			})
		}
	}
}

// The last look changes nothing, whatever page it comes to.
func TestALastLookIsNoFurtherWrite(t *testing.T) {
	for _, w := range worlds {
		t.Run(w.kind, func(t *testing.T) {
			t.Parallel()
			sc, err := script.Parse("look", []byte(`
nodes    a
manager  StandardManager
user     bob
bob      GET /in
bob      GET /in
end      500ms
-- nginx.conf --
events {}
http {
    server { listen 8080; location = /in { proxy_pass http://a:8080/login?user=bob; } }
}
`))
			if err != nil {
				t.Fatal(err)
			}
			world, err := w.make(sc)
			if err != nil {
				t.Fatal(err)
			}
			res, err := scenarios.Run(sc, scenarios.Options{World: world})
			if err != nil {
				t.Fatal(err)
			}
			last := res.History.Requests[len(res.History.Requests)-1]
			if !last.Audit || last.Path != "/in" || len(last.Notes) != 1 {
				t.Fatalf("last request = %+v, want a look at /in with one note", last)
			}
			if n := last.Notes[0]; n.Path != "/login" || n.Login || n.Write != nil || n.Session == "" || n.Session != last.Sent {
				t.Errorf("note of the last look = %+v, want that /login only showed the session %s", n, last.Sent)
			}
		})
	}
}

func TestARequestWhoseNameTheProxyDroppedIsNotJudged(t *testing.T) {
	for _, row := range []struct {
		name, drops, expect string
		verdict             report.Verdict
		notJudged           int
	}{
		{"a figure of the judge", `proxy_set_header X-Sessionlab-Request "";`, "sessions.lost == 0", report.Inconclusive, 2},
		{"a figure of the judge, which is false", `proxy_set_header X-Sessionlab-Request "";`, "requests.duplicated > 0", report.Inconclusive, 2},
		{"another figure", `proxy_set_header X-Sessionlab-Request "";`, "requests.total == 2", report.Pass, 2},
		{"the number of a write", `proxy_set_header X-Sessionlab-Write "";`, "sessions.lost == 0", report.Inconclusive, 1},
		{"another name", `proxy_set_header X-Sessionlab-Request someone;`, "sessions.lost == 0", report.Inconclusive, 2},
		{"the name, written once more", `proxy_set_header X-Sessionlab-Request $http_x_sessionlab_request;`, "sessions.lost == 0", report.Pass, 0},
		{"nothing", `proxy_set_header X-Sessionlab-Other "";`, "sessions.lost == 0", report.Pass, 0},
	} {
		for _, w := range worlds {
			t.Run(row.name+" "+w.kind, func(t *testing.T) {
				t.Parallel()
				r := run(t, row.name, []byte(`
nodes    a b
manager  DeltaManager
cluster  channelSendOptions=6
user     bob
bob      POST /counter
wait     until quiet
bob      GET /session
end      500ms
expect   `+row.expect+`
-- nginx.conf --
events {}
http {
    upstream pool { server a:8080; server b:8080; }
    server { listen 8080; location / { proxy_pass http://pool; `+row.drops+` } }
}
`), w.kind, w.make)
				if r.Verdict != row.verdict || r.Requests.NotJudged != row.notJudged {
					t.Errorf("verdict %s, %d not judged, want %s, %d\n%s", r.Verdict, r.Requests.NotJudged, row.verdict, row.notJudged, textOf(t, r))
				}
				if text := textOf(t, r); strings.Contains(text, "not judged") != (row.notJudged > 0) {
					t.Errorf("the report says that requests were not judged: %v, want %v\n%s", row.notJudged == 0, row.notJudged > 0, text)
				}
			})
		}
	}
}

// What nginx sends on, lines of 8 KiB, is more than Tomcat takes.
func TestAConnectorRefusesALargeHead(t *testing.T) {
	for _, w := range worlds {
		for _, row := range []struct {
			options string
			refused int
		}{{"", 1}, {"maxHttpHeaderSize=32768", 0}} {
			t.Run(w.kind+row.options, func(t *testing.T) {
				t.Parallel()
				r := run(t, "large", []byte(fmt.Sprintf(`
nodes    a b %s
user     bob
bob      GET /session header="X-A: %s"
bob      GET /session
end      500ms
expect   requests.refused_by_node == %d and requests.failed == %[3]d and requests.total == 2
-- nginx.conf --
events {}
http {
    upstream pool { server a:8080; server b:8080; }
    server { listen 8080; location / {
        proxy_pass http://pool;
        proxy_set_header X-B $http_x_a$http_x_a;
        proxy_set_header X-C $http_x_a$http_x_a$http_x_a;
    } }
}
`, row.options, strings.Repeat("h", 3000), row.refused)), w.kind, w.make)
				if text := textOf(t, r); r.Verdict != report.Pass || strings.Contains(text, "Request header is too large") != (row.refused > 0) {
					t.Errorf("verdict = %s, want pass\n%s", r.Verdict, text)
				}
			})
		}
	}
}

func TestWhatAConnectorRefusesIsToldAndFails(t *testing.T) {
	for _, w := range worlds {
		t.Run(w.kind, func(t *testing.T) {
			t.Parallel()
			r := run(t, "refused", []byte(`
nodes    a b
user     bob cookies=no
bob      GET /session  3 times
bob      GET /status/400  on a
end      500ms
expect   requests.by_status(400) == 4 and requests.refused_by_node == 3 and requests.failed == 3 and requests.ok == 1
expect   bob.failed == 3 and availability == 25%
-- nginx.conf --
events {}
http {
    upstream tomcat_pool { server a:8080; server b:8080; }
    server { listen 8080; location / { proxy_pass http://tomcat_pool; } }
}
`), w.kind, w.make)
			if r.Verdict != report.Pass {
				t.Errorf("verdict = %s, want pass\n%s", r.Verdict, textOf(t, r))
			}
			if text := strings.Join(strings.Fields(textOf(t, r)), " "); !strings.Contains(text, `the Host header "tomcat_pool" has an underscore`) ||
				!strings.Contains(text, "write proxy_set_header Host $host") {
				t.Errorf("the report does not tell the rule and the remedy:\n%s", text)
			}
		})
	}
}
