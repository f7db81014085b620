package proxy

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// files are the pages that nginx's package installs, in our own words.
var files = map[string]string{
	"html/50x.html": "<!DOCTYPE html>\n<html>\n<head><title>Error</title></head>\n<body>\n" +
		"<h1>An error occurred.</h1>\n<p>The page you are looking for is currently unavailable. " +
		"Please try again later.</p>\n</body>\n</html>\n",
	"html/index.html": "<!DOCTYPE html>\n<html>\n<head><title>Welcome to nginx!</title></head>\n<body>\n" +
		"<h1>Welcome to nginx!</h1>\n<p>The web server works; nothing is configured here.</p>\n</body>\n</html>\n",
}

// coreTypes are those of a configuration without a types block.
//
// Source: nginx ngx_http_core_module.c, ngx_http_core_default_types.
var coreTypes = map[string]string{"html": "text/html", "gif": "image/gif", "jpg": "image/jpeg"}

// mimeTypes are those of nginx's mime.types that pages of a lab need.
var mimeTypes = map[string]string{
	"html": "text/html", "htm": "text/html", "css": "text/css", "js": "application/javascript",
	"json": "application/json", "xml": "text/xml", "txt": "text/plain",
	"svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "ico": "image/x-icon",
}

// static answers with a file of the configuration.
//
// Source: nginx ngx_http_static_module.c, ngx_http_index_module.c.
func (x *exchange) static(l *location) (status int) {
	switch x.method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		return 405
	}
	if strings.HasSuffix(x.uri, "/") {
		x.passes(ForFolders)
		if _, ok := x.p.file(l.root + x.uri + "index.html"); ok {
			return x.redirectOrFail(x.uri + "index.html")
		}
		if x.p.directory(l.root + x.uri) {
			return 403
		}
		return 404
	}
	body, ok := x.p.file(l.root + x.uri)
	if !ok {
		if x.p.directory(l.root + x.uri + "/") {
			return x.moved(301, escape(x.uri)+"/"+mark(x.args)+x.args)
		}
		return 404
	}
	if x.method == http.MethodPost {
		return 405
	}
	if !x.discardBody(true) {
		return 400
	}
	return x.sendFile(body)
}

// sendFile answers with a file, or says that the conditions of the request are
// not met. All files are as old as the lab. Parts of files are not given.
//
// Source: nginx ngx_http_core_module.c, ngx_http_set_etag.
func (x *exchange) sendFile(body string) (status int) {
	header := x.w.Header()
	tag := fmt.Sprintf(`"%x-%x"`, x.p.zero.Unix(), len(body))
	header["Etag"] = []string{tag}
	if or(x.errStatus, http.StatusOK) == http.StatusOK {
		header["Last-Modified"] = []string{x.p.zero.UTC().Format(http.TimeFormat)}
	}
	return x.sendUnless(http.StatusOK, tag, x.p.zero, body)
}

// sendUnless sends a text of nginx's own with 200, or 304 or 412 if the conditions of
// the request say so. The text's tag and time may be zero: it has none. After 412
// the connection ends, though the answer does not say so.
//
// Source: nginx ngx_http_not_modified_filter_module.c,
// ngx_http_not_modified_header_filter; ngx_http_special_response.c,
// ngx_http_filter_finalize_request.
func (x *exchange) sendUnless(status int, tag string, modified time.Time, body string) int {
	if or(x.errStatus, status) == http.StatusOK {
		switch conditions(x.r.Header, tag, modified) {
		case http.StatusPreconditionFailed:
			delete(x.w.Header(), "Etag")
			delete(x.w.Header(), "Last-Modified")
			x.ends = true
			return http.StatusPreconditionFailed
		case http.StatusNotModified:
			x.errStatus = 0
			x.writeHead(http.StatusNotModified, statusLine(http.StatusNotModified))
			return statusSent
		}
	}
	x.send(status, x.contentType(), body)
	return statusSent
}

// conditions is what the conditions of a request make of an answer with 200: that,
// 304 or 412.
func conditions(header http.Header, tag string, modified time.Time) (status int) {
	if until := header["If-Unmodified-Since"]; len(until) > 0 {
		at, err := http.ParseTime(until[0])
		if modified.IsZero() || err != nil || at.Unix() < modified.Unix() {
			return http.StatusPreconditionFailed
		}
	}
	if match := header["If-Match"]; len(match) > 0 && !lists(match[0], tag, false) {
		return http.StatusPreconditionFailed
	}
	since, none := header["If-Modified-Since"], header["If-None-Match"]
	switch {
	case len(since) == 0 && len(none) == 0:
	case len(since) > 0 && (modified.IsZero() || since[0] != modified.UTC().Format(http.TimeFormat)):
	case len(none) > 0 && !lists(none[0], tag, true):
	default:
		return http.StatusNotModified
	}
	return http.StatusOK
}

// lists reports whether a list of entity tags holds this one, a weak one only if
// it may be. No tag is held by an asterisk alone.
//
// Source: nginx ngx_http_not_modified_filter_module.c, ngx_http_test_if_match.
func lists(list, tag string, weak bool) bool {
	if list == "*" || tag == "" {
		return list == "*"
	}
	for _, one := range strings.Split(list, ",") {
		one = strings.TrimSpace(one)
		if weak {
			one = strings.TrimPrefix(one, "W/")
		}
		if one == tag {
			return true
		}
	}
	return false
}

// contentType is that of the URI's extension.
//
// Source: nginx ngx_http_core_module.c, ngx_http_set_content_type.
func (x *exchange) contentType() string {
	name := x.uri[strings.LastIndexByte(x.uri, '/')+1:]
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		if kind := x.loc.types[strings.ToLower(name[i+1:])]; kind != "" {
			return kind
		}
	}
	return x.loc.defaultType
}

// redirectOrFail serves an index file by an internal redirect.
func (x *exchange) redirectOrFail(uri string) (status int) {
	if status := x.redirect(uri, x.args); status != statusSent {
		return status
	}
	return x.serve()
}

func (p *Proxy) file(name string) (string, bool) {
	if body, ok := p.config.Files[name]; ok {
		return body, true
	}
	body, ok := files[name]
	return body, ok
}

// directory reports whether a file lies below a path.
func (p *Proxy) directory(path string) bool {
	if path == "html/" {
		return true
	}
	for name := range p.config.Files {
		if strings.HasPrefix(name, path) {
			return true
		}
	}
	return false
}
