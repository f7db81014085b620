package sim

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

// bufferBeforeChunking is how much a handler may write before the head must
// leave without a known length. Source: net/http server.go, bufferBeforeChunkingSize.
const bufferBeforeChunking = 2048

// connectTimeout is when a kernel gives up a connect that nobody answers.
// Source: tcp(7), tcp_syn_retries 6.
const connectTimeout = 127 * time.Second

const defaultBacklog = 128

// userBuffer is how much of a request a server's own buffer takes in beside the
// head; more of a body lies in the kernel until the handler reads it.
// Source: net/http server.go, newBufioReader.
const userBuffer = 4096

type httpListener struct {
	host    *host
	port    int
	handler http.Handler
	opts    world.ServeOptions
	closed  bool
	pending int // connections that wait to be accepted, while paused
	active  int // exchanges that run
	conns   []*httpConn
	spare   []*httpConn // closed at both ends, to be used again
	drain   *task
}

func (h *host) Serve(port int, handler http.Handler, opts world.ServeOptions) (world.Listener, error) {
	if err := h.enter(); err != nil {
		return nil, &world.OpError{Op: "listen", Addr: h.at(port), Err: err}
	}
	if h.taken(port) {
		return nil, &world.OpError{Op: "listen", Addr: h.at(port), Err: world.ErrPortTaken}
	}
	if opts.Backlog == 0 {
		opts.Backlog = defaultBacklog
	}
	l := &httpListener{host: h, port: port, handler: handler, opts: opts}
	h.http[port] = l
	return l, nil
}

func (h *host) taken(port int) bool { return h.http[port] != nil || h.streams[port] != nil }

func (l *httpListener) Addr() string { return l.host.at(l.port) }

func (l *httpListener) closePort() {
	l.closed = true
	if l.host.http[l.port] == l {
		delete(l.host.http, l.port)
	}
}

func (l *httpListener) Shutdown(ctx context.Context) error {
	if err := l.host.enter(); err != nil {
		return err
	}
	l.closePort()
	for _, c := range l.conns {
		l.host.w.wake(c.task) // idle ones see that the port is closed
	}
	l.drain = l.host.w.current
	_, err := l.host.wait(ctx, -1, func() bool { return l.active == 0 })
	l.drain = nil
	return err
}

func (l *httpListener) Close() error {
	if err := l.host.enter(); err != nil {
		return err
	}
	l.closePort()
	for _, c := range slices.Clone(l.conns) {
		c.closeServer(false)
	}
	return nil
}

// httpEnd is how a response ended on the wire, so far.
type httpEnd uint8

const (
	endNone  httpEnd = iota
	endWhole         // the framing says that it is complete
)

// segment is a piece of a response on its way.
type segment struct {
	at      int64
	visible int // bytes of the body that have arrived with it
	head    bool
	bad     bool // the head is no HTTP
	end     httpEnd
	fin     bool
	rst     bool
}

// httpConn is one connection with both its ends. The request, the response,
// their maps and buffers belong to it and are used again by every exchange.
type httpConn struct {
	w              *World
	client, server *host
	lis            *httpListener
	addr           string // the server's, as dialled
	remote         string // the client's, as the server sees it
	there, back    link

	// The client's end.
	clientClosed bool
	fin, rst     bool // what has arrived from the server's kernel
	sent         bool
	exchanges    int // completed
	reused       bool
	deadline     int64
	ctx          context.Context // of the RoundTrip whose body is being read
	reader       *task
	resp         http.Response
	body         responseBody
	headSeen     bool
	bad          bool
	buf          []byte
	visible      int
	read         int
	end          httpEnd
	headReady    func() bool
	dataReady    func() bool

	// The way from server to client.
	segs    []segment
	arrive  *event
	lastAt  int64
	held    *fault.Rule
	holding bool // what is in segs waits for the fault table
	dropped bool // this exchange's response is lost

	// The server's end.
	task         *task
	life         uint64 // how often it was used again
	spared       bool   // its task waits to be used again
	over         bool   // its task must end
	reqReady     bool
	busy         bool // a handler runs
	clientFin    bool
	serverClosed bool
	served       int
	key          string // identity of the request under way
	request      *http.Request
	url          url.URL
	parsed       *target // what url is made of
	reqBuf       []byte
	reqBody      bytesBody
	rw           responseWriter
	gone         *simCtx // ends when the client has left
	deliver      *event
	reqHeld      *fault.Rule
	reqHolding   bool
	serveReady   func() bool
}

// deliverRequest and deliverSegment are the connection as seen by its two
// directions' events.
type deliverRequest httpConn
type deliverSegment httpConn

func (h *host) DialHTTP(ctx context.Context, addr string) (world.HTTPConn, error) {
	return h.DialHTTPWithin(ctx, addr, connectTimeout)
}

func (h *host) DialHTTPWithin(ctx context.Context, addr string, limit time.Duration) (world.HTTPConn, error) {
	server, err := h.connect(ctx, addr, min(limit, connectTimeout), func(server *host, port int) (backlog *int, limit int) {
		if l := server.http[port]; l != nil {
			return &l.pending, l.opts.Backlog
		}
		return nil, 0
	})
	if err != nil {
		return nil, &world.OpError{Op: "dial", Addr: addr, Err: err}
	}
	c := h.open(server.http[portOf(addr)], addr)
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

func (h *clientConn) Sent() bool   { return h.sent }
func (h *clientConn) Reused() bool { return h.reused }
func (h *clientConn) Alive() bool  { c := h.mine(); return c != nil && c.alive() }

func (h *clientConn) Close() error {
	if c := h.mine(); c != nil {
		return c.close()
	}
	return nil
}

// connect finds the host that listens on addr. It takes a round trip; a host
// that cannot be reached, or whose backlog is full, lets the caller wait, at most
// for limit.
func (h *host) connect(ctx context.Context, addr string, limit time.Duration, find func(*host, int) (*int, int)) (*host, error) {
	if err := h.enter(); err != nil {
		return nil, err
	}
	w := h.w
	m := w.machineAt(addr)
	port := portOf(addr)
	giveUp := w.now + int64(limit)
	if m != nil {
		if _, err := h.wait(ctx, min(w.roundTrip(), int64(limit)), nil); err != nil {
			return nil, connectError(err)
		}
	}
	met := false
	for {
		if w.now >= giveUp {
			return nil, world.ErrConnectTimeout
		}
		if m != nil && !w.exempt(h, m) && !w.faults.Reachable(h.name, m.name) {
			if !met {
				met = true
				w.faults.MeetCut()
			}
		} else {
			if m == nil || m.up == nil {
				return nil, world.ErrRefused
			}
			pending, limit := find(m.up, port)
			if pending == nil {
				return nil, world.ErrRefused
			}
			if !m.up.paused {
				*pending = 0
				return m.up, nil
			}
			if *pending < limit {
				*pending++
				return m.up, nil
			}
		}
		// Nobody answers the SYN; it is sent again every now and then.
		w.connecting = append(w.connecting, w.current)
		_, err := h.wait(ctx, min(int64(time.Second), giveUp-w.now), func() bool { return w.stirred(w.current) })
		w.connecting = slices.DeleteFunc(w.connecting, func(t *task) bool { return t == w.current })
		if err != nil {
			return nil, connectError(err)
		}
	}
}

func connectError(err error) error {
	if err == context.DeadlineExceeded {
		return world.ErrConnectTimeout
	}
	return err
}

func portOf(addr string) int {
	i := strings.LastIndexByte(addr, ':')
	port, _ := strconv.Atoi(addr[i+1:])
	return port
}

// open makes a connection, or takes one that was closed at both ends.
func (h *host) open(l *httpListener, addr string) *httpConn {
	w := h.w
	var c *httpConn
	if n := len(l.spare); n > 0 {
		c = l.spare[n-1]
		l.spare = l.spare[:n-1]
		c.again()
		if l.opts.IdleTimeout > 0 {
			w.wake(c.task) // to count the idle time
		}
	} else {
		c = newHTTPConn(w, l)
	}
	if c.client != h {
		c.client = h
		c.there = w.link(h.machine, l.host.machine)
		c.back = w.link(l.host.machine, h.machine)
	}
	w.ports++
	c.addr, c.remote = addr, h.at(32768+w.ports%28232)
	h.conns = append(h.conns, c)
	l.host.conns = append(l.host.conns, c)
	l.conns = append(l.conns, c)
	return c
}

func newHTTPConn(w *World, l *httpListener) *httpConn {
	c := &httpConn{w: w, server: l.host, lis: l}
	c.headReady, c.dataReady, c.serveReady = c.headThere, c.dataThere, c.somethingToServe
	c.body.c = c
	c.rw.c = c
	c.rw.header, c.rw.head = make(http.Header, 8), make(http.Header, 8)
	c.deliver = newEvent((*deliverRequest)(c))
	c.arrive = newEvent((*deliverSegment)(c))
	ctx := l.host.root
	if l.opts.ClientGone {
		c.gone = l.host.newCtx(l.host.root)
		ctx = c.gone
	}
	c.request = (&http.Request{Header: make(http.Header, 8)}).WithContext(ctx)
	c.request.URL = &c.url
	c.task = w.spawn(l.host, "connection", c.serve)
	return c
}

// again makes a spare connection a new one. Its maps, buffers and server task
// stay.
func (c *httpConn) again() {
	c.clientClosed, c.fin, c.rst, c.sent, c.reused = false, false, false, false, false
	c.exchanges, c.deadline, c.lastAt, c.served = 0, 0, 0, 0
	c.reqReady, c.clientFin, c.serverClosed, c.spared = false, false, false, false
	c.dropped, c.end = false, endNone
	c.ctx = nil
}

// recycle keeps a connection whose both ends are closed, if nothing of it is on
// its way any more. Otherwise its server task ends.
func (c *httpConn) recycle() {
	c.life++
	if c.spared && c.gone == nil && !c.lis.closed && !c.server.dead &&
		!c.holding && !c.reqHolding && !c.deliver.queued() && !c.arrive.queued() {
		c.lis.spare = append(c.lis.spare, c)
		return
	}
	c.over = true
	c.w.wake(c.task)
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

func (c *httpConn) close() error {
	if err := c.client.enter(); err != nil {
		return err
	}
	c.closeClient()
	return nil
}

// closeClient sends FIN to the server's side.
func (c *httpConn) closeClient() {
	if c.clientClosed {
		return
	}
	c.clientClosed = true
	c.w.cancel(c.arrive)
	c.segs = c.segs[:0]
	forget(&c.client.conns, c)
	if c.serverClosed {
		c.recycle()
		return
	}
	c.w.after(c.there.delay, func() {
		c.clientFin = true
		if c.gone != nil {
			c.gone.detach()
			c.gone.cancel(context.Canceled)
		}
		c.w.wake(c.task)
	})
}

func forget[T comparable](list *[]T, item T) {
	if i := slices.Index(*list, item); i >= 0 {
		*list = slices.Delete(*list, i, i+1)
	}
}

// closeServer ends the connection from the server's side, with RST if asked or
// if a request lies there unread.
func (c *httpConn) closeServer(rst bool) {
	if c.serverClosed {
		return
	}
	c.serverClosed = true
	rst = rst || c.reqReady || c.busy && len(c.reqBody.b)-c.reqBody.n > userBuffer
	forget(&c.server.conns, c)
	forget(&c.lis.conns, c)
	c.w.cancel(c.deliver)
	c.reqHolding = false
	if c.gone != nil {
		c.gone.detach()
		c.gone.cancel(context.Canceled)
	}
	if !c.clientClosed {
		c.queue(segment{fin: !rst, rst: rst, visible: -1})
	}
	c.w.wake(c.task)
}

// roundTrip sends the request and waits for the head of the answer.
func (c *httpConn) roundTrip(ctx context.Context, req *http.Request) (*http.Response, error) {
	if err := c.client.enter(); err != nil {
		return nil, &world.OpError{Op: "write", Addr: c.addr, Err: err}
	}
	if c.clientClosed {
		return nil, &world.OpError{Op: "write", Addr: c.addr, Err: net.ErrClosed}
	}
	c.reused, c.sent = c.exchanges > 0, false
	err := ctx.Err()
	if err == nil {
		err = c.prepare(req)
	}
	if err != nil {
		return nil, &world.OpError{Op: "write", Addr: c.addr, Err: err}
	}
	c.headSeen, c.bad, c.visible, c.read, c.end = false, false, 0, 0, endNone
	c.buf = c.buf[:0]
	c.dropped, c.sent = false, true
	c.ctx = ctx
	if !c.serverClosed {
		c.sendRequest()
		if err := c.client.enter(); err != nil {
			return nil, &world.OpError{Op: "write", Addr: c.addr, Err: err}
		}
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
		c.w.observe(world.Receives, c.client, c.server.name, world.Label{Kind: "RESPONSE", Key: c.key}, len(c.buf))
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
	return c.read < c.visible || c.end != endNone || c.fin || c.rst
}

// prepare copies what the server will see of the request.
func (c *httpConn) prepare(req *http.Request) error {
	c.reqBuf = c.reqBuf[:0]
	if req.Body != nil && req.Body != http.NoBody {
		var err error
		c.reqBuf, err = readAll(req.Body, c.reqBuf)
		req.Body.Close()
		if err != nil {
			return err
		}
	}
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
	clear(r.Header)
	for name, values := range req.Header {
		if name != "Host" {
			r.Header[name] = values[:len(values):len(values)]
		}
	}
	r.Host = req.Host
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	r.RemoteAddr = c.remote
	c.key = ""
	if id := r.Header[world.HeaderRequest]; len(id) > 0 {
		c.key = id[0]
	}
	r.Form, r.PostForm, r.MultipartForm = nil, nil, nil
	r.Pattern = ""
	r.Close = req.Close || (r.ProtoMinor == 0 && !headerIs(r.Header, "Connection", "keep-alive")) ||
		headerIs(r.Header, "Connection", "close")
	r.ContentLength, r.TransferEncoding = int64(len(c.reqBuf)), nil
	if len(c.reqBuf) == 0 {
		r.Body = http.NoBody
		if r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
			r.Header["Content-Length"] = zeroLength
		}
	} else {
		c.reqBody = bytesBody{b: c.reqBuf}
		r.Body = &c.reqBody
		if req.ContentLength <= 0 && req.Proto != "HTTP/1.0" {
			r.ContentLength, r.TransferEncoding = -1, chunkedEncoding
			return nil
		}
		r.Header["Content-Length"] = []string{strconv.Itoa(len(c.reqBuf))}
	}
	return nil
}

var zeroLength = []string{"0"}

func headerIs(h http.Header, name, value string) bool {
	v := h[name]
	return len(v) > 0 && strings.EqualFold(v[0], value)
}

func readAll(r io.Reader, buf []byte) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// sendRequest puts the request on its way, through the fault table.
func (c *httpConn) sendRequest() {
	w := c.w
	label := world.Label{Kind: "REQUEST", Key: c.key}
	key := w.messageKey(c.there, label)
	var a fault.Action
	if !w.exempt(c.client, c.server.machine) {
		a = w.decide(c.there, label, key)
	}
	switch {
	case a.Drop:
		w.observe(world.Loses, c.client, c.server.name, label, len(c.reqBuf))
	case a.Hold != nil || a.Cut:
		c.reqHeld, c.reqHolding = a.Hold, true
		w.hold(c)
	default:
		w.schedule(c.deliver, w.now+c.there.way(key)+int64(a.Delay), c.server.tie)
		w.observe(world.Sends, c.client, c.server.name, label, len(c.reqBuf))
	}
}

// retry looks again at what the fault table holds on this connection. It
// reports whether something is still held.
func (c *httpConn) retry() bool {
	w := c.w
	if c.reqHolding && !w.faults.Held(c.reqHeld) && w.faults.Reachable(c.client.name, c.server.name) {
		c.reqHolding = false
		label := world.Label{Kind: "REQUEST", Key: c.key}
		w.schedule(c.deliver, w.now+c.there.way(w.messageKey(c.there, label)), c.server.tie)
		w.observe(world.Sends, c.client, c.server.name, label, len(c.reqBuf))
	}
	if c.holding && !w.faults.Held(c.held) && w.faults.Reachable(c.server.name, c.client.name) {
		c.holding = false
		at := w.now + c.back.way(w.messageKey(c.back, world.Label{Kind: "RESPONSE", Key: c.key}))
		for i := range c.segs {
			c.segs[i].at = max(c.lastAt, at)
		}
		c.lastAt = max(c.lastAt, at)
		if len(c.segs) > 0 {
			w.schedule(c.arrive, c.segs[0].at, c.client.tie)
		}
	}
	return c.reqHolding || c.holding
}

func (d *deliverRequest) fire() {
	c := (*httpConn)(d)
	if c.serverClosed {
		return
	}
	c.reqReady = true
	c.w.wake(c.task)
}

// queue puts a segment on its way to the client; visible -1 stands for all
// that was queued before.
func (c *httpConn) queue(s segment) {
	if c.clientClosed || c.dropped {
		return
	}
	if s.visible < 0 {
		s.visible = c.visible
		if n := len(c.segs); n > 0 {
			s.visible = c.segs[n-1].visible
		}
	}
	w := c.w
	if !c.holding && !w.exempt(c.server, c.client.machine) && !w.faults.Reachable(c.server.name, c.client.name) {
		c.holding = true
		w.hold(c)
	}
	if !c.holding {
		s.at = max(c.lastAt, w.now+c.back.way(w.messageKey(c.back, world.Label{Kind: "RESPONSE", Key: c.key}))+c.extra())
		c.lastAt = s.at
		if !c.arrive.queued() {
			w.schedule(c.arrive, s.at, c.client.tie)
		}
	}
	c.segs = append(c.segs, s)
}

func (c *httpConn) extra() int64 { return c.rw.delay }

func (d *deliverSegment) fire() {
	c := (*httpConn)(d)
	s := c.segs[0]
	c.segs = append(c.segs[:0], c.segs[1:]...)
	c.visible = s.visible
	c.headSeen = c.headSeen || s.head
	c.bad = c.bad || s.bad
	if s.end != endNone {
		c.end = s.end
	}
	c.fin = c.fin || s.fin
	c.rst = c.rst || s.rst
	if len(c.segs) > 0 && !c.holding {
		c.w.schedule(c.arrive, c.segs[0].at, c.client.tie)
	}
	if c.reader != nil {
		c.w.wake(c.reader)
	}
}

// response is the head as the client sees it.
func (c *httpConn) response(req *http.Request) *http.Response {
	rw := &c.rw
	r := &c.resp
	r.StatusCode, r.Status = rw.status, statusLine(rw.status)
	r.Proto, r.ProtoMajor, r.ProtoMinor = c.request.Proto, 1, c.request.ProtoMinor
	r.Header = rw.head
	r.ContentLength = rw.length
	r.TransferEncoding = nil
	if rw.chunked {
		r.TransferEncoding = chunkedEncoding
	}
	r.Close = rw.close
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

var statusLines = map[int]string{}

func init() {
	for code := 100; code < 600; code++ {
		if text := http.StatusText(code); text != "" {
			statusLines[code] = strconv.Itoa(code) + " " + text
		}
	}
}

func statusLine(code int) string {
	if s := statusLines[code]; s != "" {
		return s
	}
	return strconv.Itoa(code) + " "
}

// responseBody is what the client reads.
type responseBody struct {
	c     *httpConn
	whole bool // read to its end
}

func (b *responseBody) Read(p []byte) (int, error) {
	c := b.c
	if err := c.client.enter(); err != nil {
		return 0, err
	}
	if len(p) == 0 {
		return 0, nil
	}
	for {
		switch {
		case c.read < c.visible:
			n := copy(p, c.buf[c.read:c.visible])
			c.read += n
			return n, nil
		case b.whole || c.end == endWhole:
			b.finish()
			return 0, io.EOF
		case c.clientClosed:
			return 0, &world.OpError{Op: "read", Addr: c.addr, Err: net.ErrClosed}
		case c.rst:
			c.closeClient()
			return 0, &world.OpError{Op: "read", Addr: c.addr, Err: world.ErrReset}
		case c.fin && c.rw.untilClose():
			b.finish() // HTTP/1.0 without a length: the end is the end
			return 0, io.EOF
		case c.fin:
			c.closeClient()
			return 0, &world.OpError{Op: "read", Addr: c.addr, Err: io.ErrUnexpectedEOF}
		}
		expired, err := c.await(c.ctx, c.dataReady)
		if expired {
			err = world.ErrReadTimeout
		}
		if err != nil {
			c.closeClient()
			return 0, &world.OpError{Op: "read", Addr: c.addr, Err: err}
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
	if b.c.end == endWhole && b.c.read == b.c.visible {
		b.finish()
	}
	if !b.whole {
		return b.c.close()
	}
	return nil
}

// serve is the task of the server's end. It outlives the connection, for the
// next one that is made of it.
func (c *httpConn) serve() {
	for c.serveNext() {
		if !c.serverClosed {
			continue
		}
		if c.clientClosed {
			return
		}
		c.spared = true
		if _, err := c.server.wait(nil, -1, c.usedAgain); err != nil || c.over {
			return
		}
	}
}

func (c *httpConn) usedAgain() bool { return !c.spared || c.over }

// serveNext waits for a request and serves it. It reports false when the host
// is gone.
func (c *httpConn) serveNext() bool {
	w := c.w
	limit := int64(-1)
	if c.lis.opts.IdleTimeout > 0 {
		limit = int64(c.lis.opts.IdleTimeout)
	}
	expired, err := c.server.wait(nil, limit, c.serveReady)
	if err != nil {
		return false
	}
	if !c.reqReady || expired {
		c.closeServer(false)
		return true
	}
	c.reqReady = false
	if c.serverClosed {
		return true
	}
	c.busy = true
	c.lis.active++
	w.observe(world.Receives, c.server, c.client.name, world.Label{Kind: "REQUEST", Key: c.key}, len(c.reqBuf))
	c.rw.reset()
	if c.server.enter() == nil && !c.handle() {
		c.rw.finish()
	} else if !c.serverClosed {
		c.closeServer(false)
	}
	c.busy = false
	c.served++
	c.lis.active--
	if c.lis.closed && c.lis.active == 0 && c.lis.drain != nil {
		w.wake(c.lis.drain)
	}
	if !c.serverClosed && (c.rw.close || c.lis.closed) {
		c.closeServer(false)
	}
	return true
}

func (c *httpConn) somethingToServe() bool {
	return c.reqReady || c.clientFin || c.serverClosed || (c.lis.closed && !c.deliver.queued())
}

// handle runs the handler. A panic ends the connection, not the host.
func (c *httpConn) handle() (aborted bool) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if _, ok := p.(unwind); ok {
			panic(p)
		}
		aborted = true
		if p != http.ErrAbortHandler {
			c.w.observePanic(c.server, c.client.name, c.key, p, debug.Stack())
		}
	}()
	c.lis.handler.ServeHTTP(&c.rw, c.request)
	return c.rw.cut
}

// bytesBody is a request's body.
type bytesBody struct {
	b []byte
	n int
}

func (b *bytesBody) Read(p []byte) (int, error) {
	if b.n == len(b.b) {
		return 0, io.EOF
	}
	n := copy(p, b.b[b.n:])
	b.n += n
	return n, nil
}

func (b *bytesBody) Close() error { return nil }

// responseWriter is what the handler writes to. It belongs to the connection.
type responseWriter struct {
	c        *httpConn
	header   http.Header // what the handler works on
	head     http.Header // what has left
	status   int
	length   int64 // of the body, -1 when not known
	declared bool  // length was given by the handler
	chunked  bool
	close    bool
	started  bool // the head has left
	finished bool
	cut      bool
	written  int64
	delay    int64 // added by the fault table to this response
}

func (w *responseWriter) reset() {
	clear(w.header)
	*w = responseWriter{c: w.c, header: w.header, head: w.head, length: -1}
}

func (w *responseWriter) Header() http.Header { return w.header }

func (w *responseWriter) WriteHeader(status int) {
	if w.status != 0 || w.finished || status < 200 {
		return
	}
	w.status = status
	if v := w.header["Content-Length"]; len(v) > 0 {
		if n, err := strconv.ParseInt(v[0], 10, 64); err == nil && n >= 0 {
			w.length, w.declared = n, true
		}
	}
}

func (w *responseWriter) Write(p []byte) (int, error) {
	c := w.c
	if err := c.server.enter(); err != nil {
		return 0, err
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if c.serverClosed || w.cut {
		return 0, &world.OpError{Op: "write", Addr: c.remote, Err: net.ErrClosed}
	}
	if c.clientFin {
		return 0, &world.OpError{Op: "write", Addr: c.remote, Err: world.ErrReset}
	}
	if w.noBody() || c.request.Method == http.MethodHead {
		if w.noBody() {
			return 0, http.ErrBodyNotAllowed
		}
		w.written += int64(len(p))
		return len(p), nil
	}
	if w.declared && w.written+int64(len(p)) > w.length {
		return 0, http.ErrContentLength
	}
	c.buf = append(c.buf, p...)
	w.written += int64(len(p))
	if !w.started && !w.declared && len(c.buf) > bufferBeforeChunking {
		w.Flush()
	}
	return len(p), nil
}

func (w *responseWriter) noBody() bool {
	return w.status == http.StatusNoContent || w.status == http.StatusNotModified
}

// untilClose reports whether only the end of the connection ends the body.
func (w *responseWriter) untilClose() bool { return w.length < 0 && !w.chunked }

// begin decides the framing; the head leaves with the next segment.
func (w *responseWriter) begin(over bool) {
	c := w.c
	w.started = true
	if over && !w.declared && !w.noBody() {
		w.length = w.written
		w.header["Content-Length"] = []string{strconv.FormatInt(w.length, 10)}
	}
	http10 := c.request.ProtoMinor == 0
	if w.noBody() {
		w.length = 0
	} else if w.length < 0 && !http10 {
		w.chunked = true
	}
	w.close = c.request.Close || w.untilClose() || c.lis.closed ||
		headerIs(w.header, "Connection", "close") ||
		(c.lis.opts.MaxRequests > 0 && c.served+1 >= c.lis.opts.MaxRequests)
	if w.close && !http10 {
		w.header["Connection"] = closeConnection
	}
	w.header, w.head = w.head, w.header
	clear(w.header)
	label := world.Label{Kind: "RESPONSE", Key: c.key}
	if !c.w.exempt(c.server, c.client.machine) {
		var a fault.Action
		if !c.w.faults.Quick() {
			a = c.w.decide(c.back, label, c.w.messageKey(c.back, label))
		}
		w.delay = int64(a.Delay)
		switch {
		case a.Drop:
			c.w.observe(world.Loses, c.server, c.client.name, label, int(w.written))
			c.dropped = true
			return
		case a.Hold != nil || a.Cut:
			c.held, c.holding = a.Hold, true
			c.w.hold(c)
		}
	}
}

var closeConnection = []string{"close"}

func (w *responseWriter) Flush() {
	c := w.c
	if c.server.enter() != nil || w.finished || w.cut || c.serverClosed {
		return
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	first := !w.started
	if first {
		w.begin(false)
	}
	c.queue(segment{visible: len(c.buf), head: true})
	if first {
		c.w.observe(world.Sends, c.server, c.client.name, world.Label{Kind: "RESPONSE", Key: c.key}, len(c.buf))
	}
}

// finish sends what is left once the handler has returned.
func (w *responseWriter) finish() {
	c := w.c
	if c.serverClosed {
		return
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	first := !w.started
	if first {
		w.begin(true)
	}
	w.finished = true
	s := segment{visible: len(c.buf), head: true, end: endWhole, fin: w.close}
	if w.declared && w.written < w.length && c.request.Method != http.MethodHead {
		s.end, s.fin, w.close = endNone, true, true // fewer bytes than promised
	} else if w.untilClose() {
		s.end, s.fin = endNone, true
	}
	if w.close {
		// The connection ends with this segment: one event for both.
		c.serverClosed = true
		forget(&c.server.conns, c)
		forget(&c.lis.conns, c)
		if c.gone != nil {
			c.gone.detach()
			c.gone.cancel(context.Canceled)
		}
	}
	c.queue(s)
	if first {
		c.w.observe(world.Sends, c.server, c.client.name, world.Label{Kind: "RESPONSE", Key: c.key}, len(c.buf))
	}
}

// Cut ends the exchange the way a broken server does.
func (w *responseWriter) Cut(how world.Outcome) {
	c := w.c
	if c.server.enter() != nil || c.serverClosed {
		return
	}
	switch how {
	case world.Closed:
		c.buf = c.buf[:0]
	case world.Reset:
		w.cut = true
		c.closeServer(true)
		return
	case world.BadHead:
		c.queue(segment{bad: true})
	case world.Cut:
		w.Flush()
	default:
		panic("sim: a response cannot be cut as " + how.String())
	}
	w.cut = true
	c.closeServer(false)
}
