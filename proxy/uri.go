package proxy

import "strings"

// normalPath decodes a path, merges its slashes unless they stay, and resolves
// "." and "..". It refuses what leads above the root, a zero byte and a broken
// escape.
//
// Source: nginx ngx_http_parse.c, ngx_http_parse_complex_uri.
func normalPath(raw string, merge bool) (path string, ok bool) {
	if raw == "" || raw[0] != '/' {
		return "", false
	}
	if plainPath(raw) {
		return raw, true
	}
	decoded, ok := decode(raw)
	if !ok {
		return "", false
	}
	out := make([]byte, 0, len(decoded))
	rest := decoded[1:]
	for {
		segment, after, more := strings.Cut(rest, "/")
		switch segment {
		case "":
			if !merge && more {
				out = append(out, '/')
			}
		case ".":
		case "..":
			i := strings.LastIndexByte(string(out), '/')
			if i < 0 {
				return "", false
			}
			out = out[:i]
		default:
			out = append(append(out, '/'), segment...)
		}
		if !more {
			if segment == "" || segment == "." || segment == ".." {
				out = append(out, '/')
			}
			return string(out), true
		}
		rest = after
	}
}

// plainPath reports whether a path is normal as it is.
func plainPath(raw string) bool {
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '%', 0:
			return false
		case '/':
			if i+1 < len(raw) && (raw[i+1] == '/' || raw[i+1] == '.') {
				return false
			}
		}
	}
	return true
}

// decode undoes the percent-encoding.
func decode(raw string) (string, bool) {
	if strings.IndexByte(raw, '%') < 0 && strings.IndexByte(raw, 0) < 0 {
		return raw, true
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == '%' {
			if i+2 >= len(raw) {
				return "", false
			}
			high, ok1 := hexDigit(raw[i+1])
			low, ok2 := hexDigit(raw[i+2])
			if !ok1 || !ok2 {
				return "", false
			}
			c = high<<4 | low
			i += 2
		}
		if c == 0 {
			return "", false
		}
		out = append(out, c)
	}
	return string(out), true
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// escape encodes a normal path again for a request line.
//
// Source: nginx ngx_string.c, ngx_escape_uri, NGX_ESCAPE_URI.
func escape(path string) string {
	n := 0
	for i := 0; i < len(path); i++ {
		if escaped(path[i]) {
			n++
		}
	}
	if n == 0 {
		return path
	}
	out := make([]byte, 0, len(path)+2*n)
	for i := 0; i < len(path); i++ {
		if c := path[i]; escaped(c) {
			out = append(out, '%', upperHex[c>>4], upperHex[c&15])
		} else {
			out = append(out, c)
		}
	}
	return string(out)
}

const upperHex = "0123456789ABCDEF"

func escaped(c byte) bool {
	return c <= ' ' || c >= 0x7f || strings.IndexByte("\"#%<>?\\^`{|}", c) >= 0
}

// splitTarget splits a request target into path and arguments; a fragment is
// cut off.
func splitTarget(target string) (path, args string) {
	target, _, _ = strings.Cut(target, "#")
	path, args, _ = strings.Cut(target, "?")
	return path, args
}
