package users

import (
	"net/netip"
	"strings"
	"sync"
)

// jar holds a user's cookies. Paths and Secure are honoured, and a cookie for another domain
// than the host's is not taken; other attributes are not looked at: every cookie
// lives as long as the user, unless Max-Age=0 removes it. As in a browser, cookies
// carry no port.
// Source: RFC 6265, 5.1.3 (domains), 5.1.4 (paths), 5.4 (Secure), 8.5 (ports).
type jar struct {
	mu      sync.Mutex // guards memory only
	cookies []cookie
	header  string // the latest Cookie header, "" if the cookies have changed since
	path    string // the path that header is for, "" for every path
}

type cookie struct {
	name, value, path string
	secure            bool // it goes over https alone, which no user of the lab speaks
}

// line is the Cookie header for a path, "" if there is none.
func (j *jar) line(path string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.cookies) == 0 {
		return ""
	}
	if j.header != "" && (j.path == path || j.path == "") {
		return j.header
	}
	j.path = ""
	var b strings.Builder
	for _, c := range j.cookies {
		if c.secure {
			continue
		}
		if c.path != "/" {
			j.path = path
		}
		if !matches(c.path, path) {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(c.name + "=" + c.value)
	}
	j.header = b.String()
	return j.header
}

// value is the value of a cookie that is sent to a path, "" if there is none. An
// empty path stands for all.
func (j *jar) value(name, path string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range j.cookies {
		if c.name == name && (path == "" || !c.secure && matches(c.path, path)) {
			return c.value
		}
	}
	return ""
}

// set takes a Set-Cookie line of a host and returns the cookie's name and value.
func (j *jar) set(line, host string) (name, value string) {
	pair, attributes, _ := strings.Cut(line, ";")
	name, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
	if !ok || name == "" {
		return "", ""
	}
	c := cookie{name: name, value: value, path: "/"}
	gone := false
	for attributes != "" {
		var a string
		a, attributes, _ = strings.Cut(attributes, ";")
		key, v, _ := strings.Cut(strings.TrimSpace(a), "=")
		switch {
		case strings.EqualFold(key, "Secure"):
			c.secure = true
		case strings.EqualFold(key, "Path") && strings.HasPrefix(v, "/"):
			c.path = v
		case strings.EqualFold(key, "Domain") && v != "" && !within(host, strings.TrimPrefix(v, ".")):
			return name, value
		case strings.EqualFold(key, "Max-Age") && (v == "0" || strings.HasPrefix(v, "-")):
			gone = true
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.header = ""
	for i, old := range j.cookies {
		if old.name == c.name && old.path == c.path {
			if gone {
				j.cookies = append(j.cookies[:i], j.cookies[i+1:]...)
			} else {
				j.cookies[i] = c
			}
			return name, value
		}
	}
	if !gone {
		j.cookies = append(j.cookies, c)
	}
	return name, value
}

func matches(cookiePath, path string) bool {
	return cookiePath == "/" || cookiePath == path ||
		strings.HasPrefix(path, cookiePath) && (strings.HasSuffix(cookiePath, "/") || path[len(cookiePath)] == '/')
}

// within reports whether a host is a domain, or lies in it. An address lies in
// none.
func within(host, domain string) bool {
	host, _, _ = strings.Cut(host, ":")
	if _, err := netip.ParseAddr(host); err == nil {
		return host == domain
	}
	return strings.EqualFold(host, domain) ||
		len(host) > len(domain) && host[len(host)-len(domain)-1] == '.' && strings.EqualFold(host[len(host)-len(domain):], domain)
}
