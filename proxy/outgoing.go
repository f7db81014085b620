package proxy

import (
	"net/http"
	"net/url"
	"strings"

	"sessionlab/lab/world"
)

// prepare makes the request that the servers get.
//
// Source: nginx ngx_http_proxy_module.c, ngx_http_proxy_create_request.
func (x *exchange) prepare(l *location, uri string) (status int) {
	out := x.out
	out.Method = or(l.method.value(x), x.method)
	out.Proto, out.ProtoMajor, out.ProtoMinor = "HTTP/1.1", 1, 1
	if l.http10 {
		out.Proto, out.ProtoMinor = "HTTP/1.0", 0
	}
	x.setTarget(x.requestURI(l, uri))
	sized := x.setHeaders(l)
	body := &x.body
	switch {
	case l.body != nil:
		body = &store{}
		_ = body.put([]byte(l.body.value(x)), world.Run{}) // a text fits
	case l.bodyless:
		body = &nothing
	}
	x.starves = sized && l.bodyless && l.body == nil && x.body.size > 0
	if !sized {
		body = &nothing // what has no length the servers do not take for a body
	}
	x.outBody = storeReader{of: body}
	out.ContentLength = body.size
	out.Body = http.NoBody
	if body.size > 0 {
		out.Body = &x.outBody
	}
	out.Host = x.proxyHost
	if l.hostHeader != nil {
		out.Host = l.hostHeader.value(x) // none at all if it is empty
	}
	return x.outOfMemory()
}

// requestURI is the target of the request line: what the client sent if
// proxy_pass has no URI part, else that part in place of the location's prefix.
func (x *exchange) requestURI(l *location, uri string) string {
	switch {
	case uri != "" && l.pass.dynamic != nil:
		if uri[0] == '?' {
			return "/" + uri
		}
		return uri
	case uri != "":
		rest := x.uri[min(len(l.path), len(x.uri)):]
		if x.wasEscaped() {
			rest = escape(rest)
		}
		return uri + rest + mark(x.args) + x.args
	case x.rawValid:
		return x.rawURI
	}
	return escape(x.uri) + mark(x.args) + x.args
}

// wasEscaped reports whether the path must be escaped again on its way out. What
// a client sent without any escape goes on without.
//
// Source: nginx ngx_http_proxy_module.c, ngx_http_proxy_create_request, and
// ngx_http_parse.c, quoted_uri.
func (x *exchange) wasEscaped() bool {
	path, _ := splitTarget(x.rawURI)
	return x.internal || strings.IndexByte(path, '%') >= 0
}

// setTarget writes the target so that it is sent as it is, byte for byte, a
// fragment that has no business there included.
func (x *exchange) setTarget(target string) {
	path, args, _ := strings.Cut(target, "?")
	decoded, ok := decode(path)
	if !ok {
		decoded = path
	}
	*x.out.URL = url.URL{Opaque: path, Path: decoded, RawPath: path, RawQuery: args,
		ForceQuery: args == "" && len(target) > len(path)}
	if strings.HasPrefix(path, "//") {
		x.out.URL.Opaque = ""
	}
	x.out.RequestURI = target
}

// setHeaders copies the client's headers but those that nginx sets itself. It
// reports false if the length of the body is taken away.
func (x *exchange) setHeaders(l *location) (sized bool) {
	sized = true
	header := x.out.Header
	clear(header)
	names := x.srv.settings.headers // Host comes first
	for name, values := range x.r.Header {
		if l.headless && name != world.HeaderRequest {
			continue
		}
		if !l.replaced.has(name) && names.valid(name) {
			header[name] = values
		}
	}
	x.out.Close = l.connection == "close"
	if x.out.Close {
		header["Connection"] = connectionClose
	}
	for _, h := range l.setHeaders {
		value := h.value.value(x)
		if h.name == "Content-Length" || h.name == "Transfer-Encoding" {
			sized = sized && (value != "" || h.name != "Content-Length")
			continue // the framing is ours
		}
		if value == "" {
			continue
		}
		header[h.name] = append(header[h.name], value)
		if h.name == "Connection" {
			x.out.Close = strings.EqualFold(value, "close")
		}
	}
	return sized
}

var connectionClose = []string{"close"}
