package sim

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

// bufferBeforeChunking is how much a handler may write before the head must
// leave without a known length. Source: net/http server.go, bufferBeforeChunkingSize.
const bufferBeforeChunking = 2048

// serve is the task of the server's end. It outlives the connection, for the
// next one that is made of it.
func (c *httpConn) serve() {
	for {
		limit := int64(-1)
		if idle := c.idleTimeout(); idle > 0 && !c.spared && !c.waiting {
			limit = int64(idle)
		}
		expired, err := c.server.wait(c.server.root, limit, c.serveReady)
		if err != nil || c.over {
			return
		}
		if c.reqReady && !expired {
			c.serveOne()
		} else {
			c.closeServer(false)
		}
		if c.serverClosed {
			if c.clientClosed {
				return
			}
			c.spared = true
		}
	}
}

// idleTimeout is how long the next request is waited for; 0: for ever.
func (c *httpConn) idleTimeout() time.Duration {
	if head := c.lis.opts.HeaderTimeout; c.served == 0 && head > 0 {
		return head
	}
	return c.idle
}

// serveOne serves the request that is there.
func (c *httpConn) serveOne() {
	w := c.w
	c.reqReady = false
	if c.lis.drained {
		c.closeServer(false)
	}
	if c.serverClosed {
		return
	}
	c.busy = true
	c.lis.active++
	w.observe(world.Receives, c.server, c.client.name, world.Label{Kind: "REQUEST", Key: c.key}, int(c.reqBody.written))
	c.rw.reset()
	spoilt := false
	if c.server.enter() == nil && !c.handle() {
		// Nobody reads the answer before the body has been sent.
		spoilt = !c.reqBody.swallow()
		c.rw.finish()
	} else if !c.serverClosed {
		c.closeServer(false)
	}
	c.busy = false
	c.served++
	c.lis.active--
	if c.lis.active == 0 && c.lis.drain != nil {
		w.wake(c.lis.drain)
	}
	if !c.serverClosed && (c.rw.close || c.lis.closed || c.lis.drained || spoilt) {
		c.closeServer(false)
	}
}

func (c *httpConn) somethingToServe() bool {
	switch {
	case c.spared:
		return c.over
	case c.waiting:
		return c.serverClosed
	}
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
			c.w.observePanic(c.server, c.client.name, c.key, world.NewPanic("a handler on "+c.server.name, p))
		}
	}()
	c.lis.handler.ServeHTTP(&c.rw, c.request)
	return c.rw.cut
}

// responseWriter is what the handler writes to. It belongs to the connection.
type responseWriter struct {
	c        *httpConn
	header   http.Header // what the handler works on
	head     http.Header // what has left
	status   int
	line     string
	noHead   bool  // an answer of HTTP/0.9
	length   int64 // of the body, -1 when not known
	declared bool  // length was given by the handler
	chunked  bool
	close    bool
	started  bool // the head has left
	finished bool
	cut      bool
	written  int64
	delay    int64 // added by the fault table to this response
	limit    int64 // how long a Write may wait (ns), -1 for ever
}

func (w *responseWriter) reset() {
	clear(w.header)
	*w = responseWriter{c: w.c, header: w.header, head: w.head, length: -1, limit: -1}
}

func (w *responseWriter) Header() http.Header { return w.header }

func (w *responseWriter) WriteHeader(status int) {
	if status >= 200 {
		w.WriteStatus(status, world.StatusLine(status))
	}
}

func (w *responseWriter) WriteNoHead() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
		w.noHead, w.declared, w.length = true, false, -1
	}
}

func (w *responseWriter) WriteStatus(status int, line string) {
	if w.status != 0 || w.finished {
		return
	}
	w.status, w.line = status, line
	if v := w.header["Content-Length"]; len(v) > 0 {
		if n, err := strconv.Atoi(v[0]); err == nil && n >= 0 {
			w.length, w.declared = int64(n), true
		}
	}
}

// Served and KeepFor implement world.ConnectionKeeper.
func (w *responseWriter) Served() int { return w.c.served }

func (w *responseWriter) KeepFor(d time.Duration) { w.c.idle = d }

func (w *responseWriter) LimitWrites(d time.Duration) {
	w.limit = int64(d)
	if d <= 0 {
		w.limit = -1
	}
}

func (w *responseWriter) Write(p []byte) (int, error) {
	c := w.c
	keep, err := w.admit(int64(len(p)))
	if err != nil {
		return 0, err
	}
	done := 0
	for keep && done < len(p) {
		room, err := w.awaitRoom()
		if err != nil {
			return done, err
		}
		n := min(len(p)-done, int(room))
		c.resBody.put(p[done : done+n])
		w.written += int64(n)
		done += n
	}
	w.wrote()
	return len(p), nil
}

// WriteRun implements world.RunWriter.
func (w *responseWriter) WriteRun(run world.Run) (int64, error) {
	c := w.c
	keep, err := w.admit(run.Length)
	if err != nil {
		return 0, err
	}
	done := int64(0)
	for keep && done < run.Length {
		room, err := w.awaitRoom()
		if err != nil {
			return done, err
		}
		n := min(run.Length-done, room)
		c.resBody.putRun(world.Run{Byte: run.Byte, Length: n})
		w.written += n
		done += n
	}
	w.wrote()
	return run.Length, nil
}

// admit says whether n bytes of a body can be written; keep is false if nobody
// will see them.
func (w *responseWriter) admit(n int64) (keep bool, err error) {
	c := w.c
	if err := c.server.enter(); err != nil {
		return false, err
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if err := w.broken(); err != nil {
		return false, err
	}
	if w.noBody() {
		return false, http.ErrBodyNotAllowed
	}
	if w.declared && w.written+n > w.length && !w.bodyless() {
		return false, http.ErrContentLength
	}
	if w.bodyless() || c.dropped {
		w.written += n
		return false, nil
	}
	return true, nil
}

// wrote sends the head of an answer whose length nobody will know in time.
func (w *responseWriter) wrote() {
	if !w.started && !w.declared && w.c.resBody.written > bufferBeforeChunking {
		w.flush()
	}
}

// broken is why nothing more can be written, nil if it can.
func (w *responseWriter) broken() error {
	switch c := w.c; {
	case c.serverClosed || w.cut:
		return w.fail(net.ErrClosed)
	case c.clientFin:
		return w.fail(world.ErrReset)
	}
	return nil
}

func (w *responseWriter) fail(err error) error {
	return &world.OpError{Op: "write", Addr: w.c.remote, Err: err}
}

// awaitRoom waits until the reader has room for some more of the body. The
// reader cannot make any before it has got what was written.
func (w *responseWriter) awaitRoom() (room int64, err error) {
	c := w.c
	if room := c.resBody.room(); room > 0 {
		return room, nil
	}
	w.flush()
	if c.dropped {
		c.resBody.reset()
		return c.resBody.room(), nil
	}
	c.writer = c.w.current
	expired, err := c.server.wait(c.server.root, w.limit, c.roomThere)
	c.writer = nil
	switch {
	case err != nil:
		return 0, err
	case expired:
		c.closeServer(false)
		return 0, w.fail(world.ErrWriteTimeout)
	}
	return c.resBody.room(), w.broken()
}

func (c *httpConn) roomThere() bool {
	return c.resBody.roomy() || c.clientFin || c.serverClosed
}

func (w *responseWriter) noBody() bool {
	return w.status == http.StatusNoContent || w.status == http.StatusNotModified
}

// bodyless reports whether the answer is over with its head.
func (w *responseWriter) bodyless() bool { return w.noBody() || w.c.request.Method == http.MethodHead }

// signless reports whether nothing says where the body ends, although the
// connection may go on.
func (w *responseWriter) signless() bool { return w.noHead || w.status < 200 && !w.declared }

// headLeaves reports whether the client sees the head of the answer with what
// there is of it.
func (w *responseWriter) headLeaves() bool { return !w.noHead || w.c.resBody.written > 0 }

// untilClose reports whether only the end of the connection ends the body.
func (w *responseWriter) untilClose() bool { return w.length < 0 && !w.chunked }

// begin decides the framing; the head leaves with the next segment.
func (w *responseWriter) begin(over bool) {
	c := w.c
	w.started = true
	if over && !w.declared && !w.noBody() && !w.signless() {
		w.length = w.written
		w.header["Content-Length"] = []string{strconv.FormatInt(w.length, 10)}
	}
	http10 := c.request.ProtoMinor == 0
	if w.noBody() {
		w.length = 0
	} else if w.length < 0 && !http10 && !w.signless() {
		w.chunked = true
	}
	w.close = c.request.Close || w.untilClose() && !w.signless() || c.lis.closed ||
		strings.EqualFold(first(w.header["Connection"]), "close") ||
		(c.lis.opts.MaxRequests > 0 && c.served+1 >= c.lis.opts.MaxRequests)
	switch {
	case w.close:
		w.header["Connection"] = closeConnection
	case http10:
		w.header["Connection"] = keepConnection
	}
	if w.noHead {
		clear(w.header)
	}
	w.header, w.head = w.head, w.header
	clear(w.header)
	label := world.Label{Kind: "RESPONSE", Key: c.key}
	if !c.w.exempt(c.server, c.client.machine) {
		var a fault.Action
		if !c.w.faults.Quick() {
			a = c.w.decide(c.back, label, c.w.messageKey(c.back, label), fault.TCP)
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

var closeConnection, keepConnection = []string{"close"}, []string{"keep-alive"}

// Flush sends what there is. A head that is the whole answer leaves when the
// handler returns: the client would come with its next request while this one is
// served.
func (w *responseWriter) Flush() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.bodyless() {
		w.flush()
	}
}

func (w *responseWriter) flush() {
	c := w.c
	if c.server.enter() != nil || w.finished || w.cut || c.serverClosed {
		return
	}
	first := !w.started
	if first {
		w.begin(false)
	}
	c.queue(segment{visible: c.resBody.written, head: w.headLeaves()})
	if first {
		c.w.observe(world.Sends, c.server, c.client.name, world.Label{Kind: "RESPONSE", Key: c.key}, int(c.resBody.written))
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
	s := segment{visible: c.resBody.written, head: w.headLeaves(), end: endWhole, fin: w.close}
	if w.declared && w.written < w.length && c.request.Method != http.MethodHead {
		s.end, s.fin, w.close = endNone, true, true // fewer bytes than promised
	} else if w.untilClose() {
		s.end = endNone
	}
	if w.close {
		// The connection ends with this segment: one event for both.
		c.serverClosed = true
		if c.gone != nil {
			c.gone.detach()
			c.gone.cancel(context.Canceled)
		}
	}
	c.queue(s)
	if first {
		c.w.observe(world.Sends, c.server, c.client.name, world.Label{Kind: "RESPONSE", Key: c.key}, int(c.resBody.written))
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
	case world.Reset:
		w.cut = true
		c.closeServer(true)
		return
	case world.BadHead:
		c.queue(segment{bad: true})
	case world.Cut:
		if w.status == 0 {
			w.WriteHeader(http.StatusOK)
		}
		w.flush()
	default:
		panic("sim: a response cannot be cut as " + how.String())
	}
	w.cut = true
	c.closeServer(false)
}
