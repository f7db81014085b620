package proxy

import (
	"fmt"
	"net/http"
	"strings"
)

// files are the pages that nginx's package installs, in our own words.
var files = map[string]string{
	"html/50x.html": "<!DOCTYPE html>\n<html>\n<head><title>Error</title></head>\n<body>\n" +
		"<h1>An error occurred.</h1>\n<p>The page you are looking for is currently unavailable. " +
		"Please try again later.</p>\n</body>\n</html>\n",
	"html/index.html": "<!DOCTYPE html>\n<html>\n<head><title>Welcome to nginx!</title></head>\n<body>\n" +
		"<h1>Welcome to nginx!</h1>\n<p>The web server works; nothing is configured here.</p>\n</body>\n</html>\n",
}

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
	x.sendFile(body)
	return statusSent
}

// sendFile answers with a file, or with 304 if the client has it. All files are
// as old as the lab. Parts of files are not given.
//
// Source: nginx ngx_http_core_module.c, ngx_http_set_etag;
// ngx_http_not_modified_filter_module.c.
func (x *exchange) sendFile(body string) {
	header := x.w.Header()
	tag := fmt.Sprintf(`"%x-%x"`, x.p.zero.Unix(), len(body))
	header["Etag"] = []string{tag}
	if x.errStatus == 0 || x.errStatus == http.StatusOK {
		date := x.p.zero.UTC().Format(http.TimeFormat)
		header["Last-Modified"] = []string{date}
		if unchanged(x.r.Header, tag, date) {
			x.errStatus = 0
			x.writeHead(http.StatusNotModified, statusLine(http.StatusNotModified))
			return
		}
	}
	x.send(http.StatusOK, x.contentType(), body)
}

// unchanged reports whether the conditions of a request say that the client has
// the file.
func unchanged(header http.Header, tag, date string) bool {
	since, match := header["If-Modified-Since"], header["If-None-Match"]
	if len(since) == 0 && len(match) == 0 {
		return false
	}
	return (len(since) == 0 || since[0] == date) && (len(match) == 0 || lists(match[0], tag))
}

// lists reports whether a list of entity tags holds this one, weak or not.
func lists(list, tag string) bool {
	if list == "*" {
		return true
	}
	for _, one := range strings.Split(list, ",") {
		if strings.TrimPrefix(strings.TrimSpace(one), "W/") == tag {
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
		if kind := mimeTypes[strings.ToLower(name[i+1:])]; kind != "" {
			return kind
		}
	}
	return "text/plain"
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
