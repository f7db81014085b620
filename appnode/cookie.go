package appnode

import (
	"fmt"
	"strings"
)

// sessionCookie makes the Set-Cookie lines of a node.
type sessionCookie struct {
	off        bool   // there are none
	head, tail string // around the id
	err        error  // why Tomcat would fail to write it
}

// newSessionCookie reads what a configuration with its defaults says of it.
// Source: Tomcat ApplicationSessionCookieConfig.java, createSessionCookie;
// SessionConfig.java; Rfc6265CookieProcessor.java, generateHeader.
func newSessionCookie(cfg *Config) sessionCookie {
	if cfg.NoCookies {
		return sessionCookie{off: true}
	}
	c := sessionCookie{head: cfg.SessionCookieName + "="}
	if cfg.SessionCookieDomain != "" {
		c.tail = "; Domain=" + cfg.SessionCookieDomain
		c.err = checkDomain(cfg.SessionCookieDomain)
	}
	path := cfg.SessionCookiePath
	if path == "" {
		path = "/"
	}
	c.tail += "; Path=" + path
	if !cfg.NoHTTPOnly {
		c.tail += "; HttpOnly"
	}
	if c.err == nil {
		c.err = checkPath(path)
	}
	return c
}

// line is a Set-Cookie line, "" if there is none.
func (c *sessionCookie) line(id string) string {
	if c.off {
		return ""
	}
	return c.head + id + c.tail
}

// checkDomain accepts labels of letters, digits and inner hyphens: no leading dot.
// Source: Tomcat Rfc6265CookieProcessor.java, validateDomain.
func checkDomain(domain string) error {
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") || strings.Trim(label, hostCharacters) != "" {
			return fmt.Errorf("an invalid domain [%s] was specified for this cookie", domain)
		}
	}
	return nil
}

const hostCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

// checkPath accepts printable ASCII but the semicolon.
// Source: Tomcat Rfc6265CookieProcessor.java, validatePath.
func checkPath(path string) error {
	if strings.ContainsFunc(path, func(c rune) bool { return c < ' ' || c > '~' || c == ';' }) {
		return fmt.Errorf("an invalid path [%s] was specified for this cookie", path)
	}
	return nil
}

// nextCookie finds the next cookie with this name in a Cookie header. rest is
// what follows it, for the next call.
func nextCookie(header, name string) (value, rest string, ok bool) {
	for header != "" {
		var pair string
		pair, header, _ = strings.Cut(header, ";")
		key, v, found := strings.Cut(pair, "=")
		if !found || key != name && strings.Trim(key, " \t") != name {
			continue
		}
		if v != "" && (v[0] <= ' ' || v[len(v)-1] <= ' ') {
			v = strings.Trim(v, " \t")
		}
		if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
			v = v[1 : len(v)-1]
		}
		return v, header, true
	}
	return "", "", false
}
