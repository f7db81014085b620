package proxy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"sessionlab/lab/loopback"
	"sessionlab/lab/world"
)

// runOnLoopback runs a story over real sockets.
func runOnLoopback(t *testing.T, config Config, story func(l *lab)) {
	t.Helper()
	w, err := loopback.New(loopback.Config{Seed: 1, Offset: loopback.Probe})
	if err != nil {
		t.Fatal(err)
	}
	config.AddHeaders = []Header{{Name: "X-Tried", Value: "$upstream_addr -> $upstream_status", Always: true}}
	runIn(t, w, config, story)
}

// tried is X-Tried with nodes by name.
func (r reply) tried() string {
	s := r.header.Get("X-Tried")
	for _, name := range []string{"a", "b", "c"} {
		s = strings.ReplaceAll(s, addr(name), name)
	}
	return s
}

func TestSocketsRefusedAndAllDown(t *testing.T) {
	runOnLoopback(t, withErrorPage(pool(t, "a", "b")), func(l *lab) {
		l.want("nodes", l.get("/", 4), "a b a b")
		l.kill("a")
		r := l.send("POST", "/", "hello")
		l.want("answer", r.body+" "+r.tried(), "b a, b -> 502, 200")
		l.kill("b")
		r = l.send("GET", "/", "")
		l.want("answer", r.body+r.tried(), page50x+"b, jspserver -> 502, 502")
		r = l.send("GET", "/", "")
		l.want("answer", r.tried(), "jspserver -> 502")
	})
}

func TestSocketsNodeKilledWhileItWorks(t *testing.T) {
	for _, c := range []struct {
		method string
		flush  bool
		want   string
	}{
		{"GET", false, "b a, b -> 502, 200"},
		{"POST", false, page50x + " a -> 502"},
		{"GET", true, `{"partial":true, a -> 200`},
	} {
		runOnLoopback(t, withErrorPage(pool(t, "a", "b")), func(l *lab) {
			l.slow("a", time.Minute, c.flush)
			l.later(100*time.Millisecond, func() { l.kill("a") })
			r := l.send(c.method, "/", "")
			l.want(c.method, r.body+" "+r.tried(), c.want)
			l.want(c.method+" body error", r.err, nil)
		})
	}
}

func TestSocketsAnswerOfUnknownLengthStaysSo(t *testing.T) {
	for _, version := range []string{"1.0", "1.1"} {
		config := pool(t, "a")
		config.HTTPVersion = version
		runOnLoopback(t, config, func(l *lab) {
			l.slow("a", time.Millisecond, true)
			r := l.send("GET", "/", "")
			l.want("body and length over HTTP/"+version, []any{r.body, r.header.Get("Content-Length")}, []any{`{"partial":true,a`, ""})
		})
	}
}

func TestSocketsCutBody(t *testing.T) {
	config := pool(t, "a")
	config.HTTPVersion = "1.1"
	runOnLoopback(t, config, func(l *lab) {
		l.slow("a", time.Minute, true)
		l.later(time.Second, func() { l.kill("a") })
		r := l.send("GET", "/", "")
		l.want("answer", []any{r.status, r.body, world.OutcomeOf(r.err)}, []any{200, `{"partial":true,`, world.Cut})
	})
}

func TestSocketsFrozenNode(t *testing.T) {
	config := pool(t, "a", "b")
	config.ReadTimeout = 2 * time.Second
	runOnLoopback(t, config, func(l *lab) {
		if err := l.w.Pause("a"); err != nil {
			t.Fatal(err)
		}
		l.want("GET", l.send("GET", "/", "").tried(), "a, b -> 504, 200")
		l.want("POST", l.send("POST", "/", "").tried(), "b -> 200")
	})
}

func TestSocketsLargeBodyToAFrozenNode(t *testing.T) {
	config := pool(t, "a", "b")
	config.SendTimeout, config.MaxBodySize = 5*time.Second, Unlimited
	runOnLoopback(t, config, func(l *lab) {
		if err := l.w.Pause("a"); err != nil {
			t.Fatal(err)
		}
		r := l.send("PUT", "/", strings.Repeat("x", 16<<20))
		l.want("tried", r.tried(), "a, b -> 504, 200")
		if r.took > 40*time.Second {
			t.Errorf("PUT took %v, want the send timeout of 5 s, and not proxy_read_timeout's 60 s", r.took)
		}
	})
}

func TestSocketsKeepaliveAndTargets(t *testing.T) {
	runOnLoopback(t, keepalive(t, "a"), func(l *lab) {
		for _, target := range []string{"/a//b%20c/../d?x=%31", "//double", "/a?", "/x;jsessionid=1.a?q"} {
			l.want("answer", l.get(target, 1), "a")
			l.want("target", l.nodes["a"].last().RequestURI, target)
		}
		l.want("connections", l.nodes["a"].connections(), 1)
		r := l.send("GET", "/", "")
		_, guessed := r.header["Content-Type"]
		l.want("headers", []any{r.header.Get("Server"), len(r.header["Date"]), guessed}, []any{"nginx/1.22.1", 1, false})
	})
}

func TestSocketsClientThatLeaves(t *testing.T) {
	runOnLoopback(t, pool(t, "a"), func(l *lab) {
		l.slow("a", time.Minute, false)
		ctx, cancel := l.user.WithTimeout(l.ctx, 100*time.Millisecond)
		defer cancel()
		conn, err := l.user.DialHTTP(l.ctx, "172.16.12.1:8080")
		if err != nil {
			t.Fatal(err)
		}
		req, _ := http.NewRequest("GET", "http://www.test.com/", nil)
		if _, err := conn.RoundTrip(ctx, req); err == nil {
			t.Error("answer after 100 ms, want none")
		}
		for range 500 {
			l.mu.Lock()
			n := len(l.trace)
			last := l.trace[n-1]
			l.mu.Unlock()
			if last.Kind == Delivered {
				l.want("status", []any{last.Status, last.UpstreamStatus}, []any{499, "-"})
				return
			}
			_ = l.user.Sleep(l.ctx, 10*time.Millisecond)
		}
		t.Error("exchange is not over 5 s after the client has left")
	})
}

func TestSocketsRequestThatIsNoneGetsNginxsPage(t *testing.T) {
	runOnLoopback(t, pool(t, "a"), func(l *lab) {
		for request, want := range map[string]string{
			"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n": "400 Bad Request",
			"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n":                               "400 Bad Request",
			"PRI * HTTP/2.0\r\n\r\n":                                              "400 Bad Request",
			"PRI / HTTP/2.0\r\n\r\n":                                              "505 HTTP Version Not Supported",
			"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n":       "501 Not Implemented",
			"GET /" + strings.Repeat("a", 9<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n": "414 Request-URI Too Large",
		} {
			conn, err := net.Dial("tcp4", l.w.(*loopback.World).URL("172.16.12.1:8080"))
			if err != nil {
				t.Fatal(err)
			}
			conn.SetDeadline(time.Now().Add(10 * time.Second))
			if _, err := io.WriteString(conn, request); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(conn)
			conn.Close()
			if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 "+want+"\r\n") ||
				!strings.Contains(string(answer), "<title>"+want+"</title>") || !strings.Contains(string(answer), "Server: nginx/1.22.1\r\n") {
				t.Errorf("answer to %.60q = %q, %v; want nginx's page of %s", request, answer, err, want)
			}
		}
		l.want("requests that arrived", len(l.nodes["a"].seen), 0)
	})
}

// Nothing that the client sees tells it that nobody waits for its body.
func TestAClientWhoseBodyIsTooLargeAndHeldBackMaySendIt(t *testing.T) {
	underMirror(t, nil, func(front, _ string) {
		conn, err := net.Dial("tcp4", front)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		const size = 1<<20 + 1
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", size)
		in := bufio.NewReader(conn)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		if resp.StatusCode != 413 || !resp.Close {
			t.Errorf("answer %d, last %t, want 413 and the last", resp.StatusCode, resp.Close)
		}
		conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) // what has ended ends at once
		if _, err := in.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("behind the answer: %v, want nothing before the body", err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.CopyN(conn, strings.NewReader(strings.Repeat("x", size)), size); err != nil {
			t.Errorf("the body: %v", err)
		}
		if _, err := in.ReadByte(); err != io.EOF {
			t.Errorf("behind the body: %v, want the end", err)
		}
	})
}
