package appnode

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sessionlab/sessions"
)

func TestWhichOfSeveralIDsIsTaken(t *testing.T) {
	playBoth(t, nil, func(r *rig) {
		var one, two string
		first := r.as(r.ctx, &one, "POST", "/counter").Session
		second := r.as(r.ctx, &two, "POST", "/counter").Session
		tests := []struct {
			name    string
			target  string
			cookies []string
			want    string
		}{
			{"nothing", "/session", nil, ""},
			{"the cookie", "/session", []string{one}, first},
			{"the URL without a cookie", "/session;jsessionid=" + first, nil, first},
			{"the cookie over the URL", "/session;jsessionid=" + first, []string{two}, second},
			{"an invalid cookie over a valid URL", "/session;jsessionid=" + first, []string{"JSESSIONID=gone"}, ""},
			{"the first of two valid cookies", "/session", []string{one + "; " + two}, first},
			{"the second if the first is invalid", "/session", []string{"JSESSIONID=gone; " + two}, second},
			{"the last if all are invalid", "/session", []string{"JSESSIONID=gone; JSESSIONID=lost"}, ""},
			{"a cookie between others", "/session", []string{"a=b; x; " + one + "; c=d"}, first},
			{"a cookie in a second header", "/session", []string{"a=b", two}, second},
			{"a quoted value", "/session", []string{`JSESSIONID="` + first + `"`}, first},
			{"no cookie whose name differs in case", "/session", []string{strings.ToLower(one)}, ""},
			{"no URL parameter whose name differs in case", "/session;JSESSIONID=" + first, nil, ""},
			{"the last URL parameter", "/session;jsessionid=x;jsessionid=" + first, nil, first},
			{"a URL parameter within the path", "/status;jsessionid=" + first + "/200", nil, first},
		}
		for _, tt := range tests {
			var none string
			var header []string
			for _, c := range tt.cookies {
				header = append(header, "Cookie", c)
			}
			got := r.as(r.ctx, &none, "GET", tt.target, header...)
			if got.status != 200 || got.Session != tt.want {
				t.Errorf("%s: status %d, session %q, want 200, %q", tt.name, got.status, got.Session, tt.want)
			}
		}
	})
}

func TestUnknownIDIsNeverTakenOver(t *testing.T) {
	play(t, nil, func(r *rig) {
		const id = "0123456789ABCDEF0123456789ABCDEF.tomcat1"
		r.cookie = "JSESSIONID=" + id
		if got := r.get("/counter"); got.Session == id || !got.New {
			t.Errorf("session %s, new %v, want a new id", got.Session, got.New)
		}
	})
}

func TestCookieNameNamesTheURLParameterToo(t *testing.T) {
	play(t, func(c *Config, _ *sessions.StandardConfig) { c.SessionCookieName = "SID" }, func(r *rig) {
		got := r.get("/counter")
		r.want("cookie", r.cookie, "SID="+got.Session)
		r.want("by cookie", r.get("/session").Session, got.Session)
		r.cookie = ""
		r.want("by URL", r.get("/session;SID="+got.Session).Session, got.Session)
		r.want("by the usual parameter", r.get("/session;jsessionid="+got.Session).Session, "")
	})
}

func TestPathsAreDecodedAsTomcatDoes(t *testing.T) {
	tests := []struct {
		raw, path, id string
		ok            bool
	}{
		{"/", "/", "", true},
		{"/counter", "/counter", "", true},
		{"/counter;jsessionid=AB.n1", "/counter", "AB.n1", true},
		{"/counter;a=b;jsessionid=AB.n1;c", "/counter", "AB.n1", true},
		{"/;jsessionid=AB", "/", "AB", true},
		{"/a;x=y/b;jsessionid=AB/c", "/a/b/c", "AB", true},
		{"/a;jsessionid=", "/a", "", true},
		{"/%63ounter", "/counter", "", true},
		{"/a%3Bjsessionid=AB", "/a;jsessionid=AB", "", true}, // an encoded semicolon is a character
		{"/a%20b", "/a b", "", true},
		{"/a%2fb", "", "", false},
		{"/a%5Cb", "", "", false},
		{"/a\\b", "", "", false},
		{"/a%00", "", "", false},
		{"//a///b", "/a/b", "", true},
		{"/a/./b/.", "/a/b/", "", true},
		{"/a/../b", "/b", "", true},
		{"/a/b/..", "/a/", "", true},
		{"/..", "", "", false},
		{"/a/../../b", "", "", false},
		{"/%2e%2e/a", "", "", false},
		{"/.hidden", "/.hidden", "", true},
		{"/a%25b", "/a%b", "", true},
	}
	for _, tt := range tests {
		u, err := url.ParseRequestURI(tt.raw)
		if err != nil {
			t.Fatalf("%s: %v", tt.raw, err)
		}
		path, id, ok := decodeURI(u, "jsessionid")
		if !tt.ok {
			path, id = "", "" // of no meaning
		}
		if path != tt.path || id != tt.id || ok != tt.ok {
			t.Errorf("%s: path %q, id %q, ok %v, want %q, %q, %v", tt.raw, path, id, ok, tt.path, tt.id, tt.ok)
		}
	}
	if _, _, ok := decodeURI(&url.URL{Path: "*"}, "jsessionid"); ok {
		t.Error("a path without a slash was accepted")
	}
}

func FuzzDecodeURI(f *testing.F) {
	for _, raw := range []string{"/", "/a;jsessionid=AB/b", "/a/../b", "/%2e%2e/", "//x//;", "/a%2Fb", "/é/%C3%A9"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.ParseRequestURI(raw)
		if err != nil {
			return
		}
		path, id, ok := decodeURI(u, "jsessionid")
		if !ok {
			return
		}
		if !strings.HasPrefix(path, "/") || strings.Contains(path, "//") || strings.ContainsAny(path, "\\\x00") {
			t.Errorf("%q: path %q", raw, path)
		}
		for _, part := range strings.Split(path, "/") {
			if part == "." || part == ".." {
				t.Errorf("%q: path %q still has %q", raw, path, part)
			}
		}
		if strings.ContainsAny(id, ";/") {
			t.Errorf("%q: session id %q", raw, id)
		}
	})
}

func FuzzSessionCookies(f *testing.F) {
	f.Add("JSESSIONID=AB.n1; a=b;JSESSIONID=\"x\"")
	f.Add(";;=;JSESSIONID")
	f.Fuzz(func(t *testing.T, header string) {
		var ours []string
		for rest := header; ; {
			value, left, ok := nextCookie(rest, "JSESSIONID")
			if !ok {
				break
			}
			if len(left) >= len(rest) {
				t.Fatalf("%q: no progress", header)
			}
			ours, rest = append(ours, value), left
		}
		if strings.ContainsFunc(header, func(c rune) bool { return c < ' ' || c > '~' }) {
			return
		}
		// What Go's parser accepts is found too, though it keeps spaces.
		parsed, err := http.ParseCookie(header)
		if err != nil {
			return
		}
		var theirs []string
		for _, c := range parsed {
			if c.Name == "JSESSIONID" {
				theirs = append(theirs, c.Value)
			}
		}
		bare := strings.NewReplacer(" ", "", "\t", "", `"`, "")
		if bare.Replace(strings.Join(ours, "|")) != bare.Replace(strings.Join(theirs, "|")) {
			t.Errorf("%q: values %q, net/http finds %q", header, ours, theirs)
		}
	})
}

func FuzzParameter(f *testing.F) {
	f.Add("name=cart&value=a%20b+c&ms=5", "value")
	f.Add("a&&=&%zz=1&a=%zz&a=2", "a")
	f.Fuzz(func(t *testing.T, query, name string) {
		got, ok := Parameter(query, name)
		if strings.Contains(query, ";") {
			return // a character here, an error in net/url
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		if ok != values.Has(name) && query != "" && !emptyPair(query) || got != values.Get(name) {
			t.Errorf("%q: %s = %q, %v, want %q, %v", query, name, got, ok, values.Get(name), values.Has(name))
		}
	})
}

// emptyPair reports a "&&", which net/url skips and which here is a parameter
// without a name.
func emptyPair(query string) bool {
	return strings.HasPrefix(query, "&") || strings.HasSuffix(query, "&") || strings.Contains(query, "&&")
}

// The first request is still running when another one joins its session: a client
// that has got the head of an answer has the cookie.
func TestSessionIsNewUntilItIsJoinedOrUntilItsFirstRequestEnds(t *testing.T) {
	for _, tt := range []struct {
		release string
		isNew   bool
	}{{"10.1", false}, {"9", false}, {"8.5", true}, {"7", true}} {
		release, err := sessions.ReleaseNamed(tt.release)
		if err != nil {
			t.Fatal(err)
		}
		play(t, func(c *Config, _ *sessions.StandardConfig) { c.Release = release }, func(r *rig) {
			r.client.Go("first", func(ctx context.Context) {
				r.want("isNew in the first request after the other's end, "+tt.release,
					r.as(ctx, new(string), "GET", "/counter?ms=100").New, false)
			})
			if err := r.client.Sleep(r.ctx, 50*time.Millisecond); err != nil {
				t.Fatal(err)
			}
			cookie := "JSESSIONID=" + r.manager.Sessions()[0].ID()
			r.want("isNew in a request that joins, "+tt.release, r.as(r.ctx, &cookie, "GET", "/session").New, tt.isNew)
			if err := r.client.Sleep(r.ctx, 100*time.Millisecond); err != nil {
				t.Fatal(err)
			}
			r.want("isNew after the first request, "+tt.release, r.as(r.ctx, &cookie, "GET", "/session").New, false)
		})
	}
}

func TestHostWithUnderscoreIsRefusedSince85(t *testing.T) {
	for _, tt := range []struct {
		release string
		want    int
	}{{"10.1", 400}, {"9", 400}, {"8.5", 400}, {"7", 200}} {
		release, err := sessions.ReleaseNamed(tt.release)
		if err != nil {
			t.Fatal(err)
		}
		play(t, func(c *Config, _ *sessions.StandardConfig) { c.Release = release }, func(r *rig) {
			got := r.do("GET", "/session", "Host", "jsp_server")
			r.want("status of Tomcat "+tt.release, got.status, tt.want)
			r.want("status for another host", r.do("GET", "/session", "Host", "jspserver").status, 200)
		})
	}
}
