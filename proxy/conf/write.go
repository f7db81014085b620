package conf

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sessionlab/proxy"
	"sessionlab/proxy/upstream"
)

// Write writes a configuration out as an nginx.conf, which nginx of that release
// accepts. Read gives the same configuration back, but for positions, Files,
// Variables and the functions; in place of RouteOf and the variable $route, which
// nginx has not, there are maps that do the same for Tomcat's session ids.
func Write(c proxy.Config) string {
	w := &writer{}
	w.line("worker_processes", "1")
	w.open("events")
	w.close()
	w.open("http")
	w.settings(&c.Settings)
	w.redirects(c.Redirects)
	if c.RouteOf != nil && usesRoute(c) {
		for _, m := range routeMaps(cmp.Or(c.SessionCookie, "JSESSIONID")) {
			w.mapBlock(&m)
		}
	}
	for i := range c.Maps {
		w.mapBlock(&c.Maps[i])
	}
	for i := range c.Upstreams {
		w.upstream(&c.Upstreams[i])
	}
	for i := range c.Servers {
		w.server(&c.Servers[i])
	}
	w.close()
	return w.String()
}

// usesRoute reports whether a map or a sticky route reads $route.
func usesRoute(c proxy.Config) bool {
	return slices.ContainsFunc(c.Maps, func(m proxy.Map) bool { return m.Source == "$route" }) ||
		slices.ContainsFunc(c.Upstreams, func(u proxy.Upstream) bool { return slices.Contains(u.Sticky.Route, "$route") })
}

// routeMaps are what an operator writes for $route: the route of the session id in
// the URI, or else of that in the cookie.
func routeMaps(cookie string) []proxy.Map {
	return []proxy.Map{
		{Source: "$cookie_" + cookie, Variable: "$cookie_route", Entries: []proxy.MapEntry{{Pattern: `~^[^.]+\.(.*)$`, Value: "$1"}}},
		{Source: "$uri", Variable: "$route", Default: "$cookie_route", Entries: []proxy.MapEntry{
			{Pattern: `~;jsessionid=[^.;/]+\.([^;/]*)`, Value: "$1"}, {Pattern: `~;jsessionid=`, Value: ""}}},
	}
}

// writer writes indented directives.
type writer struct {
	strings.Builder
	depth int
}

func (w *writer) words(end string, words ...string) {
	w.WriteString(strings.Repeat("    ", w.depth))
	for i, word := range words {
		if i > 0 {
			w.WriteByte(' ')
		}
		w.WriteString(escape(word))
	}
	w.WriteString(end)
}

func (w *writer) line(words ...string) { w.words(";\n", words...) }

func (w *writer) flag(name string, f proxy.Flag) {
	switch f {
	case proxy.On:
		w.line(name, "on")
	case proxy.Off:
		w.line(name, "off")
	}
}

func (w *writer) open(words ...string) {
	w.words(" {\n", words...)
	w.depth++
}

func (w *writer) close() {
	w.depth--
	w.words("}\n")
}

// escape writes a word so that the lexer reads it back.
func escape(word string) string {
	plain := word != "" && !strings.ContainsAny(word, " \t\r\n;{}\"'#")
	for i := range len(word) {
		if word[i] == '\\' && (i+1 == len(word) || strings.IndexByte(`\"'trn`, word[i+1]) >= 0) {
			plain = false
		}
	}
	if plain {
		return word
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(word) + `"`
}

// count writes a number that is set; a negative one stands for 0.
func (w *writer) count(name string, n int) {
	if n != 0 {
		w.line(name, strconv.Itoa(max(n, 0)))
	}
}

// time writes a time that is set; a negative one stands for 0.
func (w *writer) time(name string, d time.Duration) {
	if d != 0 {
		w.line(name, timeText(max(d, 0)))
	}
}

// timeText is a time in seconds, or milliseconds if it must be.
func timeText(d time.Duration) string {
	if d%time.Second == 0 {
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	}
	return strconv.FormatInt(int64(d/time.Millisecond), 10) + "ms"
}

func (w *writer) settings(s *proxy.Settings) {
	if s.Root != "" {
		w.line("root", s.Root)
	}
	if s.MaxBodySize != 0 {
		w.line("client_max_body_size", strconv.FormatInt(max(s.MaxBodySize, 0), 10))
	}
	if len(s.NextUpstream) > 0 {
		w.line(append([]string{"proxy_next_upstream"}, s.NextUpstream...)...)
	}
	w.count("proxy_next_upstream_tries", s.NextUpstreamTries)
	w.time("proxy_next_upstream_timeout", s.NextUpstreamTimeout)
	w.time("proxy_connect_timeout", s.ConnectTimeout)
	w.time("proxy_send_timeout", s.SendTimeout)
	w.time("proxy_read_timeout", s.ReadTimeout)
	if s.HTTPVersion != "" {
		w.line("proxy_http_version", s.HTTPVersion)
	}
	for _, h := range s.SetHeaders {
		w.line("proxy_set_header", h.Name, h.Value)
	}
	for _, name := range s.HideHeaders {
		w.line("proxy_hide_header", name)
	}
	for _, name := range s.PassHeaders {
		w.line("proxy_pass_header", name)
	}
	w.flag("proxy_intercept_errors", s.InterceptErrors)
	w.flag("proxy_buffering", s.Buffering)
	w.count("proxy_buffer_size", s.BufferSize)
	if s.Buffers != (proxy.Buffers{}) {
		w.line("proxy_buffers", strconv.Itoa(s.Buffers.Count), strconv.Itoa(s.Buffers.Size))
	}
	w.count("proxy_busy_buffers_size", s.BusySize)
	if s.Method != "" {
		w.line("proxy_method", s.Method)
	}
	if s.SetBody != nil {
		w.line("proxy_set_body", *s.SetBody)
	}
	w.flag("proxy_pass_request_headers", s.PassRequestHeaders)
	w.flag("proxy_pass_request_body", s.PassRequestBody)
	for _, rule := range s.CookieDomains {
		w.rule("proxy_cookie_domain", rule)
	}
	for _, rule := range s.CookiePaths {
		w.rule("proxy_cookie_path", rule)
	}
	for _, rule := range s.CookieFlags {
		w.line(append([]string{"proxy_cookie_flags", rule.Name}, rule.Flags...)...)
	}
	w.flag("absolute_redirect", s.AbsoluteRedirect)
	w.flag("port_in_redirect", s.PortInRedirect)
	w.flag("server_name_in_redirect", s.ServerNameInRedirect)
	if s.DefaultType != "" {
		w.line("default_type", s.DefaultType)
	}
	if s.MimeTypes == proxy.On {
		w.line("include", "mime.types")
	}
	w.flag("server_tokens", s.ServerTokens)
	w.count("keepalive_requests", s.ClientMaxRequests)
	if s.ClientIdleHeader != 0 {
		w.line("keepalive_timeout", timeText(max(cmp.Or(s.ClientIdleTimeout, 75*time.Second), 0)), timeText(max(s.ClientIdleHeader, 0)))
	} else {
		w.time("keepalive_timeout", s.ClientIdleTimeout)
	}
	w.flag("merge_slashes", s.MergeSlashes)
	w.flag("underscores_in_headers", s.Underscores)
	w.flag("ignore_invalid_headers", s.IgnoreInvalid)
	w.count("client_header_buffer_size", s.HeaderBuffer)
	if s.LargeBuffers != (proxy.Buffers{}) {
		w.line("large_client_header_buffers", strconv.Itoa(s.LargeBuffers.Count), strconv.Itoa(s.LargeBuffers.Size))
	}
	if s.MaxTempFileSize != 0 {
		w.line("proxy_max_temp_file_size", strconv.FormatInt(max(s.MaxTempFileSize, 0), 10))
	}
	w.time("send_timeout", s.ClientSendTimeout)
	w.time("client_header_timeout", s.ClientHeaderTimeout)
	w.time("client_body_timeout", s.ClientBodyTimeout)
	w.flag("recursive_error_pages", s.RecursivePages)
	for _, page := range s.ErrorPages {
		w.errorPage(page)
	}
	for _, h := range s.AddHeaders {
		words := []string{"add_header", h.Name, h.Value}
		if h.Always {
			words = append(words, "always")
		}
		w.line(words...)
	}
}

func (w *writer) errorPage(page proxy.ErrorPage) {
	words := []string{"error_page"}
	for _, status := range page.Statuses {
		words = append(words, strconv.Itoa(status))
	}
	switch page.Replace {
	case proxy.ReplaceBy:
		words = append(words, "="+strconv.Itoa(page.Status))
	case proxy.FromLocation:
		words = append(words, "=")
	}
	w.line(append(words, page.URI)...)
}

// redirects stand behind proxy_pass, as nginx wants them.
func (w *writer) redirects(list []proxy.Redirect) {
	for _, redirect := range list {
		w.rule("proxy_redirect", redirect)
	}
}

// rule writes a rule that may be "off" or "default" instead.
func (w *writer) rule(name string, rule proxy.Redirect) {
	if rule.From == "off" || rule.From == "default" {
		w.line(name, rule.From)
		return
	}
	w.line(name, rule.From, rule.To)
}

func (w *writer) mapBlock(m *proxy.Map) {
	w.open("map", m.Source, "$"+strings.TrimPrefix(m.Variable, "$"))
	if m.Hostnames {
		w.line("hostnames")
	}
	if m.Volatile {
		w.line("volatile")
	}
	if m.Default != "" {
		w.line("default", m.Default)
	}
	for _, entry := range m.Entries {
		w.line(entry.Pattern, entry.Value)
	}
	w.close()
}

func (w *writer) upstream(u *proxy.Upstream) {
	w.open("upstream", u.Name)
	for i := range u.Servers {
		if i == u.BeforeMethod {
			w.method(u)
		}
		w.upstreamServer(&u.Servers[i])
	}
	if u.BeforeMethod >= len(u.Servers) {
		w.method(u)
	}
	w.sticky(&u.Sticky)
	w.count("keepalive", u.Keepalive)
	w.count("keepalive_requests", u.KeepaliveRequests)
	w.time("keepalive_time", u.KeepaliveTime)
	w.time("keepalive_timeout", u.KeepaliveTimeout)
	w.close()
}

func (w *writer) method(u *proxy.Upstream) {
	switch u.Method {
	case upstream.RoundRobin:
	case upstream.Hash:
		w.line("hash", u.Key)
	case upstream.ConsistentHash:
		w.line("hash", u.Key, "consistent")
	default:
		w.line(strings.Fields(u.Method.String())...)
	}
}

func (w *writer) upstreamServer(s *upstream.Server) {
	address := s.Addr
	if address == s.Name+":80" {
		address = s.Name
	}
	words := []string{"server", address}
	preset := upstream.NewServer(address)
	for _, p := range []struct {
		name       string
		is, preset int
	}{
		{"weight", s.Weight, preset.Weight},
		{"max_conns", s.MaxConns, preset.MaxConns},
		{"max_fails", s.MaxFails, preset.MaxFails},
	} {
		if p.is != p.preset {
			words = append(words, fmt.Sprintf("%s=%d", p.name, p.is))
		}
	}
	if s.FailTimeout != preset.FailTimeout {
		words = append(words, "fail_timeout="+timeText(s.FailTimeout))
	}
	if s.Route != "" {
		words = append(words, "route="+s.Route)
	}
	for _, p := range []struct {
		name string
		is   bool
	}{{"backup", s.Backup}, {"down", s.Down}, {"drain", s.Drain}} {
		if p.is {
			words = append(words, p.name)
		}
	}
	w.line(words...)
}

func (w *writer) sticky(s *proxy.Sticky) {
	var words []string
	switch {
	case s.Cookie != "":
		words = []string{"cookie", s.Cookie}
		switch {
		case s.Expires == proxy.MaxExpires:
			words = append(words, "expires=max")
		case s.Expires != 0:
			words = append(words, "expires="+timeText(max(0, s.Expires)))
		}
		for _, p := range [][2]string{{"domain=", s.Domain}, {"path=", s.Path}, {"samesite=", s.SameSite}} {
			if p[1] != "" {
				words = append(words, p[0]+p[1])
			}
		}
		if s.HTTPOnly {
			words = append(words, "httponly")
		}
		if s.Secure {
			words = append(words, "secure")
		}
	case len(s.Route) > 0:
		words = append([]string{"route"}, s.Route...)
	case len(s.Learn.Create) > 0:
		words = []string{"learn"}
		for _, name := range s.Learn.Create {
			words = append(words, "create="+name)
		}
		for _, name := range s.Learn.Lookup {
			words = append(words, "lookup="+name)
		}
		words = append(words, "zone=sessions:1m")
		if s.Learn.Timeout != 0 {
			words = append(words, "timeout="+timeText(s.Learn.Timeout))
		}
		if s.Learn.Header {
			words = append(words, "header")
		}
	default:
		return
	}
	w.line(append([]string{"sticky"}, words...)...)
}

func (w *writer) server(s *proxy.Server) {
	w.open("server")
	for _, port := range s.Listen {
		words := []string{"listen", strconv.Itoa(port)}
		if slices.Contains(s.Default, port) {
			words = append(words, "default_server")
		}
		w.line(words...)
	}
	if len(s.Names) > 0 {
		w.line(append([]string{"server_name"}, s.Names...)...)
	}
	w.settings(&s.Settings)
	w.redirects(s.Redirects)
	w.sets(s.Sets)
	w.returns(s.Return)
	for i := range s.Locations {
		w.location(&s.Locations[i])
	}
	w.close()
}

func (w *writer) location(l *proxy.Location) {
	switch l.Modifier {
	case "":
		w.open("location", l.Path)
	case "@":
		w.open("location", "@"+l.Path)
	default:
		w.open("location", l.Modifier, l.Path)
	}
	if l.Internal {
		w.line("internal")
	}
	if l.ProxyPass != "" {
		w.line("proxy_pass", l.ProxyPass)
	}
	w.settings(&l.Settings)
	w.redirects(l.Redirects)
	w.sets(l.Sets)
	w.returns(l.Return)
	for i := range l.Locations {
		w.location(&l.Locations[i])
	}
	w.close()
}

func (w *writer) sets(sets []proxy.Set) {
	for _, set := range sets {
		w.line("set", "$"+strings.TrimPrefix(set.Variable, "$"), set.Value)
	}
}

func (w *writer) returns(answer *proxy.Return) {
	if answer == nil {
		return
	}
	words := []string{"return"}
	if answer.Status != 0 {
		words = append(words, strconv.Itoa(answer.Status))
	}
	if answer.Text != "" {
		words = append(words, answer.Text)
	}
	w.line(words...)
}
