package sim

import (
	"context"
	"iter"
	"net/http"
	"slices"

	"sessionlab/lab/world"
)

type httpListener struct {
	host    *host
	port    int
	handler http.Handler
	opts    world.ServeOptions
	closed  bool
	unready bool        // bound, but nobody accepts
	drained bool        // what arrives on an open connection is not served any more
	pending int         // connections that wait to be accepted, while paused or unready
	active  int         // exchanges that run
	spare   []*httpConn // closed at both ends, to be used again
	drain   *task
}

func (h *host) Serve(port int, handler http.Handler, opts world.ServeOptions) (world.Listener, error) {
	if err := h.enter(); err != nil {
		return nil, &world.OpError{Op: "listen", Addr: h.at(port), Err: err}
	}
	if h.taken(port) {
		return nil, &world.OpError{Op: "listen", Addr: h.at(port), Err: world.ErrPortTaken}
	}
	if opts.Backlog == 0 {
		opts.Backlog = defaultBacklog
	}
	l := &httpListener{host: h, port: port, handler: handler, opts: opts, unready: opts.Unready}
	h.http[port] = l
	return l, nil
}

// open are the listener's connections whose own end is open, the oldest vessel
// first.
func (l *httpListener) open() iter.Seq[*httpConn] {
	return func(yield func(*httpConn) bool) {
		for _, c := range slices.Clone(l.host.w.conns) {
			if c.lis == l && !c.serverClosed && !yield(c) {
				return
			}
		}
	}
}

func (h *host) taken(port int) bool { return h.http[port] != nil || h.streams[port] != nil }

func (l *httpListener) Addr() string { return l.host.at(l.port) }

func (l *httpListener) closePort() {
	l.closed = true
	if l.host.http[l.port] == l {
		delete(l.host.http, l.port)
	}
}

func (l *httpListener) Ready() {
	if l.host.enter() != nil || !l.unready || l.drained {
		return
	}
	l.unready, l.pending = false, 0
	for c := range l.open() {
		c.waiting = false
		c.countIdle()
		l.host.w.wake(c.task)
	}
	l.host.w.stir()
}

func (l *httpListener) Drain(ctx context.Context) error {
	if err := l.host.enter(); err != nil {
		return err
	}
	l.unready, l.drained = true, true
	return l.idle(ctx)
}

// idle waits until no exchange runs.
func (l *httpListener) idle(ctx context.Context) error {
	l.drain = l.host.w.current
	_, err := l.host.wait(ctx, -1, func() bool { return l.active == 0 })
	l.drain = nil
	return err
}

func (l *httpListener) Shutdown(ctx context.Context) error {
	if err := l.host.enter(); err != nil {
		return err
	}
	l.closePort()
	for c := range l.open() {
		l.host.w.wake(c.task) // idle ones see that the port is closed
	}
	return l.idle(ctx)
}

func (l *httpListener) Close() error {
	if err := l.host.enter(); err != nil {
		return err
	}
	l.closePort()
	for c := range l.open() {
		c.closeServer(false)
	}
	return nil
}
