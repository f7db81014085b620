package scenarios_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sessionlab/scenarios/report"
)

// behind are fronts that lead public paths to the application's pages: an
// nginx.conf, and the public name of each page. Some look like other pages.
var behind = []struct {
	name      string
	locations string
	pages     map[string]string
}{
	{"the pages themselves", "location / { proxy_pass http://pool; }", nil},
	{"a prefix", "location /shop/ { proxy_pass http://pool/; }", map[string]string{
		"/": "/shop/", "/session": "/shop/session", "/counter": "/shop/counter", "/set": "/shop/set", "/mutate": "/shop/mutate",
		"/remove": "/shop/remove", "/login": "/shop/login", "/logout": "/shop/logout"}},
	{"pages with other names", `
        location = /home  { proxy_pass http://pool/; }
        location = /look  { proxy_pass http://pool/session; }
        location = /add   { proxy_pass http://pool/counter; }
        location = /put   { proxy_pass http://pool/set; }
        location = /turn  { proxy_pass http://pool/mutate; }
        location = /drop  { proxy_pass http://pool/remove; }
        location = /enter { proxy_pass http://pool/login; }
        location = /bye   { proxy_pass http://pool/logout; }`, map[string]string{
		"/": "/home", "/session": "/look", "/counter": "/add", "/set": "/put", "/mutate": "/turn",
		"/remove": "/drop", "/login": "/enter", "/logout": "/bye"}},
	{"pages with each other's names", `
        location = /session { proxy_pass http://pool/counter; }
        location = /counter { proxy_pass http://pool/session; }
        location = /login   { proxy_pass http://pool/logout; }
        location = /logout  { proxy_pass http://pool/login; }
        location = /set     { proxy_pass http://pool/remove; }
        location = /remove  { proxy_pass http://pool/set; }
        location = /        { proxy_pass http://pool/mutate; }
        location = /mutate  { proxy_pass http://pool/; }`, map[string]string{
		"/": "/mutate", "/session": "/counter", "/counter": "/session", "/set": "/remove", "/mutate": "/",
		"/remove": "/set", "/login": "/logout", "/logout": "/login"}},
}

// Stories of every class, of stale reads, broken guarantees and writes executed
// twice. [/page] is a page by whatever name the front has for it.
var behindStories = []struct{ name, nouns, script, want string }{
	{"kept", "manager DeltaManager\ncluster channelSendOptions=6", `
alice    GET [/]
alice    POST [/counter]
alice    GET [/counter]?add=1
alice    GET [/login]?user=alice
alice    POST [/set]?name=cart&value=pen
alice    GET [/mutate]?name=cart&value=pen
alice    GET [/remove]?name=cart
alice    GET [/session]
expect   alice.last.count == 2 and alice.sessions == 1
end      5s`, "kept 1"},
	{"logged out", "manager DeltaManager\ncluster channelSendOptions=6", `
alice    POST [/counter]
alice    GET [/logout]
alice    POST [/counter]
end      5s`, "kept 2"},
	{"lost with its node", "manager StandardManager", `
alice    POST [/counter]
kill     a
end      5s`, "lost 1"},
	{"lost at the next request", "manager StandardManager", `
alice    POST [/counter]
alice    POST [/counter]
end      5s`, "lost 2"},
	{"lost, and not logged out: no node has seen the logout", "manager StandardManager", `
alice    POST [/counter]
kill     a
kill     b
alice    GET [/logout]
end      5s`, "lost 1"},
	{"rolled back", "manager DeltaManager\ncluster channelSendOptions=6", `
alice    POST [/set]?name=cart&value=pen
wait     until quiet
alice    POST [/counter]
wait     until quiet
alice    GET [/mutate]?name=cart&value=book
wait     100ms
kill     a
end      5s`, "rolled_back 1"},
	{"forked", "manager DeltaManager\ncluster channelSendOptions=6", `
alice    POST [/set]?name=cart&value=pen
wait     until quiet
partition a | b
wait     until a misses b
wait     until b misses a
alice    POST [/set]?name=gift&value=rose
alice    POST [/set]?name=cart&value=book
heal
wait     until a sees b
wait     until b sees a
alice    GET [/session]
alice    GET [/session]
end      60s`, "forked 1"},
	{"resurrected", "manager DeltaManager\ncluster channelSendOptions=8", `
alice    GET [/counter]
wait     until quiet
alice    POST [/counter]
wait     until quiet
drop     EXPIRED
alice    GET [/logout]
end      20s`, "resurrected 1"},
	{"leaked", "manager DeltaManager\ncluster channelSendOptions=6", `
alice    POST [/counter]
wait     until quiet
bob      GET [/session]  cookie=alice
end      5s`, "leaked 1"},
	{"stale", "manager DeltaManager\ncluster channelSendOptions=8", `
alice    GET [/counter]
wait     until quiet
alice    POST [/counter]
wait     until quiet
alice    POST [/counter]
wait     until quiet
hold     DELTA
alice    POST [/counter]
alice    GET [/session]
release  DELTA
wait     until quiet
end      5s`, "stale_reads 1"},
	{"executed twice", "manager DeltaManager\ncluster channelSendOptions=6", `
alice    POST [/counter]
hold     RESPONSE from b to proxy 1 time
alice    POST [/counter]
release  RESPONSE
wait     1s
alice    GET [/session]
expect   alice.last.count == 3
end      100s`, "duplicated 1"},
	{"logged out on a node that was frozen, after the user had given up", "manager DeltaManager\ncluster channelSendOptions=6", `
alice    POST [/counter]
wait     until quiet
pause    b
alice    GET [/logout]  timeout=200ms
resume   b
wait     1s
alice    GET [/session]
expect   alice.last.session == ""
end      5s`, "kept 1"},
	{"unseen", "manager DeltaManager\ncluster channelSendOptions=6", `
alice    POST [/counter]
wait     until quiet
pause    a b
end      5s`, "unseen 1"},
}

func behindScenario(nouns, script, locations string, public map[string]string) []byte {
	for _, page := range []string{"/session", "/counter", "/set", "/mutate", "/remove", "/login", "/logout", "/"} {
		name := page
		if public != nil {
			name = public[page]
		}
		script = strings.ReplaceAll(script, "["+page+"]", name)
	}
	return []byte(fmt.Sprintf(`nodes    a b
%s
%suser     alice
user     bob%s
-- nginx.conf --
events {}
http {
    proxy_read_timeout 2s;
    proxy_next_upstream error timeout non_idempotent;
    upstream pool { server a:8080; server b:8080; }
    server { %s }
}
`, nouns, map[bool]string{true: "valve JvmRouteBinderValve enabled=false\n"}[strings.Contains(nouns, "Delta")], script, locations))
}

// judgement is everything that the judge says.
func judgement(o *report.Outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, "sessions %+v\nguarantees %+v\nduplicated %d, ok %d, failed %d, not judged %d, void %q\n",
		o.Sessions, o.Guarantees, o.Requests.Duplicated, o.Requests.OK, o.Requests.Failed, o.Requests.NotJudged, o.Void)
	var kinds []string
	for _, a := range o.Anomalies {
		kinds = append(kinds, a.Kind+" "+a.User)
	}
	slices.Sort(kinds)
	for _, e := range o.Expectations {
		fmt.Fprintf(&b, "%s: %v, %s\n", e.Expr, e.Holds, e.Actual)
	}
	return b.String() + strings.Join(kinds, ", ")
}

func TestEveryFindingIsTheSameBehindAnyFront(t *testing.T) {
	for _, story := range behindStories {
		t.Run(story.name, func(t *testing.T) {
			var plain string
			for i, front := range behind {
				r := run(t, story.name, behindScenario(story.nouns, story.script, front.locations, front.pages), "sim", inSim)
				got := judgement(r.Outcome)
				if i == 0 {
					plain = got
					what, n, _ := strings.Cut(story.want, " ")
					if number := fmt.Sprint(numbers(r.Outcome)[what]); number != n {
						t.Errorf("%s = %s, want %s\n%s", what, number, n, textOf(t, r))
					}
				}
				if got != plain {
					t.Errorf("behind %s:\n%s\nwant, as behind %s:\n%s\n%s", front.name, got, behind[0].name, plain, textOf(t, r))
				}
			}
		})
	}
}

func numbers(o *report.Outcome) map[string]int {
	s := o.Sessions
	return map[string]int{"kept": s.Kept, "lost": s.Lost, "rolled_back": s.RolledBack, "forked": s.Forked, "leaked": s.Leaked,
		"resurrected": s.Resurrected, "unseen": s.Unseen, "stale_reads": s.StaleReads, "duplicated": o.Requests.Duplicated}
}
