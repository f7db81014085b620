package world

import (
	"bufio"
	"context"
	"net/http"
	"time"
)

// ServeOptions say how a port is served. The zero value accepts without limit
// and keeps idle connections for ever.
type ServeOptions struct {
	// ClientGone makes the handler's context end when the client has closed
	// its connection. Otherwise the handler's context ends with the host only.
	ClientGone bool
	// IdleTimeout is how long a connection waits for its next request before it
	// is closed. Zero: for ever.
	IdleTimeout time.Duration
	// HeaderTimeout is how long a client may take for the head of a request: for
	// the first of a connection from when that was accepted, for others from their
	// first byte. The connection is closed then, without an answer. Zero: for ever,
	// and the first request waits as IdleTimeout says.
	HeaderTimeout time.Duration
	// MaxRequests is how many requests a connection serves before it is closed.
	// Zero: no limit.
	MaxRequests int
	// ReadRequest says which server's rules apply to bytes that a client sends.
	// Nil: those of RFC 9112, read strictly.
	ReadRequest RequestReader
	// Malformed answers bytes that are no request, with the status that says
	// why; r is what could be read of it, its header and URI may be empty. Nil:
	// the status alone. The connection ends with it.
	Malformed func(w http.ResponseWriter, r *http.Request, status int)
	// HeaderKept is the handler's promise to leave the request's header as it
	// is, as net/http asks of every handler: it need not get a copy of its own.
	HeaderKept bool
	// Backlog is how many connections may wait to be accepted while the host
	// is paused or the port is not accepting. Zero: 128.
	Backlog int
	// Unready binds the port without accepting on it: connects succeed, and
	// whoever connects waits in the backlog until Ready.
	Unready bool
}

// RequestReader reads the head of a request from the bytes of a connection, of
// which size belong to it; what follows is left in the reader, and read by the
// request's Body as it is asked for. A request of HTTP/0.9, whose answer has no
// head, has ProtoMajor 0.
//
// The Body may be a BodyLimiter and a BodyDiscarder; the handler's, which is made
// of it, then is, too.
//
// A *Malformed is answered: the request with it, never nil, is what could be
// read. Any other error is the connection's own, and ends it without an answer.
type RequestReader func(in *bufio.Reader) (r *http.Request, size int, err error)

// BodyLimiter is implemented by the bodies of requests where bytes are read. It
// matters for one in chunks only, whose length nobody knows before its end.
type BodyLimiter interface {
	// Limit makes reads beyond n bytes fail, with the RequestReader's own error.
	Limit(n int64)
}

// BodyDiscarder is implemented by the bodies of requests where bytes are read.
type BodyDiscarder interface {
	// Discard drops what has arrived and is not read, after the client was asked
	// for a body that it holds back. The rest is dropped behind the answer.
	// ErrBadChunk: what has arrived is no body.
	Discard() error
}

// BodyAsker is implemented by the bodies of requests where a client may hold one
// back until it is asked for it ("Expect: 100-continue").
type BodyAsker interface {
	// Unasked says that the client is not to be asked: it sends the body when it
	// likes to. Without it the first read asks.
	Unasked()
}

// ReadLimiter is implemented by every world's request bodies, as a handler sees
// them.
type ReadLimiter interface {
	// LimitReads makes a Read fail with ErrReadTimeout when the client has sent
	// nothing for d of monotonic time. Zero takes the limit away.
	LimitReads(d time.Duration)
}

// Malformed is the error of bytes that are no request.
type Malformed struct {
	Status int    // that the server answers with
	Why    string // such as "invalid method"
}

func (m *Malformed) Error() string { return StatusText(m.Status) + ": " + m.Why }

// AnswerReader reads the head of the answer to req from the bytes of a
// connection, by the rules of the client; the answer's Body reads the rest.
// Whether interim answers are passed over is a matter of the rules. Errors of the
// head are ErrBadHead and those of in; of the body ErrBadChunk, and
// io.ErrUnexpectedEOF where the bytes end too early.
type AnswerReader func(in *bufio.Reader, req *http.Request) (*http.Response, error)

// Listener is a port being served.
type Listener interface {
	// Addr is the logical "address:port".
	Addr() string
	// Ready begins to accept on a port that was bound with Unready, those who
	// wait first.
	Ready()
	// Drain stops accepting and waits until running exchanges have ended or ctx
	// has. The port stays bound: whoever connects waits in the backlog, and is
	// reset when the port closes. A running exchange is the last one of its
	// connection, whose client is not told so; a request that arrives on an idle
	// connection closes that without an answer.
	Drain(ctx context.Context) error
	// Shutdown closes the port (later connects are refused) and idle
	// connections, then waits until running exchanges have ended or ctx has.
	Shutdown(ctx context.Context) error
	// Close closes the port and every connection at once.
	Close() error
}

// HTTPConn is one client connection that carries one exchange at a time.
// The caller decides about reuse, repeating and pooling; the connection never
// repeats a request by itself.
type HTTPConn interface {
	// RoundTrip sends req, its body included, and returns the head of the
	// answer. More of the body than BodyWindow leaves only as the server reads it.
	// req.Proto "HTTP/1.0" is sent as such; req.RequestURI, when set, is the
	// request target as it goes out. The response (and its header map) belongs to
	// the connection: it is valid until the next RoundTrip. The body must be read
	// to its end before the connection can carry another request; closing it early
	// closes the connection.
	//
	// An answer without a head is one of HTTP/0.9: 200, and all that comes up to
	// the end of the connection is its body.
	//
	// Errors are of the outcome table: io.EOF, ErrReset, ErrReadTimeout,
	// ErrBadHead, or ctx's error. After an error the connection is unusable.
	RoundTrip(ctx context.Context, req *http.Request) (*http.Response, error)

	// ReadAnswersBy says by which client's rules bytes are read, before the first
	// RoundTrip. Without it they are read as RFC 9112 has it. A world without
	// bytes has no use for it.
	ReadAnswersBy(AnswerReader)

	// SetReadDeadline makes reads of the head and of the body fail with
	// ErrReadTimeout once d has passed from now. Zero removes the deadline.
	// It is kept in monotonic time.
	SetReadDeadline(d time.Duration)

	// Sent reports whether any byte of the latest request left this machine.
	Sent() bool
	// Reused reports whether the connection has completed an exchange before
	// the latest RoundTrip.
	Reused() bool
	// Alive reports whether an idle connection can still be used: the peer has
	// not closed it.
	Alive() bool
	Close() error
}

// ResponseCutter is implemented by every world's http.ResponseWriter. It lets
// a handler end an exchange the way a broken server does; the handler must
// return without writing anything more.
type ResponseCutter interface {
	// Cut ends the connection with the given outcome as the client sees it:
	// Closed, Reset, BadHead, or Cut (what was written so far, then the end of
	// the connection). Any other outcome is a programmer's mistake and panics.
	Cut(Outcome)
}

// StatusWriter is implemented by every world's http.ResponseWriter.
type StatusWriter interface {
	// WriteStatus is WriteHeader with a status line of the handler's own, less
	// the version: "404 Not Found", "404 " or "404". Status may be below 200: it
	// is no interim answer then, and the body ends as the handler's Connection
	// header says, without any other sign.
	WriteStatus(status int, line string)
	// WriteNoHead begins an answer of HTTP/0.9: the client gets what is written
	// from here on and nothing before it. The connection ends after it where
	// request or header ask for it; only then does the client see the end.
	WriteNoHead()
}

// WriteLimiter is implemented by every world's http.ResponseWriter.
type WriteLimiter interface {
	// LimitWrites makes a Write fail with ErrWriteTimeout, and the connection
	// end, when the client has taken nothing for d of monotonic time. Zero takes
	// the limit away. It holds for this answer.
	LimitWrites(d time.Duration)
}

// ConnectionKeeper is implemented by every world's http.ResponseWriter. It is for
// handlers that decide for each request how long its connection lives.
type ConnectionKeeper interface {
	// Served is how many requests the connection has carried before this one.
	Served() int
	// KeepFor replaces ServeOptions.IdleTimeout for what is left of the connection.
	// Zero: for ever. It says nothing of whether this answer is the last.
	KeepFor(d time.Duration)
}
