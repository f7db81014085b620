package appnode

import (
	"strings"
	"testing"
)

func TestCookiesAreFoundInAHeader(t *testing.T) {
	for _, row := range []struct{ header, want string }{
		{"JSESSIONID=A", "A"},
		{"a=1; JSESSIONID=A;JSESSIONID = B ", "A B"},
		{`JSESSIONID="A"`, "A"},
		{`JSESSIONID="`, `"`},
		{`JSESSIONID=""`, ""},
		{"JSESSIONID", "none"},
		{"jsessionid=A; XJSESSIONID=B", "none"},
		{"JSESSIONID=A=B", "A=B"},
		{"", "none"},
	} {
		var all []string
		for header := row.header; ; {
			value, rest, ok := nextCookie(header, "JSESSIONID")
			if !ok {
				break
			}
			all, header = append(all, value), rest
		}
		got := strings.Join(all, " ")
		if all == nil {
			got = "none"
		}
		if got != row.want {
			t.Errorf("cookies in %q: %s, want %s", row.header, got, row.want)
		}
	}
}

func TestDomainsAndPathsThatTomcatRefuses(t *testing.T) {
	for _, row := range []struct {
		domain, path string
		good         bool
	}{
		{"example.org", "/", true}, {"a-b.example.org", "/", true}, {"", "/shop", true},
		{".example.org", "/", false}, {"example..org", "/", false}, {"example.org.", "/", false},
		{"-a.org", "/", false}, {"a-.org", "/", false}, {"a_b.org", "/", false}, {"exämple.org", "/", false},
		{"", "/;a", false}, {"", "/\x7f", false}, {"", "/\t", false}, {"", "/~", true}, {"", "/ ", true},
	} {
		c := newSessionCookie(&Config{SessionCookieName: "JSESSIONID", SessionCookieDomain: row.domain, SessionCookiePath: row.path})
		if (c.err == nil) != row.good {
			t.Errorf("domain %q, path %q: %v, want it to be good: %v", row.domain, row.path, c.err, row.good)
		}
	}
}
