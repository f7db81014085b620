package loopback_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sessionlab/lab/loopback"
	"sessionlab/lab/world"
)

// raw sends bytes as a real client does and returns what comes back until the
// server closes.
func raw(t testing.TB, at, bytes string) string {
	t.Helper()
	conn, err := net.Dial("tcp4", at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, bytes); err != nil {
		t.Fatal(err)
	}
	conn.(*net.TCPConn).CloseWrite()
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("after %q: %v", bytes, err)
	}
	return string(answer)
}

// echo answers with the method, the target and the body.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %q %v", r.Method, r.RequestURI, body, err)
}

func TestMalformedRequestsAreRefused(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	serve(t, boot(t, w, "front", front), world.ServeOptions{}, echo)
	at := w.URL(front + ":8080")
	status := map[string]string{"other major version": "505", "unknown coding": "501"} // 400 elsewhere
	for name, request := range map[string]string{
		"garbage":             "\x16\x03\x01\x02garbage\r\n\r\n",
		"no version":          "GET /\r\n",
		"other major version": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"no host":             "GET / HTTP/1.1\r\n\r\n",
		"two hosts":           "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"space in the name":   "GET / HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n",
		"control character":   "GET / HTTP/1.1\r\nHost: a\r\nX: a\x01b\r\n\r\n",
		"two lengths":         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"one length twice":    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
		"head without end":    "GET /" + strings.Repeat("a", 2<<20) + " HTTP/1.1\r\n",
		"unknown coding":      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
	} {
		want := cmp.Or(status[name], "400")
		if got := raw(t, at, request); !strings.HasPrefix(got, "HTTP/1.1 "+want+" ") {
			t.Errorf("%s: answer %q, want %s", name, got, want)
		}
	}
}

func TestMalformedRequestsAreAnsweredByTheServerThatIsAsked(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	serve(t, boot(t, w, "front", front), world.ServeOptions{Malformed: func(w http.ResponseWriter, r *http.Request, status int) {
		w.Header().Set("Server", "mine")
		w.(world.StatusWriter).WriteStatus(status, "505 Not That")
		fmt.Fprintf(w, "page %d", status)
	}}, echo)
	want := "HTTP/1.1 505 Not That\r\nConnection: close\r\nContent-Length: 8\r\nServer: mine\r\n\r\npage 505"
	if got := raw(t, w.URL(front+":8080"), "PRI * HTTP/2.0\r\n\r\n"); got != want {
		t.Errorf("answer %q, want %q", got, want)
	}
}

// A watch for the client's end leaves nothing behind that hides what comes next.
func TestAMalformedRequestIsRefusedOnAConnectionThatHasServed(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	serve(t, boot(t, w, "front", front), world.ServeOptions{ClientGone: true}, echo)
	conn, err := net.Dial("tcp4", w.URL(front+":8080"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(conn)
	for _, x := range []struct {
		request string
		status  int
	}{{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200}, {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na", 200}, {"garbage\r\n", 400}} {
		if _, err := io.WriteString(conn, x.request); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("%q: %v", x.request, err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != x.status {
			t.Errorf("%q: status %d, %v, want %d", x.request, resp.StatusCode, err, x.status)
		}
	}
}

func TestAnAnswerOrderedToBeInvalidIsSoOnTheWire(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	serve(t, boot(t, w, "front", front), world.ServeOptions{}, func(w http.ResponseWriter, _ *http.Request) {
		w.(world.ResponseCutter).Cut(world.BadHead)
	})
	want := "HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n"
	if got := raw(t, w.URL(front+":8080"), "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); got != want {
		t.Errorf("answer %q, want %q: a status line, and what nginx calls an invalid header line", got, want)
	}
}

func TestRequestsOfRealClients(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	serve(t, boot(t, w, "front", front), world.ServeOptions{}, echo)
	at := w.URL(front + ":8080")
	for name, row := range map[string]struct {
		request string
		want    []string
	}{
		"HTTP/1.0 without a host": {
			"GET /a HTTP/1.0\r\n\r\n",
			[]string{"HTTP/1.1 200 OK\r\nConnection: close\r\n", `GET /a "" <nil>`},
		},
		"HTTP/1.0 kept alive": {
			"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
			[]string{"Connection: keep-alive\r\n", `GET /a "" <nil>`, "Connection: close\r\n", `GET /b "" <nil>`},
		},
		"empty lines first": {
			"\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n",
			[]string{"HTTP/1.1 200 OK\r\n", `GET /a "" <nil>`},
		},
		"pipelined": {
			"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
			[]string{`GET /a "" <nil>`, `GET /b "" <nil>`},
		},
		"chunks": {
			"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
			[]string{`POST /a "abc" <nil>`},
		},
		"a body cut short": {
			"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc",
			[]string{`POST /a "abc" unexpected EOF`},
		},
		"bare line feeds": {
			"GET /a HTTP/1.1\nHost: x\n\n",
			[]string{`GET /a "" <nil>`},
		},
	} {
		got := raw(t, at, row.request)
		for _, want := range row.want {
			before, after, found := strings.Cut(got, want)
			if !found {
				t.Errorf("%s: answer %q lacks %q", name, before, want)
			}
			got = after
		}
	}
}

func TestClientThatWaitsToSendItsBodyIsAskedForIt(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	serve(t, boot(t, w, "front", front), world.ServeOptions{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/read" {
			echo(w, r)
		}
	})
	for path, want := range map[string]string{"/read": "HTTP/1.1 100 Continue", "/ignore": "HTTP/1.1 200 OK"} {
		conn, err := net.Dial("tcp4", w.URL(front+":8080"))
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n", path)
		br := bufio.NewReader(conn)
		if got, err := br.ReadString('\n'); err != nil || strings.TrimSpace(got) != want {
			t.Errorf("%s: first line %q (%v), want %q", path, got, err, want)
		}
		if path == "/read" {
			io.WriteString(conn, "abc")
			br.ReadString('\n')
			if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 200 {
				t.Errorf("%s: answer %v (%v), want 200", path, resp, err)
			}
		}
		conn.Close()
	}
}

func TestHeaderLeavesAsTheHandlerSetIt(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	serve(t, boot(t, w, "front", front), world.ServeOptions{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Node", "tomcat1")
		io.WriteString(w, "<html>")
	})
	got := raw(t, w.URL(front+":8080"), "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	want := "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Node: tomcat1\r\n\r\n<html>"
	if got != want {
		t.Errorf("answer %q, want %q", got, want)
	}
}

func TestLongAnswerHasChunksOrTheEndOfTheConnection(t *testing.T) {
	long := strings.Repeat("x", 5000)
	w := open(t, loopback.Config{Offset: loopback.Probe})
	serve(t, boot(t, w, "front", front), world.ServeOptions{}, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, long)
	})
	for version, chunked := range map[string]bool{"1.0": false, "1.1": true} {
		got := raw(t, w.URL(front+":8080"), "GET / HTTP/"+version+"\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(got)), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || string(body) != long {
			t.Errorf("HTTP/%s: body of %d bytes (%v), want %d", version, len(body), err, len(long))
		}
		if got := len(resp.TransferEncoding) > 0; got != chunked {
			t.Errorf("HTTP/%s: in chunks = %v, want %v", version, got, chunked)
		}
	}
}

func TestUnreadBodyDoesNotTakeTheAnswerAway(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	serve(t, boot(t, w, "front", front), world.ServeOptions{}, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
	})
	const size = 3 << 20 // more than is swallowed
	head := fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size)
	got := raw(t, w.URL(front+":8080"), head+strings.Repeat("x", size))
	if !strings.HasPrefix(got, "HTTP/1.1 418 ") {
		t.Errorf("answer %.80q, want 418", got)
	}
}

func TestConnectionEndsAfterMaxRequests(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	serve(t, boot(t, w, "front", front), world.ServeOptions{MaxRequests: 2}, echo)
	got := raw(t, w.URL(front+":8080"), strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 3))
	if n := strings.Count(got, "HTTP/1.1 200 OK"); n != 2 || strings.Count(got, "Connection: close") != 1 {
		t.Errorf("%d answers in %q, want 2, the second with Connection: close", n, got)
	}
}

func TestKillLeavesNoHandlerBehind(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	h := boot(t, w, "tomcat1", tomcat)
	var began atomic.Int32
	ended := make(chan error, 3)
	serve(t, h, world.ServeOptions{}, func(_ http.ResponseWriter, r *http.Request) {
		began.Add(1)
		switch r.URL.Path {
		case "/sleep":
			ended <- h.Sleep(r.Context(), time.Hour)
		case "/wait":
			ended <- h.NewSignal().Wait(context.Background())
		case "/body":
			_, err := io.ReadAll(r.Body)
			ended <- err
		}
	})
	for path, length := range map[string]int{"/sleep": 0, "/wait": 0, "/body": 10} {
		conn, err := net.Dial("tcp4", w.URL(tomcat+":8080"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", path, length)
	}
	eventually(t, "all handlers run", func() bool { return began.Load() == 3 })
	if err := w.Kill("tomcat1"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := <-ended; !isDown(err) {
			t.Errorf("a handler's call ended with %v, want %v", err, world.ErrHostDown)
		}
	}
}

func isDown(err error) bool { return world.OutcomeOf(err) == world.Down }

// FuzzServe feeds bytes to a port: whatever they are, the server answers or
// closes, and answers the next client.
func FuzzServe(f *testing.F) {
	w, err := loopback.New(loopback.Config{Offset: loopback.Probe})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { w.Close() })
	h, err := w.Boot("front", front)
	if err != nil {
		f.Fatal(err)
	}
	if _, err := h.Serve(8080, http.HandlerFunc(echo), world.ServeOptions{}); err != nil {
		f.Fatal(err)
	}
	w.Observe(func(e world.Event) {
		if e.Op == world.Panics {
			f.Errorf("%v\n%s", e.Panic, e.Panic.Stack)
		}
	})
	at := w.URL(front + ":8080")
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"HEAD * HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
		"\x00\r\n\r\n",
		"\n\n\n",
		"",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, request []byte) {
		conn, err := net.Dial("tcp4", at)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		conn.Write(request)
		conn.(*net.TCPConn).CloseWrite()
		answer, err := io.ReadAll(conn)
		if err != nil {
			t.Fatalf("after %q: %v", request, err)
		}
		if len(answer) > 0 && !bytes.HasPrefix(answer, []byte("HTTP/1.")) {
			t.Errorf("after %q: answer %q is no HTTP", request, answer)
		}
	})
}
