package loopback

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// encode is a request as bytes. Nothing is added that the caller did not ask
// for, except Host and the framing; the target leaves as it is written.
func encode(req *http.Request) ([]byte, error) {
	target, host := req.RequestURI, req.Host
	if target == "" {
		target = req.URL.RequestURI()
	}
	if host == "" {
		host = req.URL.Host
	}
	method, proto := req.Method, "HTTP/1.1"
	if method == "" {
		method = http.MethodGet
	}
	if req.Proto == "HTTP/1.0" {
		proto = req.Proto
	}
	for _, word := range []string{method, target, host} {
		if strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return nil, fmt.Errorf("%q has a blank or a control character", word)
		}
	}
	body, known, err := readBody(req)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s %s %s\r\nHost: %s\r\n", method, target, proto, host)
	if agent := req.Header["User-Agent"]; len(agent) > 0 && agent[0] != "" {
		fmt.Fprintf(&out, "User-Agent: %s\r\n", agent[0])
	}
	if req.Close && !hasToken(req.Header, "Connection", "close") {
		out.WriteString("Connection: close\r\n")
	}
	chunked := false
	switch {
	case len(body) > 0 && !known && proto == "HTTP/1.1": // there are no chunks in HTTP/1.0
		chunked = true
		out.WriteString("Transfer-Encoding: chunked\r\n")
	case len(body) > 0, method == http.MethodPost, method == http.MethodPut, method == http.MethodPatch:
		fmt.Fprintf(&out, "Content-Length: %d\r\n", len(body))
	}
	writeHeader(&out, req.Header, "Host", "User-Agent", "Content-Length", "Transfer-Encoding", "Trailer")
	out.WriteString("\r\n")
	if chunked {
		fmt.Fprintf(&out, "%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	} else {
		out.Write(body)
	}
	return out.Bytes(), nil
}

// readBody reads a request's body to its end; known reports whether its length
// was given.
func readBody(req *http.Request) (body []byte, known bool, err error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, true, nil
	}
	if req.ContentLength <= 0 {
		body, err = io.ReadAll(req.Body)
		return body, false, err
	}
	body = make([]byte, req.ContentLength)
	if n, err := io.ReadFull(req.Body, body); err != nil {
		return nil, true, fmt.Errorf("body of %d bytes, Content-Length %d: %w", n, req.ContentLength, err)
	}
	if n, _ := io.ReadFull(req.Body, make([]byte, 1)); n > 0 {
		return nil, true, errors.New("body longer than Content-Length " + strconv.FormatInt(req.ContentLength, 10))
	}
	return body, true, nil
}

// writeHeader writes the lines of a header in the order of their names, but
// those left out. A line break in a value is a blank.
func writeHeader(out *bytes.Buffer, h http.Header, without ...string) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if name == "" || strings.ContainsAny(name, "\r\n:") || slices.Contains(without, name) {
			continue
		}
		for _, v := range h[name] {
			out.WriteString(name)
			out.WriteString(": ")
			out.WriteString(lineBreaks.Replace(v))
			out.WriteString("\r\n")
		}
	}
}

var lineBreaks = strings.NewReplacer("\r", " ", "\n", " ")

// readAnswer is the world.AnswerReader of a client that says nothing of its own.
// Interim answers are passed over.
func readAnswer(br *bufio.Reader, req *http.Request) (*http.Response, error) {
	for {
		if bare, err := lacksHead(br); err != nil {
			return nil, err
		} else if bare {
			return withoutHead(br, req), nil
		}
		resp, err := http.ReadResponse(br, req)
		if err != nil {
			return nil, err
		}
		for name := range resp.Header {
			if strings.ContainsAny(name, " \t") {
				return nil, fmt.Errorf("header name %.40q", name)
			}
		}
		if resp.StatusCode/100 != 1 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, nil
		}
	}
}

// lacksHead reports whether what comes does not begin with a status line.
func lacksHead(br *bufio.Reader) (bool, error) {
	const begin = "HTTP/"
	for n := 1; n <= len(begin); n++ {
		p, err := br.Peek(n)
		switch {
		case err != nil:
			return false, err
		case string(p) != begin[:n]:
			return true, nil
		}
	}
	return false, nil
}

// withoutHead is an answer of HTTP/0.9.
func withoutHead(br *bufio.Reader, req *http.Request) *http.Response {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/0.9", ProtoMajor: 0, ProtoMinor: 9,
		Header: http.Header{}, Body: io.NopCloser(br), ContentLength: -1, Close: true, Request: req,
	}
}
