package proxy

import (
	"slices"
	"strings"

	"sessionlab/proxy/upstream"
)

// Front describes the usual front of a lab in a few words: one port, one group,
// every request passed on. Config spells it out.
type Front struct {
	Release string            // nginx release; "": DefaultRelease
	Port    int               // 0: 8080
	Group   string            // name of the upstream block; "": jspserver
	Servers []upstream.Server // for a sticky route, Route or else the host in Name is the node's jvmRoute
	Method  upstream.Method
	Key     string // hash: the key, with variables
	Binding Binding
	RouteOf func(sessionID string) string // needed by ByRoute
	// ErrorPage is the body of /50x.html, shown for 500, 502, 503 and 504. "":
	// nginx's own pages.
	ErrorPage string
	Keepalive int // idle connections kept; 0: the release's default, None: none
	Settings      // of the http level
}

// Binding is how the usual front binds a session to its node.
type Binding uint8

const (
	Unbound Binding = iota
	// ByRoute follows the jvmRoute in the session id: with "sticky route" where
	// the release has it, else the older way, a map from the route to a group
	// of the node's own with all others as its backups. In the older way each
	// of these groups has its own memory of failures.
	ByRoute
	// ByCookie has nginx set a cookie of its own, named srv_id.
	ByCookie
)

// Config spells the front out. Mistakes in it are found by New.
func (f Front) Config() Config {
	name := or(f.Group, "jspserver")
	group := Upstream{Name: name, Servers: f.Servers, Method: f.Method, Key: f.Key, Keepalive: f.Keepalive}
	all := Location{Path: "/", ProxyPass: scheme + name}
	c := Config{Release: f.Release, Settings: f.Settings, RouteOf: f.RouteOf}
	// An unknown release is left for New to refuse.
	r, _ := releaseOf(f.Release)
	switch {
	case f.Binding == ByCookie:
		group.Sticky = Sticky{Cookie: "srv_id", Path: "/"}
		c.Upstreams = []Upstream{group}
	case f.Binding == ByRoute && r.sticky:
		group.Sticky = Sticky{Route: []string{"$route"}}
		group.Servers = nil
		for _, s := range f.Servers {
			s.Route = routeOf(s)
			group.Servers = append(group.Servers, s)
		}
		c.Upstreams = []Upstream{group}
	case f.Binding == ByRoute:
		all.ProxyPass = scheme + "$lab_group"
		c.Upstreams, c.Maps = f.groupsByRoute(group)
	default:
		c.Upstreams = []Upstream{group}
	}
	server := Server{Listen: []int{or(f.Port, 8080)}, Locations: []Location{all}}
	if f.ErrorPage != "" {
		c.Files = map[string]string{"html/50x.html": f.ErrorPage}
		server.ErrorPages = []ErrorPage{{Statuses: []int{500, 502, 503, 504}, URI: "/50x.html"}}
		server.Locations = append(server.Locations, Location{Modifier: "=", Path: "/50x.html"})
	}
	c.Servers = []Server{server}
	return c
}

// routeOf is the jvmRoute of the node behind a server line.
func routeOf(s upstream.Server) string {
	if s.Route != "" {
		return s.Route
	}
	name, _, _ := strings.Cut(s.Name, ":")
	return name
}

// groupsByRoute makes a group for each node, with all others as backups, and
// the map that chooses among them.
func (f Front) groupsByRoute(group Upstream) ([]Upstream, []Map) {
	plain := func(s upstream.Server) upstream.Server { s.Route = ""; return s }
	groups := []Upstream{group}
	groups[0].Servers = nil
	choice := Map{Source: "$route", Variable: "$lab_group", Default: group.Name}
	for i, own := range f.Servers {
		groups[0].Servers = append(groups[0].Servers, plain(own))
		leads := func(e MapEntry) bool { return e.Pattern == routeOf(own) }
		if own.Backup || slices.ContainsFunc(choice.Entries, leads) {
			continue // two nodes with one jvmRoute: it leads to the first
		}
		one := Upstream{Name: group.Name + "-" + routeOf(own), Keepalive: f.Keepalive}
		for j, s := range f.Servers {
			s = plain(s)
			s.Backup = i != j
			one.Servers = append(one.Servers, s)
		}
		groups = append(groups, one)
		choice.Entries = append(choice.Entries, MapEntry{routeOf(own), one.Name})
	}
	return groups, []Map{choice}
}
