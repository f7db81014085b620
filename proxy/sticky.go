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

	cookie   string // name; "" for the other methods
	maxAge   time.Duration
	infix    string // attributes before path
	pathPart string

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
		if in.Domain != "" {
			s.infix += "; domain=" + in.Domain
		}
		if in.HTTPOnly {
			s.infix += "; httponly"
		}
		if in.Secure {
			s.infix += "; secure"
		}
		switch site := strings.ToLower(in.SameSite); site {
		case "":
		case "strict", "lax", "none":
			s.infix += "; samesite=" + site
		default:
			return nil, errors.New(`"sticky" directive invalid "samesite" parameter value`)
		}
		if in.Path != "" {
			s.pathPart = "; path=" + in.Path
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
			return nil, fmt.Errorf("invalid variable name %q", name)
		}
	}
	c.later = append(c.later, func() (err error) {
		if s.lookup, err = c.variablesOf(lookup); err == nil {
			s.create, err = c.variablesOf(create)
		}
		return c.at(u.Pos, err)
	})
	return s, nil
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
	expires := ""
	if s.maxAge > 0 {
		expires = "; expires=" + x.p.host.Now().Add(s.maxAge).UTC().Format("Mon, 02-Jan-06 15:04:05 GMT") +
			fmt.Sprintf("; max-age=%d", s.maxAge/time.Second)
	}
	return s.cookie + "=" + x.peer.SID + expires + s.infix + s.pathPart
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
