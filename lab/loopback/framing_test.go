package loopback_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"sessionlab/lab/loopback"
	"sessionlab/lab/world"
)

// rawOpen is raw for a client that keeps its side open: what comes back until the
// server closes.
func rawOpen(t testing.TB, at, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp4", at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Errorf("the server does not close: %q, then %v", answer, err)
	}
	return string(answer)
}

func TestTheConnectionEndsWhereTheAnswersEndCannotBeSeen(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	serve(t, boot(t, w, "front", front), world.ServeOptions{}, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/short":
			w.Header().Set("Content-Length", "10")
		case "/flushed":
			io.WriteString(w, "first ")
			w.(http.Flusher).Flush()
		case "/close":
			w.Header().Set("Connection", "Close, x")
		}
		io.WriteString(w, "hello")
	})
	at := w.URL(front + ":8080")
	for _, row := range []struct{ name, request, want string }{
		{"fewer bytes than promised", "GET /short HTTP/1.1\r\nHost: x\r\n\r\n",
			"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"},
		{"no length in HTTP/1.0", "GET /flushed HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
			"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nfirst hello"},
		{"the handler says so", "GET /close HTTP/1.1\r\nHost: x\r\n\r\n",
			"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"},
		{"the client says so", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
			"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"},
	} {
		if got := rawOpen(t, at, row.request); got != row.want {
			t.Errorf("%s: answer %q, want %q", row.name, got, row.want)
		}
	}
}

// A client that waits to be asked for its body is not asked by a handler that
// does not want it: the connection ends, for the body may come all the same.
func TestABodyThatNobodyAskedForEndsTheConnection(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	serve(t, boot(t, w, "front", front), world.ServeOptions{}, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "no, thanks") })
	got := rawOpen(t, w.URL(front+":8080"), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	if strings.Contains(got, "100 Continue") || !strings.HasSuffix(got, "no, thanks") {
		t.Errorf("answer %q, want one without 100 Continue", got)
	}
}

func TestAnAnswerWithoutABodyHasTheLengthThatItsHandlerSays(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	serve(t, boot(t, w, "front", front), world.ServeOptions{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "7")
		if r.URL.Path == "/304" {
			w.WriteHeader(http.StatusNotModified)
		} else {
			w.WriteHeader(http.StatusNoContent)
		}
		if _, err := io.WriteString(w, "a body"); !errors.Is(err, http.ErrBodyNotAllowed) {
			t.Errorf("Write = %v, want %v", err, http.ErrBodyNotAllowed)
		}
	})
	at := w.URL(front + ":8080")
	for path, want := range map[string]string{
		"/204": "HTTP/1.1 204 No Content\r\nConnection: close\r\nContent-Length: 7\r\n\r\n",   // of what another server has said
		"/304": "HTTP/1.1 304 Not Modified\r\nConnection: close\r\nContent-Length: 7\r\n\r\n", // of what it would have been (RFC 9110, 8.6)
	} {
		if got := raw(t, at, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); got != want {
			t.Errorf("GET %s: answer %q, want %q", path, got, want)
		}
	}
}

func TestARequestHasNoUserAgentButItsOwn(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	serve(t, boot(t, w, "front", front), world.ServeOptions{}, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%q", r.Header["User-Agent"])
	})
	user := boot(t, w, "alice", alice)
	for agent, want := range map[string]string{"": "[]", "lab": `["lab"]`} {
		req, err := http.NewRequest(http.MethodGet, "http://"+front+":8080/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if agent != "" {
			req.Header.Set("User-Agent", agent)
		}
		resp, err := user.Transport().RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || string(body) != want {
			t.Errorf("User-Agent of a request with %q = %s, %v, want %s", agent, body, err, want)
		}
	}
}

// The body that a handler leaves unread does not turn the end that it orders into
// a reset.
func TestACutIsNoResetThoughABodyLiesUnread(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	serve(t, boot(t, w, "front", front), world.ServeOptions{}, func(w http.ResponseWriter, _ *http.Request) {
		w.(world.ResponseCutter).Cut(world.Closed)
	})
	user := boot(t, w, "alice", alice)
	for range 20 {
		req, err := http.NewRequest(http.MethodPost, "http://"+front+":8080/", strings.NewReader(strings.Repeat("x", 20<<10)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = user.Transport().RoundTrip(req); world.OutcomeOf(err) != world.Closed {
			t.Fatalf("POST to a handler that closes = %v, want %v", err, io.EOF)
		}
	}
}

func TestABodyThatDoesNotComeInTimeIsNoCutBody(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	wait := make(chan struct{})
	defer close(wait)
	serve(t, boot(t, w, "front", front), world.ServeOptions{}, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "first")
		w.(http.Flusher).Flush()
		<-wait
	})
	conn, err := boot(t, w, "alice", alice).DialHTTP(t.Context(), front+":8080")
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodGet, "http://"+front+":8080/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := conn.RoundTrip(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadDeadline(20 * time.Millisecond)
	_, err = io.ReadAll(resp.Body)
	if !errors.Is(err, world.ErrReadTimeout) || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("body = %v, want %v and nothing else", err, world.ErrReadTimeout)
	}
}

// Whatever makes a read look around, only its deadline ends it.
func TestAPauseDoesNotEndAReadBeforeItsDeadline(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	answer := make(chan struct{})
	serve(t, boot(t, w, "front", front), world.ServeOptions{}, func(w http.ResponseWriter, _ *http.Request) {
		<-answer
		io.WriteString(w, "late")
	})
	user := boot(t, w, "alice", alice)
	conn, err := user.DialHTTP(t.Context(), front+":8080")
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadDeadline(time.Hour)
	req, err := http.NewRequest(http.MethodGet, "http://"+front+":8080/", nil)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error)
	go func() {
		_, err := conn.RoundTrip(t.Context(), req)
		got <- err
	}()
	eventually(t, "the request is sent", conn.Sent)
	for range 3 {
		if err := errors.Join(w.Pause("alice"), w.Resume("alice")); err != nil {
			t.Fatal(err)
		}
	}
	close(answer)
	if err := <-got; err != nil {
		t.Errorf("answer after a pause = %v, want one", err)
	}
}
