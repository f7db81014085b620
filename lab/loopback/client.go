package loopback

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"sessionlab/lab/world"
)

// httpConn is the client's end of one HTTP connection. It implements
// world.HTTPConn.
type httpConn struct {
	sock *sock
	in   source
	br   *bufio.Reader
	read world.AnswerReader

	sent      atomic.Bool
	reused    atomic.Bool
	completed atomic.Bool // an exchange has been
	busy      atomic.Bool // a body is being read
}

func (h *host) DialHTTP(ctx context.Context, addr string) (world.HTTPConn, error) {
	s, err := h.dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	if err := h.own(s); err != nil {
		return nil, s.fail("dial", err)
	}
	s.limitWindow()
	c := &httpConn{sock: s, in: source{sock: s}, read: readAnswer}
	c.br = bufio.NewReader(&c.in)
	return c, nil
}

func (h *host) DialHTTPWithin(ctx context.Context, addr string, limit time.Duration) (world.HTTPConn, error) {
	ctx, cancel := h.WithTimeout(ctx, limit)
	defer cancel()
	return h.DialHTTP(ctx, addr)
}

func (c *httpConn) RoundTrip(ctx context.Context, req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	if err := c.sock.host.gate(); err != nil {
		return nil, c.sock.fail("write", err)
	}
	if c.busy.Swap(true) || c.sock.isClosed() {
		c.sock.shut()
		return nil, c.sock.fail("write", net.ErrClosed)
	}
	c.sent.Store(false)
	c.reused.Store(c.completed.Load())
	c.in.ctx, c.in.err, c.in.n = ctx, nil, 0
	resp, err := c.exchange(ctx, req)
	if err != nil {
		c.sock.shut()
		return nil, c.sock.fail("read", err)
	}
	return resp, nil
}

func (c *httpConn) exchange(ctx context.Context, req *http.Request) (*http.Response, error) {
	key := req.Header.Get(world.HeaderRequest)
	s := c.sock
	broken := c.sendRequest(ctx, req, key)
	if broken != nil && !errors.Is(broken, world.ErrReset) {
		return nil, broken
	}
	resp, err := c.readHead(req)
	switch {
	case err == io.EOF && broken != nil && broken != errAfterEnd:
		return nil, broken
	case err != nil:
		return nil, err
	}
	if err := s.received(world.Label{Kind: responseKind, Key: key}, c.in.n); err != nil {
		return nil, err
	}
	body := &responseBody{conn: c, body: resp.Body, last: resp.Close || resp.ContentLength < 0 && len(resp.TransferEncoding) == 0}
	if resp.Body == http.NoBody || req.Method == http.MethodHead {
		body.last = resp.Close
		body.complete()
		resp.Body = http.NoBody
	} else {
		resp.Body = body
	}
	return resp, nil
}

// sendRequest writes the request, through the fault table. After an error that
// is a reset the answer may be there already.
func (c *httpConn) sendRequest(ctx context.Context, req *http.Request, key string) error {
	label := world.Label{Kind: requestKind, Key: key}
	out, err := encode(req)
	if err != nil {
		return err
	}
	admitted, err := c.sock.admit(ctx, label, len(out.frame))
	if err != nil || !admitted {
		return err
	}
	n, err := c.sock.sendMessage(ctx, label, out.frame)
	c.sent.Store(n > 0)
	var room bytes.Buffer
	for err == nil {
		p, failed := out.next(req, &room)
		if failed != nil {
			return failed
		}
		if p == nil {
			break
		}
		_, err = c.sock.send(ctx, p)
	}
	return err
}

// readHead waits for the head of the answer.
func (c *httpConn) readHead(req *http.Request) (*http.Response, error) {
	resp, err := c.read(c.br, req)
	switch {
	case err == nil:
		return resp, nil
	case c.in.err != nil:
		return nil, c.in.err
	case errors.Is(err, world.ErrBadHead):
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", world.ErrBadHead, err)
}

func (c *httpConn) ReadAnswersBy(read world.AnswerReader) { c.read = read }

func (c *httpConn) SetReadDeadline(d time.Duration) {
	if d <= 0 {
		c.sock.setDeadline(noDeadline)
		return
	}
	c.sock.host.world.late.inForce(d)
	c.sock.setDeadline(time.Now().Add(d))
}

func (c *httpConn) Sent() bool   { return c.sent.Load() }
func (c *httpConn) Reused() bool { return c.reused.Load() }

func (c *httpConn) Alive() bool {
	s := c.sock
	if s.host.gate() != nil || s.isClosed() || c.busy.Load() || c.br.Buffered() > 0 {
		return false
	}
	return s.quiet() || !s.isClosed() && !s.host.world.passable(s.peer(), s.host.Name(), nil)
}

func (c *httpConn) Close() error {
	if err := c.sock.host.gate(); err != nil {
		return err
	}
	c.sock.shut()
	return nil
}

// responseBody tells the connection how the reading of a body ended.
type responseBody struct {
	conn *httpConn
	body io.ReadCloser
	last bool  // the connection ends with this body
	err  error // how it ended
}

func (b *responseBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.body.Read(p)
	switch {
	case err == io.EOF:
		b.complete()
	case err != nil:
		b.err = b.conn.sock.fail("read", b.cause(err))
		b.conn.sock.shut()
	}
	if n > 0 {
		return n, nil
	}
	return 0, b.err
}

// cause is the error of a body in the words of the outcome table.
func (b *responseBody) cause(err error) error {
	if wire := b.conn.in.err; wire != nil && wire != io.EOF {
		return wire
	}
	switch {
	case errors.Is(err, world.ErrBadChunk):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", world.ErrBadChunk, err) // all that net/http finds wrong with a body
}

func (b *responseBody) complete() {
	b.err = io.EOF
	b.conn.completed.Store(true)
	b.conn.busy.Store(false)
	if b.last {
		b.conn.sock.shut()
	}
}

// Close ends the connection unless the body was read to its end.
func (b *responseBody) Close() error {
	if b.err == nil {
		b.err = net.ErrClosed
		b.conn.sock.shut()
	}
	return nil
}
