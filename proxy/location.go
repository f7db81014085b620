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
	hosts    []*regexp.Regexp // those of the names that are patterns
	settings *settings        // of the level itself
	root     location         // stands for the server where no location matches
	exact    map[string]*location
	slashed  []*location // of exact, those with proxy_pass whose path ends with a slash
	prefixes []*location // longest first
	patterns []*location // in the order of the file
	named    map[string]*location
}

// location is a location block, compiled.
type location struct {
	*settings
	path     string // prefix or name
	kind     string // the modifier
	pattern  *regexp.Regexp
	internal bool
	sets     []assignment
	pass     *pass
	answer   *answer
}

type answer struct {
	status int
	text   text
}

// name is $server_name.
func (s *server) name() string { return s.first }

// compileServer compiles a server block and its locations.
func (c *compiler) compileServer(in *Server) (err error) {
	s := &server{ports: in.Listen, defaults: in.Default, exact: map[string]*location{}, named: map[string]*location{}}
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
	level := c.config.Settings.inside(in.Settings)
	if s.settings, err = c.compileSettings(level, in.Pos); err != nil {
		return err
	}
	s.root = location{settings: s.settings, path: ""}
	if s.root.sets, err = c.compileSets(in.Sets, in.Pos); err != nil {
		return err
	}
	if in.Return != nil {
		s.root.answer = c.compileReturn(in.Return, in.Pos)
	}
	for i := range in.Locations {
		l := &in.Locations[i]
		if err := c.compileLocation(s, l, level.inside(l.Settings)); err != nil {
			return c.at(l.Pos, err)
		}
	}
	slices.SortStableFunc(s.prefixes, func(a, b *location) int { return cmp.Compare(len(b.path), len(a.path)) })
	c.servers = append(c.servers, s)
	return nil
}

func (c *compiler) compileLocation(s *server, in *Location, level Settings) (err error) {
	l := &location{path: in.Path, kind: in.Modifier, internal: in.Internal}
	if l.settings, err = c.compileSettings(level, in.Pos); err != nil {
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
	duplicate := fmt.Errorf(`duplicate location "%s"`, in.Path)
	switch in.Modifier {
	case "=":
		if s.exact[in.Path] != nil {
			return duplicate
		}
		s.exact[in.Path] = l
		if l.pass != nil && strings.HasSuffix(in.Path, "/") {
			s.slashed = append(s.slashed, l)
		}
	case "", "^~":
		for _, other := range s.prefixes {
			if other.path == in.Path {
				return duplicate
			}
		}
		s.prefixes = append(s.prefixes, l)
	case "~", "~*":
		flags := ""
		if in.Modifier == "~*" {
			flags = "(?i)"
		}
		if l.pattern, err = compileRegexp(flags, in.Path); err != nil {
			return err
		}
		s.patterns = append(s.patterns, l)
		return c.capturesOf(l.pattern)
	case "@":
		if s.named[in.Path] == nil { // a second one of that name is never found
			s.named[in.Path] = l
		}
	default:
		return fmt.Errorf(`invalid location modifier "%s"`, in.Modifier)
	}
	return nil
}

func (c *compiler) compileReturn(in *Return, pos string) *answer {
	a := &answer{status: or(in.Status, 302)}
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
//
// Source: nginx ngx_http_core_module.c, ngx_http_core_find_location.
func (s *server) find(x *exchange, path string) (l *location, redirect bool) {
	if l := s.exact[path]; l != nil {
		return l, false
	}
	var best *location
	for _, l := range s.prefixes {
		if strings.HasPrefix(path, l.path) {
			best = l
			break
		}
	}
	if best == nil || best.path != path {
		if l := s.lacksSlash(path); l != nil {
			return l, true
		}
	}
	if best != nil && best.kind == "^~" {
		return best, false
	}
	for _, l := range s.patterns {
		if x.match(l.pattern, path) {
			return l, false
		}
	}
	if best == nil {
		best = &s.root
	}
	return best, false
}

// lacksSlash finds the location with proxy_pass whose path is this one with a
// slash behind it.
func (s *server) lacksSlash(path string) *location {
	for _, l := range s.prefixes {
		if l.pass != nil && len(l.path) == len(path)+1 && l.path[len(path)] == '/' && strings.HasPrefix(l.path, path) {
			return l
		}
	}
	for _, l := range s.slashed {
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
		for _, name := range s.names {
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
