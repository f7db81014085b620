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
	defaults []int // ports whose default server it is
	names    []string
	settings *settings // of the level itself
	root     location  // stands for the server where no location matches
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
	pass     *pass
	answer   *answer
}

type answer struct {
	status int
	text   text
}

func (s *server) name() string {
	if len(s.names) == 0 {
		return ""
	}
	return strings.TrimPrefix(s.names[0], ".")
}

// compileServer compiles a server block and its locations.
func (c *compiler) compileServer(in *Server) (err error) {
	s := &server{ports: in.Listen, defaults: in.Default, exact: map[string]*location{}, named: map[string]*location{}}
	if len(s.ports) == 0 {
		s.ports = []int{80}
	}
	for _, name := range in.Names {
		s.names = append(s.names, strings.ToLower(name))
	}
	level := c.config.Settings.inside(in.Settings)
	if s.settings, err = c.compileSettings(level, in.Pos); err != nil {
		return err
	}
	s.root = location{settings: s.settings, path: ""}
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

// serverFor chooses the server block by port and Host.
//
// Source: nginx docs, server_names: exact, then the longest name with a leading
// asterisk, then the longest with a trailing one, then the port's default server,
// which is its first unless another says so.
func (p *Proxy) serverFor(port int, host string) *server {
	var first, best *server
	rank := 0
	for _, s := range p.servers {
		if !slices.Contains(s.ports, port) {
			continue
		}
		if first == nil || slices.Contains(s.defaults, port) {
			first = s
		}
		for _, name := range s.names {
			if r := nameRank(name, host); r > rank {
				best, rank = s, r
			}
		}
	}
	if best != nil {
		return best
	}
	return first
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
