package proxy

import (
	"maps"
	"slices"
	"strings"

	"sessionlab/lab/world"
	"sessionlab/proxy/wire"
)

// headerNames says which header names of clients are taken seriously; others are
// dropped without a word.
//
// Source: nginx ngx_http_parse.c, ngx_http_parse_header_line;
// ngx_http_core_module, ignore_invalid_headers and underscores_in_headers.
type headerNames struct{ underscores, all bool }

// headBuffers are what the head of a request is read into.
func (s *settings) headBuffers() wire.Buffers {
	return wire.Buffers{First: s.lineBuffer, Large: s.largeLines.Size, Count: s.largeLines.Count}
}

func headerNamesOf(s Settings) headerNames {
	return headerNames{underscores: s.Underscores == On, all: s.IgnoreInvalid == Off}
}

func (h headerNames) valid(name string) bool {
	if h.all {
		return true
	}
	for i := range len(name) {
		if !inName[name[i]] && !(h.underscores && name[i] == '_') {
			return false
		}
	}
	return true
}

// inName are the characters of a valid name: letters, digits and hyphens.
var inName = func() (set [256]bool) {
	for c := range set {
		b := byte(c)
		set[c] = b == '-' || '0' <= b && b <= '9' || 'a' <= b|0x20 && b|0x20 <= 'z'
	}
	return set
}()

// unique are the headers that must not come twice.
//
// Source: nginx ngx_http_request.c, ngx_http_headers_in.
var unique = namesOf("If-Modified-Since", "If-Unmodified-Since", "If-Match", "If-None-Match",
	"Content-Length", "Content-Range", "If-Range", "Transfer-Encoding", "Expect", "Authorization")

// fits reports 0 if the head of a request fits into the buffers for it, and
// holds no header twice that must not be there twice, else the error. A line that
// does not fit behind those before it begins another buffer, of the server that
// the request is for, if that is known. In which order the headers came is not
// known here: they are counted by name, behind Host.
//
// Source: nginx ngx_http_request.c, ngx_http_alloc_large_header_buffer,
// ngx_http_set_virtual_server.
func (x *exchange) fits() (status int) {
	if x.p.readsBytes.Load() {
		return 0
	}
	line := len(x.method) + len(x.rawURI) + len(" HTTP/1.1 \r\n")
	all := line + len("Host: \r\n") + len(x.r.Host) + len("\r\n")
	for name, values := range x.r.Header {
		if len(values) > 1 && unique.has(name) {
			return 400
		}
		for _, v := range values {
			all += len(name) + len(": \r\n") + len(v)
		}
	}
	s := x.own.settings
	if all <= s.lineBuffer {
		return 0
	}
	room, taken := s.lineBuffer, 0
	take := func(n int) bool {
		if n > room {
			if taken >= s.largeLines.Count || n > s.largeLines.Size {
				return false
			}
			taken++
			room = s.largeLines.Size
		}
		room -= n
		return true
	}
	if !take(line) {
		return 414
	}
	if strings.HasPrefix(x.r.RequestURI, scheme) {
		s = x.srv.settings
	}
	if !take(len("Host: \r\n") + len(x.r.Host)) {
		return statusHeaderTooLarge
	}
	s = x.srv.settings // Host comes first
	for _, name := range slices.Sorted(maps.Keys(x.r.Header)) {
		for _, v := range x.r.Header[name] {
			if name != world.HeaderRequest && !take(len(name)+len(": \r\n")+len(v)) {
				return statusHeaderTooLarge
			}
		}
	}
	return 0
}
