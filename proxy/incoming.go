package proxy

import (
	"net/http"
	"strconv"
	"strings"

	"sessionlab/lab/world"
)

// relayHead sends the head of a server's answer to the client.
//
// Source: nginx ngx_http_upstream.c, ngx_http_upstream_process_headers.
func (x *exchange) relayHead(l *location) {
	if x.resp.ProtoMajor == 0 {
		x.relayNoHead()
		return
	}
	header := x.w.Header()
	for name, values := range x.resp.Header {
		if len(values) == 0 || l.hidden.has(name) {
			continue
		}
		values = values[:len(values):len(values)]
		if len(values) > 1 {
			values = x.p.release.among(name, values)
		}
		switch name {
		case "Location":
			values = x.rewriteLocation(l, values)
		case "Refresh":
			values = x.rewriteRefresh(l, values)
		case "Set-Cookie":
			if l.cookies != nil {
				values = l.cookies.rewrite(x, values)
			}
		}
		if name == "Www-Authenticate" { // those of an answer that was given up stay
			values = append(header[name], values...)
		}
		header[name] = values
	}
	for _, name := range l.passed {
		if header[name] == nil {
			header[name] = noLines // the node's, which sent none
		}
	}
	x.writeHead(x.resp.StatusCode, x.resp.Status)
}

// relayNoHead takes a text without a status line as HTTP/0.9, and so does the
// client have to take it. The client's connection goes on as it would have.
//
// Source: nginx ngx_http_proxy_module.c, ngx_http_proxy_process_status_line;
// ngx_http_header_filter_module.c, ngx_http_header_filter.
func (x *exchange) relayNoHead() {
	x.status = statusNoHead
	if s, ok := x.w.(world.StatusWriter); ok {
		s.WriteNoHead()
	}
}

// absolute makes a whole URL of a path, unless it is to stay relative; anything
// else stays as it is.
//
// Source: nginx ngx_http_header_filter_module.c, ngx_http_header_filter.
func (x *exchange) absolute(to string) string {
	if !strings.HasPrefix(to, "/") || x.loc.relative {
		return to
	}
	host := x.host
	switch {
	case x.loc.ownName:
		host = x.srv.name()
	case host == "":
		host = x.p.host.Addr()
	}
	if x.port != 80 && !x.loc.portless {
		host += ":" + strconv.Itoa(x.port)
	}
	return scheme + host + to
}

// writeHead adds the headers that every answer has and sends the status, or the
// status that an error page has been given.
func (x *exchange) writeHead(status int, line string) {
	if x.errStatus != 0 {
		status, line = x.errStatus, statusLine(x.errStatus)
	}
	x.status = status
	header := x.w.Header()
	if header["Server"] == nil {
		header["Server"] = x.loc.signature
	}
	if header["Date"] == nil {
		header["Date"] = x.p.date()
	}
	if x.cookie != "" { // on errors, too: that of the server tried last
		header["Set-Cookie"] = append([]string{x.cookie}, header["Set-Cookie"]...)
	}
	for _, h := range x.loc.addHeaders {
		if !h.always && !addable(status) {
			continue
		}
		if value := h.value.value(x); value != "" {
			header[h.name] = append(header[h.name][:len(header[h.name]):len(header[h.name])], value)
		}
	}
	switch {
	case x.lastOfClient || x.loc.clientIdle == 0:
		header["Connection"] = connectionClose
	case !x.r.Close && header["Connection"] == nil:
		header["Connection"] = connectionKeep
		if x.loc.keepHeader != nil && (x.r.ProtoAtLeast(1, 1) || header["Content-Length"] != nil) {
			header["Keep-Alive"] = x.loc.keepHeader
		}
	}
	if x.keeper != nil {
		x.keeper.KeepFor(x.loc.clientIdle)
	}
	writeStatus(x.w, status, line)
}

var noLines = []string{}

var connectionKeep = []string{"keep-alive"}

// writeStatus sends a head with a status line, where the writer takes one.
func writeStatus(w http.ResponseWriter, status int, line string) {
	if s, ok := w.(world.StatusWriter); ok {
		s.WriteStatus(status, line)
		return
	}
	w.WriteHeader(status)
}

// addable reports whether add_header without "always" applies to a status.
//
// Source: nginx ngx_http_headers_filter_module.c.
func addable(status int) bool {
	switch status {
	case 200, 201, 204, 206, 301, 302, 303, 304, 307, 308:
		return true
	}
	return false
}

// date is the Date header of this second.
func (p *Proxy) date() []string {
	now := p.host.Now()
	second := now.Unix()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dateHeader == nil || second != p.dateAt {
		p.dateAt = second
		p.dateHeader = []string{now.UTC().Format(http.TimeFormat)}
	}
	return p.dateHeader
}
