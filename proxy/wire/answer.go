package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"sessionlab/lab/world"
)

// AnswerReader returns the world.AnswerReader of a front whose buffer for a
// server's head has room for buffer bytes (proxy_buffer_size). Interim answers are
// answers to it, and a text without a status line is one of HTTP/0.9.
func (rules Rules) AnswerReader(buffer int) world.AnswerReader {
	return func(in *bufio.Reader, req *http.Request) (*http.Response, error) {
		return rules.readAnswer(in, req, buffer)
	}
}

var errNoStatusLine = errors.New("no status line")

// readAnswer reads the head of an answer.
//
// Source: nginx ngx_http_proxy_module.c, ngx_http_proxy_process_status_line and
// ngx_http_proxy_process_header.
func (rules Rules) readAnswer(in *bufio.Reader, req *http.Request, buffer int) (*http.Response, error) {
	s := &input{in: in}
	s.fits = func() error {
		if s.size >= buffer {
			return world.ErrBadHead
		}
		return nil
	}
	resp := &http.Response{Header: http.Header{}, ContentLength: -1, Request: req, Body: http.NoBody}
	read, err := readStatusLine(s, resp)
	if err == errNoStatusLine {
		resp.Status, resp.StatusCode = "200 OK", http.StatusOK
		resp.Proto, resp.ProtoMajor, resp.ProtoMinor = "HTTP/0.9", 0, 9
		resp.Close, resp.Body = true, io.NopCloser(io.MultiReader(bytes.NewReader(read), in))
		return resp, nil
	}
	if err != nil {
		return nil, err
	}
	for {
		f, last, err := readField(s, true)
		var malformed *world.Malformed
		switch {
		case errors.As(err, &malformed):
			return nil, world.ErrBadHead
		case err != nil:
			return nil, err
		case last:
			return resp, rules.frameAnswer(resp, in)
		}
		if !strings.ContainsFunc(f.name, hashed) {
			continue
		}
		name := textproto.CanonicalMIMEHeaderKey(f.name)
		if name == "Content-Type" {
			delete(resp.Header, name) // the last one counts
		}
		resp.Header[name] = append(resp.Header[name], f.value)
	}
}

// hashed reports whether a character counts in the hash of a name. A line whose
// name has the hash 0 is one that was taken out.
//
// Source: nginx ngx_http_parse.c, ngx_http_parse_header_line;
// ngx_http_header_filter_module.c, ngx_http_header_filter.
func hashed(c rune) bool { return c == '_' || c < 0x80 && inName(byte(c)) }

// readStatusLine reads the first line; read is what came of one that is none.
//
// Source: nginx ngx_http_parse.c, ngx_http_parse_status_line.
func readStatusLine(s *input, resp *http.Response) (read []byte, err error) {
	next := func() byte {
		if err != nil {
			return 0
		}
		var c byte
		if c, err = s.next(); err == nil {
			read = append(read, c)
		}
		return c
	}
	none := func() ([]byte, error) {
		if err != nil {
			return nil, err
		}
		return read, errNoStatusLine
	}
	for _, want := range []byte("HTTP/") {
		if next() != want {
			return none()
		}
	}
	c := next()
	if c == '0' {
		return none()
	}
	if resp.ProtoMajor, c = digits(c, next); c != '.' || resp.ProtoMajor < 0 {
		return none()
	}
	if resp.ProtoMinor, c = digits(next(), next); c != ' ' || resp.ProtoMinor < 0 {
		return none()
	}
	count := 0
	for count < 3 {
		c = next()
		switch {
		case c == ' ' && err == nil:
			continue
		case !isDigit(c):
			return none()
		}
		resp.StatusCode = resp.StatusCode*10 + int(c-'0')
		count++
	}
	start := len(read) - 3
	if c = next(); c != ' ' && c != '.' && c != '\r' && c != '\n' {
		return none()
	}
	for c != '\r' && c != '\n' {
		if c = next(); err != nil {
			return nil, err
		}
	}
	end := len(read) - 1
	if c == '\r' && next() != '\n' {
		return none()
	}
	resp.Status = string(read[start:end])
	resp.Proto = string(read[:bytes.IndexByte(read, ' ')])
	return nil, err
}

// digits reads a number of up to three digits that begins with c, and what stands
// behind it; n is below 0 if there is none.
func digits(c byte, next func() byte) (n int, after byte) {
	n = -1
	for isDigit(c) && n <= 99 {
		n = max(n, 0)*10 + int(c-'0')
		c = next()
	}
	return n, c
}

// frameAnswer finds where the body ends.
//
// Source: nginx ngx_http_upstream.c, ngx_http_upstream_process_content_length and
// its like; ngx_http_proxy_module.c, ngx_http_proxy_input_filter_init.
func (rules Rules) frameAnswer(resp *http.Response, in *bufio.Reader) error {
	lengths, codings := resp.Header["Content-Length"], resp.Header["Transfer-Encoding"]
	delete(resp.Header, "Transfer-Encoding")
	if len(lengths) > 0 {
		n, ok := number(lengths[len(lengths)-1])
		if ok {
			resp.ContentLength = n
		}
		if rules.StrictAnswers && (!ok || len(lengths) > 1 || len(codings) > 0) {
			return world.ErrBadHead
		}
	}
	if rules.StrictAnswers && (len(codings) > 1 || len(codings) == 1 && !strings.EqualFold(codings[0], "chunked")) {
		return world.ErrBadHead
	}
	for _, coding := range codings {
		if strings.Contains(strings.ToLower(coding), "chunked") {
			resp.TransferEncoding, resp.ContentLength = []string{"chunked"}, -1
		}
	}
	if resp.ContentLength < 0 {
		delete(resp.Header, "Content-Length")
	} else {
		resp.Header["Content-Length"] = []string{strconv.FormatInt(resp.ContentLength, 10)}
	}
	resp.Close = !resp.ProtoAtLeast(1, 1)
	for _, v := range resp.Header["Connection"] {
		resp.Close = resp.Close || strings.Contains(strings.ToLower(v), "close")
	}
	switch {
	case resp.StatusCode == http.StatusNoContent, resp.StatusCode == http.StatusNotModified,
		resp.Request != nil && resp.Request.Method == http.MethodHead:
	case resp.TransferEncoding != nil:
		resp.Body = rules.chunked(in)
	case resp.ContentLength > 0:
		resp.Body = &lengthBody{in: in, left: resp.ContentLength}
	case resp.ContentLength < 0:
		resp.Body = io.NopCloser(in)
	}
	return nil
}
