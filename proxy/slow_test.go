package proxy

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"sessionlab/lab/world"
)

// dialogue is what a client sends piece by piece, and what becomes of it is a
// line of testdata/slow.txt, as recorded from nginx 1.22.1. The server's timeouts
// are those of slowLines, the pause between two pieces is shorter.
type dialogue struct {
	name   string
	pieces []string
	end    clientEnd
}

// clientEnd is what a client does when it has sent everything.
type clientEnd uint8

const (
	staying   clientEnd = iota
	halfClose           // it sends FIN and reads on
)

// slowLines are the timeouts: longer than a pause, so that only who sends nothing
// more is late.
const slowLines = `client_header_timeout 1s; client_body_timeout 1s; client_max_body_size 10; keepalive_timeout 1s;
	location /408 { return 408; } location /408/text { return 408 text; } location /410 { error_page 410 =408 /text; return 410; }
	location /slow { return 404; error_page 404 =200 /408; }`

const pieceAfter = 50 * time.Millisecond

var dialogues = []dialogue{
	{name: "nothing"},
	{name: "half a request line", pieces: []string{"GET / HT"}},
	{name: "a head without end", pieces: []string{"GET / HTTP/1.1\r\n", host, "X: y\r\n"}},
	{name: "a head in pieces", pieces: []string{"GE", "T / HTTP/1.1\r", "\n" + host + "Conn", "ection: close\r\n\r", "\n"}},
	{name: "half a head behind a request", pieces: []string{get(""), "GET / HT"}},
	{name: "nothing behind a request", pieces: []string{get("")}},
	{name: "a body in pieces", pieces: []string{post("Connection: close\r\nContent-Length: 6\r\n\r\nab"), "cd", "ef"}},
	{name: "half a body", pieces: []string{post("Content-Length: 6\r\n\r\nab"), "c"}},
	{name: "chunks in pieces", pieces: []string{post("Connection: close\r\n" + chunkedLine + "\r\n3\r"), "\nab", "c\r\n0\r\n", "\r\n"}},
	{name: "half a chunk", pieces: []string{post(chunkedLine + "\r\n3\r\nab")}},
	{name: "chunks without a last one", pieces: []string{post(chunkedLine + "\r\n3\r\nabc\r\n")}},
	{name: "no body", pieces: []string{post("Content-Length: 6\r\n\r\n")}},
	{name: "half a body that nobody reads", pieces: []string{"POST /text HTTP/1.1\r\n" + host + "Content-Length: 6\r\n\r\nab"}},
	{name: "a body of which nobody reads the second half", pieces: []string{"POST /text HTTP/1.1\r\n" + host + "Connection: close\r\nContent-Length: 6\r\n\r\nabc", "def"}},
	{name: "100-continue and half a body", pieces: []string{post("Expect: 100-continue\r\nContent-Length: 6\r\n\r\n"), "ab"}},
	{name: "a body too large, not sent", pieces: []string{post("Content-Length: 100\r\n\r\n")}},
	{name: "a body too large, sent late", pieces: []string{post("Content-Length: 20\r\n\r\n"), strings.Repeat("x", 20), get("")}},
	{name: "a body too large in chunks", pieces: []string{post(chunkedLine + "\r\n3\r\nabc\r\n"), "9\r\n"}},
	{name: "the end behind a request", pieces: []string{get("")}, end: halfClose},
	{name: "the end behind a request that a file answers", pieces: []string{"GET /text HTTP/1.1\r\n" + host + "\r\n"}, end: halfClose},
	{name: "the end in a head", pieces: []string{"GET / HT"}, end: halfClose},
	{name: "the end in a body", pieces: []string{post("Content-Length: 6\r\n\r\nab")}, end: halfClose},
	{name: "the end in a chunk", pieces: []string{post(chunkedLine + "\r\n3\r\nab")}, end: halfClose},
	{name: "the end behind a body", pieces: []string{post("Content-Length: 2\r\n\r\nab")}, end: halfClose},
	{name: "three requests at once", pieces: []string{get("") + post("Content-Length: 2\r\n\r\nab") + get("Connection: close\r\n")}},
	{name: "three requests, the last one in pieces", pieces: []string{get("") + get("") + "GE", "T /3 HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n"}},
	{name: "a request behind the last one", pieces: []string{get("Connection: close\r\n") + get("")}},
	{name: "a request behind a body that is too large", pieces: []string{post("Content-Length: 20\r\n\r\n") + strings.Repeat("x", 20) + get("Connection: close\r\n")}},
	{name: "408 of a location", pieces: []string{"GET /408 HTTP/1.1\r\n" + host + "\r\n"}},
	{name: "408 with a text", pieces: []string{"GET /408/text HTTP/1.1\r\n" + host + "\r\n"}},
	{name: "408 of an error page", pieces: []string{"GET /410 HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n"}},
	{name: "an error page that is 408", pieces: []string{"GET /slow HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n"}},
}

// hold has the dialogue with a server, and tells what comes back up to the end of
// the connection.
func (d dialogue) hold(t testing.TB, addr string) string {
	conn, err := net.Dial("tcp4", addr)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	for i, piece := range d.pieces {
		if i > 0 {
			time.Sleep(pieceAfter) // so that they are pieces
		}
		_, _ = io.WriteString(conn, piece) // a server that closes early is seen below
	}
	if d.end == halfClose {
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	answer, err := io.ReadAll(conn)
	told := outcomeOf(answer, false)
	if err != nil {
		told += " " + err.Error()[strings.LastIndex(err.Error(), ": ")+2:]
	}
	return told
}

// holdAll has all dialogues at once: most of them wait.
func holdAll(t testing.TB, addr string) map[string]string {
	type one struct{ name, got string }
	all := make(chan one)
	for _, d := range dialogues {
		go func() { all <- one{d.name, d.hold(t, addr)} }()
	}
	got := map[string]string{}
	for range dialogues {
		o := <-all
		got[o.name] = o.got
	}
	return got
}

const slowFile = "testdata/slow.txt"

func dialogueNames() (names []string) {
	for _, d := range dialogues {
		names = append(names, d.name)
	}
	return names
}

func TestSlowClientsFareAsWithNginx(t *testing.T) {
	t.Parallel() // some of them end after lingering_timeout, 5 s
	slow := Settings{ClientHeaderTimeout: time.Second, ClientBodyTimeout: time.Second, MaxBodySize: 10, ClientIdleTimeout: time.Second}
	gone := ErrorPage{Statuses: []int{410}, Replace: ReplaceBy, Status: 408, URI: "/text"}
	late := ErrorPage{Statuses: []int{404}, Replace: ReplaceBy, Status: 200, URI: "/408"}
	locations := []Location{
		{Path: "/408", Return: &Return{Status: 408}},
		{Path: "/408/text", Return: &Return{Status: 408, Text: "text"}},
		{Path: "/410", Return: &Return{Status: 410}, Settings: Settings{ErrorPages: []ErrorPage{gone}}},
		{Path: "/slow", Return: &Return{Status: 404}, Settings: Settings{ErrorPages: []ErrorPage{late}}},
	}
	underMirrorOf(t, func(s *Server) { s.Settings, s.Locations = slow, append(s.Locations, locations...) }, func(front, _ string) {
		got := holdAll(t, front)
		asNginx(t, slowFile, dialogueNames(), func(i int) string { return got[dialogues[i].name] })
	})
}

// TestSlowClientsAreRecordedFromNginx asks the nginx that is installed.
func TestSlowClientsAreRecordedFromNginx(t *testing.T) {
	t.Parallel()
	version := installed(t)
	underMirror(t, nil, func(_, server string) {
		got := holdAll(t, startNginx(t, server, slowLines))
		fromNginx(t, version, slowFile, "the dialogues in slow_test.go", dialogueNames(), func(i int) string { return got[dialogues[i].name] })
	})
}

// slowBody is a body that its client sends in two pieces: what fits into a window,
// and after a while the rest.
type slowBody struct {
	sent  int64
	pause func()
}

func (b *slowBody) Read(p []byte) (int, error) {
	switch {
	case b.sent == world.BodyWindow:
		b.pause()
	case b.sent == 2*world.BodyWindow:
		return 0, io.EOF
	}
	n := min(int64(len(p)), world.BodyWindow-b.sent%world.BodyWindow)
	clear(p[:n])
	b.sent += n
	return int(n), nil
}

func TestSlowClientsLoseTheirConnectionInBothWorlds(t *testing.T) {
	for name, play := range map[string]func(*testing.T, Config, func(*lab)){"sim": run, "loopback": runOnLoopback} {
		config := pool(t, "a")
		config.ClientHeaderTimeout, config.ClientBodyTimeout = 300*time.Millisecond, 300*time.Millisecond
		play(t, config, func(l *lab) {
			dial := func() world.HTTPConn {
				conn, err := l.user.DialHTTP(l.ctx, "172.16.12.1:8080")
				if err != nil {
					l.Fatal(err)
				}
				return conn
			}
			silent := dial()
			l.sleep(time.Second)
			l.want(name+": a connection that asked for nothing lives", silent.Alive(), false)
			for _, row := range []struct {
				pause time.Duration
				want  world.Outcome
			}{{10 * time.Millisecond, world.OK}, {2 * time.Second, world.Closed}} {
				body := &slowBody{pause: func() { l.sleep(row.pause) }}
				r, _ := http.NewRequest("POST", "http://a/", body)
				r.ContentLength = 2 * world.BodyWindow
				_, err := dial().RoundTrip(l.ctx, r)
				got := world.OutcomeOf(err)
				if got == world.Reset {
					got = world.Closed // what was sent meanwhile was not read
				}
				l.want(name+": a body with a pause of "+row.pause.String(), got, row.want)
			}
		})
	}
}
