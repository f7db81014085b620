package loopback

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"sessionlab/lab/world"
)

// lingering is how long a connection that is closed on a client who is still
// sending waits for the client to see the answer.
// Source: nginx ngx_http_core_module, lingering_timeout.
const lingering = 5 * time.Second

// httpListener is a port served by a handler. It implements world.Listener.
type httpListener struct {
	*listener
	handler http.Handler
	opts    world.ServeOptions

	mu      sync.Mutex
	conns   map[*serverConn]bool // true while an exchange runs
	unready bool
	closing bool
	changed chan struct{} // closed and replaced when a connection or an exchange ends
}

func (h *host) Serve(port int, handler http.Handler, opts world.ServeOptions) (world.Listener, error) {
	tcp, err := h.listen(port, opts.Backlog)
	if err != nil {
		return nil, err
	}
	l := &httpListener{listener: tcp, handler: handler, opts: opts, conns: map[*serverConn]bool{}, unready: opts.Unready, changed: make(chan struct{})}
	if err := h.own(l); err != nil {
		return nil, &world.OpError{Op: "listen", Addr: l.addr.String(), Err: err}
	}
	if !opts.Unready {
		l.begin()
	}
	return l, nil
}

func (l *httpListener) begin() {
	if !l.host.world.spawn(l.acceptAll) {
		l.shut()
	}
}

func (l *httpListener) Ready() {
	if l.host.gate() != nil {
		return
	}
	l.mu.Lock()
	begins := l.unready
	l.unready = false
	l.mu.Unlock()
	if begins {
		l.begin()
	}
}

func (l *httpListener) Drain(ctx context.Context) error {
	if err := l.host.gate(); err != nil {
		return err
	}
	l.leaveBacklog()
	return l.await(ctx, func() bool {
		for _, busy := range l.conns {
			if busy {
				return false
			}
		}
		return true
	})
}

func (l *httpListener) acceptAll() {
	for {
		s, err := l.accept(l.host.ctx)
		if err == errDrained {
			return
		}
		if err != nil {
			l.shut()
			return
		}
		c := newServerConn(l, s)
		if l.host.own(s) != nil || !l.enter(c) || !l.host.world.spawn(c.serve) {
			l.leave(c)
			s.shut()
		}
	}
}

func (l *httpListener) Addr() string { return l.addr.String() }

func (l *httpListener) Close() error {
	if err := l.host.gate(); err != nil {
		return err
	}
	l.stopAccepting()
	l.mu.Lock()
	conns := make([]*serverConn, 0, len(l.conns))
	for c := range l.conns {
		conns = append(conns, c)
	}
	l.mu.Unlock()
	for _, c := range conns {
		c.sock.shut()
	}
	return nil
}

func (l *httpListener) Shutdown(ctx context.Context) error {
	if err := l.host.gate(); err != nil {
		return err
	}
	l.stopAccepting()
	l.mu.Lock()
	var idle []*serverConn
	for c, busy := range l.conns {
		if !busy {
			idle = append(idle, c)
		}
	}
	l.mu.Unlock()
	for _, c := range idle {
		c.sock.shut()
	}
	return l.await(ctx, func() bool { return len(l.conns) == 0 })
}

// await waits until over, which is asked under the listener's lock.
func (l *httpListener) await(ctx context.Context, over func() bool) error {
	for {
		l.mu.Lock()
		changed, done := l.changed, over()
		l.mu.Unlock()
		if done {
			return l.host.gate()
		}
		select {
		case <-changed:
		case <-l.host.down:
		case <-ctx.Done():
			if down := l.host.gate(); down != nil {
				return down
			}
			return ctx.Err()
		}
		if err := l.host.gate(); err != nil {
			return err
		}
	}
}

func (l *httpListener) stopAccepting() {
	l.mu.Lock()
	l.closing = true
	l.mu.Unlock()
	l.shut()
	l.host.disown(l)
}

// enter notes a new connection, unless the port is closing.
func (l *httpListener) enter(c *serverConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing || l.isDrained() {
		return false
	}
	l.conns[c] = false
	return true
}

// setBusy notes that an exchange begins or ends. It reports false when the
// connection must end instead.
func (l *httpListener) setBusy(c *serverConn, busy bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing || l.isDrained() {
		if !busy {
			l.conns[c] = false
			l.tell()
		}
		return false
	}
	l.conns[c] = busy
	return true
}

func (l *httpListener) isClosing() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closing
}

func (l *httpListener) leave(c *serverConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
	l.tell()
}

func (l *httpListener) tell() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// serverConn is the server's end of one HTTP connection.
type serverConn struct {
	lis  *httpListener
	sock *sock
	in   source
	br   *bufio.Reader

	served int           // requests before the one under way
	idle   time.Duration // how long it waits for a request, 0 for ever
}

func newServerConn(l *httpListener, s *sock) *serverConn {
	s.limitWindow()
	c := &serverConn{lis: l, sock: s, in: source{sock: s, ctx: l.host.ctx}, idle: l.opts.IdleTimeout}
	c.br = bufio.NewReaderSize(&c.in, usualHead)
	return c
}

// readHead reads the head of a request, with more room where that is too short.
func (c *serverConn) readHead() (req *http.Request, size int, err error) {
	read := c.lis.opts.ReadRequest
	if read == nil {
		read = readStrictly
	}
	for {
		req, size, err = read(c.br)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return req, size, err
		}
		has, _ := c.br.Peek(c.br.Buffered())
		c.br = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(bytes.Clone(has)), &c.in), 2*c.br.Size())
	}
}

// serve runs the exchanges of the connection, one after the other.
func (c *serverConn) serve() {
	defer c.lis.leave(c)
	defer c.sock.shut()
	for ; c.awaitRequest(); c.served++ {
		if !c.lis.setBusy(c, true) {
			return
		}
		last := c.lis.opts.MaxRequests > 0 && c.served+1 >= c.lis.opts.MaxRequests
		if !c.exchange(last) || !c.lis.setBusy(c, false) {
			return
		}
	}
}

// awaitRequest waits for the first byte of a request, and sets until when the
// rest of its head must have come.
func (c *serverConn) awaitRequest() bool {
	idle, head := c.idle, c.lis.opts.HeaderTimeout
	first := c.served == 0 && head > 0
	if first {
		idle = head
	}
	if idle > 0 {
		c.sock.setDeadline(time.Now().Add(idle))
	}
	_, err := c.br.Peek(1)
	switch {
	case err != nil || first:
	case head > 0:
		c.sock.setDeadline(time.Now().Add(head))
	case idle > 0:
		c.sock.setDeadline(noDeadline)
	}
	return err == nil
}

// exchange answers one request. It reports whether the connection can carry
// another.
func (c *serverConn) exchange(last bool) bool {
	req, size, err := c.readHead()
	if c.lis.opts.HeaderTimeout > 0 {
		c.sock.setDeadline(noDeadline)
	}
	if err != nil {
		var bad *world.Malformed
		if errors.As(err, &bad) {
			req.RemoteAddr = c.sock.remoteAddr().String()
			c.refuse(req.WithContext(c.lis.host.ctx), bad.Status)
		}
		return false
	}
	label := world.Label{Kind: requestKind, Key: req.Header.Get(world.HeaderRequest)}
	if c.sock.received(label, size) != nil {
		return false
	}
	ctx, cancel := context.WithCancel(c.lis.host.ctx)
	defer cancel()
	req.RemoteAddr = c.sock.remoteAddr().String()
	req = req.WithContext(ctx)
	resp := newResponse(c, req, last)
	body := &requestBody{body: req.Body, in: &c.in, resp: resp, expects: expectsContinue(req)}
	resp.swallow = body.swallow
	watch := &clientWatch{conn: c, cancel: cancel}
	if c.lis.opts.ClientGone {
		body.atEnd = watch.start
	}
	if req.Body == http.NoBody {
		body.finish()
	} else {
		req.Body = body
	}

	answered := c.handle(resp, req)
	watch.stop() // who watches reads c.in
	c.in.limit = 0
	if c.sock.isClosed() || c.lis.host.isDown() {
		return false
	}
	if !answered {
		body.swallow()
		return false
	}
	if resp.finish() != nil {
		return false
	}
	if !c.discard(body) {
		c.linger()
		return false
	}
	if resp.close && !c.sock.quiet() {
		c.linger() // a close would take the answer away
	}
	return !resp.close
}

// handle runs the handler. It reports false if the exchange ended without an
// answer: the handler panicked.
func (c *serverConn) handle(resp *response, req *http.Request) (answered bool) {
	defer func() {
		p := recover()
		if p == nil || p == http.ErrAbortHandler {
			return
		}
		c.lis.host.world.emit(world.Event{
			Op: world.Panics, Host: c.lis.host.Name(), Peer: c.sock.peer(),
			Panic: world.NewPanic("a handler on "+c.lis.host.Name(), p),
		})
	}()
	c.lis.handler.ServeHTTP(resp, req)
	return true
}

// refuse answers bytes that are no request. The fault table does not see it:
// there was no message.
func (c *serverConn) refuse(req *http.Request, status int) {
	r := refusal{header: http.Header{}, noHead: req.ProtoMajor == 0, noBody: req.Method == http.MethodHead && req.ProtoMajor > 0}
	if say := c.lis.opts.Malformed; say != nil {
		say(&r, req, status)
	}
	r.WriteHeader(status)
	if _, err := c.sock.send(c.lis.host.ctx, r.bytes()); err == nil {
		c.linger()
	}
}

// linger says that nothing more will be answered and reads on for a while: a
// close with input unread would take the answer away from the client.
func (c *serverConn) linger() {
	c.sock.conn.CloseWrite()
	c.sock.setDeadline(time.Now().Add(lingering))
	_, _ = io.Copy(io.Discard, c.br) // whatever ends it, the connection is closed next
}

// clientWatch ends a handler's context when the client closes its connection.
// It waits for the byte after the request, which is the end of the connection
// or the first byte of the next request.
type clientWatch struct {
	conn   *serverConn
	cancel context.CancelFunc
	quit   context.CancelFunc
	done   chan struct{}
}

func (g *clientWatch) start() {
	ctx, quit := context.WithCancel(g.conn.lis.host.ctx)
	g.quit, g.done = quit, make(chan struct{})
	g.conn.in.ctx = ctx
	watch := func() {
		defer close(g.done)
		if _, err := g.conn.br.Peek(1); err != nil && ctx.Err() == nil {
			g.cancel()
		}
	}
	if !g.conn.lis.host.world.spawn(watch) {
		close(g.done)
	}
}

func (g *clientWatch) stop() {
	if g.quit == nil {
		return
	}
	g.quit()
	<-g.done
	g.conn.in.ctx = g.conn.lis.host.ctx
}
