package proxy

import (
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
	if len(in.Names) == 0 {
		s.names = []string{""}
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

// Names are the server names that are taken on a port.
type Names map[string]bool

// Take takes a name, in lower case, and reports whether it was free. A leading dot
// stands for the name behind it and for all that end with the dot and the name.
//
// Source: nginx ngx_hash.c, ngx_hash_add_key.
func (n Names) Take(name string) (free bool) {
	take := func(key string) bool {
		taken := n[key]
		n[key] = true
		return !taken
	}
	if len(name) > 1 && name[0] == '.' {
		return take(name[1:]) && take("*"+name)
	}
	return take(name)
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
