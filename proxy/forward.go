package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"sessionlab/lab/world"
	"sessionlab/proxy/upstream"
)

// errPrefix is nginx's refusal of a proxy_pass without http://.
var errPrefix = errors.New("invalid URL prefix")

// forward passes the request to servers of the location's group until one has
// answered. It is the blocking shell around upstream.Request and NextPolicy.
func (x *exchange) forward(l *location) (status int) {
	if status := x.readBody(l.maxBodySize); status != 0 {
		return status
	}
	if x.body.size > 0 {
		x.passes(WithBody)
	}
	uri, status := x.target(l.pass)
	if status != 0 {
		return status
	}
	if status := x.prepare(l, uri); status != 0 {
		return status
	}
	if len(x.attempts) > 0 {
		x.attempts = append(x.attempts, attempt{gap: true})
	}
	x.group.begin(x)
	x.walk.LimitTries(l.tries)
	x.began = x.p.host.Elapsed()
	for {
		status, again := x.try(l)
		if !again {
			return status
		}
	}
}

// try makes one attempt. It answers again=true if the request is to be passed
// on; otherwise status is what the client gets, or statusSent.
func (x *exchange) try(l *location) (status int, again bool) {
	if !x.choose() {
		x.attempts = append(x.attempts, attempt{addr: x.group.name, status: 502})
		x.trace(TraceEvent{Kind: NoLiveUpstreams, Group: x.group.name, Server: x.group.name, Status: 502})
		return 502, false
	}
	x.attempts = append(x.attempts, attempt{addr: x.peer.Server.Addr})
	x.tried++
	x.trace(TraceEvent{Kind: AttemptBegan, Unnamed: x.unnamed(l), Group: x.group.name, Server: x.peer.Server.Name, Addr: x.peer.Server.Addr})

	t := Try{Method: x.method}
	err := x.connect(l, &t)
	if err == nil {
		err = x.ask(l, &t)
	}
	t.Since = x.p.host.Elapsed() - x.began
	if err != nil {
		return x.failed(l, err, t)
	}
	if headSize(x.resp) > l.bufferSize {
		return x.failed(l, world.ErrBadHead, t)
	}
	t.Left = x.walk.Tries()
	if l.next.AfterStatus(x.resp.StatusCode, t) {
		return x.passOn(l, statusEvents[x.resp.StatusCode], world.OK, t)
	}
	if l.intercept && x.resp.StatusCode >= 300 && l.page(x.resp.StatusCode) != nil {
		return x.intercept(l), false
	}
	return x.deliver(l), false
}

// connect finds or opens a connection to the chosen server.
func (x *exchange) connect(l *location, t *Try) error {
	host := x.p.host
	now := host.Elapsed()
	addr := x.peer.Server.Addr
	if x.link = x.group.cache.take(now, addr, l); x.link != nil {
		t.Cached = true
		x.link.requests++
		return nil
	}
	conn, err := host.DialHTTPWithin(x.r.Context(), addr, l.connect)
	if err != nil {
		return err
	}
	x.fresh = link{HTTPConn: conn, addr: addr, requests: 1, opened: now}
	x.link = &x.fresh
	return nil
}

// ask sends the request and waits for the head of the answer. A server that waits
// for a body that does not come does not even begin.
func (x *exchange) ask(l *location, t *Try) error {
	ctx, stop := x.r.Context(), func() bool { return false }
	if x.starves {
		t.Sent = true
		if err := x.p.host.Sleep(ctx, l.read); err != nil {
			return err
		}
		return world.ErrReadTimeout
	}
	x.outBody = storeReader{of: x.outBody.of}
	if x.outBody.of.size > world.BodyWindow {
		ctx, stop = x.watchSending(ctx, l)
	}
	x.link.ReadAnswersBy(l.readAnswer)
	x.link.SetReadDeadline(l.read)
	resp, err := x.link.RoundTrip(ctx, x.out)
	x.resp, t.Sent = resp, x.link.Sent()
	if stop() && err != nil {
		t.Sent = true
		return world.ErrReadTimeout
	}
	return err
}

// watchSending limits the time between two writes of a large body by
// proxy_send_timeout. The returned function ends the watch and reports whether
// the time had run out.
func (x *exchange) watchSending(ctx context.Context, l *location) (context.Context, func() bool) {
	host, k := x.p.host, x.link
	ctx, giveUp := host.WithCancel(ctx)
	watch, stop := host.WithCancel(ctx)
	var wrote atomic.Int64 // when, or -1: all has been
	wrote.Store(int64(host.Elapsed()))
	x.outBody.moved = func(end bool) {
		if end {
			wrote.Store(-1)
			k.SetReadDeadline(l.read)
			return
		}
		wrote.Store(int64(host.Elapsed()))
	}
	var expired atomic.Bool
	host.Go("proxy_send_timeout", func(context.Context) {
		for at := wrote.Load(); at >= 0; at = wrote.Load() {
			left := time.Duration(at) + l.send - host.Elapsed()
			if left <= 0 {
				expired.Store(true)
				giveUp()
				return
			}
			if host.Sleep(watch, left) != nil {
				return
			}
		}
	})
	return ctx, func() bool { stop(); return expired.Load() }
}

// failed ends an attempt that brought no answer.
func (x *exchange) failed(l *location, err error, t Try) (status int, again bool) {
	how := world.OutcomeOf(err)
	event := NextError
	switch how {
	case world.Canceled, world.Down:
		x.spoilt = true
		x.passes(Abandoned)
		x.closeLink()
		x.done(upstream.Served, how, 0)
		return statusClientClosed, false
	case world.ConnectTimeout, world.ReadTimeout:
		event = NextTimeout
	case world.BadHead:
		event = NextInvalidHeader
	}
	return x.passOn(l, event, how, t)
}

// passOn counts what has happened to the server, and decides whether the next
// one is asked.
func (x *exchange) passOn(l *location, event Next, how world.Outcome, t Try) (status int, again bool) {
	outcome := upstream.Failed
	if !event.counts() {
		outcome = upstream.Passed
	}
	if outcome == upstream.Passed && x.bodiless() {
		x.release(l)
	}
	x.closeLink()
	x.done(outcome, how, failureStatus(event))
	if l.next.ExtraTry(event, t) {
		x.walk.AddTry()
	}
	t.Left = x.walk.Tries()
	again, status = l.next.AfterFailure(event, t)
	return status, again
}

// intercept gives an answer up for an error page.
func (x *exchange) intercept(l *location) (status int) {
	status = x.resp.StatusCode
	if status == http.StatusUnauthorized {
		for _, v := range x.resp.Header["Www-Authenticate"] {
			x.w.Header().Add("Www-Authenticate", v)
		}
	}
	if x.bodiless() {
		x.release(l)
	}
	x.closeLink()
	x.done(upstream.Served, world.OK, status)
	return status
}

// deliver passes the answer on to the client. A body that ends
// early ends early for the client, too, unless the framing hides it.
func (x *exchange) deliver(l *location) (status int) {
	if x.group.sticky != nil {
		x.group.sticky.learnAtHead(x)
	}
	code := x.resp.StatusCode
	x.attempts[len(x.attempts)-1].status = code
	x.relayHead(l)
	err := x.relayBody(l)
	how := world.OK
	switch {
	case err == nil:
		x.release(l)
	case errors.Is(err, errClientGone):
		how = world.Canceled
	default:
		how = world.OutcomeOf(err)
	}
	if err != nil {
		x.closeLink()
	}
	x.done(upstream.Served, how, code)
	if s := x.flow.spool; s != nil && s.drain() != nil && err == nil {
		err, how = errClientGone, world.Canceled
	}
	switch {
	case err == nil, how == world.Canceled, how == world.Down:
	case x.flow.written == 0 && errors.Is(err, world.ErrBadChunk):
		x.cutAs(world.Closed) // the head waits for the body
	default:
		x.cutAs(world.Cut)
	}
	x.spoilt = x.spoilt || err != nil
	return statusSent
}

// release gives the connection back after a whole answer.
func (x *exchange) release(l *location) {
	k, keep := x.link, keptBy(x.resp)
	x.link = nil
	if !keep {
		k.Close()
		return
	}
	x.group.cache.put(x.p.host.Elapsed(), k, l)
}

// bodiless reports whether the answer ends with its head: its connection can
// be kept although nothing of the answer is passed on.
//
// Source: nginx ngx_http_proxy_module.c, ngx_http_proxy_process_header.
func (x *exchange) bodiless() bool {
	switch code := x.resp.StatusCode; {
	case x.out.Method == http.MethodHead, code == http.StatusNoContent, code == http.StatusNotModified:
	case x.resp.ContentLength != 0:
		return false
	}
	n, err := x.resp.Body.Read(x.buf)
	return n == 0 && err == io.EOF
}

// keptBy reports whether a server lets the connection live on; what the request
// said of it does not matter. An answer of HTTP/1.0 does not, whatever it says.
//
// Source: nginx ngx_http_proxy_module.c, ngx_http_proxy_process_status_line.
func keptBy(resp *http.Response) bool { return !resp.Close && resp.ProtoAtLeast(1, 1) }

// closeLink closes the connection of the attempt, if there is one.
func (x *exchange) closeLink() {
	if x.link != nil {
		x.link.Close()
		x.link = nil
	}
}

// cutAs ends the client's connection early.
func (x *exchange) cutAs(how world.Outcome) {
	x.cut = true
	if c, ok := x.w.(world.ResponseCutter); ok {
		c.Cut(how)
		return
	}
	panic(http.ErrAbortHandler)
}

// headSize is how many bytes the head of an answer takes.
func headSize(resp *http.Response) int {
	n := len("HTTP/1.1 ") + len(resp.Status) + len("\r\n\r\n")
	for name, values := range resp.Header {
		for _, v := range values {
			n += len(name) + len(": \r\n") + len(v)
		}
	}
	return n
}

// now is what the wall clock says, counted from time zero: fail_timeout is
// measured with a clock that can be skewed, as in nginx.
func (p *Proxy) now() time.Duration { return p.host.Now().Sub(p.zero) }
