package loopback

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sessionlab/lab/world"
)

// bufferBeforeChunking is how much a handler may write before the head leaves
// without a known length. Source: net/http server.go, bufferBeforeChunkingSize.
const bufferBeforeChunking = 2048

// response is the answer that a handler writes. It implements
// http.ResponseWriter, http.Flusher and world.ResponseCutter. The header leaves
// as the handler has set it; only the framing (Content-Length of a short
// answer, Transfer-Encoding, Connection) is added.
type response struct {
	conn *serverConn
	req  *http.Request
	key  string // identity of the request

	header http.Header
	sealed http.Header // the header as it was at WriteHeader
	status int
	line   string
	noHead bool // an answer of HTTP/0.9

	buf     []byte       // of the body: taken and not sent
	out     bytes.Buffer // room for what is sent
	length  int64        // declared by the handler, or -1
	written int64        // body bytes taken from the handler
	chunked bool
	close   bool // the connection ends with this answer
	started bool // the head has left
	lost    bool // by the fault table: nothing leaves
	cut     bool
	err     error       // of the wire
	swallow func() bool // reads what is left of the request
}

var _ interface {
	http.ResponseWriter
	http.Flusher
	world.ResponseCutter
	world.StatusWriter
	world.WriteLimiter
	world.ConnectionKeeper
} = (*response)(nil)

func newResponse(c *serverConn, req *http.Request, last bool) *response {
	c.sock.stall = 0
	return &response{
		conn: c, req: req, key: req.Header.Get(world.HeaderRequest),
		header: http.Header{}, length: -1, close: last || req.Close, noHead: req.ProtoMajor == 0,
	}
}

func (r *response) Header() http.Header { return r.header }

// LimitWrites implements world.WriteLimiter.
func (r *response) LimitWrites(d time.Duration) { r.conn.sock.stall = d }

// Served and KeepFor implement world.ConnectionKeeper.
func (r *response) Served() int { return r.conn.served }

func (r *response) KeepFor(d time.Duration) { r.conn.idle = d }

// proceed tells the client to send the body that it holds back.
func (r *response) proceed() error {
	if r.started {
		return nil
	}
	_, err := r.conn.sock.send(r.ctx(), []byte("HTTP/1.1 100 Continue\r\n\r\n"))
	return err
}

func (r *response) ctx() context.Context { return r.conn.lis.host.ctx }

func (r *response) WriteHeader(status int) {
	if status >= 200 {
		r.WriteStatus(status, world.StatusLine(status))
	}
}

// WriteNoHead implements world.StatusWriter.
func (r *response) WriteNoHead() {
	if r.line == "" {
		r.WriteHeader(http.StatusOK)
		r.noHead, r.length = true, -1
	}
}

// WriteStatus implements world.StatusWriter.
func (r *response) WriteStatus(status int, line string) {
	if r.line != "" {
		return
	}
	r.status, r.line = status, line
	r.sealed = r.header.Clone()
	if v := r.sealed.Get("Content-Length"); v != "" {
		if n, err := strconv.ParseInt(v, 10, 64); err == nil && n >= 0 {
			r.length = n
		} else {
			r.sealed.Del("Content-Length")
		}
	}
}

// bodyless reports that the status allows no body (RFC 9110, 6.4.1).
func (r *response) bodyless() bool {
	return r.status == http.StatusNoContent || r.status == http.StatusNotModified
}

func (r *response) Write(p []byte) (int, error) {
	if err := r.conn.lis.host.gate(); err != nil {
		return 0, err
	}
	if r.cut {
		return 0, r.conn.sock.fail("write", net.ErrClosed)
	}
	if r.err != nil {
		return 0, r.err
	}
	r.WriteHeader(http.StatusOK)
	if r.bodyless() {
		return 0, http.ErrBodyNotAllowed
	}
	if r.length >= 0 && r.written+int64(len(p)) > r.length {
		return 0, http.ErrContentLength
	}
	r.written += int64(len(p))
	if r.req.Method == http.MethodHead {
		return len(p), nil
	}
	r.buf = append(r.buf, p...)
	if len(r.buf) > bufferBeforeChunking {
		if err := r.flush(false); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (r *response) Flush() {
	if r.cut || r.conn.lis.host.gate() != nil {
		return
	}
	r.WriteHeader(http.StatusOK)
	_ = r.flush(false) // the next Write tells
}

// finish sends what is left once the handler has returned.
func (r *response) finish() error {
	if r.cut {
		return net.ErrClosed
	}
	r.WriteHeader(http.StatusOK)
	return r.flush(true)
}

// flush sends what was written so far, and the end of the answer if it is
// final.
func (r *response) flush(final bool) error {
	if r.err != nil {
		return r.err
	}
	out := &r.out
	out.Reset()
	first := !r.started
	if first && r.noHead && len(r.buf) == 0 && !final {
		return nil // nothing to see yet
	}
	if first {
		r.begin(out, final)
	}
	if len(r.buf) > 0 && r.chunked {
		fmt.Fprintf(out, "%x\r\n%s\r\n", len(r.buf), r.buf)
	} else {
		out.Write(r.buf)
	}
	if final && r.chunked {
		out.WriteString("0\r\n\r\n")
	}
	r.buf = r.buf[:0]
	if final && r.length >= 0 && r.written < r.length && r.req.Method != http.MethodHead && !r.bodyless() {
		r.close = true // fewer bytes than promised
	}
	r.err = r.transmit(out.Bytes(), first)
	return r.err
}

// transmit sends a part of the answer. The first has the head in it and passes
// the fault table.
func (r *response) transmit(p []byte, first bool) error {
	s := r.conn.sock
	label := world.Label{Kind: responseKind, Key: r.key}
	if first {
		admitted, err := s.admit(r.ctx(), label, len(p))
		if err != nil {
			return s.fail("write", err)
		}
		r.lost = !admitted
	}
	if r.lost || len(p) == 0 {
		return nil
	}
	var err error
	if first {
		_, err = s.sendMessage(r.ctx(), label, p)
	} else {
		_, err = s.send(r.ctx(), p)
	}
	if down := s.host.gate(); down != nil {
		err = down
	}
	if err != nil {
		return s.fail("write", err)
	}
	return nil
}

// begin decides about the framing and writes the head.
func (r *response) begin(out *bytes.Buffer, final bool) {
	r.started = true
	h := r.sealed
	old := !r.req.ProtoAtLeast(1, 1)
	r.close = r.close || r.conn.lis.isClosing() || hasToken(h, "Connection", "close")
	h.Del("Transfer-Encoding")
	head := r.req.Method == http.MethodHead
	if r.noHead {
		return // and nothing says where the body ends
	}
	switch {
	case r.bodyless():
	case r.length >= 0:
	case r.status < 200: // what is no answer yet has no body, and what comes all the same has no end
	case final && (!head || r.written > 0):
		h.Set("Content-Length", strconv.FormatInt(r.written, 10))
	case head:
	case !old:
		r.chunked = true
		h.Set("Transfer-Encoding", "chunked")
	default:
		r.close = true // the end of the connection is the end of the body
	}
	switch {
	case r.close:
		h.Set("Connection", "close")
	case old:
		h.Set("Connection", "keep-alive")
	}
	fmt.Fprintf(out, "HTTP/1.1 %s\r\n", r.line) // whatever was asked in (RFC 9110, 2.5)
	writeHeader(out, h)
	out.WriteString("\r\n")
}

func hasToken(h http.Header, name, token string) bool {
	for _, v := range h.Values(name) {
		for word := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(word), token) {
				return true
			}
		}
	}
	return false
}

// Cut implements world.ResponseCutter.
func (r *response) Cut(how world.Outcome) {
	if how != world.Closed && how != world.Reset && how != world.BadHead && how != world.Cut {
		panic("loopback: a response cannot be cut as " + how.String())
	}
	if r.cut || r.conn.lis.host.gate() != nil {
		return
	}
	switch how {
	case world.Reset:
		r.cut = true
		r.conn.sock.reset()
		return
	case world.BadHead:
		_ = r.transmit([]byte("HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n"), true) // the connection ends anyhow
	case world.Cut:
		r.Flush()
	}
	r.cut = true
	r.swallow() // a close with input unread would be a reset
	r.conn.sock.shut()
}
