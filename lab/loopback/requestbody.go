package loopback

import (
	"io"
	"time"
)

// maxSwallow is how much of a body that its handler did not read is read for
// it, so that the connection can be used again; more ends the connection.
// Source: Tomcat HTTP connector, maxSwallowSize.
const maxSwallow = 2 << 20

// discarding is how long the rest of a request that is answered is waited for.
// Source: nginx ngx_http_core_module, lingering_time.
const discarding = 30 * time.Second

// requestBody is the body as a handler reads it.
type requestBody struct {
	body    io.ReadCloser
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

// Limit passes a limit on to a body that a world.RequestReader has made for one.
func (b *requestBody) Limit(n int64) {
	if l, ok := b.body.(interface{ Limit(n int64) }); ok {
		l.Limit(n)
	}
}

// Unasked says that a client which holds its body back is not to be asked for it.
func (b *requestBody) Unasked() { b.expects = false }

// Discard drops what has arrived of a body that a world.RequestReader has made
// for it, after the client was asked for it. The rest is waited for behind the
// answer.
func (b *requestBody) Discard() error {
	if err := b.ask(); err != nil {
		return err
	}
	if d, ok := b.body.(interface{ Discard() error }); ok {
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
	n, err := io.Copy(io.Discard, io.LimitReader(b, maxSwallow+1))
	return err == nil && n <= maxSwallow && b.err == io.EOF
}

// discard reads what the handler left of the request. It reports whether the next
// one can follow.
func (c *serverConn) discard(body *requestBody) bool {
	if body.err != io.EOF {
		c.sock.setDeadline(time.Now().Add(discarding))
		defer c.sock.setDeadline(noDeadline)
	}
	return body.swallow()
}
