package proxy

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// last is the latest request that a node has seen.
func (n *node) last() *http.Request { return n.seen[len(n.seen)-1] }

func TestRequestToTheNode(t *testing.T) {
	for _, c := range []struct{ release, proto, connection, proxyConnection string }{
		{"", "HTTP/1.0", "close", "x"},
		{"1.29.6", "HTTP/1.0", "close", "x"},
		{"1.29.7", "HTTP/1.1", "", "x"},
		{"1.31", "HTTP/1.1", "", ""},
	} {
		config := pool(t, "a")
		config.Release = c.release
		run(t, config, func(l *lab) {
			l.send("POST", "/x", "hello", "X-Forwarded-For: 1.2.3.4", "Te: trailers", "Keep-Alive: 5", "Upgrade: h2c",
				"Expect: 200-ok", "Proxy-Connection: x", "X_Under: x", "Accept: text/html", "Connection: keep-alive")
			r := l.nodes["a"].last()
			got := []string{r.Proto, r.Host, r.Header.Get("Connection"), r.Header.Get("Proxy-Connection"),
				r.Header.Get("X-Forwarded-For"), r.Header.Get("Te") + r.Header.Get("Keep-Alive") + r.Header.Get("Upgrade") +
					r.Header.Get("Expect") + r.Header.Get("X_Under") + r.Header.Get("User-Agent"), r.Header.Get("Accept")}
			want := []string{c.proto, "jspserver", c.connection, c.proxyConnection, "1.2.3.4", "", "text/html"}
			l.want(c.release+" request", strings.Join(got, "|"), strings.Join(want, "|"))
			l.want("body", l.nodes["a"].bodies[0], "hello")
		})
	}
}

func TestSetHeader(t *testing.T) {
	config := pool(t, "a")
	config.SetHeaders = []Header{
		{Name: "Host", Value: "$host"}, {Name: "X-Forwarded-For", Value: "$proxy_add_x_forwarded_for"},
		{Name: "accept", Value: ""}, {Name: "X-Empty", Value: "$arg_none"},
	}
	config.Servers[0].Locations = append(config.Servers[0].Locations, Location{Path: "/own", ProxyPass: "http://jspserver",
		Settings: Settings{SetHeaders: []Header{{Name: "X-Own", Value: "1"}}}})
	run(t, config, func(l *lab) {
		l.send("GET", "/", "", "Accept: text/html", "X-Empty: 1")
		r := l.nodes["a"].last()
		_, accept := r.Header["Accept"]
		_, empty := r.Header["X-Empty"]
		l.want("request", []any{r.Host, r.Header.Get("X-Forwarded-For"), accept, empty}, []any{"www.test.com", "10.0.1.7", false, false})
		l.send("GET", "/own", "")
		r = l.nodes["a"].last()
		l.want("headers are inherited only as a whole", []any{r.Host, r.Header.Get("X-Own"), r.Header.Get("X-Forwarded-For")},
			[]any{"jspserver", "1", ""})
	})
}

func TestTargetGoesOnAsItCame(t *testing.T) {
	for _, c := range []struct{ pass, target, want string }{
		{"http://jspserver", "/a%20b//c/../d?x=1#part", "/a%20b//c/../d?x=1#part"},
		{"http://jspserver", "/a#part?x", "/a#part?x"},
		{"http://jspserver/two/", "/a%3Cb%20c", "/two/a%3Cb%20c"},
		{"http://jspserver/two/", "/a<b", "/two/a<b"}, // no escape came, none is made
	} {
		config := pool(t, "a")
		config.Servers[0].Locations[0].ProxyPass = c.pass
		run(t, config, func(l *lab) {
			l.send("GET", c.target, "")
			l.want(c.target+" to "+c.pass, l.nodes["a"].last().RequestURI, c.want)
		})
	}
}

func TestServerAndDateOfANodeThatSendsNone(t *testing.T) {
	config := pool(t, "a")
	config.PassHeaders = []string{"server", "Date"}
	run(t, config, func(l *lab) {
		r := l.send("GET", "/", "")
		l.want("Server and Date", fmt.Sprint(len(r.header["Server"]), len(r.header["Date"])), "0 0")
		l.nodes["a"].handler = func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Server", "Tomcat") }
		l.want("the node's", l.send("GET", "/", "").header.Get("Server"), "Tomcat")
	})
}

func TestResponseHeaders(t *testing.T) {
	config := pool(t, "a")
	config.AddHeaders = []Header{{Name: "X-Upstream", Value: "$upstream_addr"}}
	run(t, config, func(l *lab) {
		l.nodes["a"].handler = func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h.Set("Server", "Tomcat")
			h.Set("Date", "yesterday")
			h.Set("X-Pad", "1")
			h.Set("X-Accel-Expires", "1")
			h.Set("Keep-Alive", "timeout=20")
			h.Set("Set-Cookie", "JSESSIONID=1")
			h.Add("Set-Cookie", "other=2")
			_, _ = w.Write([]byte("a"))
		}
		r := l.send("GET", "/", "")
		got := []string{r.header.Get("Server"), r.header.Get("Date"), r.header.Get("X-Pad") + r.header.Get("X-Accel-Expires") +
			r.header.Get("Keep-Alive"), strings.Join(r.header["Set-Cookie"], ","), r.header.Get("X-Upstream"), r.header.Get("Content-Type")}
		date := l.user.Now().UTC().Format(http.TimeFormat)
		want := []string{"nginx/1.22.1", date, "", "JSESSIONID=1,other=2", addr("a"), ""}
		l.want("response", strings.Join(got, "|"), strings.Join(want, "|"))
		l.answer("a", 404)
		l.want("add_header on 404", l.send("GET", "/", "").header.Get("X-Upstream"), "")
	})
}

func TestLocationHeaderIsRewritten(t *testing.T) {
	for _, c := range []struct {
		pass, prefix string
		rules        []Redirect
		sent, want   string
		whole        string // what Location has more than Refresh
	}{
		{"http://jspserver", "/", nil, "http://jspserver/x", "http://www.test.com:8080/x", "http://www.test.com:8080"},
		{"http://jspserver/two/", "/one/", nil, "http://jspserver/two/x", "http://www.test.com:8080/one/x", "http://www.test.com:8080"},
		{"http://jspserver", "/", nil, "http://elsewhere/x", "http://elsewhere/x", ""},
		{"http://jspserver", "/", nil, "/x", "/x", ""},
		{"http://jspserver", "~ ^/", nil, "http://jspserver/x", "http://www.test.com:8080/x", "http://www.test.com:8080"},
		{"http://jspserver", "/", []Redirect{{"http://$proxy_host/", "$scheme://$host/$arg_a/"}}, "http://jspserver/x", "http://www.test.com/one/x", ""},
		{"http://jspserver", "/", []Redirect{{"~*^HTTP://([^/]*)(/.*)$", "https://new.org$2?$1"}}, "http://jspserver/x", "https://new.org/x?jspserver", ""},
		{"http://jspserver", "/", []Redirect{{"~^ftp:", "/never"}}, "http://jspserver/x", "http://jspserver/x", ""},
		{"http://jspserver", "/", []Redirect{{From: "off"}}, "http://jspserver/x", "http://jspserver/x", ""},
		{"http://jspserver", "/", []Redirect{{"http://a:8080/", "/b/"}, {From: "default"}}, "http://a:8080/x", "http://www.test.com:8080/b/x", "http://www.test.com:8080"},
	} {
		config := pool(t, "a")
		config.Redirects = c.rules
		modifier, path, found := strings.Cut(c.prefix, " ")
		if !found {
			modifier, path = "", c.prefix
		}
		config.Servers[0].Locations = []Location{{Modifier: modifier, Path: path, ProxyPass: c.pass}}
		run(t, config, func(l *lab) {
			l.nodes["a"].handler = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", c.sent)
				w.Header().Set("Refresh", "5; URL="+c.sent)
				w.WriteHeader(302)
			}
			r := l.send("GET", strings.TrimPrefix(path, "^")+"?a=one", "")
			l.want("Location for "+c.sent, r.header.Get("Location"), c.want)
			l.want("Refresh for "+c.sent, r.header.Get("Refresh"), "5; URL="+strings.TrimPrefix(c.want, c.whole))
		})
	}
}

func TestHeadHasNoBody(t *testing.T) {
	run(t, pool(t, "a"), func(l *lab) {
		r := l.send("HEAD", "/", "")
		l.want("answer", []any{r.status, r.body, r.err}, []any{200, "", nil})
		l.want("method", l.nodes["a"].last().Method, "HEAD")
		l.kill("a")
		r = l.send("HEAD", "/", "")
		l.want("error", []any{r.status, r.body, r.header.Get("Content-Length")}, []any{502, "", "157"})
	})
}

func TestBodyTooLarge(t *testing.T) {
	config := pool(t, "a")
	config.Servers[0].Locations = append(config.Servers[0].Locations,
		Location{Path: "/small", ProxyPass: "http://jspserver", Settings: Settings{MaxBodySize: 10}},
		Location{Path: "/any", ProxyPass: "http://jspserver", Settings: Settings{MaxBodySize: Unlimited}})
	run(t, config, func(l *lab) {
		big := strings.Repeat("x", 1<<20)
		for _, c := range []struct {
			target, body string
			want         int
		}{{"/", big, 200}, {"/", big + "x", 413}, {"/small", "0123456789", 200}, {"/small", "01234567890", 413}, {"/any", big + "x", 200}} {
			r := l.send("POST", c.target, c.body)
			l.want(c.target+" with a body", r.status, c.want)
			if c.want == 413 {
				l.want("Connection", r.header.Get("Connection"), "close")
			}
		}
		l.want("bodies that arrived", len(l.nodes["a"].bodies), 3)
	})
}

func TestBodyTooLargeHasItsErrorPage(t *testing.T) {
	config := pool(t, "a")
	config.MaxBodySize = 10
	config.Files = map[string]string{"html/413.html": "too large"}
	config.ErrorPages = []ErrorPage{{Statuses: []int{413}, URI: "/413.html"}}
	config.Servers[0].Locations = append(config.Servers[0].Locations, Location{Modifier: "=", Path: "/413.html"})
	run(t, config, func(l *lab) {
		r := l.send("POST", "/", "01234567890")
		l.want("answer", []any{r.status, r.body}, []any{413, "too large"})
	})
}

func TestHeaderLineLongerThanABuffer(t *testing.T) {
	run(t, pool(t, "a"), func(l *lab) {
		line := func(n int) string { return "Cookie: " + strings.Repeat("c", n-len("Cookie: \r\n")) }
		l.want("8 KiB", l.send("GET", "/", "", line(8<<10)).status, 200)
		r := l.send("GET", "/", "", line(8<<10+1))
		l.want("one byte more", fmt.Sprint(r.status, " ", r.header.Get("Connection"), " ",
			strings.Contains(r.body, "<center>Request Header Or Cookie Too Large</center>")), "400 close true")
	})
}

func TestHostMustBeWellFormedInNewReleases(t *testing.T) {
	for host, want := range map[string]string{
		"www.test.com": "200 200", "www.test.com:8080": "200 200", "www.test.com.:": "200 200", "jsp_server": "200 200", "[::1]:8080": "200 200",
		"a:b": "200 400", "a:99999": "200 400", "a:1:2": "200 400", "[::1": "200 400", "[::1]x": "200 400", "<a>": "200 400", "a@b": "200 400",
		"a/b": "400 400", "a..": "400 400",
	} {
		got := ""
		for _, release := range []string{"1.29.3", "1.29.4"} {
			config := pool(t, "a")
			config.Release = release
			run(t, config, func(l *lab) { got += fmt.Sprint(" ", l.send("GET", "/", "", "Host: "+host).status) })
		}
		if got[1:] != want {
			t.Errorf("Host %q: %s in 1.29.3 and 1.29.4, want %s", host, got[1:], want)
		}
	}
}

func TestMalformedRequestsAreRefused(t *testing.T) {
	run(t, pool(t, "a"), func(l *lab) {
		for _, c := range []struct {
			method, target, host string
			want                 int
		}{
			{"GET", "/../x", "www.test.com", 400},
			{"GET", "/%00", "www.test.com", 400},
			{"GET", "/", "a/b", 400},
			{"GET", "/", "a..b", 400},
			{"TRACE", "/", "www.test.com", 405},
			{"CONNECT", "/", "www.test.com", 405},
			{"get", "/", "www.test.com", 400},
			{"GET", "/" + strings.Repeat("a", 8<<10), "www.test.com", 414},
		} {
			r := l.send(c.method, c.target, "", "Host: "+c.host)
			l.want(c.method+" "+c.target+" "+c.host, []any{r.status, r.header.Get("Connection")}, []any{c.want, "close"})
		}
		l.want("requests that arrived", len(l.nodes["a"].seen), 0)
	})
}

func TestBodyIsSentAgainToTheNextNode(t *testing.T) {
	config := pool(t, "a", "b")
	config.NextUpstream = []string{"http_503", "non_idempotent"}
	run(t, config, func(l *lab) {
		l.answer("a", 503)
		l.want("node", l.send("POST", "/", "hello").body, "b")
		l.want("bodies", l.nodes["a"].bodies[0]+" "+l.nodes["b"].bodies[0], "hello hello")
	})
}

func TestLargeBodyIsSentWhole(t *testing.T) {
	run(t, pool(t, "a"), func(l *lab) {
		body := strings.Repeat("x", 200<<10)
		l.want("status", l.send("PUT", "/", body).status, 200)
		l.want("bytes", len(l.nodes["a"].bodies[0]), len(body))
	})
}

func TestServerWaitsForABodyThatStaysHere(t *testing.T) {
	config := pool(t, "a", "b")
	config.PassRequestBody, config.ReadTimeout = Off, 300*time.Millisecond
	run(t, config, func(l *lab) {
		r := l.send("PUT", "/", "hello")
		l.want("status, after", fmt.Sprint(r.status, " ", r.took.Round(100*time.Millisecond)), "504 600ms")
		l.wantTried("a, b", "504, 504")
	})
}

func TestReturnOfAStatusWithoutABodyHasTheHeadThatNginxSends(t *testing.T) {
	config := pool(t, "a")
	for _, status := range []int{200, 204, 304, 305} {
		path := fmt.Sprintf("/%d", status)
		config.Servers[0].Locations = append(config.Servers[0].Locations, Location{Path: path, Return: &Return{Status: status}})
	}
	story := func(l *lab) {
		for path, want := range map[string]string{"/200": "text/plain 0", "/204": " ", "/304": "text/plain 0", "/305": "text/plain 0"} {
			h := l.send("GET", path, "").header
			l.want(path, h.Get("Content-Type")+" "+h.Get("Content-Length"), want)
		}
	}
	run(t, config, story)
	runOnLoopback(t, config, story)
}

func TestServerTokensOffHidesTheRelease(t *testing.T) {
	config := pool(t, "a")
	config.Servers[0].Locations = append(config.Servers[0].Locations,
		Location{Path: "/off", Return: &Return{Status: 404}, Settings: Settings{ServerTokens: Off}},
		Location{Path: "/on", Return: &Return{Status: 404}})
	run(t, config, func(l *lab) {
		for path, want := range map[string]string{"/off": "nginx", "/on": "nginx/1.22.1"} {
			r := l.send("GET", path, "")
			l.want(path, []any{r.header.Get("Server"), strings.Contains(r.body, "<hr><center>"+want+"</center>")}, []any{want, true})
		}
		l.want("proxied", l.send("GET", "/", "").header.Get("Server"), "nginx/1.22.1")
	})
}
