package proxy

import (
	"errors"
	"io"
	"net/http"

	"sessionlab/lab/world"
)

// errClientGone says that the client could not be written to.
var errClientGone = errors.New("client closed connection")

// relayBody copies the body. An error but errClientGone is the server's.
func (x *exchange) relayBody(l *location) error {
	left := x.resp.ContentLength // below 0 if it is not known
	limit := x.holds(l)
	held := 0 // bytes that the client has not got yet
	for {
		x.link.SetReadDeadline(l.read)
		n, run, err := world.ReadRun(x.resp.Body, x.buf[held:])
		if run.Length > 0 && int64(held)+run.Length < int64(limit) {
			n, run = run.Fill(x.buf[held:])
		}
		held += n
		left -= int64(n) + run.Length
		if err != nil && limit == wholeBuffers && world.OutcomeOf(err) == world.ReadTimeout {
			held = 0
			if f, ok := x.w.(http.Flusher); ok && x.flow.spool == nil {
				f.Flush() // the head, if nothing else
			}
		}
		if held > 0 && (held >= limit || left == 0 || err != nil) || run.Length > 0 {
			if err := x.passBytes(l, x.buf[:held], run, left != 0); err != nil {
				return err
			}
			held = 0
		}
		if err == io.EOF {
			if f, ok := x.w.(http.Flusher); ok && x.resp.ContentLength < 0 && x.flow.written == 0 {
				f.Flush() // a body of unknown length has none that is 0, either
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// How much of a body is held back until the client gets some of it.
const (
	everyPiece   = 1       // of chunks, or with proxy_buffering off
	wholeBuffers = 4 << 10 // of other bodies: one of proxy_buffers
)

// holds is how much of the answer's body is held back. What is held when the
// server stalls never reaches the client.
//
// Source: nginx ngx_event_pipe.c, ngx_event_pipe_read_upstream: a buffer that is
// not full is looked at only if the parser of chunks may find one in it.
func (x *exchange) holds(l *location) int {
	if l.unbuffered || len(x.resp.TransferEncoding) > 0 {
		return everyPiece
	}
	return wholeBuffers
}
