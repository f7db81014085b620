package script

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// check refuses what is wrong only as a whole: missing nodes, names that
// collide, and settings that contradict each other.
func (p *parser) check(s *Scenario) {
	if len(s.Nodes()) == 0 {
		p.failAt(Pos{p.last.number, 1}, "such as: nodes 2", "the scenario has no nodes")
		return
	}
	p.checkNames(s)
	p.checkServers(s)
	p.checkAddresses(s)
	p.checkSettings(s)
}

func (p *parser) checkNames(s *Scenario) {
	nodes := map[string]bool{}
	for _, n := range s.Nodes() {
		nodes[n] = true
	}
	crowd := scope{crowd: s.Noun("users").N}
	for _, u := range s.All("user") {
		if nodes[u.Name] {
			p.failAt(u.Pos, "", "%q is a node too", u.Name)
		}
		if crowd.inCrowd(u.Name) {
			p.failAt(u.Pos, "use another name", "%q is one of the users of line %d too", u.Name, s.Noun("users").Pos.Line)
		}
	}
	for i := range crowd.crowd {
		if name := generatedUser(i); nodes[name] {
			p.failAt(s.Noun("users").Pos, "", "%q is a node too", name)
			return
		}
	}
}

// checkServers refuses what nginx refuses.
// Source: nginx ngx_http_upstream.c ("balancing method does not support
// parameter", "no servers in upstream").
func (p *parser) checkServers(s *Scenario) {
	proxy := s.Noun("proxy")
	_, attached := s.Attachment("nginx.conf")
	if attached && proxy.Word != "" {
		p.failAt(proxy.Pos, "keep one of the two", "the attached nginx.conf declares the proxy too")
	}
	primaries, ring := len(s.Nodes()), len(s.Nodes())
	for _, server := range s.All("server") {
		ring += server.Options.Int("weight", 1) - 1
		if ring > maxRing && slices.Contains(proxy.Args, "consistent") {
			p.failAt(server.Options.pos("weight"), "each unit of weight is 160 points of the ring", "the weights of all servers of a consistent hash are %d together: at most %d", ring, maxRing)
		}
		if attached {
			p.failAt(server.Pos, "keep one of the two", "the attached nginx.conf declares the servers too")
		}
		if !server.Has("backup") {
			continue
		}
		if primaries--; primaries == 0 {
			p.failAt(server.Pos, "", "every server is a backup: nginx finds no servers in the upstream")
		}
		if slices.Contains([]string{"ip_hash", "hash", "random"}, proxy.Class) {
			p.failAt(server.Pos, "", "nginx knows no backup with %s", proxy.Class)
		}
	}
}

// maxRing is how much weight the servers of a consistent hash may have together.
const maxRing = 10_000

func (p *parser) checkAddresses(s *Scenario) {
	owner := map[string]string{}
	take := func(name, addr string, pos Pos) {
		if a, err := netip.ParseAddr(addr); err == nil && (a.IsUnspecified() || a.IsMulticast() || addr == "255.255.255.255") {
			p.failAt(pos, "such as 10.0.0.77", "%s is no address of a machine", addr)
		}
		if other := owner[addr]; addr != "" && other != "" {
			p.failAt(pos, "", "%s has this address too", other)
		}
		owner[addr] = name
	}
	for _, n := range s.All("node") {
		take(n.Name, n.Options.String("addr", ""), n.Options.pos("addr"))
	}
	proxy := s.Noun("proxy").Options
	take("proxy", proxy.String("addr", ""), proxy.pos("addr"))
	for _, u := range s.All("user") {
		take(u.Name, u.Text, u.Pos)
	}
	crowd := s.Noun("users")
	if block, err := netip.ParsePrefix(crowd.Options.String("from", "")); err == nil && block.Addr().BitLen()-block.Bits() < 32 && crowd.N > 1<<(block.Addr().BitLen()-block.Bits())-1 {
		p.failAt(crowd.Options.pos("from"), "", "%v has no room for %d users", block, crowd.N)
	}
}

func (p *parser) checkSettings(s *Scenario) {
	if manager, app := s.Noun("manager"), s.Noun("app"); manager.Options.Has("maxInactiveInterval") && app.Options.Has("sessionTimeout") {
		p.failAt(app.Options.pos("sessionTimeout"), "keep one of the two", "maxInactiveInterval of line %d says the same", manager.Pos.Line)
	}
	if proxy := s.Noun("proxy").Options; proxy.Has("cookie") && !proxy.Has("sticky") {
		p.failAt(proxy.pos("cookie"), "sticky=route or sticky=cookie", "a cookie means nothing without sticky")
	}
	if group := s.Noun("membership").Options; group.Has("address") {
		if a, err := netip.ParseAddr(group.String("address", "")); err == nil && !a.IsMulticast() {
			p.failAt(group.pos("address"), "such as 228.0.0.4", "%v is no multicast group: Tomcat's channel does not start", a)
		}
	}
	for _, n := range s.Nouns {
		p.checkCookies(n)
		for _, name := range []string{"filter", "sessionAttributeNameFilter"} {
			if _, err := regexp.Compile(n.Options.String(name, "")); err != nil {
				p.failAt(n.Options.pos(name), "Java's look-around and back references are not known here", "%s: %v", name, err)
			}
		}
		switch n.Word {
		case "receiver":
			p.checkThreads(n, "minThreads", 6, 15)
		case "interceptor":
			p.checkThreads(n, "maxSpareThreads", 2, 10)
		}
	}
}

// checkCookies refuses what cannot stand in a cookie, and a route that nginx
// finds too long. Source: RFC 6265, section 4.1.1; nginx
// ngx_http_upstream_sticky_module.c.
func (p *parser) checkCookies(n Noun) {
	for _, name := range []string{"sessionCookieName", "cookie", "jvmRoute"} {
		value := n.Options.String(name, "")
		forbidden := " \t\",;\\"
		if name == "sessionCookieName" || name == "cookie" {
			forbidden += "()<>@:/[]?={}"
		}
		for _, r := range value {
			if r < ' ' || r >= 0x7f || strings.ContainsRune(forbidden, r) {
				p.failAt(n.Options.pos(name), "letters, digits, _ and - are safe", "%s: a cookie cannot have the character %q there", name, r)
				break
			}
		}
	}
	if len(n.Options.String("route", "")) > 32 {
		p.failAt(n.Options.pos("route"), "", "route: nginx takes 32 characters at most")
	}
}

// checkThreads refuses a pool that keeps more threads than it may have: Java does
// not make it, and Tomcat's channel does not start. Given are Tomcat's defaults.
func (p *parser) checkThreads(n Noun, kept string, core, most int) {
	switch core, most = n.Options.Int(kept, core), n.Options.Int("maxThreads", most); {
	case core <= most:
	case n.Options.Has(kept):
		p.failAt(n.Options.pos(kept), "", "%s is more than maxThreads", kept)
	default:
		p.failAt(n.Options.pos("maxThreads"), "set "+kept+" too",
			"%s is %d unless it is set, which is more than maxThreads: Tomcat's channel does not start", kept, core)
	}
}
