package conf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"sessionlab/proxy"
)

// virtualServer is the server block that is being read.
type virtualServer struct {
	proxy.Server
	deaf bool // none of its listen directives is simulated
}

// listen is a port that a server has taken.
type listen struct {
	server    *virtualServer
	addr      string
	port      int
	preferred bool // its default server
}

// serverBlock reads a virtual server.
func (r *reader) serverBlock(s statement) error {
	server := &virtualServer{Server: proxy.Server{Pos: place(s)}}
	outer := r.settings
	r.server, r.settings = server, &server.Settings
	if err := r.block(inServer); err != nil {
		return err
	}
	r.server, r.settings = nil, outer
	if server.deaf && len(server.Listen) == 0 {
		r.note(Ignored, s.words[0], "the server is ignored: it has no port that is simulated")
		return nil
	}
	r.config.Servers = append(r.config.Servers, server.Server)
	r.places[server.Pos] = s.words[0].Position
	return nil
}

// checkNames warns of servers with the same name on the same port.
//
// Source: nginx ngx_http.c, ngx_http_server_names.
func (r *reader) checkNames() error {
	if err := r.checkAsterisks(); err != nil {
		return err
	}
	taken, sharers := map[int]proxy.Names{}, map[int]int{}
	ports := func(server *proxy.Server) []int {
		if len(server.Listen) == 0 {
			return []int{80}
		}
		return server.Listen
	}
	for i := range r.config.Servers {
		for _, port := range ports(&r.config.Servers[i]) {
			taken[port] = proxy.Names{}
			sharers[port]++
		}
	}
	for i := range r.config.Servers {
		server := &r.config.Servers[i]
		names := server.Names
		if len(names) == 0 {
			names = []string{""}
		}
		for _, port := range ports(server) {
			for _, name := range names {
				name = strings.ToLower(name)
				if sharers[port] > 1 && !strings.HasPrefix(name, "~") && !taken[port].Take(name) {
					r.note(Warning, word{Position: r.places[server.Pos]},
						"conflicting server name %s on 0.0.0.0:%d, ignored", quote(name), port)
				}
			}
		}
	}
	return nil
}

// checkAsterisks refuses names with an asterisk in the middle. nginx finds them
// only where an address has several servers.
//
// Source: nginx ngx_http.c, ngx_http_optimize_servers.
func (r *reader) checkAsterisks() error {
	type address struct {
		addr string
		port int
	}
	sharers := map[address]int{}
	for _, l := range r.listens {
		sharers[address{l.addr, l.port}]++
	}
	for _, l := range r.listens {
		if sharers[address{l.addr, l.port}] < 2 {
			continue
		}
		for _, name := range l.server.Names {
			if !strings.HasPrefix(name, "~") && !validName(strings.ToLower(name)) {
				return &Error{Text: fmt.Sprintf("invalid server name or wildcard %s on %s:%d", quote(name), l.addr, l.port)}
			}
		}
	}
	return nil
}

// listenParameters are those that make no difference here; those that end with
// "=" take a value, in the form that the function knows.
var listenParameters = map[string]func(value string) bool{
	"bind": nil, "deferred": nil, "reuseport": nil, "http2": nil,
	"backlog=":      positive,
	"fastopen=":     positive,
	"rcvbuf=":       someBytes,
	"sndbuf=":       someBytes,
	"ipv6only=":     anything,
	"so_keepalive=": anything,
}

func positive(value string) bool  { n, ok := number(value); return ok && n > 0 }
func someBytes(value string) bool { _, ok := size(value); return ok }
func anything(string) bool        { return true }

// listenParameter reads a parameter that makes no difference.
func (r *reader) listenParameter(s statement, w word) error {
	name, value, valued := strings.Cut(w.text, "=")
	key := name
	if valued {
		key += "="
	}
	valid, known := listenParameters[key]
	switch {
	case !known:
		return r.fail(s, w, "invalid parameter %s", quote(w.text))
	case valued && !valid(value):
		return r.fail(s, w, "invalid %s %s", name, quote(w.text))
	}
	return nil
}

// listen reads a port.
//
// Source: nginx ngx_http_core_module.c, ngx_http_core_listen; ngx_inet.c.
func (r *reader) listen(s statement) error {
	address := s.words[1]
	host, port, why := splitListen(address.text)
	if why == "" && host != "" && host != "*" && host != "unix" && !strings.HasPrefix(host, "[") && !r.resolves(host) {
		why = "host not found"
	}
	if why != "" {
		return r.fail(s, address, `%s in %s of the "listen" directive`, why, quote(address.text))
	}
	simulated, preferred := host != "unix" && !strings.HasPrefix(host, "["), false
	for _, w := range s.words[2:] {
		switch {
		case w.text == "default_server", w.text == "default":
			preferred = true
		case w.text == "ssl", w.text == "quic", w.text == "proxy_protocol":
			simulated = false
		default:
			if err := r.listenParameter(s, w); err != nil {
				return err
			}
		}
	}
	if host == "" || host == "*" {
		host = "0.0.0.0"
	}
	for _, l := range r.listens {
		if l.addr != host || l.port != port {
			continue
		}
		switch {
		case l.server == r.server:
			return r.fail(s, address, "a duplicate listen %s:%d", host, port)
		case l.preferred && preferred:
			return r.fail(s, address, "a duplicate default server for %s:%d", host, port)
		}
	}
	r.listens = append(r.listens, listen{r.server, host, port, preferred})
	switch {
	case !simulated:
		r.server.deaf = true
		r.note(Ignored, address, "%s is not understood, ignored: plain HTTP on IPv4 is simulated",
			quote("listen "+strings.Join(s.texts(), " ")))
		return nil
	case host != "0.0.0.0":
		r.note(NoEffect, address, "the address of listen is not looked at: the port is open on all")
	}
	if !slices.Contains(r.server.Listen, port) {
		r.server.Listen = append(r.server.Listen, port)
	}
	if preferred && !slices.Contains(r.server.Default, port) {
		r.server.Default = append(r.server.Default, port)
	}
	return nil
}

// splitListen takes the address of a listen directive apart; why is what is
// wrong with it. A host of "unix" is a socket, one that begins with "[" is of
// IPv6.
func splitListen(text string) (host string, port int, why string) {
	if strings.HasPrefix(text, "unix:") {
		return "unix", 0, ""
	}
	rest := ""
	if strings.HasPrefix(text, "[") {
		i := strings.IndexByte(text, ']')
		if i < 0 {
			return "", 0, "invalid host"
		}
		if _, err := netip.ParseAddr(text[1:i]); err != nil {
			return "", 0, "invalid IPv6 address"
		}
		host, rest = text[:i+1], text[i+1:]
	} else if strings.ContainsAny(text, "/?") {
		return "", 0, "invalid host"
	} else if i := strings.IndexByte(text, ':'); i >= 0 {
		host, rest = text[:i], text[i:]
	} else if _, ok := number(text); ok {
		rest = ":" + text
	} else {
		host = text
	}
	if rest == "" {
		return host, 80, ""
	}
	port, ok := number(strings.TrimPrefix(rest, ":"))
	switch {
	case !ok || port < 1 || port > 65535:
		return "", 0, "invalid port"
	case host == "" && text[0] == ':':
		return "", 0, "no host"
	}
	return host, port, ""
}

// serverName reads the names of a virtual server.
//
// Source: nginx ngx_http_core_module.c, ngx_http_core_server_name.
func (r *reader) serverName(s statement) error {
	for _, w := range s.args() {
		name := w.text
		switch {
		case strings.HasPrefix(name, "*") && (len(name) < 3 || name[1] != '.') || name == ".":
			return r.fail(s, w, "server name %s is invalid", quote(name))
		case strings.HasPrefix(name, "~"):
			if len(name) == 1 {
				return r.fail(s, w, "empty regex in server name %s", quote(name))
			}
			if err := r.regexp(s, w, name[1:]); err != nil {
				return err
			}
		case strings.EqualFold(name, "$hostname"):
			r.unread = append(r.unread, w)
			continue
		case strings.Contains(name, "/"):
			r.note(Warning, w, "server name %s has suspicious symbols", quote(name))
		}
		r.server.Names = append(r.server.Names, name)
	}
	return nil
}

// set reads set. Behind a return it is never executed, and yet makes the variable
// known.
//
// Source: nginx ngx_http_rewrite_module.c, ngx_http_rewrite_set.
func (r *reader) set(s statement) error {
	name := s.words[1]
	if !strings.HasPrefix(name.text, "$") || name.text == "$" {
		return r.fail(s, name, "invalid variable name %s", quote(name.text))
	}
	if err := r.misspelt(s, s.words[2]); err != nil {
		return err
	}
	sets, answer := &r.server.Sets, r.server.Return
	if r.location != nil {
		sets, answer = &r.location.Sets, r.location.Return
	}
	if answer != nil {
		r.config.Variables = append(r.config.Variables, name.text)
		return nil
	}
	*sets = append(*sets, proxy.Set{Variable: name.text, Value: s.words[2].text})
	return nil
}

// checkUnread notes server names that are not simulated. They matter where there
// are several servers to choose from.
func (r *reader) checkUnread() {
	for _, w := range r.unread {
		line := proxy.Skipped{Directive: "server_name", Reason: "there is no other server to choose"}
		if len(r.config.Servers) > 1 {
			line.Concerns, line.Reason = proxy.Everyone, quote(w.text)+" may choose another server"
		}
		r.leaveOut(w, line)
	}
}

// returns reads return. nginx executes the first of several.
//
// Source: nginx ngx_http_rewrite_module.c, ngx_http_rewrite_return.
func (r *reader) returns(s statement) error {
	first := s.words[1]
	answer := &proxy.Return{}
	status, ok := number(first.text)
	switch {
	case ok && status == 0:
		return r.fail(s, first, "return 0 is not simulated")
	case ok && status <= 999:
		answer.Status = status
		if len(s.words) == 3 {
			answer.Text = s.words[2].text
		}
	case !ok && len(s.words) == 2 && (strings.HasPrefix(first.text, "http://") ||
		strings.HasPrefix(first.text, "https://") || strings.HasPrefix(first.text, "$scheme")):
		answer.Text = first.text
	default:
		return r.fail(s, first, "invalid return code %s", quote(first.text))
	}
	at := &r.server.Return
	if r.location != nil {
		at = &r.location.Return
	}
	if *at == nil {
		*at = answer
	}
	return r.misspelt(s, s.words[len(s.words)-1])
}
