package proxy

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

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
