package proxy

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"sessionlab/lab/world"
)

// errorPage is an error_page directive, compiled.
type errorPage struct {
	statuses []int
	replace  Replace
	status   int
	uri      text
}

// fail answers with an error: with a page of the configuration, by an internal
// redirect (again=true), or with nginx's own.
//
// Source: nginx ngx_http_special_response.c.
func (x *exchange) fail(status int) (next int, again bool) {
	x.errStatus = status
	switch status { // the last of their connection, whatever page is shown
	case 400, 413, 414, statusHeaderTooLarge, 500, 501:
		x.w.Header()["Connection"] = connectionClose
	}
	if page := x.loc.page(status); page != nil && !x.errorPage && x.changes <= maxRedirects {
		x.errorPage = !x.loc.recursive
		return x.sendPage(page)
	}
	x.builtin()
	return statusSent, false
}

// sendPage applies an error_page.
func (x *exchange) sendPage(page *errorPage) (next int, again bool) {
	x.unasked = page.replace == Keep || page.replace == ReplaceBy && page.status != http.StatusOK
	switch page.replace {
	case ReplaceBy:
		x.errStatus = page.status
	case FromLocation:
		x.errStatus = 0
	}
	uri := page.uri.value(x)
	switch {
	case strings.HasPrefix(uri, "/"):
		if x.method != http.MethodHead {
			x.method = http.MethodGet
		}
		path, args := splitTarget(uri)
		return x.redirect(path, args), true
	case strings.HasPrefix(uri, "@"):
		if x.changes++; x.changes > maxRedirects {
			return 500, true
		}
		l := x.srv.named[uri[1:]]
		if l == nil {
			return 500, true
		}
		x.loc, x.internal = l, true
		return statusSent, true
	}
	if !isRedirect(x.errStatus) {
		x.errStatus = 302
	}
	x.w.Header()["Location"] = []string{uri}
	x.builtin()
	return statusSent, false
}

func isRedirect(status int) bool {
	switch status {
	case 301, 302, 303, 307, 308:
		return true
	}
	return false
}

// moved answers with a redirect to a path or URL.
func (x *exchange) moved(status int, to string) int {
	x.w.Header()["Location"] = []string{x.absolute(to)}
	return status
}

// statusLine is what nginx's own answers begin with, less the version.
//
// Source: nginx ngx_http_header_filter_module.c, ngx_http_status_lines.
func statusLine(status int) string {
	switch status {
	case 200, 201, 202, 204, 206, 304:
		return world.StatusLine(status)
	case 302:
		return "302 Moved Temporarily"
	case 401:
		return "401 Unauthorized"
	}
	if title := titles[status]; title != "" {
		return title
	}
	return world.BareStatusLine(status)
}

// titles are the headings of nginx's own pages. Other statuses have no body.
//
// Source: nginx ngx_http_special_response.c, ngx_http_error_pages.
var titles = map[int]string{
	301: "301 Moved Permanently", 302: "302 Found", 303: "303 See Other",
	307: "307 Temporary Redirect", 308: "308 Permanent Redirect",
	400: "400 Bad Request", 401: "401 Authorization Required", 402: "402 Payment Required",
	403: "403 Forbidden", 404: "404 Not Found", 405: "405 Not Allowed", 406: "406 Not Acceptable",
	408: "408 Request Time-out", 409: "409 Conflict", 410: "410 Gone", 411: "411 Length Required",
	412: "412 Precondition Failed", 413: "413 Request Entity Too Large", 414: "414 Request-URI Too Large",
	415: "415 Unsupported Media Type", 416: "416 Requested Range Not Satisfiable",
	421: "421 Misdirected Request", 429: "429 Too Many Requests", 494: "400 Request Header Or Cookie Too Large",
	500: "500 Internal Server Error", 501: "501 Not Implemented", 502: "502 Bad Gateway",
	503: "503 Service Temporarily Unavailable", 504: "504 Gateway Time-out",
	505: "505 HTTP Version Not Supported", 507: "507 Insufficient Storage",
}

// padding makes the pages long enough for browsers that put their own in place
// of short ones.
var padding = strings.Repeat("<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n", 6)

// builtinPage is nginx's own page for a status, "" if it has none.
func builtinPage(status int, signature string) string {
	title := titles[status]
	if title == "" {
		return ""
	}
	heading := title + "</h1></center>\r\n"
	if status == statusHeaderTooLarge {
		heading = titles[400] + "</h1></center>\r\n<center>" + strings.TrimPrefix(title, "400 ") + "</center>\r\n"
	}
	return "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + heading +
		"<hr><center>" + signature + "</center>\r\n</body>\r\n</html>\r\n"
}

// builtin sends nginx's own page for the status that the client sees.
func (x *exchange) builtin() {
	if !x.discardBody(false) {
		x.w.Header()["Connection"] = connectionClose
	}
	status := x.errStatus
	body := builtinPage(status, x.loc.signature[0])
	if body != "" && status >= 400 {
		if agent := x.r.Header.Get("User-Agent"); strings.Contains(agent, "MSIE ") || strings.Contains(agent, "Chrome/") {
			body += padding
		}
	}
	if status == statusHeaderTooLarge {
		status, x.errStatus = 400, 400
	}
	kind := "text/html"
	if body == "" {
		kind = ""
	}
	x.send(status, kind, body)
}

// send answers with a text.
//
// Source: nginx ngx_http_header_filter_module.c, ngx_http_header_filter.
func (x *exchange) send(status int, contentType, body string) {
	header := x.w.Header()
	if or(x.errStatus, status) != http.StatusNoContent {
		if contentType != "" {
			header["Content-Type"] = []string{contentType}
		}
		header["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	x.writeHead(status, statusLine(status))
	if (x.r.Method != http.MethodHead || x.r.ProtoMajor == 0) && body != "" {
		// An error means that the client has left; there is nobody to tell.
		_, _ = x.w.Write([]byte(body))
	}
}

// respond executes a return directive.
//
// Source: nginx ngx_http_script.c, ngx_http_script_return_code;
// ngx_http_core_module.c, ngx_http_send_response.
func (x *exchange) respond(a *answer) (status int) {
	if !a.hasText && a.status >= 400 {
		return a.status
	}
	if !x.discardBody(true) {
		return 400
	}
	x.status = a.status // what $status is in the text
	value := a.text.value(x)
	if status := x.outOfMemory(); status != 0 {
		return status
	}
	if isRedirect(a.status) {
		return x.moved(a.status, value)
	}
	return x.sendUnless(a.status, "", time.Time{}, value)
}
