package proxy

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// server is a server block, compiled.
type server struct {
	ports    []int
	defaults []int  // ports whose default server it is
	first    string // of the names as written
	names    []string
	namesAt  map[int][]string // those of them that are this server's on a port
	hosts    []*regexp.Regexp // those of the names that are patterns
	settings *settings        // of the level itself
	root     location         // stands for the server where no location matches
	named    map[string]*location
}

// level are the locations of a server, or inside another location.
type level struct {
	exact    map[string]*location
	slashed  []*location // of exact, those with proxy_pass whose path ends with a slash
	prefixes []*location // longest first
	patterns []*location // in the order of the file
}

// location is a location block, compiled.
type location struct {
	*settings
	path     string // prefix or name
	kind     string // the modifier
	pattern  *regexp.Regexp
	internal bool
	inner    *level // nil: none
	sets     []assignment
	pass     *pass
	answer   *answer
}

type answer struct {
	status  int
	text    text
	hasText bool // even one whose variables turn out to be empty
}

// name is $server_name.
func (s *server) name() string { return s.first }

// compileServer compiles a server block and its locations.
func (c *compiler) compileServer(in *Server) (err error) {
	s := &server{ports: in.Listen, defaults: in.Default, named: map[string]*location{}}
	if len(s.ports) == 0 {
		s.ports = []int{80}
	}
	if len(in.Names) > 0 {
		s.first = strings.ToLower(strings.TrimPrefix(in.Names[0], "."))
	}
	for _, name := range in.Names {
		if expr, ok := strings.CutPrefix(name, "~"); ok {
			re, err := compileRegexp("(?i)", expr)
			if err != nil {
				return err
			}
			if err := c.capturesOf(re); err != nil {
				return err
			}
			s.hosts = append(s.hosts, re)
			continue
		}
		s.names = append(s.names, strings.ToLower(name))
	}
	own := c.config.Settings.inside(in.Settings)
	if s.settings, err = c.compileSettings(own, in.Pos); err != nil {
		return err
	}
	s.root = location{settings: s.settings, path: ""}
	if s.root.sets, err = c.compileSets(in.Sets, in.Pos); err != nil {
		return err
	}
	if in.Return != nil {
		s.root.answer = c.compileReturn(in.Return, in.Pos)
	}
	if s.root.inner, err = c.compileLevel(s, in.Locations, own, false); err != nil {
		return err
	}
	c.servers = append(c.servers, s)
	return nil
}

// compileLevel compiles the locations of a server, or inside another location,
// nil if there are none.
func (c *compiler) compileLevel(s *server, in []Location, outer Settings, internal bool) (*level, error) {
	if len(in) == 0 {
		return nil, nil
	}
	v := &level{exact: map[string]*location{}}
	for i := range in {
		l := &in[i]
		if err := c.compileLocation(s, v, l, outer.inside(l.Settings), internal || l.Internal); err != nil {
			return nil, c.at(l.Pos, err)
		}
	}
	slices.SortStableFunc(v.prefixes, func(a, b *location) int { return cmp.Compare(len(b.path), len(a.path)) })
	return v, nil
}

func (c *compiler) compileLocation(s *server, v *level, in *Location, own Settings, internal bool) (err error) {
	l := &location{path: in.Path, kind: in.Modifier, internal: internal}
	if l.settings, err = c.compileSettings(own, in.Pos); err != nil {
		return err
	}
	if l.sets, err = c.compileSets(in.Sets, in.Pos); err != nil {
		return err
	}
	if in.Return != nil {
		l.answer = c.compileReturn(in.Return, in.Pos)
	}
	if in.ProxyPass != "" {
		if l.pass, err = c.compilePass(in, l); err != nil {
			return err
		}
	}
	if l.inner, err = c.compileLevel(s, in.Locations, own, internal); err != nil {
		return err
	}
	return c.enter(s, v, l)
}

// enter files a location where it is looked for.
func (c *compiler) enter(s *server, v *level, l *location) (err error) {
	duplicate := fmt.Errorf(`duplicate location "%s"`, l.path)
	switch l.kind {
	case "=":
		if v.exact[l.path] != nil {
			return duplicate
		}
		v.exact[l.path] = l
		if l.pass != nil && strings.HasSuffix(l.path, "/") {
			v.slashed = append(v.slashed, l)
		}
	case "", "^~":
		for _, other := range v.prefixes {
			if other.path == l.path {
				return duplicate
			}
		}
		v.prefixes = append(v.prefixes, l)
	case "~", "~*":
		flags := ""
		if l.kind == "~*" {
			flags = "(?i)"
		}
		if l.pattern, err = compileRegexp(flags, l.path); err != nil {
			return err
		}
		v.patterns = append(v.patterns, l)
		return c.capturesOf(l.pattern)
	case "@":
		if s.named[l.path] == nil { // a second one of that name is never found
			s.named[l.path] = l
		}
	default:
		return fmt.Errorf(`invalid location modifier "%s"`, l.kind)
	}
	return nil
}

func (c *compiler) compileReturn(in *Return, pos string) *answer {
	a := &answer{status: or(in.Status, 302), hasText: in.Text != ""}
	c.later = append(c.later, func() (err error) {
		a.text, err = c.text(in.Text)
		return c.at(pos, err)
	})
	return a
}

// errNoURI is nginx's refusal of a URI part where no prefix can be replaced.
var errNoURI = errors.New(`"proxy_pass" cannot have URI part in location given by regular expression, ` +
	`or inside named location, or inside "if" statement, or inside "limit_except" block`)

// find chooses the location of a path. It answers redirect=true if the path
// lacks only the final slash of a location with proxy_pass.
func (s *server) find(x *exchange, path string) (l *location, redirect bool) {
	l, how := s.root.inner.find(x, path, &s.root)
	return l, how == withSlash
}

// finding is how a level's search has ended.
type finding uint8

const (
	provisional finding = iota // a pattern outside may still be preferred
	final
	withSlash // final, but a redirect to the path with a slash
)

// find chooses among the locations of a level; outer is the one that they are
// in.
//
// Source: nginx ngx_http_core_module.c, ngx_http_core_find_location.
func (v *level) find(x *exchange, path string, outer *location) (*location, finding) {
	if v == nil {
		return outer, provisional
	}
	if l := v.exact[path]; l != nil {
		return l, final
	}
	best := outer
	for _, l := range v.prefixes {
		if strings.HasPrefix(path, l.path) {
			best = l
			break
		}
	}
	if best == outer || best.path != path {
		if l := v.lacksSlash(path); l != nil {
			return l, withSlash
		}
	}
	chosen := best
	if best != outer {
		var how finding
		if chosen, how = best.inner.find(x, path, best); how != provisional {
			return chosen, how
		}
	}
	if best == outer || best.kind != "^~" {
		for _, l := range v.patterns {
			if x.match(l.pattern, path) {
				l, _ = l.inner.find(x, path, l)
				return l, final
			}
		}
	}
	return chosen, provisional
}

// lacksSlash finds the location with proxy_pass whose path is this one with a
// slash behind it.
func (v *level) lacksSlash(path string) *location {
	for _, l := range v.prefixes {
		if l.pass != nil && len(l.path) == len(path)+1 && l.path[len(path)] == '/' && strings.HasPrefix(l.path, path) {
			return l
		}
	}
	for _, l := range v.slashed {
		if len(l.path) == len(path)+1 && strings.HasPrefix(l.path, path) {
			return l
		}
	}
	return nil
}

// defaultServer is the server block of a port that answers for unknown names: its
// first unless another says so.
func (p *Proxy) defaultServer(port int) *server {
	var first *server
	for _, s := range p.servers {
		if slices.Contains(s.ports, port) && (first == nil || slices.Contains(s.defaults, port)) {
			first = s
		}
	}
	return or(first, p.servers[0])
}

// takeNames gives each server its names on each port: a name that an earlier
// server has is not taken again.
//
// Source: nginx ngx_http.c, ngx_http_server_names.
func (c *compiler) takeNames() {
	taken := map[int]Names{}
	for _, s := range c.servers {
		s.namesAt = map[int][]string{}
		for _, port := range s.ports {
			if taken[port] == nil {
				taken[port] = Names{}
			}
			for _, name := range s.names {
				if taken[port].Take(name) {
					s.namesAt[port] = append(s.namesAt[port], name)
				}
			}
		}
	}
}

// serverFor chooses the server block by port and Host.
//
// Source: nginx docs, server_names: exact, then the longest name with a leading
// asterisk, then the longest with a trailing one, then the first regular
// expression, then the port's default server.
func (p *Proxy) serverFor(x *exchange) *server {
	if len(p.servers) == 1 && len(x.own.hosts) == 0 {
		return x.own
	}
	var best *server
	rank := 0
	for _, s := range p.servers {
		if !slices.Contains(s.ports, x.port) {
			continue
		}
		for _, name := range s.namesAt[x.port] {
			if r := nameRank(name, x.host); r > rank {
				best, rank = s, r
			}
		}
	}
	if best != nil {
		return best
	}
	for _, s := range p.servers {
		if x.host == "" || len(s.hosts) == 0 || !slices.Contains(s.ports, x.port) {
			continue
		}
		for _, re := range s.hosts {
			if x.match(re, x.host) {
				return s
			}
		}
	}
	return x.own
}

// nameRank says how well a server_name fits; 0 is not at all.
func nameRank(name, host string) int {
	const exact, leading = 1 << 20, 1 << 10
	switch {
	case name == host:
		return exact
	case strings.HasPrefix(name, "*.") && strings.HasSuffix(host, name[1:]) && len(host) >= len(name):
		return leading + len(name)
	case strings.HasPrefix(name, ".") && (host == name[1:] || strings.HasSuffix(host, name)):
		return leading + len(name)
	case strings.HasSuffix(name, ".*") && strings.HasPrefix(host, name[:len(name)-1]):
		return len(name)
	}
	return 0
}
