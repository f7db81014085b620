package appnode

import (
	"net/url"
	"strings"
)

// decodeURI is the path that the application sees: path parameters taken off,
// then decoded and normalised, as Tomcat does it in this order. sessionID is the
// value of the last path parameter called param. ok is false for what Tomcat
// answers with 400: encoded slashes, backslashes and zero bytes, broken
// encoding, and paths that climb above the root.
// Source: Tomcat CoyoteAdapter.java, parsePathParameters and normalize.
func decodeURI(u *url.URL, param string) (path, sessionID string, ok bool) {
	if u.RawPath == "" && plain(u.Path) {
		return u.Path, "", true
	}
	raw := u.EscapedPath()
	if raw == "" {
		return "/", "", true
	}
	if raw[0] != '/' {
		return "", "", false
	}
	raw, sessionID = cutPathParameters(raw, param)
	path, ok = unescapePath(raw)
	if !ok {
		return "", "", false
	}
	path, ok = normalize(path)
	return path, sessionID, ok
}

// plain reports that a path needs no work at all.
func plain(path string) bool {
	if path == "" || path[0] != '/' {
		return false
	}
	for i := 0; i < len(path); i++ {
		switch path[i] {
		case ';', '%', '\\', 0:
			return false
		case '/':
			if i+1 < len(path) && (path[i+1] == '/' || path[i+1] == '.') {
				return false
			}
		}
	}
	return true
}

// cutPathParameters takes every ";name=value" off a raw path.
func cutPathParameters(raw, param string) (path, value string) {
	semicolon := strings.IndexByte(raw, ';')
	if semicolon < 0 {
		return raw, ""
	}
	var b strings.Builder
	for semicolon >= 0 {
		b.WriteString(raw[:semicolon])
		raw = raw[semicolon+1:]
		end := strings.IndexAny(raw, ";/")
		if end < 0 {
			end = len(raw)
		}
		if name, v, found := strings.Cut(raw[:end], "="); found && name == param {
			value = v
		}
		raw = raw[end:]
		semicolon = strings.IndexByte(raw, ';')
	}
	b.WriteString(raw)
	return b.String(), value
}

func unescapePath(raw string) (string, bool) {
	path, err := url.PathUnescape(raw)
	if err != nil || strings.ContainsAny(path, "\\\x00") {
		return "", false
	}
	if len(path) != len(raw) && strings.Count(path, "/") != strings.Count(raw, "/") {
		return "", false // an encoded slash
	}
	return path, true
}

// normalize resolves "//", "/." and "/..". It fails above the root.
func normalize(path string) (string, bool) {
	var kept []string
	parts := strings.Split(path, "/")[1:]
	for i, part := range parts {
		last := i == len(parts)-1
		switch part {
		case "", ".":
			if last {
				kept = append(kept, "")
			}
		case "..":
			if len(kept) == 0 {
				return "", false
			}
			kept = kept[:len(kept)-1]
			if last {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, part)
		}
	}
	return "/" + strings.Join(kept, "/"), true
}
