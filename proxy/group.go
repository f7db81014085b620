package proxy

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"sessionlab/lab/world"
	"sessionlab/proxy/upstream"
)

// group is an upstream block at work: what package upstream knows about its
// servers, and the idle connections to them.
type group struct {
	name   string
	key    text // of the hash methods
	sticky *sticky
	cache  cache

	mu    sync.Mutex // guards peers and the exchanges' walks through them
	peers *upstream.Group
}

// begin starts the walk of an exchange through the group.
func (g *group) begin(x *exchange) {
	var key upstream.Key
	switch g.peers.Method() {
	case upstream.IPHash:
		key.Addr = x.clientAddr()
	case upstream.Hash, upstream.ConsistentHash:
		key.Hash = g.key.value(x)
	case upstream.Random, upstream.RandomTwo:
		key.Draw = x.p.host.Rand("upstream", g.name, x.identity()).IntN
	}
	if g.sticky != nil {
		key.SID = g.sticky.prefer(x)
	}
	x.walk.Begin(g.peers, key)
}

// clientAddr is the client's address in bytes, or nothing if it is no IP
// address.
func (x *exchange) clientAddr() []byte {
	addr, err := netip.ParseAddr(clientHost(x.r.RemoteAddr))
	if err != nil {
		return nil
	}
	if addr = addr.Unmap(); addr.Is4() {
		four := addr.As4()
		return append(x.addr[:0], four[:]...)
	}
	sixteen := addr.As16()
	return append(x.addr[:0], sixteen[:]...)
}

// choose takes the next server.
func (x *exchange) choose() bool {
	now := x.p.now()
	x.group.mu.Lock()
	peer, ok := x.walk.Next(now)
	x.group.mu.Unlock()
	x.peer = peer
	if ok && x.group.sticky != nil {
		x.cookie = x.group.sticky.setCookie(x)
	}
	return ok
}

// done ends an attempt and tells what it meant for the server.
func (x *exchange) done(o upstream.Outcome, how world.Outcome, status int) {
	if o == upstream.Served && x.group.sticky != nil {
		x.group.sticky.learnAtEnd(x)
	}
	now := x.p.now()
	x.group.mu.Lock()
	change := x.walk.Done(now, o)
	x.group.mu.Unlock()
	x.attempts[len(x.attempts)-1].status = status
	e := TraceEvent{Kind: AttemptEnded, Group: x.group.name, Server: x.peer.Server.Name,
		Addr: x.peer.Server.Addr, Outcome: how, Status: status}
	x.trace(e)
	switch change {
	case upstream.Disabled:
		e.Kind = ServerDisabled
		x.trace(e)
	case upstream.Readmitted:
		e.Kind = ServerReadmitted
		x.trace(e)
	}
}

// GroupStatus is the table of one group.
type GroupStatus struct {
	Name    string
	Servers []upstream.Status
}

// Status lists the groups in the order of the configuration, with the groups
// of plain proxy_pass addresses behind them. It waits while the proxy's host is
// paused.
func (p *Proxy) Status() []GroupStatus { return p.StatusAt(p.host.Now()) }

// StatusAt is Status for an onlooker who brings the time of the proxy's wall
// clock along, and so waits for nobody.
func (p *Proxy) StatusAt(wall time.Time) []GroupStatus {
	now := wall.Sub(p.zero)
	var table []GroupStatus
	for _, g := range p.groups {
		g.mu.Lock()
		table = append(table, GroupStatus{g.name, g.peers.Status(now)})
		g.mu.Unlock()
	}
	return table
}

// pass is a proxy_pass, compiled.
type pass struct {
	group   *group
	host    string // $proxy_host
	uri     string // the URI part, or ""
	url     string // as written, for proxy_redirect default
	dynamic *text  // with variables: all of the above is found per request; without http://
	schemed bool   // dynamic gives the scheme, too
}

const scheme = "http://"

func (c *compiler) compilePass(in *Location, l *location) (*pass, error) {
	rest, ok := cutScheme(in.ProxyPass)
	if strings.Contains(in.ProxyPass, "$") {
		p := &pass{dynamic: &text{}, schemed: !ok}
		if !ok {
			rest = in.ProxyPass
		}
		c.later = append(c.later, func() (err error) {
			*p.dynamic, err = c.text(rest)
			return c.at(in.Pos, err)
		})
		return p, nil
	}
	if !ok {
		return nil, errPrefix
	}
	host, uri := splitHost(rest)
	if uri != "" && (l.kind == "~" || l.kind == "~*" || l.kind == "@") {
		return nil, errNoURI
	}
	g, err := c.implicit(host)
	if err != nil {
		return nil, err
	}
	return &pass{group: g, host: strings.TrimSuffix(host, ":80"), uri: uri, url: in.ProxyPass}, nil
}

// cutScheme cuts http:// off, in capitals or not.
func cutScheme(url string) (rest string, ok bool) {
	if len(url) < len(scheme) || !strings.EqualFold(url[:len(scheme)], scheme) {
		return "", false
	}
	return url[len(scheme):], true
}

// splitHost splits "host:port/uri?args".
func splitHost(s string) (host, uri string) {
	for i := range len(s) {
		if s[i] == '/' || s[i] == '?' {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// target finds where an exchange goes: the group, and the URI part of
// proxy_pass. With variables an unknown name is 502, as without a resolver.
func (x *exchange) target(pass *pass) (uri string, status int) {
	if pass.dynamic == nil {
		x.group, x.proxyHost = pass.group, pass.host
		return pass.uri, 0
	}
	rest, ok := pass.dynamic.value(x), true
	if status := x.outOfMemory(); status != 0 {
		return "", status
	}
	if pass.schemed {
		rest, ok = cutScheme(rest)
	}
	host, uri := splitHost(rest)
	if !ok || host == "" {
		return "", 500
	}
	g, status := x.p.groupOf(host)
	x.group, x.proxyHost = g, strings.TrimSuffix(host, ":80")
	return uri, status
}

// groupOf finds a group by the text of a proxy_pass at run time. An address
// that nothing names gets a group of its own.
func (p *Proxy) groupOf(host string) (*group, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.byName[host] // the names are in lower case, and host is mostly, too
	if g == nil {
		g = p.byName[strings.ToLower(host)]
	}
	if g != nil {
		return g, 0
	}
	name := clientHost(host)
	if !strings.Contains(host, ":") {
		name = host
	}
	if _, err := netip.ParseAddr(name); err != nil {
		return nil, 502
	}
	g, err := (&compiler{config: &p.config, release: p.release, groups: p.byName}).implicit(host)
	if err != nil {
		return nil, 502
	}
	p.groups = append(p.groups, g)
	return g, 0
}
