package sim

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

// httpEnd is how a response ended on the wire, so far.
type httpEnd uint8

const (
	endNone  httpEnd = iota
	endWhole         // the framing says that it is complete
)

// segment is a piece of a response on its way.
type segment struct {
	at      int64
	visible int64 // how far the body has arrived with it
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
	there, back    *link

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
	resBody      pipe
	visible      int64 // how much of resBody has arrived
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
	waiting      bool   // in the backlog of a port that is not accepting
	over         bool   // its task must end
	reqReady     bool
	busy         bool // a handler runs
	clientFin    bool
	serverClosed bool
	served       int
	idle         time.Duration // how long it waits for a request, 0 for ever
	key          string        // identity of the request under way
	request      *http.Request
	header       http.Header // room for the request's
	shared       bool        // the request's header is the client's own map
	url          url.URL
	parsed       *target // what url is made of
	reqBody      requestBody
	rw           responseWriter
	gone         *simCtx // ends when the client has left
	deliver      *event
	reqHeld      *fault.Rule
	reqHolding   bool
	serveReady   func() bool
	writer       *task // waits for room in resBody
}

// deliverRequest and deliverSegment are the connection as seen by its two
// directions' events.
type deliverRequest httpConn

type deliverSegment httpConn

// open makes a connection, or takes one that was closed at both ends.
func (h *host) open(l *httpListener, addr string) *httpConn {
	w := h.w
	var c *httpConn
	if n := len(l.spare); n > 0 {
		c = l.spare[n-1]
		l.spare = l.spare[:n-1]
		c.again()
		if !l.unready {
			c.countIdle()
		}
	} else {
		c = newHTTPConn(w, l)
	}
	if c.client != h {
		c.client = h
		c.there = w.link(h.machine, l.host.machine)
		c.back = w.link(l.host.machine, h.machine)
	}
	c.waiting = l.unready
	w.ports++
	c.addr, c.remote = addr, h.at(32768+w.ports%28232)
	return c
}

func newHTTPConn(w *World, l *httpListener) *httpConn {
	c := &httpConn{w: w, server: l.host, lis: l, idle: l.opts.IdleTimeout}
	c.headReady, c.dataReady, c.serveReady = c.headThere, c.dataThere, c.somethingToServe
	c.body.c = c
	c.rw.c = c
	c.reqBody.c = c
	c.rw.header, c.rw.head = make(http.Header, 8), make(http.Header, 8)
	c.deliver = newEvent((*deliverRequest)(c))
	c.arrive = newEvent((*deliverSegment)(c))
	ctx := l.host.root
	if l.opts.ClientGone {
		c.gone = l.host.newCtx(l.host.root)
		ctx = c.gone
	}
	c.header = make(http.Header, 8)
	c.request = (&http.Request{}).WithContext(ctx)
	c.request.URL = &c.url
	c.task = w.spawn(l.host, "connection", func(context.Context) { c.serve() })
	w.keep(c)
	return c
}

// keep lists a connection for who looks for those of a host. Entries leave the
// list late: nothing has to be found when a connection ends.
func (w *World) keep(c *httpConn) {
	if len(w.conns) >= w.room {
		w.conns = slices.DeleteFunc(w.conns, (*httpConn).finished)
		w.room = 2*len(w.conns) + 64
	}
	w.conns = append(w.conns, c)
}

// countIdle starts the idle time of a connection whose task waits already.
func (c *httpConn) countIdle() {
	if c.idle > 0 {
		c.task.limit(c.w.now + int64(c.idle))
	}
}

// again makes a spare connection a new one. Its maps, buffers and server task
// stay.
func (c *httpConn) again() {
	c.clientClosed, c.fin, c.rst, c.sent, c.reused = false, false, false, false, false
	c.exchanges, c.deadline, c.lastAt, c.served = 0, 0, 0, 0
	c.idle = c.lis.opts.IdleTimeout
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
	c.unshareHeader()
	c.w.cancel(c.arrive)
	c.segs = c.segs[:0]
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
		c.wakeServer()
	})
}

func forget[T comparable](list *[]T, item T) {
	if i := slices.Index(*list, item); i >= 0 {
		*list = slices.Delete(*list, i, i+1)
	}
}

// closeServer ends the connection from the server's side, with RST if asked, if
// a request lies there unread, or if nobody had accepted it.
func (c *httpConn) closeServer(rst bool) {
	if c.serverClosed {
		return
	}
	c.serverClosed = true
	rst = rst || c.waiting || c.reqReady || c.busy && c.reqBody.written-c.reqBody.read > userBuffer
	c.w.cancel(c.deliver)
	c.reqHolding = false
	if c.gone != nil {
		c.gone.detach()
		c.gone.cancel(context.Canceled)
	}
	if !c.clientClosed {
		c.queue(segment{fin: !rst, rst: rst, visible: -1})
	}
	c.wakeServer()
}

// wakeServer has the server's end look at what has become of the connection.
func (c *httpConn) wakeServer() {
	c.w.wake(c.task)
	if c.writer != nil {
		c.w.wake(c.writer)
	}
	if c.reqBody.reader != nil {
		c.w.wake(c.reqBody.reader)
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
		w.observe(world.Sends, c.client, c.server.name, label, int(c.reqBody.written))
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
	sending := c.reqBody.sender != nil
	if sending && !c.cutThere() {
		w.wake(c.reqBody.sender)
		sending = false
	}
	return c.reqHolding || c.holding || sending
}

// finished reports whether nothing will ever be done on the connection.
func (c *httpConn) finished() bool {
	return c.clientClosed && c.serverClosed && (!c.spared || c.over || c.server.dead)
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
