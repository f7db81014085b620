package proxy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sessionlab/proxy/upstream"
)

// compiler turns a Config into what the handler works with. Its errors have
// nginx's texts.
type compiler struct {
	config  *Config
	release release
	own     map[string]variable // of maps and named captures, by lower-case name
	maps    int                 // how many map blocks there are
	slots   map[string]int      // of variables that are set, by lower-case name
	later   []func() error      // what must wait until all variables are known
	groups  map[string]*group   // by lower-case name, implicit ones included
	order   []*group
	servers []*server
	skipped []*passage
}

// placed is an error with the position of what it is about.
type placed struct {
	err error
	pos string
}

func (p placed) Error() string { return p.err.Error() + " in " + p.pos }
func (p placed) Unwrap() error { return p.err }

// at adds the position to an error that has none.
func (c *compiler) at(pos string, err error) error {
	var p placed
	if err == nil || pos == "" || errors.As(err, &p) {
		return err
	}
	return placed{err, pos}
}

func (c *compiler) compile() error {
	c.own, c.slots, c.groups = map[string]variable{}, map[string]int{}, map[string]*group{}
	c.passages(c.config.Skipped)
	for i := range c.config.Maps {
		m := &c.config.Maps[i]
		if err := c.compileMap(m); err != nil {
			return c.at(m.Pos, err)
		}
	}
	for i := range c.config.Upstreams {
		u := &c.config.Upstreams[i]
		if err := c.compileUpstream(u); err != nil {
			return c.at(u.Pos, err)
		}
	}
	for _, name := range c.config.Variables {
		if _, err := c.declare(name); err != nil {
			return err
		}
	}
	if len(c.config.Servers) == 0 {
		return errors.New("no server is configured")
	}
	for i := range c.config.Servers {
		s := &c.config.Servers[i]
		if err := c.compileServer(s); err != nil {
			return c.at(s.Pos, err)
		}
	}
	c.takeNames()
	for _, f := range c.later {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// compileUpstream makes the group of an upstream block.
func (c *compiler) compileUpstream(u *Upstream) error {
	key := strings.ToLower(u.Name)
	if c.groups[key] != nil {
		return fmt.Errorf(`duplicate upstream "%s"`, u.Name)
	}
	var servers []upstream.Server
	for i, s := range u.Servers {
		if err := c.checkServer(u, i); err != nil {
			return c.at(s.Pos, err)
		}
		found, err := c.resolve(s)
		if err != nil {
			return c.at(s.Pos, err)
		}
		servers = append(servers, found...)
	}
	g, err := c.newGroup(u, servers)
	if err != nil {
		return err
	}
	if u.Method == upstream.Hash || u.Method == upstream.ConsistentHash {
		c.later = append(c.later, func() (err error) {
			g.key, err = c.text(u.Key)
			return c.at(u.Pos, err)
		})
	}
	if u.Sticky.used() {
		if !c.release.sticky {
			return errors.New(`unknown directive "sticky"`)
		}
		if g.sticky, err = c.compileSticky(u); err != nil {
			return err
		}
	}
	c.groups[key] = g
	c.order = append(c.order, g)
	return nil
}

// checkServer looks for parameters that the method or the release refuses.
func (c *compiler) checkServer(u *Upstream, i int) error {
	s := u.Servers[i]
	if s.Backup && i >= u.BeforeMethod && !u.Method.Backups() {
		return errors.New(`balancing method does not support parameter "backup"`)
	}
	if !c.release.sticky && s.Route != "" {
		return fmt.Errorf(`invalid parameter "%s"`, "route="+s.Route)
	}
	if !c.release.sticky && s.Drain {
		return errors.New(`invalid parameter "drain"`)
	}
	if len(s.Route) > 32 {
		return fmt.Errorf(`invalid parameter "%s"`, "route="+s.Route)
	}
	return nil
}

// resolve gives one server for each address of the server's host.
func (c *compiler) resolve(s upstream.Server) ([]upstream.Server, error) {
	host, port, ok := strings.Cut(s.Addr, ":")
	if !ok {
		port = "80"
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return nil, fmt.Errorf(`invalid port in upstream "%s"`, s.Name)
	}
	if addr, ok := upstream.ParseIPv4(host); ok {
		s.Addr = addr.String() + ":" + port
		return []upstream.Server{s}, nil
	}
	var found []upstream.Server
	if c.config.Resolve != nil {
		for _, addr := range c.config.Resolve(host) {
			s.Addr = addr + ":" + port
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf(`host not found in upstream "%s"`, s.Name)
	}
	return found, nil
}

// newGroup makes the run-time state of an upstream block.
func (c *compiler) newGroup(u *Upstream, servers []upstream.Server) (*group, error) {
	peers, err := upstream.New(u.Name, u.Method, servers)
	if err != nil {
		return nil, err
	}
	g := &group{name: u.Name, peers: peers}
	g.cache = cache{
		size:        orDefault(u.Keepalive, c.release.keepalive),
		local:       u.Keepalive == 0 && c.release.local,
		maxRequests: orDefault(u.KeepaliveRequests, 1000),
		maxAge:      orDefault(u.KeepaliveTime, time.Hour),
		maxIdle:     orDefault(u.KeepaliveTimeout, 60*time.Second),
	}
	return g, nil
}

// implicit is the group of an address that stands in a proxy_pass itself: one
// server with the defaults, shared by all that name it, without keepalive.
func (c *compiler) implicit(hostport string) (*group, error) {
	key := strings.ToLower(hostport)
	if g := c.groups[key]; g != nil {
		return g, nil
	}
	s, err := upstream.ParseServer(hostport)
	if err != nil {
		return nil, err
	}
	servers, err := c.resolve(s)
	if err != nil {
		return nil, err
	}
	g, err := c.newGroup(&Upstream{Name: hostport, Keepalive: None}, servers)
	if err != nil {
		return nil, err
	}
	c.groups[key] = g
	c.order = append(c.order, g)
	return g, nil
}

// orDefault replaces a zero by the default, and a negative number by zero.
func orDefault[N int | int64 | time.Duration](n, preset N) N {
	switch {
	case n == 0:
		return preset
	case n < 0:
		return 0
	}
	return n
}

// or is the first that is not zero.
func or[T comparable](inner, outer T) T {
	var zero T
	if inner != zero {
		return inner
	}
	return outer
}

// orList is the first that is not empty.
func orList[T any](inner, outer []T) []T {
	if len(inner) > 0 {
		return inner
	}
	return outer
}
