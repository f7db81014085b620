package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sessionlab/lab/loopback"
	"sessionlab/lab/world"
	"sessionlab/proxy/upstream"
)

// shape is what a client sends, and what becomes of it is a line of
// testdata/malformed.txt, as recorded from nginx 1.22.1. A request for /probe
// comes behind it: its answer tells that the connection has stayed open, unless
// the server must answer before any more comes.
type shape struct {
	name, request string
	atOnce        bool
}

const host = "Host: a\r\n"

func get(lines string) string  { return "GET / HTTP/1.1\r\n" + host + lines + "\r\n" }
func post(lines string) string { return "POST / HTTP/1.1\r\n" + host + lines }

var chunkedLine = "Transfer-Encoding: chunked\r\n"

var shapes = []shape{
	{name: "plain", request: get("")},
	{name: "HTTP/1.0", request: "GET / HTTP/1.0\r\n\r\n"},
	{name: "HTTP/1.0 kept alive", request: "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"},
	{name: "HTTP/1.0 with an empty Host", request: "GET / HTTP/1.0\r\nHost:\r\n\r\n"},
	{name: "HTTP/0.9", request: "GET /\r\n", atOnce: true},
	{name: "HTTP/0.9 with a blank", request: "GET / \r\n", atOnce: true},
	{name: "HTTP/0.9 with a bare LF", request: "GET /\n", atOnce: true},
	{name: "HTTP/0.9 POST", request: "POST /\r\n", atOnce: true},
	{name: "HTTP/0.9 HEAD", request: "HEAD /\r\n", atOnce: true},
	{name: "HTTP/0.9 for an absolute target", request: "GET http://a/x\r\n", atOnce: true},
	{name: "TLS hello", request: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", atOnce: true},
	{name: "random bytes", request: "\x9f\x00\xfe\x81\x03", atOnce: true},
	{name: "a lower-case method", request: "get / HTTP/1.1\r\n", atOnce: true},
	{name: "a method with a digit", request: "GET2 / HTTP/1.1\r\n", atOnce: true},
	{name: "a method with hyphen and underscore", request: "G-E_T / HTTP/1.1\r\n" + host + "\r\n"},
	{name: "no method", request: " / HTTP/1.1\r\n", atOnce: true},
	{name: "bare CR", request: "GET / HTTP/1.1\rHost: a\r\r", atOnce: true},
	{name: "bare CR in a field", request: "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", atOnce: true},
	{name: "two CRs at the end of a field", request: "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"},
	{name: "two CRs at the end of the request line", request: "GET / HTTP/1.1\r\r\n", atOnce: true},
	{name: "bare LFs", request: "GET / HTTP/1.1\nHost: a\n\n"},
	{name: "blank lines first", request: "\r\n\r\n\n" + get("")},
	{name: "2000 blank lines first", request: strings.Repeat("\r\n", 2000) + get("")},
	{name: "several blanks", request: "GET   /   HTTP/1.1\r\n" + host + "\r\n"},
	{name: "blanks behind the version", request: "GET / HTTP/1.1  \r\n" + host + "\r\n"},
	{name: "a tab behind the method", request: "GET\t/ HTTP/1.1\r\n", atOnce: true},
	{name: "a tab in the target", request: "GET /\tx HTTP/1.1\r\n", atOnce: true},
	{name: "a blank in the target", request: "GET /a b HTTP/1.1\r\n", atOnce: true},
	{name: "a control character in the target", request: "GET /\x01 HTTP/1.1\r\n", atOnce: true},
	{name: "DEL in the target", request: "GET /\x7f HTTP/1.1\r\n", atOnce: true},
	{name: "high bytes in the target", request: "GET /\xc3\xa4 HTTP/1.1\r\n" + host + "\r\n"},
	{name: "no slash", request: "GET x HTTP/1.1\r\n", atOnce: true},
	{name: "a star", request: "OPTIONS * HTTP/1.1\r\n", atOnce: true},
	{name: "PRI", request: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", atOnce: true},
	{name: "a broken escape", request: "GET /%zz HTTP/1.1\r\n" + host + "\r\n"},
	{name: "a zero byte, escaped", request: "GET /%00 HTTP/1.1\r\n" + host + "\r\n"},
	{name: "above the root", request: "GET /../x HTTP/1.1\r\n" + host + "\r\n"},
	{name: "an escape stays", request: "GET /%73et?x=%31 HTTP/1.1\r\n" + host + "\r\n"},
	{name: "two slashes", request: "GET //a//b HTTP/1.1\r\n" + host + "\r\n"},
	{name: "an absolute target", request: "GET http://b/x HTTP/1.1\r\n" + host + "\r\n"},
	{name: "an absolute target of another scheme", request: "GET ftp://b:21/x?y HTTP/1.1\r\n" + host + "\r\n"},
	{name: "an absolute target without a path", request: "GET http://b HTTP/1.1\r\n" + host + "\r\n"},
	{name: "an absolute target with arguments alone", request: "GET http://b?x=1 HTTP/1.1\r\n" + host + "\r\n"},
	{name: "an absolute target without a host", request: "GET http:///x HTTP/1.1\r\n", atOnce: true},
	{name: "an absolute target with an underscore", request: "GET http://b_c/ HTTP/1.1\r\n", atOnce: true},
	{name: "an absolute target with a user", request: "GET http://u@b/ HTTP/1.1\r\n", atOnce: true},
	{name: "a long request line", request: "GET /" + strings.Repeat("a", 60<<10) + " HTTP/1.1\r\n" + host + "\r\n", atOnce: true},
	{name: "a long method", request: strings.Repeat("A", 20<<10) + " / HTTP/1.1\r\n" + host + "\r\n", atOnce: true},
	{name: "a request line that fits", request: "GET /" + strings.Repeat("a", 8192-len("GET / HTTP/1.1\r\n")) + " HTTP/1.1\r\n" + host + "\r\n"},
	{name: "a request line that does not fit", request: "GET /" + strings.Repeat("a", 8193-len("GET / HTTP/1.1\r\n")) + " HTTP/1.1\r\n" + host + "\r\n", atOnce: true},
	{name: "a field that fits", request: get("X: " + strings.Repeat("a", 8192-len("X: \r\n")) + "\r\n")},
	{name: "a field that does not fit", request: get("X: "+strings.Repeat("a", 8193-len("X: \r\n"))) + "\r\n", atOnce: true},
	{name: "20 kB of fields", request: get(strings.Repeat("X: "+strings.Repeat("a", 1000)+"\r\n", 20))},
	{name: "40 kB of fields", request: get(strings.Repeat("X: "+strings.Repeat("a", 1000)+"\r\n", 40)), atOnce: true},
	{name: "version 2.0", request: "GET / HTTP/2.0\r\n", atOnce: true},
	{name: "version 1.2", request: "GET / HTTP/1.2\r\n" + host + "\r\n"},
	{name: "version 01.1", request: "GET / HTTP/01.1\r\n", atOnce: true},
	{name: "version 1.1 in lower case", request: "GET / http/1.1\r\n", atOnce: true},
	{name: "version 1.", request: "GET / HTTP/1.\r\n", atOnce: true},
	{name: "version 1.1000", request: "GET / HTTP/1.1000\r\n" + host + "\r\n"},
	{name: "version 1.x", request: "GET / HTTP/1.x\r\n", atOnce: true},
	{name: "no Host", request: "GET / HTTP/1.1\r\n\r\n"},
	{name: "an empty Host", request: "GET / HTTP/1.1\r\nHost:\r\n\r\n", atOnce: true},
	{name: "two Hosts", request: "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", atOnce: true},
	{name: "a slash in the Host", request: "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", atOnce: true},
	{name: "two dots in the Host", request: "GET / HTTP/1.1\r\nHost: a..b\r\n\r\n", atOnce: true},
	{name: "an address literal in the Host", request: "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"},
	{name: "a field without a colon", request: get("NoColon\r\n")},
	{name: "a field without a name", request: get(": x\r\n"), atOnce: true},
	{name: "a blank in a name", request: get("Bad Name: x\r\n"), atOnce: true},
	{name: "a blank behind a name", request: get("Content-Length : 3\r\n"), atOnce: true},
	{name: "an underscore in a name", request: get("X_y: 1\r\n")},
	{name: "a bracket in a name", request: get("X(y: 1\r\n")},
	{name: "a high byte in a name", request: get("X\xe4: 1\r\n")},
	{name: "a control character in a name", request: get("X\x01: 1\r\n"), atOnce: true},
	{name: "a control character in a value", request: get("X: a\x01b\r\n")},
	{name: "a zero byte in a value", request: get("X: a\x00b\r\n"), atOnce: true},
	{name: "a tab before a value", request: get("X:\ta\r\n")},
	{name: "blanks around a value", request: get("X:   a b  \r\n")},
	{name: "a folded line", request: get("X: a\r\n b\r\n"), atOnce: true},
	{name: "a folded line first", request: "GET / HTTP/1.1\r\n X: a\r\n", atOnce: true},
	{name: "one line twice", request: get("X: a\r\nX: b\r\n")},
	{name: "the client wants the end", request: get("Connection: close\r\n")},
	{name: "Connection with close in it", request: get("Connection: xclosed\r\n")},
	{name: "two Expects", request: get("Expect: x\r\nExpect: y\r\n"), atOnce: true},
	{name: "two Authorizations", request: get("Authorization: x\r\nAuthorization: x\r\n"), atOnce: true},
	{name: "an unknown Expect", request: get("Expect: x\r\n")},
	{name: "CONNECT", request: "CONNECT a:1 HTTP/1.1\r\n" + host + "\r\n"},
	{name: "CONNECT with a path", request: "CONNECT / HTTP/1.1\r\n" + host + "\r\n"},
	{name: "TRACE", request: "TRACE / HTTP/1.1\r\n" + host + "\r\n"},

	{name: "a body", request: post("Content-Length: 3\r\n\r\nabc")},
	{name: "a body of GET", request: get("Content-Length: 3\r\n") + "abc"},
	{name: "a length with a plus", request: post("Content-Length: +3\r\n\r\nabc")},
	{name: "a negative length", request: post("Content-Length: -1\r\n\r\n")},
	{name: "an empty length", request: post("Content-Length:\r\n\r\n")},
	{name: "a length that is no number", request: post("Content-Length: x\r\n\r\n")},
	{name: "a length in hex", request: post("Content-Length: 0x3\r\n\r\nabc")},
	{name: "a length of two words", request: post("Content-Length: 3 3\r\n\r\nabc")},
	{name: "a length with a comma", request: post("Content-Length: 3, 3\r\n\r\nabc")},
	{name: "a length of 2^63", request: post("Content-Length: 9223372036854775808\r\n\r\n")},
	{name: "two lengths", request: post("Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"), atOnce: true},
	{name: "one length twice", request: post("Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"), atOnce: true},
	{name: "length and coding", request: post("Content-Length: 3\r\n" + chunkedLine + "\r\n0\r\n\r\n")},
	{name: "coding and length", request: post(chunkedLine + "Content-Length: 3\r\n\r\n0\r\n\r\n")},
	{name: "chunks", request: post(chunkedLine + "\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")},
	{name: "chunks in HTTP/1.0", request: "POST / HTTP/1.0\r\n" + chunkedLine + "\r\n3\r\nabc\r\n0\r\n\r\n"},
	{name: "a tab before the coding", request: post("Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n")},
	{name: "a folded line before the coding", request: post("X: a\r\n b\r\n" + chunkedLine + "\r\n0\r\n\r\n"), atOnce: true},
	{name: "an unknown coding", request: post("Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n")},
	{name: "two codings", request: post("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")},
	{name: "identity", request: post("Transfer-Encoding: identity\r\n\r\n")},
	{name: "the coding in capitals", request: post("Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n")},
	{name: "the coding twice", request: post(chunkedLine + chunkedLine + "\r\n0\r\n\r\n"), atOnce: true},
	{name: "a vertical tab before the coding", request: post("Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n")},
	{name: "a blank behind the coding's name", request: post("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"), atOnce: true},
	{name: "an underscore in the coding's name", request: post("Transfer_Encoding: chunked\r\n\r\n")},
	{name: "chunks that end in LF", request: post(chunkedLine + "\r\n3\nabc\n0\n\n")},
	{name: "a chunk extension", request: post(chunkedLine + "\r\n3;x=y\r\nabc\r\n0;z\r\n\r\n")},
	{name: "a blank behind a size", request: post(chunkedLine + "\r\n3 \r\nabc\r\n0\t\r\n\r\n")},
	{name: "a blank before a size", request: post(chunkedLine + "\r\n 3\r\nabc\r\n0\r\n\r\n")},
	{name: "an extension of 100 kB", request: post(chunkedLine + "\r\n3;" + strings.Repeat("x", 100<<10) + "\r\nabc\r\n0\r\n\r\n")},
	{name: "a trailer", request: post(chunkedLine + "\r\n3\r\nabc\r\n0\r\nX: y\r\nZ\r\n\r\n")},
	{name: "a trailer of 100 kB", request: post(chunkedLine + "\r\n3\r\nabc\r\n0\r\nX: " + strings.Repeat("x", 100<<10) + "\r\n\r\n")},
	{name: "a size with leading zeros", request: post(chunkedLine + "\r\n00000000000000000003\r\nabc\r\n0000\r\n\r\n")},
	{name: "a size of 2^63-1", request: post(chunkedLine + "\r\n7FFFFFFFFFFFFFFF\r\nabc\r\n"), atOnce: true},
	{name: "a size of 2^64", request: post(chunkedLine + "\r\n10000000000000000\r\nabc\r\n"), atOnce: true},
	{name: "a size above client_max_body_size", request: post(chunkedLine + "\r\n200000\r\nabc\r\n"), atOnce: true},
	{name: "a size that is no number", request: post(chunkedLine + "\r\nxyz\r\nabc\r\n0\r\n\r\n"), atOnce: true},
	{name: "an empty size", request: post(chunkedLine + "\r\n\r\nabc\r\n0\r\n\r\n"), atOnce: true},
	{name: "a negative size", request: post(chunkedLine + "\r\n-3\r\nabc\r\n0\r\n\r\n"), atOnce: true},
	{name: "a size in hex with 0x", request: post(chunkedLine + "\r\n0x3\r\nabc\r\n0\r\n\r\n"), atOnce: true},
	{name: "a chunk longer than its size", request: post(chunkedLine + "\r\n3\r\nabcd\r\n0\r\n\r\n"), atOnce: true},
	{name: "a bare CR behind a size", request: post(chunkedLine + "\r\n3\rabc\r\n0\r\n\r\n"), atOnce: true},
	{name: "a request behind the last chunk", request: post(chunkedLine+"\r\n0\r\n\r\n") + get("")},
	{name: "100-continue", request: post("Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc")},
	{name: "100-continue without a body", request: get("Expect: 100-continue\r\n")},
	{name: "a body that nobody reads", request: "POST /text HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabc"},
	{name: "chunks that nobody reads", request: "POST /text HTTP/1.1\r\n" + host + chunkedLine + "\r\n3\r\nabc\r\n0\r\n\r\n"},
	{name: "a chunk that nobody reads and is none", request: "POST /text HTTP/1.1\r\n" + host + chunkedLine + "\r\nx\r\n", atOnce: true},
	{name: "a body that is asked for and not read", request: "POST /text HTTP/1.1\r\n" + host + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"},
	{name: "a body for a page that is missing", request: "POST /page HTTP/1.1\r\n" + host + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"},
	{name: "a broken chunk for a method that is refused", request: "TRACE / HTTP/1.1\r\n" + host + chunkedLine + "\r\nx\r\n", atOnce: true},
	{name: "two requests at once", request: get("") + "GET /2 HTTP/1.1\r\n" + host + "\r\n"},
	{name: "a request and garbage", request: get("") + "\x01\x02", atOnce: true},
}

const probe = "GET /probe HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n"

// mirror is a server that answers with the request as it has arrived.
func mirror(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s host=%s", r.Method, brief(r.RequestURI), r.Host)
	var names []string
	for name := range r.Header {
		if name != "Content-Length" && name != "Connection" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(w, " %s=%s", name, brief(fmt.Sprintf("%q", r.Header[name])))
	}
	if len(body) > 0 {
		fmt.Fprintf(w, " body=%q", body)
	}
}

func brief(s string) string {
	if len(s) > 60 {
		return fmt.Sprintf("%.20s...%d", s, len(s))
	}
	return s
}

// ask sends a shape and tells what comes back up to the end of the connection.
func (s shape) ask(t testing.TB, addr string) string {
	t.Helper()
	conn, err := net.Dial("tcp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	request := s.request
	if !s.atOnce {
		request += probe
	}
	_, _ = io.WriteString(conn, request) // a server that closes early is seen below
	answer, err := io.ReadAll(conn)
	told := outcomeOf(answer, strings.HasPrefix(s.request, "HEAD"))
	if err != nil {
		told += " " + err.Error()[strings.LastIndex(err.Error(), ": ")+2:]
	}
	return told
}

// outcomeOf tells of every answer the status and the body, unless it is the
// status' own page, and whether the probe was answered. The first may be one to
// HEAD.
func outcomeOf(answers []byte, head bool) string {
	var told []string
	in := bufio.NewReader(bytes.NewReader(answers))
	for {
		begin, err := in.Peek(5)
		if len(begin) == 0 && err != nil {
			return strings.Join(append(told, "closed"), ", ")
		}
		if string(begin) != "HTTP/" {
			text, _ := io.ReadAll(in)
			return strings.Join(append(told, "bare: "+page(string(text)), "closed"), ", ")
		}
		method := http.MethodGet
		if head && (len(told) == 0 || told[0] == "100" && len(told) == 1) {
			method = http.MethodHead
		}
		resp, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			return strings.Join(append(told, fmt.Sprintf("unreadable: %q", answers)), ", ")
		}
		body, err := io.ReadAll(resp.Body)
		what := resp.Status[:3]
		if own := page(string(body)); own != what && len(body) > 0 {
			what += " " + own
		}
		if err != nil {
			what += " cut"
		}
		if strings.Contains(string(body), "/probe host=") {
			return strings.Join(append(told, "open"), ", ")
		}
		if resp.Close && resp.StatusCode >= 200 {
			what += " last"
		}
		told = append(told, what)
	}
}

// page is the status of one of nginx's own pages, or the text as it is.
func page(text string) string {
	if _, rest, ok := strings.Cut(text, "<title>"); ok {
		title, _, _ := strings.Cut(rest, "</title>")
		if title == "400 Request Header Or Cookie Too Large" {
			return title
		}
		return title[:3]
	}
	return text
}

const malformedFile = "testdata/malformed.txt"

// underMirror runs the story with a front and the real addresses of it and of
// the server behind it. Pages are those of its server block.
func underMirror(t *testing.T, pages []ErrorPage, story func(front, server string)) {
	underMirrorOf(t, func(s *Server) { s.ErrorPages = pages }, story)
}

// underMirrorOf is underMirror with a server block that set has changed.
func underMirrorOf(t *testing.T, set func(*Server), story func(front, server string)) {
	config := pool(t, "a")
	behind, err := upstream.ParseServer(mirrorAddr)
	if err != nil {
		t.Fatal(err)
	}
	config.Upstreams[0].Servers = []upstream.Server{behind}
	config.Servers[0].Locations = append(config.Servers[0].Locations,
		Location{Path: "/text", Return: &Return{Status: 200, Text: "text"}},
		Location{Path: "/page", Settings: Settings{ErrorPages: []ErrorPage{{Statuses: []int{404}, URI: "/text"}}}})
	set(&config.Servers[0])
	w, err := loopback.New(loopback.Config{Seed: 1, Offset: loopback.Probe})
	if err != nil {
		t.Fatal(err)
	}
	runIn(t, w, config, func(l *lab) {
		if _, err := l.nodes["a"].host.Serve(9090, http.HandlerFunc(mirror), world.ServeOptions{}); err != nil {
			t.Fatal(err)
		}
		story(w.URL("172.16.12.1:8080"), w.URL(mirrorAddr))
	})
}

const mirrorAddr = "172.16.12.101:9090"

func shapeNames() (names []string) {
	for _, s := range shapes {
		names = append(names, s.name)
	}
	return names
}

func TestMalformedShapesEndAsWithNginx(t *testing.T) {
	underMirror(t, nil, func(front, _ string) {
		asNginx(t, malformedFile, shapeNames(), func(i int) string { return shapes[i].ask(t, front) })
	})
}

// TestMalformedShapesAreRecordedFromNginx asks the nginx that is installed.
func TestMalformedShapesAreRecordedFromNginx(t *testing.T) {
	version := installed(t)
	underMirror(t, nil, func(_, server string) {
		addr := startNginx(t, server, "")
		fromNginx(t, version, malformedFile, "the shapes in malformed_test.go", shapeNames(), func(i int) string { return shapes[i].ask(t, addr) })
	})
}
