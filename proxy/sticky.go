package proxy

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// sticky binds requests to servers.
//
// Source: nginx ngx_http_upstream_sticky_module.c.
type sticky struct {
	lookup []variable // where the binding is looked for; the first that is not empty counts

	cookie   string        // name; "" for the other methods
	maxAge   time.Duration // 0: a session cookie; below 0: expired at once
	domain   text
	flags    string // httponly and secure
	sameSite text
	path     string // with its name

	learn   bool
	create  []variable
	timeout time.Duration
	atHead  bool

	mu       sync.Mutex // guards memory only
	sessions map[string]learned
}

// learned is where a session was last served.
type learned struct {
	sid  string
	last time.Duration
}

func (s *Sticky) used() bool { return s.Cookie != "" || len(s.Route) > 0 || len(s.Learn.Create) > 0 }

func (c *compiler) compileSticky(u *Upstream) (*sticky, error) {
	in := &u.Sticky
	s := &sticky{cookie: in.Cookie, maxAge: in.Expires}
	var lookup, create []string
	switch {
	case in.Cookie != "":
		lookup = []string{"$cookie_" + in.Cookie}
		if in.HTTPOnly {
			s.flags += "; httponly"
		}
		if in.Secure {
			s.flags += "; secure"
		}
		if !strings.Contains(in.SameSite, "$") && in.SameSite != "" && !validSameSite(in.SameSite) {
			return nil, errors.New(`"sticky" directive invalid "samesite" parameter value`)
		}
		if in.Path != "" {
			s.path = "; path=" + in.Path
		}
	case len(in.Route) > 0:
		lookup = in.Route
	default:
		lookup, create = in.Learn.Lookup, in.Learn.Create
		s.learn, s.atHead = true, in.Learn.Header
		s.timeout = or(in.Learn.Timeout, 10*time.Minute)
		s.sessions = map[string]learned{}
	}
	for _, name := range append(append([]string(nil), lookup...), create...) {
		if !strings.HasPrefix(name, "$") {
			return nil, fmt.Errorf(`invalid variable name "%s"`, name)
		}
	}
	c.later = append(c.later, func() (err error) {
		if s.lookup, err = c.variablesOf(lookup); err == nil {
			s.create, err = c.variablesOf(create)
		}
		if err == nil {
			s.domain, err = c.text(in.Domain)
		}
		if err == nil {
			s.sameSite, err = c.text(in.SameSite)
		}
		return c.at(u.Pos, err)
	})
	return s, nil
}

func validSameSite(value string) bool {
	switch strings.ToLower(value) {
	case "strict", "lax", "none":
		return true
	}
	return false
}

func (c *compiler) variablesOf(names []string) (all []variable, err error) {
	for _, name := range names {
		v, err := c.variable(name[1:])
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// firstOf is the first value that is not empty.
func firstOf(vars []variable, x *exchange) string {
	for _, v := range vars {
		if s := v(x); s != "" {
			return s
		}
	}
	return ""
}

// prefer is the id of the server that the request is bound to, or "".
func (s *sticky) prefer(x *exchange) string {
	x.session = firstOf(s.lookup, x)
	if !s.learn || x.session == "" {
		return x.session
	}
	now := x.p.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.sessions[x.session]
	if ok && now-known.last >= s.timeout {
		delete(s.sessions, x.session)
		return ""
	}
	return known.sid
}

// setCookie is the Set-Cookie of the server that was chosen, or "".
func (s *sticky) setCookie(x *exchange) string {
	if s.cookie == "" {
		return ""
	}
	value := s.cookie + "=" + x.peer.SID
	if s.maxAge != 0 {
		value += s.expiry(x.p.host.Now())
	}
	if domain := s.domain.value(x); domain != "" {
		value += "; domain=" + domain
	}
	value += s.flags
	if site := s.sameSite.value(x); site != "" {
		if !validSameSite(site) {
			site = "strict"
		}
		value += "; samesite=" + site
	}
	return value + s.path
}

// expiry are the attributes of a cookie that is set now.
//
// Source: nginx ngx_times.c, ngx_http_cookie_time: the year has four digits
// from 2038 on. "expires=max" is a fixed date.
func (s *sticky) expiry(now time.Time) string {
	age := max(0, s.maxAge)
	if age == MaxExpires {
		return "; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=315360000"
	}
	at, layout := now.Add(age).UTC(), "Mon, 02-Jan-06 15:04:05 GMT"
	if at.Year() > 2037 {
		layout = "Mon, 02-Jan-2006 15:04:05 GMT"
	}
	return fmt.Sprintf("; expires=%s; max-age=%d", at.Format(layout), age/time.Second)
}

func (s *sticky) learnAtHead(x *exchange) {
	if s.learn && s.atHead {
		s.remember(x)
	}
}

func (s *sticky) learnAtEnd(x *exchange) {
	if s.learn && !s.atHead {
		s.remember(x)
	}
}

// remember binds the session that the response has created, or rebinds a known
// one, to the server that served it.
func (s *sticky) remember(x *exchange) {
	id := firstOf(s.create, x)
	created := id != ""
	if !created {
		id = x.session
	}
	if id == "" {
		return
	}
	now := x.p.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.sessions[id]; known || created {
		s.sessions[id] = learned{x.peer.SID, now}
	}
}
