package loopback

import (
	"io"
	"time"

	"sessionlab/lab/world"
)

// discarding is how long the rest of a request that is answered is waited for.
// Source: nginx ngx_http_core_module, lingering_time.
const discarding = 30 * time.Second

// requestBody is the body as a handler reads it.
type requestBody struct {
	body    io.ReadCloser
	in      *source
	resp    *response
	expects bool   // the client waits for "100 Continue"
	atEnd   func() // called once, when nothing more of this request can come
	err     error  // the end of the body
}

func (b *requestBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if err := b.ask(); err != nil {
		return 0, err
	}
	n, err := b.body.Read(p)
	if err != nil {
		b.err = err
		if err == io.EOF {
			b.finish()
		}
	}
	return n, err
}

// Close does nothing: what is left is swallowed after the handler.
func (b *requestBody) Close() error { return nil }

// LimitReads implements world.ReadLimiter. Behind the end of the body nothing more
// of it is read, and the connection is the watch's.
func (b *requestBody) LimitReads(d time.Duration) {
	if b.err == nil {
		b.in.limit = d
	}
}

// Limit implements world.BodyLimiter, for a body that is one itself.
func (b *requestBody) Limit(n int64) {
	if l, ok := b.body.(world.BodyLimiter); ok {
		l.Limit(n)
	}
}

// Unasked implements world.BodyAsker.
func (b *requestBody) Unasked() { b.expects = false }

// Discard implements world.BodyDiscarder, for a body that is one itself.
func (b *requestBody) Discard() error {
	if err := b.ask(); err != nil {
		return err
	}
	if d, ok := b.body.(world.BodyDiscarder); ok {
		return d.Discard()
	}
	return nil
}

// ask has the client send the body that it holds back.
func (b *requestBody) ask() error {
	if !b.expects {
		return nil
	}
	b.expects = false
	return b.resp.proceed()
}

func (b *requestBody) finish() {
	b.in.limit = 0
	if b.atEnd != nil {
		b.atEnd()
		b.atEnd = nil
	}
	b.err = io.EOF
}

// swallow reads what the handler left. It reports whether the next request can
// follow.
func (b *requestBody) swallow() bool {
	b.atEnd = nil
	if b.err == io.EOF {
		return true
	}
	if b.expects || b.err != nil {
		return false // the client was not asked for it, or what comes is no body
	}
	n, err := io.Copy(io.Discard, io.LimitReader(b, world.MaxSwallow+1))
	return err == nil && n <= world.MaxSwallow && b.err == io.EOF
}

// discard reads what the handler left of the request. It reports whether the next
// one can follow.
func (c *serverConn) discard(body *requestBody) bool {
	if body.err != io.EOF {
		c.in.limit, c.in.until = lingering, time.Now().Add(discarding)
		defer func() { c.in.limit, c.in.until = 0, noDeadline }()
	}
	return body.swallow()
}
