package proxy

import (
	"strconv"
	"strings"
)

// takeHost finds $host, and reports whether a request may have such a Host. Most
// have that of the one before.
func (x *exchange) takeHost(sent string) (ok bool) {
	if sent == x.sentHost {
		x.host = x.hostOfSent
		return true
	}
	x.host, ok = plainHost(sent)
	ok = ok && (sent == "" || !x.p.release.strictHost || wellFormed(sent))
	if ok {
		x.sentHost, x.hostOfSent = sent, x.host
	}
	return ok
}

// plainHost is a Host without port, in lower case. A Host with characters that
// cannot stand in one is refused.
//
// Source: nginx ngx_http_request.c, ngx_http_validate_host.
func plainHost(host string) (string, bool) {
	rest := ""
	if strings.HasPrefix(host, "[") {
		if i := strings.IndexByte(host, ']'); i >= 0 {
			host, rest = host[:i+1], host[i+1:]
		}
	} else if i := strings.IndexByte(host, ':'); i >= 0 {
		host, rest = host[:i], host[i:]
	}
	if strings.ContainsFunc(rest, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '/' }) {
		return "", false
	}
	for i := 0; i < len(host); i++ {
		if c := host[i]; c <= ' ' || c == 0x7f || c == '/' || c == '.' && i > 0 && host[i-1] == '.' {
			return "", false
		}
	}
	return strings.ToLower(strings.TrimSuffix(host, ".")), true
}

// wellFormed reports whether a Host, port included, is made as the rules of
// addresses want it. Releases since 1.29.4 refuse others.
//
// Source: nginx ngx_http_request.c, ngx_http_validate_host.
func wellFormed(host string) bool {
	name, port, literal := host, "", strings.HasPrefix(host, "[")
	if literal {
		i := strings.IndexByte(host, ']')
		if i < 0 {
			return false
		}
		name, port = host[1:i], host[i+1:]
		if port != "" && port[0] != ':' {
			return false
		}
	} else if i := strings.IndexByte(host, ':'); i >= 0 {
		name, port = host[:i], host[i:]
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case '0' <= c && c <= '9', 'a' <= c|0x20 && c|0x20 <= 'z', strings.IndexByte("-._~!$&'()*+,;=", c) >= 0:
		case c == ':' && literal, c == '%' && !literal:
		default:
			return false
		}
	}
	if port == "" || port == ":" {
		return name != "" && name != "."
	}
	_, err := strconv.ParseUint(port[1:], 10, 16)
	return err == nil && name != "" && name != "."
}
