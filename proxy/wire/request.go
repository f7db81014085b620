package wire

import (
	"bufio"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"sessionlab/lab/world"
)

// head reads the head of a request.
type head struct {
	*input
	rules Rules
	room  room
	known bool // which host the request is for
}

// isFor says which host the request is for.
//
// Source: nginx ngx_http_request.c, ngx_http_set_virtual_server.
func (s *head) isFor(host string) {
	s.known = true
	if s.rules.BuffersOf != nil {
		s.room.Buffers = s.rules.BuffersOf(host).orDefault()
	}
}

// ReadRequest is a world.RequestReader: a client's request as nginx reads it.
//
// Source: nginx ngx_http_request.c, ngx_http_process_request_line and
// ngx_http_process_request_headers.
func (rules Rules) ReadRequest(in *bufio.Reader) (r *http.Request, size int, err error) {
	s := &head{input: &input{in: in}, rules: rules}
	s.room = room{input: s.input, Buffers: rules.Buffers.orDefault(), status: http.StatusRequestURITooLong}
	s.room.end = s.room.First
	s.fits = s.room.fits
	var l requestLine
	err = s.readRequestLine(&l)
	r = &http.Request{
		Method: l.method, RequestURI: l.uri(), URL: &url.URL{},
		Proto: "HTTP/" + strconv.Itoa(l.major) + "." + strconv.Itoa(l.minor), ProtoMajor: l.major, ProtoMinor: l.minor,
		Header: http.Header{}, Body: http.NoBody, Close: true,
	}
	r.URL.Path, r.URL.RawQuery, _ = strings.Cut(l.target, "?")
	if path := l.path(); err == nil && rules.Path != nil && strings.HasPrefix(path, "/") && !rules.Path(path) {
		err = bad("invalid request")
	}
	if err == nil && l.absolute && !validHost(l.host) {
		err = bad("invalid host in request line")
	}
	if err != nil || l.major == 0 {
		return r, s.size, err
	}
	if l.absolute {
		s.isFor(l.host)
	}
	c := connectionDefault
	if err = s.readHeader(r, &c); err == nil {
		err = rules.frame(r, in)
	}
	r.Close = c == connectionClose || c == connectionDefault && !r.ProtoAtLeast(1, 1)
	return r, s.size, err
}

// connection is what a request says of its connection.
type connection uint8

const (
	connectionDefault connection = iota
	connectionClose
	connectionKeep
)

// once are the lines of which a request has one at most.
//
// Source: nginx ngx_http_request.c, ngx_http_headers_in.
var once = map[string]bool{
	"If-Modified-Since": true, "If-Unmodified-Since": true, "If-Match": true, "If-None-Match": true,
	"Content-Length": true, "Content-Range": true, "If-Range": true, "Transfer-Encoding": true,
	"Expect": true, "Authorization": true,
}

// readHeader reads the lines up to the blank one.
func (s *head) readHeader(r *http.Request, c *connection) error {
	hosts := 0
	for {
		s.room.newLine(494) // NGX_HTTP_REQUEST_HEADER_TOO_LARGE
		f, last, err := readField(s.input, false)
		switch {
		case err != nil:
			return err
		case last && hosts == 0 && r.ProtoAtLeast(1, 1):
			return bad("no Host header")
		case last:
			return nil
		}
		name := textproto.CanonicalMIMEHeaderKey(f.name)
		switch {
		case name == "Host":
			if hosts++; hosts > 1 {
				return bad("duplicate Host header")
			}
			if r.Host = f.value; !validHost(f.value) {
				return bad("invalid Host header")
			}
			if !s.known {
				s.isFor(f.value)
			}
			continue
		case once[name] && r.Header[name] != nil:
			return bad("duplicate header line")
		case name == "Connection":
			switch value := strings.ToLower(f.value); {
			case strings.Contains(value, "close"):
				*c = connectionClose
			case strings.Contains(value, "keep-alive"):
				*c = connectionKeep
			}
		}
		r.Header[name] = append(r.Header[name], f.value)
	}
}

// validHost reports whether a request may have such a Host.
//
// Source: nginx ngx_http_request.c, ngx_http_validate_host.
func validHost(host string) bool {
	end, literal, rest := len(host), false, false
	dot := -2
	for i := range len(host) {
		switch c := host[i]; {
		case c == '.':
			if dot == i-1 {
				return false
			}
			dot = i
		case c == ':' && !literal && !rest:
			end, rest = i, true
		case c == '[' && i == 0:
			literal = true
		case c == ']' && literal:
			end, literal, rest = i+1, false, true
		case c <= ' ', c == 0x7f, c == '/':
			return false
		}
	}
	return end > 0 && !(end == 1 && dot == 0)
}

// frame finds where the body ends.
//
// Source: nginx ngx_http_request.c, ngx_http_process_request_header.
func (rules Rules) frame(r *http.Request, in *bufio.Reader) error {
	if length := r.Header["Content-Length"]; length != nil {
		n, ok := number(length[0])
		if !ok {
			return bad("invalid Content-Length header")
		}
		r.ContentLength = n
		if n > 0 {
			r.Body = &lengthBody{in: in, left: n}
		}
	}
	coding := r.Header["Transfer-Encoding"]
	switch {
	case coding == nil:
		if r.ContentLength == 0 && r.Header["Expect"] != nil {
			r.Body = &lengthBody{in: in} // nothing, but waited for
		}
		return nil
	case !r.ProtoAtLeast(1, 1):
		return bad("Transfer-Encoding in HTTP/1.0")
	case !strings.EqualFold(coding[0], "chunked"):
		return &world.Malformed{Status: http.StatusNotImplemented, Why: "unknown Transfer-Encoding"}
	case r.Header["Content-Length"] != nil:
		return bad("Content-Length and Transfer-Encoding at the same time")
	}
	delete(r.Header, "Transfer-Encoding")
	r.TransferEncoding, r.ContentLength = []string{"chunked"}, -1
	r.Body = rules.chunked(in)
	return nil
}

// number reads digits and nothing else.
//
// Source: nginx ngx_string.c, ngx_atoof.
func number(s string) (int64, bool) {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
