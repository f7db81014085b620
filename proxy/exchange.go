package proxy

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sessionlab/lab/world"
	"sessionlab/proxy/upstream"
	"sessionlab/proxy/wire"
)

// exchange is one client request on its way through the proxy. It is used again
// for later requests.
type exchange struct {
	p    *Proxy
	w    http.ResponseWriter
	r    *http.Request
	port int
	id   string  // that its sender has given it, "" for none
	own  *server // the port's default server
	srv  *server
	loc  *location

	method   string // GET after an error page's redirect
	host     string // $host, in lower case, without port
	uri      string // $uri: the normal path
	args     string
	rawURI   string // $request_uri
	rawValid bool   // rawURI still says where the request goes
	internal bool   // redirected
	changes  int    // internal redirects
	captures captures
	vars     []string   // of set directives
	maps     evaluation // of map blocks
	ill      bool       // it has been said what is wrong with a variable
	tooLong  bool       // a value was too long, and nobody has answered for it
	passed   []*passage // for which it has been counted

	body      store
	bodyRead  bool
	discarded bool // without a look at it
	unasked   bool // a client that holds its body back is not asked for it any more

	keeper       world.ConnectionKeeper // nil: the client's connection is somebody else's
	lastOfClient bool                   // its connection ends with this answer
	ends         bool                   // and so it does here, which the answer does not say

	errStatus int  // the status that the client sees, if not that of the content
	errorPage bool // an error page is being made
	status    int  // what was sent
	cut       bool

	group     *group
	walk      upstream.Request
	peer      *upstream.Peer
	link      *link
	fresh     link // room for one that is not kept
	resp      *http.Response
	addr      [16]byte
	requestID string // $request_id
	session   string // what sticky has found
	cookie    string // what sticky sets
	proxyHost string
	began     time.Duration // of the first attempt
	attempts  []attempt
	tried     int // attempts, without gaps
	out       *http.Request
	outBody   storeReader
	starves   bool // the length that servers get is that of a body which they do not get
	spoilt    bool // something may still hold on to it
	buf       []byte
	flow      outflow

	sentHost, hostOfSent string // the latest Host and what plainHost makes of it
}

// attempt is what $upstream_addr and $upstream_status show of an attempt. A gap
// stands between those before and after an internal redirect.
type attempt struct {
	addr   string
	status int
	gap    bool
}

// Statuses that are nginx's own.
const (
	statusNoHead         = 9   // an answer of HTTP/0.9
	statusTimeOut        = 408 // the client was too slow: close without an answer
	statusClosed         = 444 // close without an answer
	statusHeaderTooLarge = 494 // a header line is too long: 400 with a page of its own
	statusClientClosed   = 499 // the client left: close without an answer
	statusSent           = 0   // an answer was sent
)

// maxRedirects is how many internal redirects a request may make.
// Source: nginx ngx_http_request.h, NGX_HTTP_MAX_URI_CHANGES.
const maxRedirects = 10

// run answers the request, or what was read of it, with a status that is an
// error or statusSent. Some statuses, wherever they come from, end the connection
// without an answer, and no error page is shown for them.
//
// Source: nginx ngx_http_request.c, ngx_http_finalize_request.
func (x *exchange) run(status int) {
	if status != statusSent {
		x.w.Header()["Connection"] = connectionClose
	}
	for {
		if status == statusSent {
			status = x.serve()
		}
		switch status {
		case statusSent:
			return
		case statusTimeOut, statusClosed, statusClientClosed:
			x.cutAs(world.Closed)
			x.status = or(x.errStatus, status)
			return
		}
		again := false
		if status, again = x.fail(status); !again {
			return
		}
	}
}

// accept reads the request line and the Host header.
//
// Source: nginx ngx_http_request.c, ngx_http_process_request_line,
// ngx_http_process_request_header.
func (x *exchange) accept() (status int) {
	x.method = x.r.Method
	x.rawURI, x.rawValid = x.r.RequestURI, true
	if x.rawURI == "" {
		x.rawURI = x.r.URL.RequestURI()
	}
	host := x.r.Host
	if rest, ok := strings.CutPrefix(x.rawURI, scheme); ok {
		i := strings.IndexAny(rest, "/?")
		if i < 0 {
			i = len(rest)
		}
		host, x.rawURI = rest[:i], rest[i:]
		if !strings.HasPrefix(x.rawURI, "/") {
			x.rawURI = "/" + x.rawURI
		}
	}
	ok := x.takeHost(host)
	x.srv = x.p.serverFor(x)
	x.loc = &x.srv.root
	if !ok || host == "" && x.r.ProtoAtLeast(1, 1) {
		return 400
	}
	if !plainMethod(x.method) || len(x.r.TransferEncoding) > 0 && x.r.Header["Content-Length"] != nil {
		return 400
	}
	if x.method == http.MethodConnect && x.p.release.wire.Authority {
		if x.rawURI[0] == '/' {
			return 400
		}
		return 405
	}
	if status := x.fits(); status != 0 {
		return status
	}
	path, args := splitTarget(x.rawURI)
	if x.uri, ok = normalPath(path, !x.own.settings.separate); !ok {
		return 400
	}
	x.args = args
	if x.method == http.MethodTrace || x.method == http.MethodConnect {
		return 405
	}
	return 0
}

// plainMethod reports whether a method is made of capitals, "_" and "-".
//
// Source: nginx ngx_http_parse.c, ngx_http_parse_request_line.
func plainMethod(method string) bool {
	for i := range len(method) {
		if c := method[i]; (c < 'A' || c > 'Z') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// hostName is $host: the Host without port, or the server's name.
func (x *exchange) hostName() string {
	if x.host == "" {
		return x.srv.name()
	}
	return x.host
}

// serve chooses the location, unless one was named, and lets it answer.
//
// Source: nginx ngx_http_core_module.c, ngx_http_core_find_config_phase.
func (x *exchange) serve() (status int) {
	lacksSlash := false
	if x.loc == &x.srv.root {
		if status := x.perform(x.srv.root.sets); status != 0 {
			return status
		}
		if x.srv.root.answer != nil {
			x.passes(Everyone)
			return x.respond(x.srv.root.answer)
		}
		x.loc, lacksSlash = x.srv.find(x, x.uri)
	}
	l := x.loc
	x.countOnConnection(l)
	x.passes(Everyone)
	if l.internal && !x.internal {
		return 404
	}
	if l.maxBodySize > 0 && x.r.ContentLength > l.maxBodySize && !x.discarded {
		x.discardBody(false) // what has come is thrown away, whatever it is
		x.discarded = true   // an error page must not be refused again
		return 413
	}
	if !lacksSlash && l != &x.srv.root {
		if status := x.perform(l.sets); status != 0 {
			return status
		}
	}
	switch {
	case lacksSlash:
		return x.moved(301, escape(l.path)+mark(x.args)+x.args)
	case l.answer != nil:
		return x.respond(l.answer)
	case l.pass != nil:
		x.passes(Unreturned | Forwarded)
		return x.forward(l)
	}
	x.passes(Unreturned | ForFiles)
	return x.static(l)
}

// redirect sends the request to another URI inside the proxy.
func (x *exchange) redirect(uri, args string) (status int) {
	if x.changes++; x.changes > maxRedirects {
		return 500
	}
	x.uri, x.args = uri, args
	x.rawValid, x.internal = false, true
	x.loc = &x.srv.root
	return statusSent
}

// readBody reads the request's body, as far as it may be large.
func (x *exchange) readBody(limit int64) (status int) {
	if x.bodyRead {
		return 0
	}
	x.bodyRead = true
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return 0
	}
	if x.unasked {
		x.doNotAsk()
	}
	if body, ok := x.r.Body.(world.ReadLimiter); ok {
		body.LimitReads(x.loc.clientBody)
	}
	if limit > 0 && x.r.ContentLength <= 0 {
		if chunks, ok := x.r.Body.(world.BodyLimiter); ok {
			chunks.Limit(limit)
		}
	}
	err := x.body.readInto(x.r.Body, limit, x.buf)
	if err == nil && x.body.size < x.r.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	return bodyStatus(err)
}

// bodyStatus is the answer to a body that did not arrive as promised. There is
// none to a client that has left in the middle.
//
// Source: nginx ngx_http_request_body.c, ngx_http_do_read_client_request_body.
func bodyStatus(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, world.ErrHostDown):
		return statusClientClosed
	case errors.Is(err, wire.ErrTooLarge), err == errTooLarge:
		return 413
	case err == errStoreFull:
		return 500
	case errors.Is(err, world.ErrReadTimeout):
		return statusTimeOut
	case errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, world.ErrBadChunk):
		return statusClosed
	}
	return 400
}

// sentStatus is what the client sees, as far as it is known.
func (x *exchange) sentStatus() int {
	if x.errStatus != 0 {
		return x.errStatus
	}
	return x.status
}

// upstreamAddr is $upstream_addr.
func (x *exchange) upstreamAddr() string {
	return x.joinAttempts(func(a attempt) string { return a.addr })
}

// upstreamStatus is $upstream_status.
func (x *exchange) upstreamStatus() string {
	return x.joinAttempts(func(a attempt) string {
		if a.status == 0 {
			return "-"
		}
		return world.StatusText(a.status)
	})
}

// joinAttempts lists the attempts, with a colon where the request was
// redirected inside the proxy.
func (x *exchange) joinAttempts(show func(attempt) string) string {
	if len(x.attempts) == 1 {
		return show(x.attempts[0])
	}
	var b strings.Builder
	for i, a := range x.attempts {
		switch {
		case a.gap:
			b.WriteString(" : ")
			continue
		case i > 0 && !x.attempts[i-1].gap:
			b.WriteString(", ")
		}
		b.WriteString(show(a))
	}
	return b.String()
}

// identity names the request for random draws: by the identity that its sender
// has given it, or else by the client and how many requests it has sent.
func (x *exchange) identity() string {
	if x.id != "" {
		return x.id
	}
	p, client := x.p, clientHost(x.r.RemoteAddr)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.anonymous[client]++
	return client + " " + strconv.Itoa(p.anonymous[client])
}

// requestBody is $request_body: that of a body which is not in a file.
//
// Source: nginx ngx_http_variables.c, ngx_http_variable_request_body; the default
// of client_body_buffer_size.
func (x *exchange) requestBody() string {
	if x.body.size > 16<<10 {
		return ""
	}
	return x.body.text()
}
