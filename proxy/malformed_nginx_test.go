package proxy

import (
	"encoding/hex"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sessionlab/lab/loopback/nginxtest"
)

// recordedSeries is the series of nginx whose behaviour is recorded.
const recordedSeries = "1.22"

// installed is the version of the nginx that is installed; see nginxtest.Installed.
func installed(t testing.TB) string {
	t.Helper()
	_, version := nginxtest.Installed(t, recordedSeries)
	return version
}

// startNginx starts nginx in front of a server, as the group jspserver, with more
// lines in its server block, and ends it with the test.
func startNginx(t testing.TB, server, lines string) (addr string) {
	t.Helper()
	program, _ := nginxtest.Installed(t, recordedSeries)
	dir, addr := t.TempDir(), nginxtest.FreeAddress(t)
	nginxtest.Start(t, program, dir, nginxtest.Main(dir)+fmt.Sprintf(`master_process off; events {}
http {
  access_log off; %s
  upstream jspserver { server %s; }
  server { listen %s; location / { proxy_pass http://jspserver; proxy_http_version 1.1; proxy_set_header Connection ""; }
    location /text { return 200 text; } location /page { error_page 404 /text; } %s }
}
`, nginxtest.Paths(dir), server, addr, lines), addr)
	return addr
}

var requests = flag.Int("requests", 1000, "how many random requests nginx and the front are both asked")

// TestRandomRequestsEndAsWithTheNginxThatIsInstalled asks both and compares.
func TestRandomRequestsEndAsWithTheNginxThatIsInstalled(t *testing.T) {
	installed(t)
	compareRandomRequests(t, nil, "")
}

func TestRandomRequestsGetThePagesThatTheyGetFromTheNginxThatIsInstalled(t *testing.T) {
	installed(t)
	compareRandomRequests(t, []ErrorPage{
		{Statuses: []int{400, 414, 494, 501}, URI: "/text"},
		{Statuses: []int{505}, URI: "/mirrored"},
		{Statuses: []int{405}, URI: "/text", Replace: FromLocation},
	}, "error_page 400 414 494 501 /text; error_page 505 /mirrored; error_page 405 = /text;")
}

func compareRandomRequests(t *testing.T, pages []ErrorPage, lines string) {
	draw := rand.New(rand.NewPCG(1, uint64(*requests)))
	underMirror(t, pages, func(front, server string) {
		nginx := startNginx(t, server, lines)
		for range *requests {
			s := shape{request: randomRequest(draw)}
			theirs := s.ask(t, nginx)
			if ours := s.ask(t, front); ours != theirs {
				t.Errorf("%q:\n       %s\nnginx  %s", s.request, ours, theirs)
			}
		}
	})
}

// randomRequest is a request of odd parts, with some bytes of it changed.
func randomRequest(draw *rand.Rand) string {
	one := func(of []string) string { return of[draw.IntN(len(of))] }
	request := one(oddMethods) + one(oddBlanks) + one(oddTargets) + one(oddBlanks) + one(oddVersions) + one(oddEnds)
	if draw.IntN(10) > 0 {
		request += "Host: a\r\n"
	}
	for range draw.IntN(4) {
		request += one(oddFields) + one(oddEnds)
	}
	for long := draw.IntN(8); long == 0; long = draw.IntN(2) { // about as much as the buffers take
		request += "L: " + strings.Repeat("x", []int{100, 1000, 5000, 8000, 8180 + draw.IntN(20)}[draw.IntN(5)]) + "\r\n"
	}
	request += "\r\n" + one(oddBodies)
	return changed(draw, request)
}

// changed is a text with some bytes of it changed.
func changed(draw *rand.Rand, text string) string {
	bytes := []byte(text)
	for draw.IntN(3) == 0 {
		at := draw.IntN(len(bytes))
		b := oddBytes[draw.IntN(len(oddBytes))]
		switch draw.IntN(3) {
		case 0:
			bytes[at] = b
		case 1:
			bytes = slices.Delete(bytes, at, at+1)
		default:
			bytes = slices.Insert(bytes, at, b)
		}
	}
	return string(bytes)
}

// What random requests are made of; the usual stands in them several times.
var (
	oddMethods = []string{"GET", "GET", "GET", "POST", "POST", "HEAD", "PUT", "OPTIONS", "TRACE", "A_B", "get", ""}
	oddBlanks  = []string{" ", " ", " ", " ", " ", "  ", "\t", ""}
	oddTargets = []string{"/", "/", "/x?y=%31", "//x", "/a/../b", "/../a", "/%2e%2e/a", "/%", "/a#b?c", "/.", "/a/.", "/..", "*", "http://b/x",
		"HTTP://b", "http://b?x", "/\xff", "/a b", "/%00", "/a;b=c", "/text", "/text", "/page", "/page?x", "/%C3%A4/%2F", "/a%20b/./c"}
	oddVersions = []string{"HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/1.10", "HTTP/0.9", "http/1.1", ""}
	oddEnds     = []string{"\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r", "\r\r\n", " \r\n"}
	oddFields   = []string{"X: y", "X:y", "X : y", "X:", ":", "X", "X_y: 1", "X(: 1", " X: 1", "X: \ty\t", "X: a  b", "Host: b", "Connection: close",
		"Connection: keep-alive", "connection: Keep-Alive, close", "Content-Length: 3", "Content-Length: 0", "content-length: 03", "Content-Length: x",
		"Transfer-Encoding: chunked", "transfer-encoding: Chunked", "Transfer-Encoding: gzip", "Expect: 100-continue", "Expect: 100-CONTINUE", "Expect: x",
		"TE: trailers", "Keep-Alive: 5", "Upgrade: x", "Cookie: a=b", "Cookie: c=d", "Authorization: x", "Range: bytes=0-1", "If-Range: x"}
	oddBodies = []string{"", "", "", "abc", "3\r\nabc\r\n0\r\n\r\n", "3;x\r\nabc\r\n0\r\n\r\n", "3\nabc\n0\n\n", "1\r\na\r\n2\r\nbc\r\n0\r\nX: y\r\n\r\n",
		"0\r\n\r\n", "x\r\n", "3\r\nabcd\r\n0\r\n\r\n", "03 \r\nabc\r\n0\t\r\n\r\n", "7FFFFFFFFFFFFFFF\r\n", "-1\r\n"}
	oddBytes = " \t\r\n\x00\x01\x7f\x80:;/%?#09Aa.-_,"
)

// TestRandomAnswersArePassedOnAsByTheNginxThatIsInstalled asks both and compares.
func TestRandomAnswersArePassedOnAsByTheNginxThatIsInstalled(t *testing.T) {
	installed(t)
	draw := rand.New(rand.NewPCG(2, uint64(*requests)))
	underForeign(t, 0, func(front, server string) {
		nginx := startNginx(t, server, "")
		for range *requests {
			answer := randomAnswer(draw)
			target := hex.EncodeToString([]byte(answer))
			theirs := askFor(t, nginx, target)
			if ours := askFor(t, front, target); ours != theirs {
				t.Errorf("%q:\n       %s\nnginx  %s", answer, ours, theirs)
			}
		}
	})
}

// A server's connection is used again after the same answers. Those that only its
// end ends take a while, so there are fewer.
func TestRandomAnswersLeaveTheConnectionAsWithTheNginxThatIsInstalled(t *testing.T) {
	installed(t)
	draw := rand.New(rand.NewPCG(3, uint64(*requests)))
	underForeign(t, 1, func(front, server string) {
		nginx := startNginx(t, server+"; keepalive 1", "")
		for range *requests / 20 {
			answer := randomAnswer(draw)
			target := "keep" + hex.EncodeToString([]byte(answer))
			theirs := askFor(t, nginx, target) + " " + askFor(t, nginx, "count")
			if ours := askFor(t, front, target) + " " + askFor(t, front, "count"); ours != theirs {
				t.Errorf("%q:\n       %s\nnginx  %s", answer, ours, theirs)
			}
		}
	})
}

func randomAnswer(draw *rand.Rand) string {
	one := func(of []string) string { return of[draw.IntN(len(of))] }
	answer := one(oddProtocols) + one(oddBlanks) + one(oddStatuses) + one(oddEnds)
	for range draw.IntN(4) {
		answer += one(oddLines) + one(oddEnds)
	}
	return changed(draw, answer+"\r\n"+one(oddBodies))
}

var (
	oddProtocols = []string{"HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/11.1", "HTTP/0.9", "HTTP/1", "HTTP/1.1111", "http/1.1", ""}
	oddStatuses  = []string{"200 OK", "200 OK", "200 OK", "200 OK", "200", "200 ", "200OK", "404 Not Found", "204 No Content", "304 Not Modified",
		"099 x", "100 Continue", "20", "2000", "2 0 0", "403.1 x", "500 x", "999 x", "302 Found", "abc"}
	oddLines = []string{"X: y", "X:y", "X : y", "X:", ":", "X", "X_y: 1", "X(: 1", " X: 1", "X: \ty\t", "X: a  b", "Connection: close", "Connection: keep-alive",
		"Content-Length: 3", "Content-Length: 0", "content-length: 03", "Content-Length: x", "Content-Length:", "Content-Length: 7", "Transfer-Encoding: chunked",
		"transfer-encoding: xChunkedx", "Transfer-Encoding: gzip", "Keep-Alive: 5", "Set-Cookie: a=b", "Set-Cookie: c=d", "Location: /x", "Server: x",
		"Date: x", "HTTP/1.1 200 OK", "Content-Type: a/b", "Refresh: 0; url=/x", "X-Accel-Buffering: no", "Content-Encoding: gzip", "ETag: x"}
)
