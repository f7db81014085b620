package proxy

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sessionlab/lab/loopback"
	"sessionlab/lab/world"
	"sessionlab/proxy/upstream"
)

// form is what a foreign server sends, byte by byte; then it closes. What becomes
// of it is a line of testdata/answers.txt.
type form struct{ name, answer string }

func ok(lines string) string { return "HTTP/1.1 200 OK\r\n" + lines }

var forms = []form{
	{"plain", ok("Content-Length: 2\r\n\r\nhi")},
	{"up to the end", ok("\r\nhi")},
	{"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nhi"},
	{"HTTP/2.0", "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"},
	{"HTTP/1.5", "HTTP/1.5 200 OK\r\nContent-Length: 2\r\n\r\nhi"},
	{"nothing", ""},
	{"an H", "H"},
	{"half a status line", "HTTP/1.1 200 OK"},
	{"half a header", ok("X: y\r\n")},
	{"a text", "hello"},
	{"a blank line first", "\r\n" + ok("Content-Length: 2\r\n\r\nhi")},
	{"HTTP/0.1", "HTTP/0.1 200 OK\r\n\r\nhi"},
	{"a word for a status", "HTTP/1.1 abc\r\n\r\nhi"},
	{"two digits", "HTTP/1.1 20\r\n\r\nhi"},
	{"four digits", "HTTP/1.1 2000 OK\r\n\r\nhi"},
	{"no blank behind the status", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi"},
	{"a blank and no reason", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nhi"},
	{"several blanks", "HTTP/1.1   200   OK\r\nContent-Length: 2\r\n\r\nhi"},
	{"a status with a part", "HTTP/1.1 403.1 Forbidden\r\nContent-Length: 2\r\n\r\nhi"},
	{"bare LFs", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi"},
	{"bare CR", "HTTP/1.1 200 OK\rX: y\r\n\r\nhi"},
	{"status 099", "HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nhi"},
	{"status 000", "HTTP/1.1 000 Odd\r\nContent-Length: 2\r\n\r\nhi"},
	{"status 999", "HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nhi"},
	{"status 100", "HTTP/1.1 100 Continue\r\n\r\n" + ok("Content-Length: 2\r\n\r\nhi")},
	{"status 103", "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" + ok("Content-Length: 2\r\n\r\nhi")},
	{"status 204 with a body", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nhi"},
	{"status 204", "HTTP/1.1 204 No Content\r\n\r\n"},
	{"status 304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n"},
	{"a field without a colon", ok("NoColon\r\nContent-Length: 2\r\n\r\nhi")},
	{"a field without a name", ok(": x\r\nContent-Length: 2\r\n\r\nhi")},
	{"a blank in a name", ok("Bad Name: x\r\nContent-Length: 2\r\n\r\nhi")},
	{"an underscore in a name", ok("X_y: x\r\nContent-Length: 2\r\n\r\nhi")},
	{"a bracket in a name", ok("X(y: x\r\nContent-Length: 2\r\n\r\nhi")},
	{"a folded line", ok("X: y\r\n z\r\nContent-Length: 2\r\n\r\nhi")},
	{"a tab before a value", ok("X:\ty\r\nContent-Length: 2\r\n\r\nhi")},
	{"a zero byte in a value", ok("X: a\x00b\r\nContent-Length: 2\r\n\r\nhi")},
	{"a control character in a value", ok("X: a\x01b\r\nContent-Length: 2\r\n\r\nhi")},
	{"a status line twice", ok("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")},
	{"a head above the buffer", ok("X: " + strings.Repeat("a", 4096) + "\r\nContent-Length: 2\r\n\r\nhi")},
	{"a head that just fits", ok("X: " + strings.Repeat("a", 4096-len(ok("X: \r\n\r\n"))) + "\r\n\r\n")},
	{"a head that just does not", ok("X: " + strings.Repeat("a", 4097-len(ok("X: \r\n\r\n"))) + "\r\n\r\n")},
	{"an empty value", ok("X:\r\nContent-Length: 2\r\n\r\nhi")},
	{"a negative length", ok("Content-Length: -1\r\n\r\nhi")},
	{"a length that is no number", ok("Content-Length: x\r\n\r\nhi")},
	{"an empty length", ok("Content-Length:\r\n\r\nhi")},
	{"two lengths", ok("Content-Length: 1\r\nContent-Length: 2\r\n\r\nhi")},
	{"a body too short", ok("Content-Length: 10\r\n\r\nhi")},
	{"a body too long", ok("Content-Length: 1\r\n\r\nhi")},
	{"length 0 and a body", ok("Content-Length: 0\r\n\r\nhi")},
	{"chunks", ok("Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")},
	{"chunks and a length", ok("Transfer-Encoding: chunked\r\nContent-Length: 10\r\n\r\n2\r\nhi\r\n0\r\n\r\n")},
	{"chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"},
	{"chunks that end in LF", ok("Transfer-Encoding: chunked\r\n\r\n2\nhi\n0\n\n")},
	{"chunks with extension and trailer", ok("Transfer-Encoding: chunked\r\n\r\n2;x\r\nhi\r\n0\r\nX: y\r\n\r\n")},
	{"a chunk of half", ok("Transfer-Encoding: chunked\r\n\r\n4\r\nhi")},
	{"no last chunk", ok("Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")},
	{"a first chunk that is none", ok("Transfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n0\r\n\r\n")},
	{"a second chunk that is none", ok("Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nzz\r\n\r\n")},
	{"two codings", ok("Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")},
	{"an unknown coding", ok("Transfer-Encoding: gzip\r\n\r\nhi")},
	{"the end is said", ok("Connection: close\r\nContent-Length: 2\r\n\r\nhi")},
	{"a large body", ok("Content-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000))},
}

const foreignAddr = "172.16.12.101:9091"

// underForeign runs the story with a front before a server that sends one of the
// forms, or the bytes that the target has in hex, and the real addresses of both.
// With keepalive the front keeps a connection to it.
func underForeign(t *testing.T, keepalive int, story func(front, server string)) {
	patient := map[string]string{}
	if !*record {
		patient = recorded(t, keptFile)
	}
	config := pool(t, "a")
	config.Upstreams[0].Keepalive = keepalive
	config.Servers[0].SetHeaders = []Header{{Name: "Connection"}}
	behind, err := upstream.ParseServer(foreignAddr)
	if err != nil {
		t.Fatal(err)
	}
	config.Upstreams[0].Servers = []upstream.Server{behind}
	config.HTTPVersion = "1.1"
	w, err := loopback.New(loopback.Config{Seed: 1, Offset: loopback.Probe})
	if err != nil {
		t.Fatal(err)
	}
	runIn(t, w, config, func(l *lab) {
		host := l.nodes["a"].host
		listener, err := host.Listen(9091)
		if err != nil {
			t.Fatal(err)
		}
		host.Go("foreign server", func(ctx context.Context) {
			for {
				s, err := listener.Accept(ctx)
				if err != nil {
					return
				}
				host.Go("connection", func(ctx context.Context) { sendForm(ctx, host, s, patient) })
			}
		})
		story(w.URL("172.16.12.1:8080"), w.URL(foreignAddr))
	})
}

// sendForm reads requests and sends the forms that they ask for. It closes behind
// them, unless they are asked for as /keep...: then it waits for another request,
// and not long where nobody but the server can tell the end of the answer. /count
// asks the how manieth request of its connection it is, and is the last.
func sendForm(ctx context.Context, host world.Host, s world.Stream, patient map[string]string) {
	defer s.Close()
	wait := 5 * time.Second
	for count, kept := 1, true; kept; count++ {
		target := readTarget(ctx, host, s, wait)
		wait = 50 * time.Millisecond
		if target == "count" {
			_ = s.Write(ctx, world.Label{}, fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n%d", count))
			return
		}
		target, kept = strings.CutPrefix(target, "keep")
		answer, err := hex.DecodeString(target)
		if number, isForm := strings.CutPrefix(target, "form"); isForm {
			n, _ := strconv.Atoi(number)
			answer, err = []byte(forms[n].answer), nil
			if patient[forms[n].name] == "kept" {
				wait = 5 * time.Second
			}
		}
		if err != nil || len(answer) == 0 || s.Write(ctx, world.Label{}, answer) != nil {
			return
		}
	}
}

// readTarget reads a request and returns its target without the slash, "" if none
// comes in time.
func readTarget(ctx context.Context, host world.Host, s world.Stream, wait time.Duration) (target string) {
	ctx, cancel := host.WithTimeout(ctx, wait)
	defer cancel()
	request := make([]byte, 0, 4096)
	for !strings.Contains(string(request), "\r\n\r\n") {
		n, err := s.Read(ctx, request[len(request):cap(request)])
		if err != nil {
			return ""
		}
		request = request[:len(request)+n]
	}
	_, _ = fmt.Sscanf(string(request), "GET /%s ", &target) // what is no target asks for nothing
	return target
}

// askFor asks for an answer and tells what comes back, heads without what every
// answer has.
func askFor(t testing.TB, addr, target string) string {
	t.Helper()
	conn, err := net.Dial("tcp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", target)
	answer, err := io.ReadAll(conn)
	told := strings.NewReplacer("\r\n\r\n", " | ", "\r\n", " ; ").Replace(withoutUsual(string(answer)))
	if len(told) > 200 {
		told = fmt.Sprintf("%.100s...%d", told, len(told))
	}
	if err != nil {
		told += " " + err.Error()
	}
	return fmt.Sprintf("%q", told)
}

// withoutUsual leaves the date out of a head, and brings its lines into order.
func withoutUsual(answer string) string {
	if !strings.HasPrefix(answer, "HTTP/1.1 ") {
		return answer
	}
	head, body, _ := strings.Cut(answer, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	kept := lines[:1:1]
	for _, line := range lines[1:] {
		name, _, _ := strings.Cut(line, ":") // package wire has them in Go's form
		line = strings.ToLower(name) + line[len(name):]
		if !strings.HasPrefix(line, "date: ") && !strings.HasPrefix(line, "server: ") {
			kept = append(kept, line)
		}
	}
	slices.Sort(kept[1:])
	return strings.Join(kept, "\r\n") + "\r\n\r\n" + page(body)
}

const (
	answersFile = "testdata/answers.txt"
	keptFile    = "testdata/kept.txt"
)

// passedOn is what becomes of the nth form.
func passedOn(t testing.TB, addr string, n int) string { return askFor(t, addr, fmt.Sprint("form", n)) }

// keptBehind is whether the next request goes over the connection that has brought
// the nth form.
func keptBehind(t testing.TB, addr string, n int) string {
	askFor(t, addr, fmt.Sprint("keepform", n))
	if strings.HasSuffix(askFor(t, addr, "count"), ` | 2"`) {
		return "kept"
	}
	return "closed"
}

func TestFormsOfAnswersArePassedOnAsByNginx(t *testing.T) {
	asRecorded(t, answersFile, 0, passedOn)
}

func TestTheServersConnectionIsKeptBehindTheFormsAsByNginx(t *testing.T) {
	asRecorded(t, keptFile, 1, keptBehind)
}

func formNames() (names []string) {
	for _, f := range forms {
		names = append(names, f.name)
	}
	return names
}

func asRecorded(t *testing.T, file string, keepalive int, outcome func(t testing.TB, addr string, n int) string) {
	underForeign(t, keepalive, func(front, _ string) {
		asNginx(t, file, formNames(), func(i int) string { return outcome(t, front, i) })
	})
}

// These ask the nginx that is installed.
func TestFormsOfAnswersAreRecordedFromNginx(t *testing.T) {
	recordForms(t, answersFile, 0, "", passedOn)
}

func TestKeptConnectionsAreRecordedFromNginx(t *testing.T) {
	recordForms(t, keptFile, 1, "; keepalive 1", keptBehind)
}

func recordForms(t *testing.T, file string, keepalive int, more string, outcome func(t testing.TB, addr string, n int) string) {
	version := installed(t)
	underForeign(t, keepalive, func(_, server string) {
		addr := startNginx(t, server+more, "")
		fromNginx(t, version, file, "the forms in answers_test.go", formNames(), func(i int) string { return outcome(t, addr, i) })
	})
}
