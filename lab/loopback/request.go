package loopback

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"sessionlab/lab/world"
)

// How long request line and header may be together. A connection has room for a
// head of usualHead, and makes more of it where a head is longer. What a server
// takes is for its handler to say.
const (
	usualHead = 16 << 10
	maxHead   = 1 << 20
)

// readStrictly is the world.RequestReader of a port whose server says nothing of
// its own.
func readStrictly(br *bufio.Reader) (req *http.Request, size int, err error) {
	req, size, err = readRequest(br)
	if req == nil {
		req = &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, URL: &url.URL{}, Header: http.Header{}}
	}
	return req, size, err
}

func readRequest(br *bufio.Reader) (req *http.Request, size int, err error) {
	head, err := peekHead(br)
	if err != nil {
		return nil, 0, err
	}
	size = len(head)
	hosts, lengths := headerLines(head, "Host"), headerLines(head, "Content-Length")
	req, err = http.ReadRequest(br)
	if err != nil {
		// net/http has no name for this error.
		if strings.HasPrefix(err.Error(), "unsupported transfer encoding") {
			return nil, size, &world.Malformed{Status: http.StatusNotImplemented, Why: err.Error()}
		}
		return nil, size, badRequest("%v", err)
	}
	if len(hosts) > 1 || len(hosts) == 0 && req.ProtoAtLeast(1, 1) {
		return nil, size, badRequest("%d Host headers", len(hosts)) // RFC 9112, 3.2
	}
	if len(lengths) > 1 {
		return nil, size, badRequest("%d Content-Length headers", len(lengths)) // RFC 9112, 6.3
	}
	if len(req.TransferEncoding) > 0 && len(lengths) > 0 {
		req.Header["Content-Length"] = lengths // net/http drops it; what it means is the server's to say
	}
	for name, values := range req.Header {
		if !isToken(name) {
			return nil, size, badRequest("header name %.40q", name)
		}
		for _, v := range values {
			if strings.ContainsFunc(v, isControl) {
				return nil, size, badRequest("header %s has a control character", name)
			}
		}
	}
	return req, size, nil
}

func badRequest(format string, args ...any) error {
	return &world.Malformed{Status: http.StatusBadRequest, Why: fmt.Sprintf(format, args...)}
}

// isToken reports that s is a name in the sense of RFC 9110, 5.6.2.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// peekHead waits for a whole head, judging the request line as soon as it is
// there, and leaves it in br. Empty lines before it are skipped (RFC 9112, 2.2).
// bufio.ErrBufferFull says that br is too short for it.
func peekHead(br *bufio.Reader) ([]byte, error) {
	lineSeen := false
	for want := 1; ; {
		if _, err := br.Peek(want); errors.Is(err, bufio.ErrBufferFull) && br.Size() >= maxHead {
			return nil, badRequest("head longer than %d bytes", maxHead)
		} else if err != nil {
			return nil, err
		}
		head, _ := br.Peek(br.Buffered())
		if blank := len(head) - len(bytes.TrimLeft(head, "\r\n")); blank > 0 && !lineSeen {
			_, _ = br.Discard(blank) // it is buffered
			continue
		}
		if line, _, ok := bytes.Cut(head, []byte("\n")); ok && !lineSeen {
			if err := checkRequestLine(line); err != nil {
				return nil, err
			}
			lineSeen = true
		}
		for _, end := range []string{"\n\r\n", "\n\n"} {
			if i := bytes.Index(head, []byte(end)); i >= 0 {
				return head[:i+len(end)], nil
			}
		}
		want = len(head) + 1
	}
}

func checkRequestLine(line []byte) error {
	words := strings.Split(strings.TrimSuffix(string(line), "\r"), " ")
	if len(words) != 3 || words[0] == "" || words[1] == "" {
		return badRequest("request line %.40q", line)
	}
	major, _, ok := http.ParseHTTPVersion(words[2])
	switch {
	case !ok || major == 0:
		return badRequest("request line %.40q", line)
	case major > 1:
		return &world.Malformed{Status: http.StatusHTTPVersionNotSupported, Why: "not HTTP/1"}
	}
	return nil
}

// headerLines are the values of the lines of a header.
func headerLines(head []byte, name string) (values []string) {
	for line := range bytes.Lines(head) {
		if n, v, ok := bytes.Cut(line, []byte(":")); ok && strings.EqualFold(string(n), name) {
			values = append(values, string(bytes.TrimSpace(v)))
		}
	}
	return values
}

func expectsContinue(req *http.Request) bool {
	return req.ProtoAtLeast(1, 1) && req.Body != http.NoBody && strings.EqualFold(req.Header.Get("Expect"), "100-continue")
}
