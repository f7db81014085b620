package world

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Errors of the wire. Both worlds return exactly these, wrapped in *OpError.
// ErrWriteTimeout is of a handler's Write alone; see WriteLimiter.
// Three more outcomes have Go's own errors: io.EOF (closed before the head),
// io.ErrUnexpectedEOF (cut in the body) and nil (cut under HTTP/1.0 without a
// length: the client cannot tell).
var (
	ErrHostDown       = errors.New("host is down")
	ErrRefused        = errors.New("connection refused")
	ErrConnectTimeout = errors.New("connect timed out")
	ErrReset          = errors.New("connection reset by peer")
	ErrReadTimeout    = errors.New("read timed out")
	ErrWriteTimeout   = errors.New("write timed out")
	ErrBadHead        = errors.New("malformed response head")
	ErrBadChunk       = fmt.Errorf("malformed chunk: %w", io.ErrUnexpectedEOF)
	ErrPortTaken      = errors.New("address already in use")
	ErrNoRoute        = errors.New("network is unreachable") // of a group
)

// OpError says what failed on which address. errors.Is sees the cause.
type OpError struct {
	Op   string // "dial", "read", "write", "listen", ...
	Addr string // the peer's logical address, or the own one for listen
	Err  error
}

func (e *OpError) Error() string { return e.Op + " " + e.Addr + ": " + e.Err.Error() }
func (e *OpError) Unwrap() error { return e.Err }

// Outcome is how an exchange on the wire ended, as the client sees it.
type Outcome uint8

const (
	OK             Outcome = iota // a whole answer, one cut under HTTP/1.0, or a text without a head (HTTP/0.9)
	Refused                       // nobody listens
	ConnectTimeout                // no answer to the connect
	Closed                        // closed before the head was complete
	Reset                         // reset before the head was complete
	ReadTimeout                   // no head, or no more of the body, in time
	BadHead                       // a head that is no HTTP
	Cut                           // the body ended early and the framing tells
	Down                          // the asking host itself is down
	Canceled                      // the caller gave up
	Other
)

func (o Outcome) String() string {
	return [...]string{"ok", "refused", "connect_timeout", "closed", "reset",
		"read_timeout", "invalid_header", "cut", "host_down", "canceled", "error"}[o]
}

// OutcomeOf classifies an error from DialHTTP, RoundTrip or a body.
func OutcomeOf(err error) Outcome {
	switch {
	case err == nil:
		return OK
	case errors.Is(err, ErrRefused):
		return Refused
	case errors.Is(err, ErrConnectTimeout):
		return ConnectTimeout
	case errors.Is(err, ErrReset):
		return Reset
	case errors.Is(err, ErrReadTimeout):
		return ReadTimeout
	case errors.Is(err, ErrBadHead):
		return BadHead
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Cut
	case errors.Is(err, io.EOF):
		return Closed
	case errors.Is(err, ErrHostDown):
		return Down
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Canceled
	}
	return Other
}
