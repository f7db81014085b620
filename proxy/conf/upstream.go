package conf

import (
	"slices"
	"strconv"
	"strings"

	"sessionlab/proxy"
	"sessionlab/proxy/upstream"
)

// group is the upstream block that is being read.
type group struct {
	proxy.Upstream
	chosen bool // a load balancing method, or a keepalive that counts as one
}

// target is an upstream block, or an address in a proxy_pass.
//
// Source: nginx ngx_http_upstream.c, ngx_http_upstream_add.
type target struct {
	host    string
	port    int
	noPort  bool
	defined bool           // by an upstream block
	group   proxy.Upstream // which is this one
	Position
}

// addTarget registers a name that an upstream block defines, or that a
// proxy_pass mentions.
func (r *reader) addTarget(s statement, host string, port int, noPort, define bool) (*target, error) {
	for _, t := range r.targets {
		if !strings.EqualFold(t.host, host) {
			continue
		}
		switch {
		case define && t.defined:
			return nil, r.fail(s, s.words[1], "duplicate upstream %s", quote(host))
		case t.defined && !noPort:
			return nil, r.fail(s, s.words[1], "upstream %s may not have port %d", quote(host), port)
		case define && !t.noPort:
			return nil, &Error{Position: t.Position, Text: "upstream " + quote(host) + " may not have port " + strconv.Itoa(t.port)}
		case t.port != 0 && port != 0 && t.port != port:
			continue
		}
		if define {
			t.defined, t.port = true, 0
		}
		return t, nil
	}
	t := &target{host: host, port: port, noPort: noPort, defined: define, Position: s.at}
	r.targets = append(r.targets, t)
	return t, nil
}

// checkTargets does at the end of the http block what nginx does there.
//
// Source: nginx ngx_http_upstream_round_robin.c, ngx_http_upstream_init_round_robin.
func (r *reader) checkTargets() error {
	for _, t := range r.targets {
		primary := func(s upstream.Server) bool { return !s.Backup }
		switch {
		case t.defined && !slices.ContainsFunc(t.group.Servers, primary):
			return &Error{Position: t.Position, Text: "no servers in upstream " + quote(t.host)}
		case !t.defined && !r.resolves(t.host):
			return &Error{Position: t.Position, Text: "host not found in upstream " + quote(t.host)}
		}
	}
	return nil
}

func (r *reader) resolves(host string) bool {
	if _, ok := upstream.ParseIPv4(host); ok {
		return true
	}
	return r.resolve != nil && len(r.resolve(host)) > 0
}

func (r *reader) upstreamBlock(s statement) error {
	name := s.words[1].text
	t, err := r.addTarget(s, name, 0, true, true)
	if err != nil {
		return err
	}
	g := &group{Upstream: proxy.Upstream{Name: name, Pos: place(s)}}
	r.group = g
	if err := r.block(inUpstream); err != nil {
		return err
	}
	r.group = nil
	if len(g.Servers) == 0 {
		return r.stop("no servers are inside upstream")
	}
	t.group = g.Upstream
	r.config.Upstreams = append(r.config.Upstreams, g.Upstream)
	return nil
}

// upstreamServer reads a server of an upstream block.
//
// Source: nginx ngx_http_upstream.c, ngx_http_upstream_server: parameters come
// first, then the address.
func (r *reader) upstreamServer(s statement) error {
	words := s.texts()
	address := s.words[1]
	for i, w := range s.words[2:] {
		if err := r.serverParameter(s, w); err != nil {
			return err
		}
		if _, err := upstream.ParseServer("0.0.0.0", words[i+1]); err != nil {
			return r.fail(s, w, "%s", err)
		}
	}
	if host, _, _ := strings.Cut(address.text, ":"); host == "unix" || strings.HasPrefix(host, "[") {
		return r.fail(s, address, "server %s: only names and IPv4 addresses are simulated", quote(address.text))
	}
	if strings.ContainsAny(address.text, "/?") {
		return r.fail(s, address, "invalid host in upstream %s", quote(address.text))
	}
	server, err := upstream.ParseServer(words...)
	if err != nil {
		return r.fail(s, address, "%s", err)
	}
	host, _, _ := strings.Cut(server.Addr, ":")
	if !r.resolves(host) {
		return r.fail(s, address, "host not found in upstream %s", quote(address.text))
	}
	server.Pos = place(s)
	r.group.Servers = append(r.group.Servers, server)
	return nil
}

// serverParameter refuses what the method or the release does not have.
func (r *reader) serverParameter(s statement, w word) error {
	name, value, _ := strings.Cut(w.text, "=")
	switch {
	case w.text == "backup" && !r.group.Method.Backups():
		return r.fail(s, w, `balancing method does not support parameter "backup"`)
	case r.release < stickySince && (w.text == "drain" || name == "route"):
		return r.fail(s, w, "invalid parameter %s", quote(w.text))
	case name == "route" && strings.Contains(w.text, "=") && value == "":
		return r.fail(s, w, "route is empty")
	case name == "route" && len(value) > 32:
		return r.fail(s, w, "route is longer than 32")
	case r.release >= 2703 && (w.text == "resolve" || name == "service"):
		return r.fail(s, w, "parameter %s is not simulated: names are resolved once", quote(w.text))
	}
	return nil
}

// method reads ip_hash, least_conn, hash and random.
//
// Source: nginx ngx_http_upstream_hash_module.c and its siblings: the later
// one wins. Sticky, and before 1.29.7 keepalive, wrap the method that stands
// before them, and one that stands behind takes their place.
func (r *reader) method(s statement) error {
	g := r.group
	if g.chosen {
		r.note(Warning, s.words[0], "load balancing method redefined")
		g.Sticky = proxy.Sticky{}
		if r.release < keepaliveSince {
			g.Keepalive = 0
		}
	}
	g.chosen = true
	g.BeforeMethod = len(g.Servers)
	args := s.args()
	switch s.name() {
	case "ip_hash":
		g.Method = upstream.IPHash
	case "least_conn":
		g.Method = upstream.LeastConn
	case "hash":
		if err := r.misspelt(s, args[0]); err != nil {
			return err
		}
		g.Method, g.Key = upstream.Hash, args[0].text
		if len(args) == 2 {
			if args[1].text != "consistent" {
				return r.fail(s, args[1], "invalid parameter %s", quote(args[1].text))
			}
			g.Method = upstream.ConsistentHash
		}
	case "random":
		g.Method = upstream.Random
		for i, want := range []string{"two", "least_conn"} {
			if i >= len(args) {
				break
			}
			if args[i].text != want {
				return r.fail(s, args[i], "invalid parameter %s", quote(args[i].text))
			}
			g.Method = upstream.RandomTwo
		}
	}
	return nil
}

func (r *reader) keepalive(s statement) error {
	n, ok := number(s.words[1].text)
	// Before 1.29.7 there was no "keepalive 0".
	if !ok || n == 0 && r.release < keepaliveSince {
		return r.fail(s, s.words[1], "invalid value %s in %s directive", quote(s.words[1].text), quote(s.name()))
	}
	if len(s.words) == 3 {
		if r.release < keepaliveSince {
			return r.fail(s, s.words[0], "invalid number of arguments in %s directive", quote(s.name()))
		}
		if s.words[2].text != "local" {
			return r.fail(s, s.words[2], "invalid parameter %s", quote(s.words[2].text))
		}
		r.note(Ignored, s.words[2], `"local" is not understood, ignored: the group's locations share the connections`)
	}
	r.group.Keepalive = orMinusOne(n)
	r.group.chosen = r.group.chosen || r.release < keepaliveSince
	return nil
}

// upstreamSetting reads the settings of kept connections.
func (r *reader) upstreamSetting(s statement) error {
	g := r.group
	value := s.words[1].text
	n, isNumber := number(value)
	d, isTime := duration(value)
	switch s.name() {
	case "keepalive_requests":
		if !isNumber {
			return r.reject(s, "invalid number")
		}
		g.KeepaliveRequests = orMinusOne(n)
		return nil
	case "keepalive_time":
		g.KeepaliveTime = orMinusOne(d)
	case "keepalive_timeout":
		g.KeepaliveTimeout = orMinusOne(d)
	}
	if !isTime {
		return r.reject(s, "invalid value")
	}
	return nil
}

// sticky reads sticky cookie, route and learn.
//
// Source: nginx ngx_http_upstream_sticky_module.c.
func (r *reader) sticky(s statement) error {
	r.group.chosen = true
	kind, rest := s.words[1], s.words[2:]
	switch kind.text {
	case "cookie":
		return r.stickyCookie(s, rest)
	case "route":
		for _, w := range rest {
			if len(w.text) < 2 || w.text[0] != '$' {
				return r.fail(s, w, "invalid variable name %s", quote(w.text))
			}
			r.group.Sticky.Route = append(r.group.Sticky.Route, w.text)
		}
		return nil
	case "learn":
		return r.stickyLearn(s, rest)
	}
	return r.fail(s, kind, "unknown parameter %s", quote(kind.text))
}

func (r *reader) stickyCookie(s statement, words []word) error {
	if words[0].text == "" {
		return r.reject(s, "empty cookie name")
	}
	sticky := &r.group.Sticky
	sticky.Cookie = words[0].text
	seen := map[string]bool{}
	for _, w := range words[1:] {
		name, value, valued := strings.Cut(w.text, "=")
		switch name {
		case "httponly", "secure":
			valued = !valued
		case "expires", "domain", "path", "samesite":
		default:
			valued = false
		}
		switch {
		case !valued:
			return r.fail(s, w, "unknown parameter %s", quote(w.text))
		case seen[name]:
			return r.fail(s, w, `"sticky" directive parameter "%s" is duplicate`, name)
		case value == "" && (name == "domain" || name == "path"):
			return r.fail(s, w, `"sticky" directive no value for "%s"`, name)
		}
		seen[name] = true
		switch name {
		case "httponly":
			sticky.HTTPOnly = true
		case "secure":
			sticky.Secure = true
		case "expires":
			d, ok := upstream.ParseTime(value, true)
			if value == "max" {
				d, ok = proxy.MaxExpires, true
			}
			if !ok {
				return r.fail(s, w, `"sticky" directive invalid "expires" parameter value`)
			}
			sticky.Expires = orMinusOne(d)
		case "domain":
			sticky.Domain = value
		case "path":
			sticky.Path = value
		case "samesite":
			if !strings.Contains(value, "$") && !slices.Contains([]string{"strict", "lax", "none"}, strings.ToLower(value)) {
				return r.fail(s, w, `"sticky" directive invalid "samesite" parameter value`)
			}
			sticky.SameSite = value
		}
	}
	return nil
}

func (r *reader) stickyLearn(s statement, words []word) error {
	learn := &r.group.Sticky.Learn
	zone := false
	for _, w := range words {
		name, value, _ := strings.Cut(w.text, "=")
		switch {
		case w.text == "header":
			learn.Header = true
		case name == "zone":
			if zone {
				return r.fail(s, w, `"sticky" directive duplicate zone`)
			}
			if why := learnZone(value); why != "" {
				return r.fail(s, w, `"sticky" directive %s`, why)
			}
			zone = true
		case name == "timeout":
			d, ok := duration(value)
			switch {
			case learn.Timeout != 0:
				return r.fail(s, w, `"sticky" directive duplicate timeout`)
			case !ok || d == 0:
				return r.fail(s, w, `"sticky" directive invalid timeout`)
			}
			learn.Timeout = d
		case name == "create" || name == "lookup":
			if !strings.HasPrefix(value, "$") {
				return r.fail(s, w, `"sticky" directive missing variable in the "%s" parameter`, name)
			}
			if name == "create" {
				learn.Create = append(learn.Create, value)
			} else {
				learn.Lookup = append(learn.Lookup, value)
			}
		default:
			return r.fail(s, w, "unknown parameter %s", quote(w.text))
		}
	}
	switch {
	case len(learn.Lookup) == 0:
		return r.reject(s, `"lookup" parameter is not specified`)
	case len(learn.Create) == 0:
		return r.reject(s, `"create" parameter is not specified`)
	case !zone:
		return r.reject(s, `"zone" parameter is not specified`)
	}
	return nil
}

// learnZone says what is wrong with the zone of sticky learn.
func learnZone(text string) string {
	name, bytes, ok := strings.Cut(text, ":")
	n, valid := size(bytes)
	switch {
	case !ok:
		return "zone size is not specified"
	case name == "":
		return "zone name is not specified"
	case !valid:
		return "invalid zone size"
	case n < smallestZone:
		return "zone is too small"
	}
	return ""
}

// smallestZone is eight pages of memory.
const smallestZone = 8 * 4096

// zone reads the zone of a group. There is one worker, so that it changes
// nothing.
//
// Source: nginx ngx_http_upstream_zone_module.c.
func (r *reader) zone(s statement) error {
	name := s.words[1]
	if name.text == "" {
		return r.fail(s, name, "invalid zone name %s", quote(name.text))
	}
	if len(s.words) == 3 {
		n, ok := size(s.words[2].text)
		switch {
		case !ok:
			return r.fail(s, s.words[2], "invalid zone size %s", quote(s.words[2].text))
		case n < smallestZone:
			return r.fail(s, name, "zone %s is too small", quote(name.text))
		}
		r.sized[name.text] = true
	}
	r.zones = append(r.zones, name.text)
	r.note(NoEffect, s.words[0], `"zone": no effect: one worker is simulated`)
	return nil
}

// checkZones looks for a zone that no group has given a size.
func (r *reader) checkZones() error {
	for _, name := range r.zones {
		if !r.sized[name] {
			return &Error{Text: "zero size shared memory zone " + quote(name)}
		}
	}
	return nil
}
