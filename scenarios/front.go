package scenarios

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sessionlab/lab"
	"sessionlab/proxy"
	"sessionlab/proxy/conf"
	"sessionlab/proxy/upstream"
	"sessionlab/scenarios/script"
	"sessionlab/sessions"
)

// stickySince is the first open-source nginx with the sticky directive. A lab
// that says sticky=cookie and names no release means this one; sticky=route
// needs no directive, older releases do it by a map.
// Source: nginx CHANGES 1.29.6.
const stickySince = "1.29.6"

// proxyPlan is the nginx configuration that the short form stands for.
func proxyPlan(sc *script.Scenario, nodes []lab.NodePlan) (proxy.Config, error) {
	noun := sc.Noun("proxy")
	o := noun.Options
	f := proxy.Front{Release: sc.Noun("nginx").Text, Port: o.Int("port", lab.DefaultProxyPort), Keepalive: o.Int("keepalive", 0)}
	if o.Has("keepalive") && f.Keepalive == 0 {
		f.Keepalive = proxy.None
	}
	switch o.String("sticky", "") {
	case "route":
		f.Binding = proxy.ByRoute
	case "cookie":
		f.Binding = proxy.ByCookie
		if f.Release == "" {
			f.Release = stickySince
		}
	}
	if err := balance(&f, noun); err != nil {
		return proxy.Config{}, err
	}
	if err := checkRelease(sc); err != nil {
		return proxy.Config{}, err
	}
	for _, n := range nodes {
		f.Servers = append(f.Servers, serverPlan(sc, n))
	}
	f.Settings = proxy.Settings{
		NextUpstream:        o.Words("proxy_next_upstream"),
		NextUpstreamTries:   o.Int("proxy_next_upstream_tries", 0),
		NextUpstreamTimeout: o.Duration("proxy_next_upstream_timeout", 0),
		ConnectTimeout:      o.Duration("proxy_connect_timeout", 0),
		ReadTimeout:         o.Duration("proxy_read_timeout", 0),
		SendTimeout:         o.Duration("proxy_send_timeout", 0),
		HTTPVersion:         o.String("proxy_http_version", ""),
	}
	if o.Bool("proxy_intercept_errors", false) {
		f.InterceptErrors = proxy.On
	}
	if f.Keepalive > 0 && f.HTTPVersion == "1.1" {
		// What an operator writes beside them: proxy_set_header Connection "".
		f.SetHeaders = []proxy.Header{{Name: "Connection", Value: ""}}
	}
	cfg := f.Config()
	for i := range cfg.Upstreams {
		cfg.Upstreams[i].KeepaliveRequests = o.Int("keepalive_requests", 0)
		cfg.Upstreams[i].KeepaliveTimeout = o.Duration("keepalive_timeout", 0)
		if f.Binding == proxy.ByCookie {
			cfg.Upstreams[i].Sticky.Cookie = o.String("cookie", cfg.Upstreams[i].Sticky.Cookie)
		}
	}
	if f.Binding == proxy.ByRoute {
		cfg.SessionCookie = o.String("cookie", "")
	}
	page, err := errorPage(o.String("error_page", "500 502 503 504 /50x.html"))
	if err != nil {
		return cfg, misplaced(sc, noun, `such as error_page="502 504 /50x.html"`, "%v", err)
	}
	cfg.Servers[0].ErrorPages = []proxy.ErrorPage{page}
	cfg.Servers[0].Locations = append(cfg.Servers[0].Locations, proxy.Location{Modifier: "=", Path: "/50x.html"})
	return cfg, nil
}

// checkRelease refuses what came into nginx with the sticky directive where the
// scenario has an older release.
func checkRelease(sc *script.Scenario) error {
	front, release := sc.Noun("proxy"), sc.Noun("nginx")
	sticky := front.Options.String("sticky", "")
	switch v := release.Version; {
	case release.Word == "" && sticky == "cookie", v.Minor > 29, v.Minor == 29 && (v.Patch < 0 || v.Patch >= 6):
		return nil
	}
	name := "nginx " + cmp.Or(release.Text, proxy.DefaultRelease)
	refuse := func(line script.Noun, what string) error {
		return misplaced(sc, line, "nginx "+stickySince+" and newer have it", "%s does not know %s", name, what)
	}
	if sticky == "cookie" {
		return refuse(front, "sticky cookie")
	}
	for _, server := range sc.All("server") {
		switch {
		case server.Has("drain"):
			return refuse(server, "drain")
		case server.Options.Has("route") && sticky != "route": // that one is done by a map
			return refuse(server, "route=")
		}
	}
	return nil
}

// NginxConf is the name of an attached configuration of the proxy.
const NginxConf = "nginx.conf"

// attachedProxy reads the attached nginx.conf. Nodes may be named in it by name
// or by address.
func attachedProxy(sc *script.Scenario, nodes []lab.NodePlan) (proxy.Config, error) {
	cfg, _, err := readAttached(sc, nodes)
	var at *conf.Error
	if errors.As(err, &at) && at.Line > 0 {
		err = &script.Error{
			File: sc.Name, Pos: script.Pos{Line: at.Line, Col: at.Column}, Text: lineOf(sc, at.Line), Msg: at.Text,
			Hint: cmp.Or(at.Hint, "this is what nginx itself says of the attached "+NginxConf),
		}
	}
	return cfg, err
}

// lineOf is a line of the attached nginx.conf, by its number in the scenario.
func lineOf(sc *script.Scenario, number int) string {
	file, _ := sc.Attachment(NginxConf)
	lines := strings.Split(string(file.Data), "\n")
	if i := number - file.Pos.Line; i >= 0 && i < len(lines) {
		return strings.TrimRight(lines[i], "\r")
	}
	return ""
}

func readAttached(sc *script.Scenario, nodes []lab.NodePlan) (proxy.Config, []conf.Diagnostic, error) {
	file, _ := sc.Attachment(NginxConf)
	return conf.Read(sc.Name, file.Data, conf.Options{
		Release:    sc.Noun("nginx").Text,
		LineOffset: file.Pos.Line - 1,
		Resolve: func(name string) []string {
			for _, n := range nodes {
				if n.Name == name {
					return []string{n.Addr}
				}
			}
			return nil
		},
	})
}

// NginxText is the nginx.conf of a scenario without variables: the attached one, or
// that which its proxy line stands for.
func NginxText(sc *script.Scenario) (string, error) {
	if file, attached := sc.Attachment(NginxConf); attached {
		return string(file.Data), nil
	}
	p, err := PlanOf(sc)
	if err != nil {
		return "", err
	}
	p.Proxy.RouteOf = sessions.RouteOf // the plan leaves it to the lab
	return conf.Write(p.Proxy), nil
}

// balance sets the method.
func balance(f *proxy.Front, noun script.Noun) error {
	has := func(word string) bool { return slices.Contains(noun.Args, word) }
	switch noun.Class {
	case "", "round_robin":
		f.Method = upstream.RoundRobin
	case "ip_hash":
		f.Method = upstream.IPHash
	case "least_conn":
		f.Method = upstream.LeastConn
	case "hash":
		f.Method, f.Key = upstream.Hash, noun.Args[0]
		if len(noun.Args) > 1 && has("consistent") {
			f.Method = upstream.ConsistentHash
		}
	case "random":
		f.Method = upstream.Random
		if has("two") {
			f.Method = upstream.RandomTwo
		}
	default:
		return fmt.Errorf("proxy: method %s is not known", noun.Class)
	}
	return nil
}

// serverPlan is a node's server line: what its own line says, and beneath it
// what the proxy line says for all.
func serverPlan(sc *script.Scenario, n lab.NodePlan) upstream.Server {
	s := upstream.NewServer(n.Addr + ":" + strconv.Itoa(cmp.Or(n.Connector.Port, lab.DefaultNodePort)))
	line := sc.Named("server", n.Name)
	for _, o := range []script.Options{sc.Noun("proxy").Options, line.Options} {
		s.MaxFails = o.Int("max_fails", s.MaxFails)
		s.FailTimeout = o.Duration("fail_timeout", s.FailTimeout)
		s.MaxConns = o.Int("max_conns", s.MaxConns)
	}
	s.Weight = line.Options.Int("weight", 1)
	s.Backup, s.Down, s.Drain = line.Has("backup"), line.Has("down"), line.Has("drain")
	if sc.Noun("proxy").Options.String("sticky", "") == "route" {
		// Without a jvmRoute there is nothing to follow; the name keeps its group apart.
		s.Route = cmp.Or(line.Options.String("route", n.Route), n.Name)
	} else {
		s.Route = line.Options.String("route", "")
	}
	return s
}

// errorPage reads "502 504 /down.html", as after nginx's error_page.
func errorPage(text string) (proxy.ErrorPage, error) {
	words := strings.Fields(text)
	var page proxy.ErrorPage
	for i, word := range words {
		status, err := strconv.Atoi(word)
		switch {
		case err == nil && (status < 300 || status > 599 || status == 499): // Source: nginx ngx_http_core_module.c
			return page, fmt.Errorf("error_page %q: %d is no status for it: 300 to 599, but not 499", text, status)
		case err == nil:
			page.Statuses = append(page.Statuses, status)
		case i == len(words)-1:
			page.URI = word
		case word == "=":
			page.Replace = proxy.FromLocation
		case strings.HasPrefix(word, "="):
			page.Replace = proxy.ReplaceBy
			if page.Status, err = strconv.Atoi(word[1:]); err != nil {
				return page, fmt.Errorf("error_page %q: %q is no status", text, word)
			}
		default:
			return page, fmt.Errorf("error_page %q: %q is no status", text, word)
		}
	}
	if len(page.Statuses) == 0 || page.URI == "" {
		return page, fmt.Errorf("error_page %q: statuses and then a page are needed", text)
	}
	return page, nil
}
