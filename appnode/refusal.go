package appnode

import (
	"fmt"
	"net/http"
	"strings"
)

// rule is the rule by which the connector refuses a request, "" if it takes it.
// decoded says whether its path could be decoded.
func (n *Node) rule(hr *http.Request, decoded bool) string {
	for i := range len(hr.RequestURI) {
		if c := hr.RequestURI[i]; neverInTarget[c] {
			return fmt.Sprintf("the target %q has the character %q, which must be written as %%%02X", hr.RequestURI, rune(c), c)
		}
	}
	size := headSize(hr, n.cfg.MaxHTTPHeaderSize)
	switch {
	case size > n.cfg.MaxHTTPHeaderSize:
		return fmt.Sprintf("Request header is too large: request line and header have %d bytes, maxHttpHeaderSize is %d", size, n.cfg.MaxHTTPHeaderSize)
	case !decoded:
		return fmt.Sprintf("the path %q has an escape that is wrong or forbidden (of a slash, a backslash or a zero), or climbs above the root", hr.URL.EscapedPath())
	case !n.cfg.Release.UnderscoreHost && strings.IndexByte(hr.Host, '_') >= 0:
		return fmt.Sprintf("the Host header %q has an underscore, which is never valid in a domain name (Tomcat 8.5 and later)", hr.Host)
	}
	return ""
}

// headSize is how many bytes the request line and the header lines of a request
// have, up to and with the blank line. The lab's own lines do not count; they are
// looked for only where the size would be above limit with them.
// Source: Tomcat Http11InputBuffer.java, parseHeaders and fill.
func headSize(hr *http.Request, limit int) int {
	size := len(hr.Method) + len(hr.RequestURI) + len("  HTTP/1.1\r\nHost: \r\n\r\n") + len(hr.Host)
	for name, values := range hr.Header {
		for _, v := range values {
			size += headerLine(name, v)
		}
	}
	if size <= limit {
		return size
	}
	for _, name := range [...]string{RequestHeader, WriteHeader} {
		for _, v := range hr.Header[name] {
			size -= headerLine(name, v)
		}
	}
	return size
}

func headerLine(name, value string) int { return len(name) + len(": \r\n") + len(value) }

// neverInTarget are the characters that a target must not have as they are.
// Source: Tomcat HttpParser.java, IS_NOT_REQUEST_TARGET; none is relaxed by
// default (relaxedPathChars, relaxedQueryChars).
var neverInTarget = func() (set [256]bool) {
	for c := range set {
		set[c] = c <= ' ' || c >= 0x7f || strings.IndexByte("\"#<>\\^`{|}", byte(c)) >= 0
	}
	return set
}()

// refuse answers with 400 by a rule of the connector.
// Source: Tomcat CoyoteAdapter.java, postParseRequest; Http11Processor.java,
// service and prepareRequest.
func (r *Request) refuse(rule string) {
	r.note.Refused, r.note.Status = rule, http.StatusBadRequest
	r.note.Host = r.http.Host
	r.tell()
	r.response.closing = true
	r.sendError(http.StatusBadRequest, "", nil)
}

// refuse answers what is no request.
// Source: Tomcat Http11Processor.java, service, prepareRequest.
func (n *Node) refuse(w http.ResponseWriter, hr *http.Request, status int) {
	r := &Request{node: n}
	r.identity.Request = first(hr.Header[RequestHeader])
	r.note.Refused, r.note.Status = "what came is no well-formed request", status
	r.response.begin(w, &n.cfg)
	r.tell()
	r.sendError(status, "", nil)
	r.response.closing = true
	r.response.finish()
}
