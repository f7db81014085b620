package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"sessionlab/lab/world"
)

// nginx122 and newest are the releases at both ends.
var (
	nginx122 Rules
	newest   = Rules{StrictAnswers: true, Authority: true, StrictChunks: true}
)

// tellRequest reads a request with its body and tells what it is, and what is left.
func tellRequest(rules Rules, in io.Reader) string {
	br := bufio.NewReader(in)
	r, _, err := rules.ReadRequest(br)
	if err != nil {
		return err.Error()
	}
	body, err := io.ReadAll(r.Body)
	told := fmt.Sprintf("%s %s %s host=%s", r.Method, r.RequestURI, r.Proto, r.Host)
	if r.Close {
		told += " close"
	}
	if errors.Is(err, world.ErrBadChunk) {
		return told + " " + err.Error() // how much is given out before depends on how it has arrived
	}
	if len(body) > 0 {
		told += fmt.Sprintf(" body=%q", body)
	}
	if err != nil {
		return told + " " + err.Error()
	}
	if rest, _ := io.ReadAll(br); len(rest) > 0 {
		told += fmt.Sprintf(" rest=%q", rest)
	}
	return told
}

func TestReleasesReadRequestsByTheirOwnRules(t *testing.T) {
	const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	badChunk := "POST / HTTP/1.1 host=a " + world.ErrBadChunk.Error()
	for _, row := range []struct{ name, request, old, new string }{
		{"the rest is left", "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2", `GET / HTTP/1.1 host=a rest="GET /2"`, ""},
		{"chunks", chunked + "1\r\na\r\n0\r\n\r\nx", `POST / HTTP/1.1 host=a body="a" rest="x"`, ""},
		{"an LF behind a size", chunked + "1\na\r\n0\r\n\r\n", `POST / HTTP/1.1 host=a body="a"`, badChunk},
		{"an LF behind an extension", chunked + "1;x\na\r\n0\r\n\r\n", `POST / HTTP/1.1 host=a body="a"`, badChunk},
		{"an LF behind a chunk", chunked + "1\r\na\n0\r\n\r\n", `POST / HTTP/1.1 host=a body="a"`, badChunk},
		{"an LF behind the last size", chunked + "0\n\r\n", `POST / HTTP/1.1 host=a`, badChunk},
		{"an LF behind a trailer", chunked + "0\r\nX: y\n\r\n", `POST / HTTP/1.1 host=a`, badChunk},
		{"an LF at the end", chunked + "0\r\n\n", `POST / HTTP/1.1 host=a`, badChunk},
		{"a size of 2^63-1", chunked + "7FFFFFFFFFFFFFFF\r\n", badChunk, ""},
		{"CONNECT with an authority", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", "400: invalid request", "CONNECT a:443 HTTP/1.1 host=a"},
		{"CONNECT without a port", "CONNECT a: HTTP/1.1\r\nHost: a\r\n\r\n", "400: invalid request", ""},
		{"CONNECT with a path", "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT / HTTP/1.1 host=a", "400: invalid request"},
		{"HTTP/0.9", "GET /\r\nHost: a\r\n\r\n", `GET / HTTP/0.9 host= close rest="Host: a\r\n\r\n"`, ""},
		{"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", `GET / HTTP/1.0 host= close`, ""},
		{"an absolute target", "GET GoPher://b:70?x HTTP/1.1\r\nHost: a\r\n\r\n", `GET http://b?x HTTP/1.1 host=a`, ""},
		{"a literal", "GET http://[::1]:80/ HTTP/1.1\r\nHost: a\r\n\r\n", `GET http://[::1]/ HTTP/1.1 host=a`, ""},
		{"an open literal", "GET http://[::1/ HTTP/1.1\r\nHost: a\r\n\r\n", `400: invalid request`, ""},
		{"the client leaves in the head", "GET / HTTP/1.1\r\nHost: a\r\n", io.EOF.Error(), ""},
		{"the client leaves in the body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab",
			`POST / HTTP/1.1 host=a body="ab" unexpected EOF`, ""},
	} {
		if row.new == "" {
			row.new = row.old
		}
		for _, rules := range []struct {
			Rules
			want string
		}{{nginx122, row.old}, {newest, row.new}} {
			for _, in := range []io.Reader{strings.NewReader(row.request), iotest.OneByteReader(strings.NewReader(row.request))} {
				if got := tellRequest(rules.Rules, in); got != rules.want {
					t.Errorf("%s, %+v:\n      %s\nwant  %s", row.name, rules.Rules, got, rules.want)
				}
			}
		}
	}
}

func TestReleasesReadAnswersByTheirOwnRules(t *testing.T) {
	bad := world.ErrBadHead.Error()
	for _, row := range []struct{ name, lines, old, new string }{
		{"a length", "Content-Length: 2\r\n\r\nhi!", `length 2 "hi"`, ""},
		{"none", "\r\nhi", `length -1 "hi"`, ""},
		{"chunks", "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", `length -1 "hi"`, ""},
		{"two lengths", "Content-Length: 1\r\nContent-Length: 2\r\n\r\nhi", `length 2 "hi"`, bad},
		{"no number", "Content-Length: -1\r\n\r\nhi", `length -1 "hi"`, bad},
		{"both", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", `length -1 "hi"`, bad},
		{"an unknown coding", "Transfer-Encoding: gzip\r\n\r\nhi", `length -1 "hi"`, bad},
		{"two codings", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", `length -1 "hi"`, bad},
		{"an LF behind a size", "Transfer-Encoding: chunked\r\n\r\n2\nhi\r\n0\r\n\r\n", `length -1 "hi"`, `length -1 "" ` + world.ErrBadChunk.Error()},
	} {
		if row.new == "" {
			row.new = row.old
		}
		for _, rules := range []struct {
			Rules
			want string
		}{{nginx122, row.old}, {newest, row.new}} {
			if got := tellAnswer(rules.Rules, strings.NewReader("HTTP/1.1 200 OK\r\n"+row.lines)); got != rules.want {
				t.Errorf("%s, %+v: %s, want %s", row.name, rules.Rules, got, rules.want)
			}
		}
	}
}

func tellAnswer(rules Rules, in io.Reader) string {
	resp, err := rules.AnswerReader(4096)(bufio.NewReader(in), &http.Request{Method: http.MethodGet})
	if err != nil {
		return err.Error()
	}
	body, err := io.ReadAll(resp.Body)
	told := fmt.Sprintf("length %d %q", resp.ContentLength, body)
	if err != nil {
		told += " " + err.Error()
	}
	return told
}

// A chunk is given out although the next one has only begun to arrive.
func TestAChunkDoesNotWaitForTheNext(t *testing.T) {
	arrived, more := io.Pipe()
	go func() { _, _ = more.Write([]byte("3\r\nabc\r\n1")) }()
	body := nginx122.chunked(bufio.NewReader(arrived))
	p := make([]byte, 100)
	if n, err := body.Read(p); string(p[:n]) != "abc" || err != nil {
		t.Errorf("Read = %q, %v, want abc", p[:n], err)
	}
	go func() { _, _ = more.Write([]byte("0;x\r\n0123456789abcdef\r\n0\r\n\r\n")) }()
	rest, err := io.ReadAll(body)
	if string(rest) != "0123456789abcdef" || err != nil {
		t.Errorf("the rest = %q, %v, want sixteen bytes and no error", rest, err)
	}
}

func TestALimitEndsABodyWhereTheDataOfAChunkBeginsThatIsTooLarge(t *testing.T) {
	for chunks, want := range map[string]error{
		"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n": nil,
		"3\r\nabc\r\n3\r\nd":               ErrTooLarge,
		"6\r\na":                           ErrTooLarge,
		"6\r\n":                            io.ErrUnexpectedEOF,
	} {
		body := nginx122.chunked(bufio.NewReader(strings.NewReader(chunks)))
		body.Limit(5)
		if _, err := io.ReadAll(body); err != want {
			t.Errorf("%q: %v, want %v", chunks, err, want)
		}
	}
}

func TestTheHeadOfARequestHasTheRoomThatBuffersGive(t *testing.T) {
	rules := Rules{Buffers: Buffers{First: 32, Large: 64, Count: 2}}
	line := func(n int) string { return "X: " + strings.Repeat("x", n-len("X: \r\n")) + "\r\n" }
	for _, row := range []struct{ name, request, want string }{
		{"all in the first", "GET / HTTP/1.0\r\nX: y\r\n\r\n", "GET / HTTP/1.0 host= close"},
		{"the request line in a large one", "GET /" + strings.Repeat("a", 64-len("GET / HTTP/1.0\r\n")) + " HTTP/1.0\r\n\r\n",
			"GET /" + strings.Repeat("a", 48) + " HTTP/1.0 host= close"},
		{"too long a request line", "GET /" + strings.Repeat("a", 65-len("GET / HTTP/1.0\r\n")) + " HTTP/1.0\r\n\r\n", "414: too long"},
		{"two large ones", "GET / HTTP/1.0\r\n" + line(62) + line(62) + "\r\n", "GET / HTTP/1.0 host= close"},
		{"no third", "GET / HTTP/1.0\r\n" + line(62) + line(62) + line(62) + "\r\n", "494: too long"},
		{"too long a line", "GET / HTTP/1.0\r\n" + line(65) + "\r\n", "494: too long"},
		{"blank lines take none", strings.Repeat("\r\n", 500) + "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0 host= close"},
	} {
		if got := tellRequest(rules, strings.NewReader(row.request)); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

func TestAPathIsAskedAboutBeforeTheHeader(t *testing.T) {
	var asked string
	rules := Rules{Path: func(path string) bool { asked = path; return false }}
	for target, want := range map[string]string{"/a%?b": "/a%", "http://a": "/", "http://a?b": "/", "/x#y?z": "/x"} {
		if got := tellRequest(rules, strings.NewReader("GET "+target+" HTTP/1.1\r\n")); got != "400: invalid request" || asked != want {
			t.Errorf("GET %s: %s, asked about %q, want 400 and %q", target, got, asked, want)
		}
	}
}

func FuzzReadRequest(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\n", "POST http://a/ HTTP/1.0\r\nX:\r\n\r\n", "CONNECT [::1]:1 HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n0\r\nX\r\n\r\n",
		"POST / HTTP/1.1\nHost: a\nContent-Length: 3\nExpect: 100-continue\n\nabc",
	} {
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, input []byte, new bool) {
		rules := nginx122
		if new {
			rules = newest
		}
		whole := tellRequest(rules, strings.NewReader(string(input)))
		if pieces := tellRequest(rules, iotest.OneByteReader(strings.NewReader(string(input)))); pieces != whole {
			t.Errorf("%q: byte by byte %s, at once %s", input, pieces, whole)
		}
		r, size, err := rules.ReadRequest(bufio.NewReader(strings.NewReader(string(input))))
		if r == nil || size > len(input) {
			t.Fatalf("%q: request %v of %d bytes, want one of %d at most", input, r, size, len(input))
		}
		var malformed *world.Malformed
		if err != nil {
			if !errors.As(err, &malformed) && err != io.EOF {
				t.Errorf("%q: error %v is neither a refusal nor the reader's", input, err)
			}
			return
		}
		if strings.ContainsAny(r.Method+r.RequestURI+r.Host, " \r\n\x00") || r.Method == "" || r.RequestURI == "" {
			t.Errorf("%q: read as %q %q for %q", input, r.Method, r.RequestURI, r.Host)
		}
		checkHeader(t, input, r.Header)
	})
}

func FuzzReadAnswer(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "a text", "HTTP/1.0 099\n\n", "HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK\r\nX_y:\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
	} {
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, input []byte, new bool) {
		rules := nginx122
		if new {
			rules = newest
		}
		resp, err := rules.AnswerReader(4096)(bufio.NewReader(strings.NewReader(string(input))), nil)
		if err != nil {
			if err != io.EOF && err != world.ErrBadHead {
				t.Errorf("%q: error %v is neither ErrBadHead nor the reader's", input, err)
			}
			return
		}
		if resp.StatusCode < 0 || resp.StatusCode > 999 || strings.ContainsAny(resp.Status, "\r\n") && resp.ProtoMajor > 0 {
			t.Errorf("%q: status %d %q", input, resp.StatusCode, resp.Status)
		}
		checkHeader(t, input, resp.Header)
		body, err := io.ReadAll(resp.Body)
		if resp.ProtoMajor == 0 && (string(body) != string(input) || err != nil) {
			t.Errorf("%q: as a text without a head %q, %v", input, body, err)
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: body ends with %v", input, err)
		}
	})
}

func checkHeader(t *testing.T, input []byte, header http.Header) {
	for name, values := range header {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || r == ':' }) {
			t.Errorf("%q: header name %q", input, name)
		}
		for _, v := range values {
			if strings.ContainsAny(v, "\r\n\x00") || strings.Trim(v, " ") != v {
				t.Errorf("%q: %s: %q", input, name, v)
			}
		}
	}
}

func TestTheHostOfARequestGivesTheRestOfItsHeadTheRoom(t *testing.T) {
	rules := Rules{Buffers: Buffers{First: 32, Large: 64, Count: 2}, BuffersOf: func(host string) Buffers {
		if host == "wide" {
			return Buffers{First: 1, Large: 128, Count: 3}
		}
		return Buffers{First: 512, Large: 16, Count: 2}
	}}
	field := "X: " + strings.Repeat("a", 90) + "\r\n"
	for _, c := range []struct {
		name, request string
		status        int // 0: it is taken
	}{
		{"a long field behind the name", "GET / HTTP/1.1\r\nHost: wide\r\n" + field + "\r\n", 0},
		{"a long field before it", "GET / HTTP/1.1\r\n" + field + "Host: wide\r\n\r\n", 494},
		{"a long line before it", "GET /" + strings.Repeat("a", 90) + " HTTP/1.1\r\nHost: wide\r\n\r\n", 414},
		{"the name in the target", "GET http://wide/ HTTP/1.1\r\n" + field + "Host: narrow\r\n" + field + "\r\n", 0},
		{"a field that only the default server takes", "GET / HTTP/1.1\r\nHost: narrow\r\nX: " + strings.Repeat("a", 40) + "\r\n\r\n", 494},
	} {
		_, _, err := rules.ReadRequest(bufio.NewReader(strings.NewReader(c.request)))
		got := 0
		var bad *world.Malformed
		if errors.As(err, &bad) {
			got = bad.Status
		}
		if got != c.status {
			t.Errorf("%s: got status %d (%v), want %d", c.name, got, err, c.status)
		}
	}
}
