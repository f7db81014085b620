package sim

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

func (h *host) DialHTTP(ctx context.Context, addr string) (world.HTTPConn, error) {
	return h.DialHTTPWithin(ctx, addr, connectTimeout)
}

func (h *host) DialHTTPWithin(ctx context.Context, addr string, limit time.Duration) (world.HTTPConn, error) {
	server, port, err := h.connect(ctx, addr, min(limit, connectTimeout), func(server *host, port int) (*int, int, bool) {
		if l := server.http[port]; l != nil {
			return &l.pending, l.opts.Backlog, l.unready
		}
		return nil, 0, false
	})
	if err != nil {
		return nil, &world.OpError{Op: "dial", Addr: addr, Err: err}
	}
	c := h.open(server.http[port], addr)
	return &clientConn{c: c, life: c.life}, nil
}

// clientConn is the client's hold on a connection. The connection itself is
// used again once both ends are closed; the hold is not.
type clientConn struct {
	c            *httpConn
	life         uint64
	sent, reused bool // as of the latest RoundTrip
}

// mine is the connection, nil once it belongs to somebody else.
func (h *clientConn) mine() *httpConn {
	if h.c.life != h.life {
		return nil
	}
	return h.c
}

func (h *clientConn) RoundTrip(ctx context.Context, req *http.Request) (*http.Response, error) {
	if c := h.mine(); c != nil {
		resp, err := c.roundTrip(ctx, req)
		h.sent, h.reused = c.sent, c.reused
		return resp, err
	}
	h.sent = false
	return nil, &world.OpError{Op: "write", Addr: h.c.addr, Err: net.ErrClosed}
}

func (h *clientConn) SetReadDeadline(d time.Duration) {
	if c := h.mine(); c != nil {
		c.setReadDeadline(d)
	}
}

// ReadAnswersBy does nothing: there are no bytes here.
func (h *clientConn) ReadAnswersBy(world.AnswerReader) {}

func (h *clientConn) Sent() bool { return h.sent }

func (h *clientConn) Reused() bool { return h.reused }

func (h *clientConn) Alive() bool { c := h.mine(); return c != nil && c.alive() }

func (h *clientConn) Close() error {
	if c := h.mine(); c != nil {
		return c.close()
	}
	return nil
}

func (c *httpConn) setReadDeadline(d time.Duration) {
	if d <= 0 {
		c.deadline = 0
		return
	}
	c.deadline = c.w.now + int64(d)
}

func (c *httpConn) alive() bool {
	return !c.client.dead && !c.clientClosed && !c.fin && !c.rst
}

// roundTrip sends the request and waits for the head of the answer.
func (c *httpConn) roundTrip(ctx context.Context, req *http.Request) (*http.Response, error) {
	if err := c.client.enter(); err != nil {
		return nil, &world.OpError{Op: "write", Addr: c.addr, Err: err}
	}
	if c.clientClosed {
		return nil, &world.OpError{Op: "write", Addr: c.addr, Err: net.ErrClosed}
	}
	if req.Body != nil && req.Body != http.NoBody {
		defer req.Body.Close()
	}
	c.reused, c.sent = c.exchanges > 0, false
	err := ctx.Err()
	if err == nil {
		err = c.prepare(req)
	}
	if err != nil {
		return nil, &world.OpError{Op: "write", Addr: c.addr, Err: err}
	}
	c.headSeen, c.bad, c.visible, c.end = false, false, 0, endNone
	c.resBody.reset()
	c.dropped, c.sent = false, true
	c.ctx = ctx
	if !c.serverClosed {
		c.sendRequest()
		if err := c.client.enter(); err != nil {
			return nil, &world.OpError{Op: "write", Addr: c.addr, Err: err}
		}
	}
	if err := c.reqBody.sendRest(ctx); err != nil {
		c.closeClient()
		return nil, &world.OpError{Op: "write", Addr: c.addr, Err: err}
	}
	var expired bool
	expired, err = c.await(ctx, c.headReady)
	switch {
	case err != nil:
	case expired:
		err = world.ErrReadTimeout
	case c.bad:
		err = world.ErrBadHead
	case c.headSeen:
		c.w.observe(world.Receives, c.client, c.server.name, world.Label{Kind: "RESPONSE", Key: c.key}, int(c.resBody.written))
		if err := c.client.enter(); err != nil {
			return nil, &world.OpError{Op: "read", Addr: c.addr, Err: err}
		}
		return c.response(req), nil
	case c.rst:
		err = world.ErrReset
	default:
		err = io.EOF
	}
	c.closeClient()
	return nil, &world.OpError{Op: "read", Addr: c.addr, Err: err}
}

// await waits for something from the server, as long as deadline and ctx let it.
func (c *httpConn) await(ctx context.Context, ready func() bool) (expired bool, err error) {
	limit := int64(-1)
	if c.deadline > 0 {
		limit = max(0, c.deadline-c.w.now)
	}
	c.reader = c.w.current
	expired, err = c.client.wait(ctx, limit, ready)
	c.reader = nil
	return expired, err
}

func (c *httpConn) headThere() bool { return c.headSeen || c.bad || c.fin || c.rst }

func (c *httpConn) dataThere() bool {
	return c.resBody.read < c.visible || c.end != endNone || c.fin || c.rst
}

// prepare copies what the server will see of the request.
func (c *httpConn) prepare(req *http.Request) error {
	if err := c.reqBody.begin(req); err != nil {
		return err
	}
	whole, size := c.reqBody.source == nil, c.reqBody.written
	r := c.request
	r.Method = req.Method
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	r.RequestURI = req.RequestURI
	if r.RequestURI == "" {
		r.RequestURI = req.URL.RequestURI()
	}
	if c.parsed == nil || c.parsed.target != r.RequestURI {
		var err error
		if c.parsed, err = c.w.parseURI(r.RequestURI); err != nil {
			return err
		}
	}
	c.url = c.parsed.url
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	if req.Proto == "HTTP/1.0" {
		r.Proto, r.ProtoMinor = "HTTP/1.0", 0
	}
	c.takeHeader(req.Header, size == 0 && !bodyExpected(r.Method))
	r.Host = req.Host
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	r.RemoteAddr = c.remote
	c.key = first(r.Header[world.HeaderRequest])
	r.Form, r.PostForm, r.MultipartForm = nil, nil, nil
	r.Pattern = ""
	connection := first(r.Header["Connection"])
	r.Close = req.Close || (r.ProtoMinor == 0 && !strings.EqualFold(connection, "keep-alive")) ||
		strings.EqualFold(connection, "close")
	r.ContentLength, r.TransferEncoding = size, nil
	if size == 0 {
		r.Body = http.NoBody
		if bodyExpected(r.Method) {
			r.Header["Content-Length"] = zeroLength
		}
	} else {
		r.Body = &c.reqBody
		if req.ContentLength <= 0 && req.Proto != "HTTP/1.0" {
			r.ContentLength, r.TransferEncoding = -1, chunkedEncoding
			return nil
		}
		if !whole {
			r.ContentLength = req.ContentLength
		}
		r.Header["Content-Length"] = []string{strconv.FormatInt(r.ContentLength, 10)}
	}
	return nil
}

var zeroLength = []string{"0"}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

func bodyExpected(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// takeHeader makes the server's header of the client's: the very same map if
// nothing has to be left out or added and the handler keeps it as it is.
func (c *httpConn) takeHeader(from http.Header, whole bool) {
	_, host := from["Host"]
	c.shared = whole && !host && c.lis.opts.HeaderKept
	if c.shared {
		c.request.Header = from
		return
	}
	c.request.Header = c.header
	if !copyHeader(c.header, from) {
		clear(c.header) // something else is left of the exchange before
		copyHeader(c.header, from)
	}
}

// unshareHeader leaves the client its header, which it may use again now. A
// server that is still at work goes on with a copy.
func (c *httpConn) unshareHeader() {
	if !c.shared {
		return
	}
	c.shared = false
	if c.busy || c.reqReady || c.reqHolding || c.deliver.queued() {
		c.request.Header = c.request.Header.Clone()
	} else {
		c.request.Header = c.header
	}
}

// copyHeader copies a header but for Host, and reports whether there is nothing
// else in the copy. Most exchanges of a connection carry the same names.
func copyHeader(into, from http.Header) bool {
	n := 0
	for name, values := range from {
		if name != "Host" {
			into[name] = values[:len(values):len(values)]
			n++
		}
	}
	return n == len(into)
}

// sendRequest puts the request on its way, through the fault table.
func (c *httpConn) sendRequest() {
	w := c.w
	label := world.Label{Kind: "REQUEST", Key: c.key}
	key := w.messageKey(c.there, label)
	var a fault.Action
	if !w.exempt(c.client, c.server.machine) {
		a = w.decide(c.there, label, key, fault.TCP)
	}
	switch {
	case a.Drop:
		c.reqBody.source = nil // nobody will make room for the rest
		w.observe(world.Loses, c.client, c.server.name, label, int(c.reqBody.written))
	case a.Hold != nil || a.Cut:
		c.reqHeld, c.reqHolding = a.Hold, true
		w.hold(c)
	default:
		w.schedule(c.deliver, w.now+c.there.way(key)+int64(a.Delay), c.server.tie)
		w.observe(world.Sends, c.client, c.server.name, label, int(c.reqBody.written))
	}
}

// response is the head as the client sees it.
func (c *httpConn) response(req *http.Request) *http.Response {
	rw := &c.rw
	r := &c.resp
	r.StatusCode, r.Status = rw.status, rw.line
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1 // whatever was asked in (RFC 9110, 2.5)
	if rw.noHead {
		r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/0.9", 0, 9
	}
	r.Header = rw.head
	r.ContentLength = rw.length
	r.TransferEncoding = nil
	if rw.chunked {
		r.TransferEncoding = chunkedEncoding
	}
	r.Close = rw.close || rw.noHead
	r.Request = req
	r.Body = &c.body
	c.body.whole = false
	if req.Method == http.MethodHead || rw.noBody() {
		r.Body = http.NoBody
		c.body.whole = true
		c.exchanges++
	}
	return r
}

var chunkedEncoding = []string{"chunked"}

// responseBody is what the client reads.
type responseBody struct {
	c     *httpConn
	whole bool // read to its end
}

func (b *responseBody) Read(p []byte) (int, error) {
	c := b.c
	if len(p) == 0 {
		return 0, c.client.enter()
	}
	if err := b.await(); err != nil {
		return 0, err
	}
	n := c.resBody.takeBytes(p, c.visible)
	c.tookSome()
	return n, nil
}

// ReadRun implements world.RunReader.
func (b *responseBody) ReadRun(p []byte) (int, world.Run, error) {
	if err := b.await(); err != nil {
		return 0, world.Run{}, err
	}
	n, run := b.c.resBody.take(p, b.c.visible)
	b.c.tookSome()
	return n, run, nil
}

// tookSome lets a writer who waits go on.
func (c *httpConn) tookSome() {
	if c.writer != nil && c.resBody.roomy() {
		c.w.wake(c.writer)
	}
}

// await waits until there is something to read, or returns how the body ended.
func (b *responseBody) await() error {
	c := b.c
	if err := c.client.enter(); err != nil {
		return err
	}
	for {
		switch {
		case c.resBody.read < c.visible:
			return nil
		case b.whole || c.end == endWhole:
			b.finish()
			return io.EOF
		case c.clientClosed:
			return &world.OpError{Op: "read", Addr: c.addr, Err: net.ErrClosed}
		case c.rst:
			c.closeClient()
			return &world.OpError{Op: "read", Addr: c.addr, Err: world.ErrReset}
		case c.fin && c.rw.untilClose():
			b.finish() // HTTP/1.0 without a length: the end is the end
			return io.EOF
		case c.fin:
			c.closeClient()
			return &world.OpError{Op: "read", Addr: c.addr, Err: io.ErrUnexpectedEOF}
		}
		expired, err := c.await(c.ctx, c.dataReady)
		if expired {
			err = world.ErrReadTimeout
		}
		if err != nil {
			c.closeClient()
			return &world.OpError{Op: "read", Addr: c.addr, Err: err}
		}
	}
}

func (b *responseBody) finish() {
	if !b.whole {
		b.whole = true
		b.c.exchanges++
	}
}

func (b *responseBody) Close() error {
	if b.c.end == endWhole && b.c.resBody.read == b.c.visible {
		b.finish()
	}
	if !b.whole {
		return b.c.close()
	}
	return nil
}
