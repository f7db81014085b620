package proxy

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sessionlab/proxy/upstream"
)

func bySticky(t *testing.T, s Sticky, lines ...string) Config {
	config := pool(t, lines...)
	config.Release = "1.29.6"
	config.Upstreams[0].Sticky = s
	return config
}

func TestStickyCookie(t *testing.T) {
	config := bySticky(t, Sticky{Cookie: "srv_id", Expires: time.Hour, Domain: ".test.com", Path: "/", HTTPOnly: true, SameSite: "Lax"},
		"a route=one", "b route=two")
	run(t, config, func(l *lab) {
		r := l.send("GET", "/", "")
		l.want("Set-Cookie", r.header.Get("Set-Cookie"), "srv_id=one; expires="+
			l.user.Now().Add(time.Hour).UTC().Format("Mon, 02-Jan-06 15:04:05 GMT")+
			"; max-age=3600; domain=.test.com; httponly; samesite=Lax; path=/")
		l.want("bound", l.get("/", 3, "Cookie: SRV_ID=two"), "b b b")
		l.kill("b")
		r = l.send("GET", "/", "", "Cookie: srv_id=two")
		l.want("substitute and its cookie", r.body+" "+r.header.Get("Set-Cookie")[:10], "a srv_id=one")
		l.kill("a")
		r = l.send("GET", "/", "")
		l.want("cookie of the server tried last", fmt.Sprint(r.status)+" "+r.header.Get("Set-Cookie")[:10], "502 srv_id=one")
		r = l.send("GET", "/", "")
		l.want("no cookie when none is tried", fmt.Sprint(r.status)+" "+r.header.Get("Set-Cookie"), "502 ")
	})
}

func TestStickyCookieExpires(t *testing.T) {
	now := time.Date(2037, time.December, 31, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		age  time.Duration
		want string
	}{
		{time.Hour, "; expires=Thu, 31-Dec-37 13:00:00 GMT; max-age=3600"},
		{24 * time.Hour, "; expires=Fri, 01-Jan-2038 12:00:00 GMT; max-age=86400"},
		{None, "; expires=Thu, 31-Dec-37 12:00:00 GMT; max-age=0"},
		{MaxExpires, "; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=315360000"},
	} {
		if got := (&sticky{maxAge: c.age}).expiry(now); got != c.want {
			t.Errorf("expires=%v: %q, want %q", c.age, got, c.want)
		}
	}
}

func TestStickyCookieOfVariables(t *testing.T) {
	run(t, bySticky(t, Sticky{Cookie: "s", Domain: "$arg_d", SameSite: "$arg_s"}, "a route=one"), func(l *lab) {
		for args, want := range map[string]string{
			"":            "s=one",
			"d=.x&s=None": "s=one; domain=.x; samesite=None",
			"s=anything":  "s=one; samesite=strict",
		} {
			l.want("Set-Cookie with "+args, l.send("GET", "/?"+args, "").header.Get("Set-Cookie"), want)
		}
	})
}

func TestStickyCookieStandsBeforeTheNodes(t *testing.T) {
	run(t, bySticky(t, Sticky{Cookie: "s"}, "a", "b"), func(l *lab) {
		l.nodes["a"].handler = func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Set-Cookie", "own=1") }
		s := servers(t, "a")[0]
		g, _ := upstream.New("x", upstream.RoundRobin, []upstream.Server{s})
		l.want("Set-Cookie", strings.Join(l.send("GET", "/", "").header["Set-Cookie"], ","), "s="+g.Peers()[0].SID+",own=1")
	})
}

func routeOfID(id string) string {
	_, route, _ := strings.Cut(id, ".")
	return route
}

func TestStickyRouteReturnsToTheNode(t *testing.T) {
	for _, release := range []string{"1.22.1", "1.29.6"} {
		config := Front{Release: release, Servers: servers(t, "a", "b"), Binding: ByRoute, RouteOf: routeOfID}.Config()
		run(t, config, func(l *lab) {
			l.want("unbound", l.get("/", 4), "a b a b")
			l.want("bound", l.get("/", 3, "Cookie: JSESSIONID=1.b"), "b b b")
			l.want("bound by the URI", l.get("/x;jsessionid=1.a", 3, "Cookie: JSESSIONID=1.b"), "a a a")
			l.kill("b")
			l.want("failover", l.get("/", 2, "Cookie: JSESSIONID=1.b"), "a a")
			l.boot("b")
			l.sleepUntil(12 * time.Second)
			l.want("after recovery", l.get("/", 3, "Cookie: JSESSIONID=1.b"), "b b b")
		})
	}
}

func TestOneRouteOfTwoNodesLeadsToTheFirst(t *testing.T) {
	both := servers(t, "a", "b")
	both[0].Route, both[1].Route = "n", "n"
	config := Front{Release: "1.22.1", Servers: both, Binding: ByRoute, RouteOf: routeOfID}.Config()
	run(t, config, func(l *lab) {
		l.want("unbound", l.get("/", 4), "a b a b")
		l.want("bound", l.get("/", 3, "Cookie: JSESSIONID=1.n"), "a a a")
	})
}

func TestStickyLearnRebinds(t *testing.T) {
	config := bySticky(t, Sticky{Learn: Learn{Create: []string{"$upstream_cookie_jsessionid"}, Lookup: []string{"$cookie_jsessionid"},
		Timeout: time.Minute}}, "a", "b")
	run(t, config, func(l *lab) {
		for _, name := range []string{"a", "b"} {
			l.nodes[name].handler = func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Cookie") == "" {
					w.Header().Set("Set-Cookie", "JSESSIONID=of-"+name+"; Path=/")
				}
				_, _ = w.Write([]byte(name))
			}
		}
		l.want("new sessions", l.get("/", 2), "a b")
		l.want("session of b", l.get("/", 3, "Cookie: JSESSIONID=of-b"), "b b b")
		// The bound requests have taken one turn of b.
		l.want("session of nobody", l.get("/", 3, "Cookie: JSESSIONID=unknown"), "a a b")
		l.kill("b")
		l.want("failover", l.get("/", 1, "Cookie: JSESSIONID=of-b"), "a")
		l.boot("b")
		l.sleepUntil(30 * time.Second)
		l.want("rebound", l.get("/", 5, "Cookie: JSESSIONID=of-b"), "a a a a a")
	})
}

func TestRandomIsDrawnByRequest(t *testing.T) {
	nodes := func() (got string) {
		config := pool(t, "a", "b", "c")
		config.Upstreams[0].Method = upstream.Random
		run(t, config, func(l *lab) {
			for _, id := range []string{"alice/1", "alice/2", "bob/1", "bob/2", "bob/3", "carol/1"} {
				got += l.get("/", 1, "X-Sessionlab-Request: "+id)
			}
			if anonymous := l.get("/", 20); !strings.Contains(anonymous, "a") || !strings.Contains(anonymous, "b") {
				t.Errorf("20 requests without identity went to %s", anonymous)
			}
		})
		return got
	}
	if one, two := nodes(), nodes(); one != two {
		t.Errorf("same requests went to %s and to %s", one, two)
	}
}

func TestIPHashSeesTheClient(t *testing.T) {
	config := pool(t, "a", "b")
	config.Upstreams[0].Method = upstream.IPHash
	run(t, config, func(l *lab) {
		for ip, want := range map[string]string{"192.0.2.7": "b b b", "192.0.3.7": "a a a"} {
			host, err := l.w.Boot("client"+ip, ip)
			if err != nil {
				t.Fatal(err)
			}
			l.user = host
			l.want(ip, l.get("/", 3), want)
			l.want(ip+" with X-Forwarded-For", l.get("/", 3, "X-Forwarded-For: 192.0.2.1"), want)
		}
	})
}

func TestHashOfACookie(t *testing.T) {
	config := pool(t, "a", "b")
	config.Upstreams[0].Method, config.Upstreams[0].Key = upstream.Hash, "$cookie_jsessionid"
	run(t, config, func(l *lab) {
		l.want("without a cookie", l.get("/", 2), "a b")
		l.want("red", l.get("/", 3, "Cookie: JSESSIONID=red"), "b b b")     // 31329 mod 2
		l.want("green", l.get("/", 3, "Cookie: JSESSIONID=green"), "a a a") // 20634 mod 2
	})
}
