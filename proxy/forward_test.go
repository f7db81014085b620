package proxy

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
	"sessionlab/proxy/upstream"
)

// The stories in this file were seen on nginx 1.22.1 with two nodes.

const page50x = "<html><body><h1>An error occurred.</h1></body></html>\n"

func withErrorPage(c Config) Config {
	c.Files = map[string]string{"html/50x.html": page50x}
	c.Servers[0].ErrorPages = []ErrorPage{{Statuses: []int{500, 502, 503, 504}, URI: "/50x.html"}}
	c.Servers[0].Locations = append(c.Servers[0].Locations, Location{Modifier: "=", Path: "/50x.html"})
	return c
}

func TestRefusedConnectionIsHidden(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		run(t, pool(t, "a", "b"), func(l *lab) {
			for _, want := range []string{"a", "b", "a", "b"} {
				l.want("node", l.send(method, "/counter.jsp", "").body, want)
			}
			l.kill("a")
			l.want("node", l.send(method, "/counter.jsp", "").body, "b")
			l.wantTried("a, b", "502, 200")

			// Requests every 100 ms: the dead node is touched every 10 to 11 s.
			var touched []time.Duration
			last := l.user.Elapsed()
			step := func() {
				l.sleepUntil(l.user.Elapsed() + 100*time.Millisecond)
				r := l.send(method, "/counter.jsp", "")
				l.want("status", r.status, 200)
				if strings.Contains(l.addrs, ",") {
					touched = append(touched, l.user.Elapsed()-last)
					last = l.user.Elapsed()
				}
			}
			for l.user.Elapsed() < 24*time.Second {
				step()
			}
			if len(touched) != 2 {
				t.Fatalf("%s: dead node touched %d times in 24 s, want 2", method, len(touched))
			}
			for _, gap := range touched {
				if gap < 10*time.Second || gap > 11500*time.Millisecond {
					t.Errorf("%s: dead node touched after %v, want 10 to 11.5 s", method, gap)
				}
			}
			l.boot("a")
			served := len(l.nodes["a"].seen)
			for l.user.Elapsed() < 40*time.Second && len(l.nodes["a"].seen) == served {
				step()
			}
			if back := l.user.Elapsed() - last; back < 10*time.Second || back > 11500*time.Millisecond {
				t.Errorf("%s: node is back %v after the last failed try, want 10 to 11.5 s", method, back)
			}
		})
	}
}

// slow makes a node answer after a while, with the head first if flush is set.
func (l *lab) slow(name string, d time.Duration, flush bool) {
	n := l.nodes[name]
	n.serve(func(w http.ResponseWriter, r *http.Request) {
		if flush {
			_, _ = w.Write([]byte(`{"partial":true,`))
			w.(http.Flusher).Flush()
		}
		_ = n.host.Sleep(r.Context(), d)
		_, _ = w.Write([]byte(name))
	})
}

// later does something in the background after a while.
func (l *lab) later(d time.Duration, do func()) {
	l.user.Go("later", func(ctx context.Context) {
		if l.user.Sleep(ctx, d) == nil {
			do()
		}
	})
}

func TestNodeKilledWhileItWorks(t *testing.T) {
	for _, c := range []struct {
		method         string
		flush          bool
		status         int
		body           string
		tried, statues string
	}{
		{"GET", false, 200, "b", "a, b", "502, 200"},
		{"PUT", false, 200, "b", "a, b", "502, 200"},
		{"POST", false, 502, page50x, "a", "502"},
		{"GET", true, 200, `{"partial":true,`, "a", "200"}, // HTTP/1.0: the end is the end
	} {
		run(t, withErrorPage(pool(t, "a", "b")), func(l *lab) {
			l.slow("a", 1500*time.Millisecond, c.flush)
			l.later(700*time.Millisecond, func() { l.kill("a") })
			r := l.send(c.method, "/slow.jsp?ms=1500", "")
			l.want(c.method+" status", r.status, c.status)
			l.want(c.method+" body", r.body, c.body)
			l.want(c.method+" body error", r.err, nil)
			l.wantTried(c.tried, c.statues)
			l.want("next node", l.get("/", 1), "b")
			if c.flush {
				l.want("node not counted as failed", l.front.Status()[0].Servers[0].State, upstream.Up)
			} else {
				l.want("node excluded", l.front.Status()[0].Servers[0].State, upstream.Unavail)
			}
		})
	}
}

func TestCutBodyIsPassedOnAsCut(t *testing.T) {
	config := pool(t, "a", "b")
	config.HTTPVersion = "1.1"
	run(t, config, func(l *lab) {
		l.slow("a", time.Second, true)
		l.later(700*time.Millisecond, func() { l.kill("a") })
		r := l.send("GET", "/", "")
		l.want("status", r.status, 200)
		l.want("body", r.body, `{"partial":true,`)
		if world.OutcomeOf(r.err) != world.Cut {
			t.Errorf("body error = %v, want a cut", r.err)
		}
		l.want("node", l.front.Status()[0].Servers[0].State, upstream.Up)
	})
}

func TestAllDownIsRefusedAtOnceUntilFailTimeout(t *testing.T) {
	for _, page := range []string{page50x, builtin502} {
		config := pool(t, "a", "b")
		if page == page50x {
			config = withErrorPage(config)
		}
		run(t, config, func(l *lab) {
			l.want("nodes", l.get("/", 2), "a b")
			l.kill("a", "b")
			r := l.send("GET", "/counter.jsp", "")
			l.want("status", r.status, 502)
			l.want("body", r.body, page)
			l.wantTried("a, b", "502, 502")
			for _, at := range []time.Duration{200, 400, 600} {
				l.sleepUntil(at * time.Millisecond)
				r := l.send("GET", "/counter.jsp", "")
				l.want("status", r.status, 502)
				l.want("body", r.body, page)
				l.wantTried("jspserver", "502")
			}
			l.boot("b")
			l.sleepUntil(10900 * time.Millisecond)
			l.want("node that has been back for 10 s", l.get("/", 1), "502")
			l.wantTried("jspserver", "502")
			l.sleepUntil(11 * time.Second)
			l.want("node after fail_timeout", l.get("/", 1), "b")
		})
	}
}

const builtin502 = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n" +
	"<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"

func TestMaxFailsZeroTriesTheDeadNodeForEver(t *testing.T) {
	run(t, pool(t, "a max_fails=0", "b max_fails=0"), func(l *lab) {
		l.want("nodes", l.get("/", 2), "a b")
		l.kill("a")
		var tried []string
		for range 6 {
			l.want("node", l.get("/", 1), "b")
			tried = append(tried, l.statuses)
		}
		l.want("statuses", strings.Join(tried, "; "), "502, 200; 200; 502, 200; 200; 502, 200; 200")
	})
}

func TestFrozenNode(t *testing.T) {
	for _, c := range []struct {
		what     string
		settings Settings
		read     time.Duration
	}{
		{"timeouts of 2s", Settings{ConnectTimeout: time.Second, ReadTimeout: 2 * time.Second}, 2 * time.Second},
		{"defaults", Settings{}, 60 * time.Second},
	} {
		config := withErrorPage(pool(t, "a", "b"))
		config.Settings = c.settings
		run(t, config, func(l *lab) {
			l.want("nodes", l.get("/", 2), "a b")
			if err := l.w.Pause("a"); err != nil {
				t.Fatal(err)
			}
			replies := map[string]reply{}
			for i, name := range []string{"GET", "GET 2", "POST", "POST 2"} {
				l.later(time.Duration(i)*200*time.Millisecond, func() {
					method, _, _ := strings.Cut(name, " ")
					replies[name] = l.send(method, "/", "")
				})
			}
			l.sleepUntil(c.read + 2*time.Second)
			for name, want := range map[string]string{"GET": "b", "GET 2": "b", "POST": page50x, "POST 2": "b"} {
				l.want(c.what+": answer to "+name, replies[name].body, want)
			}
			l.want("status of POST", replies["POST"].status, 504)
			for _, name := range []string{"GET", "POST"} {
				if took := replies[name].took; took < c.read || took > c.read+50*time.Millisecond {
					t.Errorf("%s: %s took %v, want %v", c.what, name, took, c.read)
				}
			}
			l.want("nodes afterwards", l.get("/", 6), "b b b b b b")
		})
	}
}

func TestFullBacklogIsAConnectTimeout(t *testing.T) {
	config := pool(t, "a", "b")
	config.ConnectTimeout = time.Second
	run(t, config, func(l *lab) {
		l.w.Faults().Partition([]string{"front"}, []string{"a"})
		r := l.send("POST", "/", "")
		l.want("node", r.body, "b")
		l.wantTried("a, b", "504, 200")
		if r.took < time.Second || r.took > 1100*time.Millisecond {
			t.Errorf("POST took %v, want 1 s", r.took)
		}
	})
}

func TestLastAnswerIsDeliveredAndNotCounted(t *testing.T) {
	config := pool(t, "a", "b")
	config.NextUpstream = []string{"error", "http_500"}
	run(t, config, func(l *lab) {
		l.answer("a", 500)
		l.answer("b", 500)
		r := l.send("GET", "/", "")
		l.want("status and body", []any{r.status, r.body}, []any{500, "b"})
		l.wantTried("a, b", "500, 500")
		// a is out, b is not; b has a nominal second try left, so now it is
		// counted, and nobody is left.
		r = l.send("GET", "/", "")
		l.want("status", r.status, 502)
		l.wantTried("b, jspserver", "500, 502")
		l.want("status", l.send("GET", "/", "").status, 502)
		l.wantTried("jspserver", "502")
	})
}

func TestStatuses403And404MoveOnWithoutBeingCounted(t *testing.T) {
	config := pool(t, "a", "b")
	config.NextUpstream = []string{"http_404"}
	run(t, config, func(l *lab) {
		l.answer("a", 404)
		l.want("nodes", l.get("/", 3), "b b b")
		l.wantTried("a, b", "404, 200")
		l.want("state of a", l.front.Status()[0].Servers[0].State, upstream.Up)
	})
}

func TestUnlistedStatusIsRelayed(t *testing.T) {
	run(t, withErrorPage(pool(t, "a", "b")), func(l *lab) {
		l.answer("a", 503)
		r := l.send("GET", "/", "")
		l.want("status and body", []any{r.status, r.body}, []any{503, "a"})
		l.want("state of a", l.front.Status()[0].Servers[0].State, upstream.Up)
	})
}

func TestOffStillCounts(t *testing.T) {
	config := pool(t, "a", "b")
	config.NextUpstream = []string{"off"}
	run(t, config, func(l *lab) {
		l.kill("a")
		l.want("answers", l.get("/", 3), "502 b b")
	})
}

func TestTriesLimit(t *testing.T) {
	config := pool(t, "a", "b", "c")
	config.NextUpstreamTries = 2
	run(t, config, func(l *lab) {
		l.kill("a", "b")
		l.want("status", l.send("GET", "/", "").status, 502)
		l.wantTried("a, b", "502, 502")
		l.want("nodes", l.get("/", 2), "c c")
	})
}

func TestTimeLimitForbidsAnotherTry(t *testing.T) {
	config := pool(t, "a", "b")
	config.NextUpstreamTimeout, config.ReadTimeout = time.Second, 2*time.Second
	run(t, config, func(l *lab) {
		l.slow("a", time.Hour, false)
		r := l.send("GET", "/", "")
		l.want("status", r.status, 504)
		l.wantTried("a", "504")
	})
}

func TestMalformedHead(t *testing.T) {
	for _, c := range []struct {
		on     []string
		status int
		tried  string
	}{{nil, 502, "a"}, {[]string{"error", "invalid_header"}, 200, "a, b"}} {
		config := pool(t, "a", "b")
		config.NextUpstream = c.on
		run(t, config, func(l *lab) {
			l.nodes["a"].handler = func(w http.ResponseWriter, _ *http.Request) { w.(world.ResponseCutter).Cut(world.BadHead) }
			l.want("status", l.send("GET", "/", "").status, c.status)
			l.wantTried(c.tried, map[int]string{502: "502", 200: "502, 200"}[c.status])
			l.want("state of a", l.front.Status()[0].Servers[0].State, upstream.Unavail)
		})
	}
}

func TestATextWithoutAHeadIsPassedOnAsItIs(t *testing.T) {
	for name, play := range map[string]func(*testing.T, Config, func(*lab)){"sim": run, "loopback": runOnLoopback} {
		config := pool(t, "a", "b")
		config.NextUpstream = []string{"error", "timeout", "invalid_header"}
		config.ClientIdleTimeout = time.Second
		play(t, config, func(l *lab) {
			l.nodes["a"].serve(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Connection", "close")
				w.(world.StatusWriter).WriteNoHead()
				w.Write([]byte("no head"))
			})
			r := l.send("GET", "/", "")
			l.want(name+": answer", []any{r.status, r.body, r.err, len(r.header)}, []any{200, "no head", nil, 0})
			l.wantTried("a", "200")
			if r.took < time.Second {
				l.Errorf("%s: the client saw the end after %v, want it when nginx closes the idle connection", name, r.took)
			}
		})
	}
}

func TestHeadLargerThanTheBufferIsMalformed(t *testing.T) {
	run(t, pool(t, "a", "b"), func(l *lab) {
		l.nodes["a"].handler = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Big", strings.Repeat("x", 4096))
		}
		l.want("status", l.send("GET", "/", "").status, 502)
	})
}

func TestClientThatLeavesIs499(t *testing.T) {
	config := pool(t, "a", "b")
	config.Skipped = []*Skipped{{Directive: "proxy_ignore_client_abort", Concerns: Abandoned}}
	run(t, config, func(l *lab) {
		gone := false
		n := l.nodes["a"]
		n.handler = func(w http.ResponseWriter, r *http.Request) {
			_ = n.host.Sleep(r.Context(), 2*time.Second)
			_, err := w.Write([]byte("late"))
			gone = err != nil
		}
		conn, err := l.user.DialHTTP(l.ctx, "172.16.12.1:8080")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := l.user.WithTimeout(l.ctx, time.Second)
		defer cancel()
		req, _ := http.NewRequest("GET", "http://www.test.com/", nil)
		if _, err := conn.RoundTrip(ctx, req); err == nil {
			t.Error("answer after 1 s, want none")
		}
		l.sleepUntil(3 * time.Second)
		last := l.trace[len(l.trace)-1]
		l.want("status", last.Status, 499)
		l.wantTried("a", "-")
		l.want("node saw its connection closed", gone, true)
		l.want("skipped lines passed", l.counts(), "proxy_ignore_client_abort 1")
		l.want("state of a", l.front.Status()[0].Servers[0], upstream.Status{Name: "a", Addr: addr("a"),
			State: upstream.Up, Weight: 1, Requests: 1})
	})
}

func TestLoneServerIsAlwaysTried(t *testing.T) {
	run(t, pool(t, "a"), func(l *lab) {
		l.kill("a")
		l.want("answers", l.get("/", 3), "502 502 502")
		l.wantTried("a", "502")
		l.boot("a")
		l.want("answer once it is back", l.get("/", 1), "a")
	})
}

func TestGroupsHaveStateOfTheirOwn(t *testing.T) {
	config := pool(t, "a", "b")
	config.Upstreams = append(config.Upstreams, Upstream{Name: "other", Servers: servers(t, "a", "b")})
	config.Servers[0].Locations = append(config.Servers[0].Locations,
		Location{Path: "/same", ProxyPass: "http://jspserver"}, Location{Path: "/other", ProxyPass: "http://other"})
	run(t, config, func(l *lab) {
		l.want("nodes", l.get("/", 1)+l.get("/same", 1)+l.get("/other", 1), "aba")
		l.kill("a")
		l.get("/", 2)
		l.get("/other", 1)
		l.get("/other", 1)
		l.wantTried("a, b", "502, 200")
	})
}

// keepalive is a configuration that keeps connections, the way it is done
// before 1.29.7.
func keepalive(t testing.TB, lines ...string) Config {
	config := pool(t, lines...)
	config.Upstreams[0].Keepalive = 4
	config.HTTPVersion = "1.1"
	config.SetHeaders = []Header{{Name: "Connection", Value: ""}}
	return config
}

// connections counts the connections that a node has seen.
func (n *node) connections() int {
	ports := map[string]bool{}
	for _, r := range n.seen {
		ports[r.RemoteAddr] = true
	}
	return len(ports)
}

func TestKeepaliveReusesConnections(t *testing.T) {
	for _, c := range []struct {
		what   string
		config Config
		want   int
	}{
		{"default", pool(t, "a"), 5},
		{"keepalive", keepalive(t, "a"), 1},
		{"keepalive_requests=2", func() Config {
			k := keepalive(t, "a")
			k.Upstreams[0].KeepaliveRequests = 2
			return k
		}(), 3},
		{"release 1.29.7", func() Config { k := pool(t, "a"); k.Release = "1.29.7"; return k }(), 1},
		{"release 1.29.6", func() Config { k := pool(t, "a"); k.Release = "1.29.6"; return k }(), 5},
		{"release 1.31, keepalive 0", func() Config {
			k := pool(t, "a")
			k.Release, k.Upstreams[0].Keepalive = "1.31", None
			return k
		}(), 5},
	} {
		run(t, c.config, func(l *lab) {
			l.want("answers", l.get("/", 5), "a a a a a")
			l.want(c.what+": connections", l.nodes["a"].connections(), c.want)
		})
	}
}

func TestConnectionOfAnAnswerThatIsPassedOnIsKeptIfItHadNoBody(t *testing.T) {
	for _, c := range []struct {
		body string
		want int // connections to a
	}{{"", 1}, {"not here", 2}} {
		config := keepalive(t, "a", "b")
		config.NextUpstream = []string{"http_404"}
		run(t, config, func(l *lab) {
			l.nodes["a"].serve(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(404)
				_, _ = w.Write([]byte(c.body))
			})
			l.want("nodes", l.get("/", 3), "b b b")
			l.want("connections", l.nodes["a"].connections(), c.want)
		})
	}
}

func TestIdleConnectionsExpire(t *testing.T) {
	run(t, keepalive(t, "a"), func(l *lab) {
		l.get("/", 2)
		l.sleepUntil(50 * time.Second)
		l.get("/", 1)
		l.want("connections", l.nodes["a"].connections(), 1)
		l.sleepUntil(111 * time.Second)
		l.get("/", 1)
		l.want("connections", l.nodes["a"].connections(), 2)
	})
}

func TestErrorOnAnOldConnectionGivesAnExtraTry(t *testing.T) {
	for _, c := range []struct {
		method string
		want   reply
		tried  string
	}{{"GET", reply{status: 200, body: "a"}, "a, a"}, {"POST", reply{status: 502}, "a"}} {
		run(t, keepalive(t, "a"), func(l *lab) {
			l.want("answer", l.get("/", 1), "a")
			first := true
			l.nodes["a"].handler = func(w http.ResponseWriter, _ *http.Request) {
				if first {
					first = false
					w.(world.ResponseCutter).Cut(world.Closed)
					return
				}
				_, _ = w.Write([]byte("a"))
			}
			r := l.send(c.method, "/", "")
			l.want(c.method+" status", r.status, c.want.status)
			l.wantTried(c.tried, map[bool]string{true: "502, 200", false: "502"}[c.method == "GET"])
		})
	}
}

func TestClosedIdleConnectionIsNotUsed(t *testing.T) {
	run(t, keepalive(t, "a"), func(l *lab) {
		l.want("answer", l.get("/", 1), "a")
		l.kill("a")
		l.boot("a")
		l.sleepUntil(l.user.Elapsed() + time.Millisecond)
		l.want("answer", l.get("/", 1), "a")
		l.wantTried("a", "200")
	})
}

func TestHeldResponseTimesOutBetweenReads(t *testing.T) {
	config := pool(t, "a", "b")
	config.ReadTimeout = 2 * time.Second
	config.HTTPVersion = "1.1"
	run(t, config, func(l *lab) {
		l.slow("a", time.Minute, true)
		r := l.send("GET", "/", "")
		l.want("status", r.status, 200)
		if world.OutcomeOf(r.err) != world.Cut || r.took > 3*time.Second {
			t.Errorf("answer that stalls: %v after %v, want a cut after 2 s", r.err, r.took)
		}
	})
}

func TestWhatTheClientGetsOfAnAnswerThatStalls(t *testing.T) {
	for _, c := range []struct {
		what      string
		buffering Flag
		length    string // Content-Length; "": chunks
		sent      int
		want      int
	}{
		{"a buffer that is not full", Inherit, "5000", 100, 0},
		{"a full buffer", Inherit, "5000", 4500, 4500},
		{"unbuffered", Off, "5000", 100, 100},
		{"chunks", Inherit, "", 100, 100},
	} {
		config := pool(t, "a", "b")
		config.ReadTimeout, config.HTTPVersion, config.Buffering = 2*time.Second, "1.1", c.buffering
		run(t, config, func(l *lab) {
			n := l.nodes["a"]
			n.serve(func(w http.ResponseWriter, r *http.Request) {
				if c.length != "" {
					w.Header().Set("Content-Length", c.length)
				}
				_, _ = w.Write(make([]byte, c.sent))
				w.(http.Flusher).Flush()
				_ = n.host.Sleep(r.Context(), time.Minute)
			})
			r := l.send("GET", "/", "")
			l.want(c.what+": status", r.status, 200)
			l.want(c.what+": bytes", len(r.body), c.want)
		})
	}
}

// firstByte asks for / and waits for the first byte of the body.
func (l *lab) firstByte() time.Duration {
	l.Helper()
	conn, err := l.user.DialHTTP(l.ctx, "172.16.12.1:8080")
	if err != nil {
		l.Fatal(err)
	}
	defer conn.Close()
	req := httptest.NewRequest("GET", "http://www.test.com/", nil)
	began := l.user.Elapsed()
	resp, err := conn.RoundTrip(l.ctx, req)
	if err == nil {
		_, err = resp.Body.Read(make([]byte, 1))
	}
	if err != nil {
		l.Fatal(err)
	}
	return l.user.Elapsed() - began
}

func TestSlowPiecesOfNoChunksReachTheClientTogetherUnlessUnbuffered(t *testing.T) {
	for _, c := range []struct {
		buffering Flag
		version   string        // with 1.1 the node sends chunks, which are not held
		want      time.Duration // of the first byte
	}{{Inherit, "1.0", 3 * time.Second}, {Off, "1.0", 0}, {Inherit, "1.1", 0}} {
		config := pool(t, "a")
		config.Buffering, config.HTTPVersion = c.buffering, c.version
		run(t, config, func(l *lab) {
			l.slow("a", 3*time.Second, true)
			if got := l.firstByte(); got.Truncate(time.Second) != c.want {
				t.Errorf("buffering %v, HTTP/%s: first byte after %v, want %v", c.buffering, c.version, got, c.want)
			}
		})
	}
}

func TestAServerThatIsToldToCloseSaysSo(t *testing.T) {
	for _, version := range []string{"1.0", "1.1"} { // with "Connection: close", as release 1.22.1 sends it
		config := pool(t, "a")
		config.HTTPVersion, config.Upstreams[0].Keepalive = version, 4
		run(t, config, func(l *lab) {
			l.want("answers", l.get("/", 3), "a a a")
			l.want("connections over HTTP/"+version, l.nodes["a"].connections(), 3)
			l.want("kept", len(l.front.groups[0].cache.links), 0)
		})
	}
}

func TestAnswersOfHTTP10EndTheirConnection(t *testing.T) {
	for text, want := range map[string]bool{
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":                           true,
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n":      false,
		"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n": false,
	} {
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := keptBy(resp); got != want {
			t.Errorf("%q keeps the connection: %t, want %t", text, got, want)
		}
	}
}

func TestReadTimeoutIsBetweenReads(t *testing.T) {
	config := pool(t, "a")
	config.ReadTimeout = 2 * time.Second
	run(t, config, func(l *lab) {
		n := l.nodes["a"]
		n.handler = func(w http.ResponseWriter, r *http.Request) {
			for range 5 {
				_, _ = w.Write([]byte("x"))
				w.(http.Flusher).Flush()
				_ = n.host.Sleep(r.Context(), 1500*time.Millisecond)
			}
		}
		r := l.send("GET", "/", "")
		l.want("body", r.body, "xxxxx")
		l.want("body error", r.err, nil)
	})
}

func TestLostRequestIsAReadTimeout(t *testing.T) {
	config := pool(t, "a", "b")
	config.ReadTimeout = time.Second
	run(t, config, func(l *lab) {
		l.w.Faults().Add(fault.Rule{Verb: fault.Drop, Kind: "REQUEST", To: "a"})
		r := l.send("GET", "/", "")
		l.want("node", r.body, "b")
		l.wantTried("a, b", "504, 200")
	})
}

func TestFailTimeoutFollowsTheWallClock(t *testing.T) {
	run(t, pool(t, "a", "b"), func(l *lab) {
		l.kill("a")
		l.want("node", l.get("/", 1), "b")
		l.boot("a")
		if err := l.w.Skew("front", time.Minute); err != nil {
			t.Fatal(err)
		}
		l.want("nodes", l.get("/", 4), "b b a b")
	})
}
