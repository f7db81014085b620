package sim

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"time"

	"sessionlab/lab/world"
)

// userBuffer is how much of a request a server's own buffer takes in beside the
// head; more of a body lies in the kernel until the handler reads it.
// Source: net/http server.go, newBufioReader.
const userBuffer = 4096

// requestBody is the body of a request on its way. A window of it leaves with the
// head; the client sends more whenever the server has read some. For the handler
// it is the body.
type requestBody struct {
	c *httpConn
	pipe
	arrived   int64     // how far the server's end has got it
	source    io.Reader // of what has not left; nil when all has
	ahead     world.Run // read from source and not in the pipe
	announced int64     // length, or -1
	turn      uint64    // counts the messages of the connection
	sender    *task     // the client's, which waits for room
	reader    *task     // the server's, which waits for more
	room      []byte    // to read into
	limit     int64     // how long a Read may wait (ns), -1 for ever
}

// begin takes what leaves with the head.
func (b *requestBody) begin(req *http.Request) error {
	b.reset()
	b.turn++
	b.source, b.ahead, b.arrived, b.announced, b.limit = nil, world.Run{}, 0, -1, -1
	if req.Body == nil || req.Body == http.NoBody {
		return nil
	}
	b.source = req.Body
	window := int64(world.BodyWindow)
	switch {
	case req.ContentLength > 0:
		b.announced = req.ContentLength
	case req.Proto == "HTTP/1.0":
		window = math.MaxInt64 // its length must be told
	}
	err := b.fill(window)
	b.arrived = b.written
	return err
}

// fill reads more from the source, until so much lies unread. Of a body that has
// its length it sees the end at once.
func (b *requestBody) fill(window int64) error {
	if b.room == nil {
		b.room = make([]byte, 8<<10)
	}
	for b.source != nil && (b.written-b.read < window || b.written == b.announced) {
		var n int
		var err error
		free := window - (b.written - b.read)
		run := b.ahead
		if b.ahead = (world.Run{}); run.Length == 0 {
			n, run, err = world.ReadRun(b.source, b.room[:min(max(free, 1), int64(len(b.room)))])
		}
		if over := run.Length - free; over > 0 {
			run.Length, b.ahead = free, world.Run{Byte: run.Byte, Length: over}
		}
		if n > 0 {
			b.put(b.room[:n])
		}
		if run.Length > 0 {
			b.putRun(run)
		}
		switch {
		case err == io.EOF && b.announced >= 0 && b.written < b.announced:
			return fmt.Errorf("body of %d bytes, Content-Length %d: %w", b.written, b.announced, io.ErrUnexpectedEOF)
		case b.announced >= 0 && b.written > b.announced:
			return fmt.Errorf("body longer than Content-Length %d", b.announced)
		case err == io.EOF:
			b.source = nil
		case err != nil:
			return err
		}
	}
	return nil
}

// sendRest sends what did not leave with the head, as the server makes room. It
// ends early if the server closes the connection: an answer may be there.
func (b *requestBody) sendRest(ctx context.Context) error {
	c := b.c
	for b.source != nil {
		b.sender, c.reader = c.w.current, c.w.current
		_, err := c.client.wait(ctx, -1, b.canSend)
		b.sender, c.reader = nil, nil
		if err != nil || c.fin || c.rst {
			return err
		}
		if err := b.fill(world.BodyWindow); err != nil {
			return err
		}
		turn, end := b.turn, b.written
		c.w.after(c.there.delay, func() {
			if b.turn == turn {
				b.arrived = end
				c.wakeServer()
			}
		})
	}
	return nil
}

// canSend reports whether sendRest can go on. Behind a partition the connection
// is held: the fault table's change wakes the sender.
func (b *requestBody) canSend() bool {
	c := b.c
	if c.fin || c.rst {
		return true
	}
	if b.roomy() && c.cutThere() {
		c.w.hold(c)
		return false
	}
	return b.roomy()
}

// cutThere reports whether nothing can reach the server now.
func (c *httpConn) cutThere() bool {
	return !c.w.exempt(c.client, c.server.machine) && !c.w.faults.Reachable(c.client.name, c.server.name)
}

func (b *requestBody) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := b.await(); err != nil {
		return 0, err
	}
	n := b.takeBytes(p, b.arrived)
	b.tookSome()
	return n, nil
}

// ReadRun implements world.RunReader.
func (b *requestBody) ReadRun(p []byte) (int, world.Run, error) {
	if err := b.await(); err != nil {
		return 0, world.Run{}, err
	}
	n, run := b.take(p, b.arrived)
	b.tookSome()
	return n, run, nil
}

// LimitReads implements world.ReadLimiter.
func (b *requestBody) LimitReads(d time.Duration) {
	b.limit = int64(d)
	if d <= 0 {
		b.limit = -1
	}
}

func (b *requestBody) Close() error { return nil }

func (b *requestBody) tookSome() {
	if b.sender != nil && b.roomy() {
		b.c.w.wake(b.sender)
	}
}

// await waits until there is something to read, or returns how the body ended.
func (b *requestBody) await() error {
	c := b.c
	for {
		switch {
		case b.read < b.arrived:
			return nil
		case b.source == nil && b.arrived == b.written:
			return io.EOF
		case c.serverClosed:
			return &world.OpError{Op: "read", Addr: c.remote, Err: net.ErrClosed}
		case c.clientFin:
			return io.ErrUnexpectedEOF
		}
		b.reader = c.w.current
		expired, err := c.server.wait(c.server.root, b.limit, b.somethingToRead)
		b.reader = nil
		switch {
		case err != nil:
			return err
		case expired:
			return world.ErrReadTimeout
		}
	}
}

func (b *requestBody) somethingToRead() bool {
	return b.read < b.arrived || b.source == nil && b.arrived == b.written || b.c.serverClosed || b.c.clientFin
}

// swallow reads what the handler left of a body that has not arrived whole. It
// reports whether the next request can follow.
func (b *requestBody) swallow() bool {
	b.limit = -1
	for n := int64(0); b.source != nil && n <= world.MaxSwallow; {
		read, run, err := b.ReadRun(b.room)
		if n += int64(read) + run.Length; err != nil {
			return err == io.EOF
		}
	}
	return b.source == nil
}
