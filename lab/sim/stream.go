package sim

import (
	"context"
	"io"
	"net"
	"slices"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

type streamListener struct {
	host    *host
	port    int
	closed  bool
	pending int
	queue   []*stream
	waiters []*task
}

func (h *host) Listen(port int) (world.StreamListener, error) {
	if err := h.enter(); err != nil {
		return nil, &world.OpError{Op: "listen", Addr: h.at(port), Err: err}
	}
	if h.taken(port) {
		return nil, &world.OpError{Op: "listen", Addr: h.at(port), Err: world.ErrPortTaken}
	}
	l := &streamListener{host: h, port: port}
	h.streams[port] = l
	return l, nil
}

func (l *streamListener) Addr() string { return l.host.at(l.port) }

func (l *streamListener) Accept(ctx context.Context) (world.Stream, error) {
	w := l.host.w
	l.waiters = append(l.waiters, w.current)
	me := w.current
	_, err := l.host.wait(ctx, -1, func() bool { return len(l.queue) > 0 || l.closed })
	forget(&l.waiters, me)
	if err != nil {
		return nil, &world.OpError{Op: "accept", Addr: l.Addr(), Err: err}
	}
	if len(l.queue) == 0 {
		return nil, &world.OpError{Op: "accept", Addr: l.Addr(), Err: net.ErrClosed}
	}
	s := l.queue[0]
	l.queue = l.queue[1:]
	if len(l.queue) > 0 && len(l.waiters) > 0 {
		w.wake(l.waiters[0])
	}
	return s, nil
}

func (l *streamListener) Close() error {
	if err := l.host.enter(); err != nil {
		return err
	}
	l.close()
	return nil
}

func (l *streamListener) close() {
	if l.closed {
		return
	}
	l.closed = true
	delete(l.host.streams, l.port)
	for _, s := range l.queue {
		s.close(true)
	}
	l.queue = nil
	for _, t := range l.waiters {
		l.host.w.wake(t)
	}
}

// stream is one end of a connection.
type stream struct {
	w      *World
	host   *host
	peer   *stream
	local  string
	remote string
	out    *link

	// What has arrived for this end.
	buf      []byte // what is unread lies from start on
	start    int
	read     int64 // bytes read in all
	got      int64 // bytes arrived in all
	marks    []mark
	ready    func() bool
	atHand   int // messages read to their end and not finished with
	fin, rst bool
	reader   *task
	writer   *task // waits for room at the other end

	// What this end sends.
	stalled  []*frame
	waiting  int64     // bytes of stalled
	lost     lost      // what a partition has swallowed first
	bye      *farewell // behind stalled, once this end is closed
	lastAt   int64
	onTheWay int64 // bytes written and not arrived
	closed   bool
	doomed   bool // wrote to an end that is gone: RST is coming
}

// mark says where a message ends in the bytes that arrived.
type mark struct {
	end   int64
	label world.Label
	size  int
}

// frame is a message that waits or is on its way. It is used again once it has
// arrived.
type frame struct {
	event
	s     *stream
	label world.Label
	bytes []byte
	rule  *fault.Rule // that holds it
	way   int64       // how long it takes
}

func (h *host) Dial(ctx context.Context, addr string) (world.Stream, error) {
	server, port, err := h.connect(ctx, addr, connectTimeout, func(server *host, port int) (*int, int, bool) {
		if l := server.streams[port]; l != nil {
			return &l.pending, world.StreamBacklog, false
		}
		return nil, 0, false
	})
	if err != nil {
		return nil, &world.OpError{Op: "dial", Addr: addr, Err: err}
	}
	w := h.w
	l := server.streams[port]
	w.ports++
	here := h.at(32768 + w.ports%28232)
	a := &stream{w: w, host: h, local: here, remote: addr, out: w.link(h.machine, server.machine)}
	b := &stream{w: w, host: server, local: addr, remote: here, out: w.link(server.machine, h.machine)}
	a.peer, b.peer = b, a
	a.ready, b.ready = a.somethingToRead, b.somethingToRead
	h.ends = append(h.ends, a)
	server.ends = append(server.ends, b)
	l.queue = append(l.queue, b)
	if len(l.waiters) > 0 {
		w.wake(l.waiters[0])
	}
	return a, nil
}

func (s *stream) LocalAddr() string  { return s.local }
func (s *stream) RemoteAddr() string { return s.remote }
func (s *stream) Stalled() bool      { return len(s.stalled) > 0 && s.stalled[0].rule != nil }
func (s *stream) Writable() bool     { return s.backlog() <= world.StreamWindow }

func (s *stream) fail(op string, err error) error {
	return &world.OpError{Op: op, Addr: s.remote, Err: err}
}

func (s *stream) Read(ctx context.Context, p []byte) (int, error) {
	if err := s.host.enter(); err != nil {
		return 0, s.fail("read", err)
	}
	// Asking for more says that the last message has been dealt with.
	s.w.inFlight -= s.atHand
	s.atHand = 0
	if len(p) == 0 {
		return 0, nil
	}
	s.reader = s.w.current
	_, err := s.host.wait(ctx, -1, s.ready)
	s.reader = nil
	switch {
	case err != nil:
		return 0, s.fail("read", err)
	case s.closed:
		return 0, s.fail("read", net.ErrClosed)
	case s.unread() == 0 && s.rst:
		return 0, s.fail("read", world.ErrReset)
	case s.unread() == 0:
		return 0, io.EOF
	}
	n := copy(p, s.buf[s.start:])
	if s.start += n; s.unread() == 0 {
		s.buf, s.start = s.buf[:0], 0
	}
	s.read += int64(n)
	if s.peer.writer != nil {
		s.w.wake(s.peer.writer)
	}
	for len(s.marks) > 0 && s.marks[0].end <= s.read {
		m := s.marks[0]
		s.marks = slices.Delete(s.marks, 0, 1)
		s.atHand++
		s.w.observe(world.Receives, s.host, s.peer.host.name, m.label, m.size)
	}
	return n, s.host.enter()
}

func (s *stream) unread() int { return len(s.buf) - s.start }

func (s *stream) somethingToRead() bool { return s.unread() > 0 || s.fin || s.rst || s.closed }

func (s *stream) Write(ctx context.Context, l world.Label, b []byte) error {
	if err := s.host.enter(); err != nil {
		return s.fail("write", err)
	}
	w := s.w
	if s.backlog() > world.StreamWindow {
		s.writer = w.current
		_, err := s.host.wait(ctx, -1, func() bool { return s.backlog() <= world.StreamWindow || s.rst || s.closed })
		s.writer = nil
		if err != nil {
			return s.fail("write", err)
		}
	}
	switch {
	case s.closed:
		return s.fail("write", net.ErrClosed)
	case s.rst:
		return s.fail("write", world.ErrReset)
	case s.fin:
		// The other end is gone: the kernel takes the bytes and learns of it.
		if !s.doomed {
			s.doomed = true
			w.after(s.host.w.roundTrip(), func() {
				s.rst = true
				s.wakeBoth()
			})
		}
		w.observe(world.Loses, s.host, s.peer.host.name, l, len(b))
		return s.host.enter()
	}
	key := w.messageKey(s.out, l)
	var a fault.Action
	if !w.exempt(s.host, s.peer.host.machine) {
		a = w.decide(s.out, l, key, fault.TCP)
	}
	if a.Drop {
		w.observe(world.Loses, s.host, s.peer.host.name, l, len(b))
		return s.host.enter()
	}
	for i := 0; i <= a.Copies; i++ {
		f := w.frame()
		f.s, f.label, f.bytes, f.way, f.rule = s, l, append(f.bytes[:0], b...), s.out.way(key)+int64(a.Delay), a.Hold
		w.inFlight++
		if a.Hold != nil || a.Cut || len(s.stalled) > 0 {
			s.stall(f)
			continue
		}
		s.send(f)
	}
	return s.host.enter()
}

// stall keeps a frame behind those that a rule holds or a partition has swallowed.
func (s *stream) stall(f *frame) {
	if len(s.stalled) == 0 {
		s.w.hold(s)
		if f.rule == nil {
			s.lost.begin(s.w.now)
		}
	}
	s.stalled = append(s.stalled, f)
	s.waiting += int64(len(f.bytes))
}

// backlog is how many bytes the other end has not read yet.
func (s *stream) backlog() int64 { return s.waiting + s.onTheWay + s.peer.got - s.peer.read }

// send puts a frame on the wire.
func (s *stream) send(f *frame) {
	w := s.w
	at := max(s.lastAt, w.now+f.way)
	s.lastAt = at
	s.onTheWay += int64(len(f.bytes))
	label, size := f.label, len(f.bytes)
	w.schedule(&f.event, at, s.peer.host.tie)
	w.observe(world.Sends, s.host, s.peer.host.name, label, size)
}

// frame gives room for a message.
func (w *World) frame() *frame {
	if last := len(w.frames) - 1; last >= 0 {
		f := w.frames[last]
		w.frames = w.frames[:last]
		return f
	}
	f := &frame{}
	f.event = eventOf(f)
	return f
}

// retry looks again at what the fault table holds. What a rule has held leaves for
// the first time; what a partition has swallowed leaves when the kernel sends it
// again, and all behind it at once.
func (s *stream) retry() bool {
	for len(s.stalled) > 0 {
		f := s.stalled[0]
		if s.w.faults.Held(f.rule) {
			return true
		}
		if f.rule = nil; s.cutOff() {
			s.lost.begin(s.w.now)
			return true
		}
		if !s.lost.due(s.w, s) {
			return true
		}
		s.stalled = s.stalled[1:]
		s.waiting -= int64(len(f.bytes))
		s.send(f)
	}
	if s.bye != nil {
		s.bye.leave()
		s.bye = nil
	}
	return false
}

// lost is when something on a connection was sent that a partition has swallowed;
// the zero value says that nothing was.
type lost struct {
	first   int64 // time of the first try
	any     bool
	waiting bool // for the next try
}

func (l *lost) begin(now int64) {
	if !l.any {
		l.first, l.any = now, true
	}
}

// due reports whether what was lost is sent again now. If it is to be later, x is
// looked at again then.
func (l *lost) due(w *World, x holder) bool {
	if !l.any {
		return true
	}
	at := l.first + int64(fault.Resend(time.Duration(w.now-l.first)))
	if at <= w.now {
		l.any = false
		return true
	}
	if !l.waiting {
		l.waiting = true
		w.after(at-w.now, func() {
			l.waiting = false
			w.lookAgain(x)
		})
	}
	return false
}

// fire is the arrival of a frame.
func (f *frame) fire() {
	s, p := f.s, f.s.peer
	defer f.arrived()
	s.onTheWay -= int64(len(f.bytes))
	if p.closed {
		s.w.inFlight--
		return
	}
	p.buf = append(p.buf, f.bytes...)
	p.got += int64(len(f.bytes))
	p.marks = append(p.marks, mark{p.got, f.label, len(f.bytes)})
	if p.reader != nil {
		s.w.wake(p.reader)
	}
}

func (f *frame) arrived() {
	w := f.s.w
	f.s, f.label, f.rule = nil, world.Label{}, nil
	w.frames = append(w.frames, f)
}

func (s *stream) wakeBoth() {
	if s.reader != nil {
		s.w.wake(s.reader)
	}
	if s.writer != nil {
		s.w.wake(s.writer)
	}
}

func (s *stream) Close() error {
	if err := s.host.enter(); err != nil {
		return err
	}
	s.close(false)
	return nil
}

// close ends this end: FIN to the other after what was sent, or RST where
// input lies unread or a reset is asked for.
func (s *stream) close(reset bool) {
	if s.closed {
		return
	}
	s.closed = true
	reset = reset || s.unread() > 0
	w := s.w
	// What a rule holds is lost with this end. What a partition has swallowed, the
	// kernel still sends.
	sent := 0
	for sent < len(s.stalled) && s.stalled[sent].rule == nil && !reset {
		sent++
	}
	for _, f := range s.stalled[sent:] {
		s.waiting -= int64(len(f.bytes))
	}
	w.inFlight -= len(s.stalled) - sent + s.atHand + len(s.marks)
	s.stalled = s.stalled[:sent]
	s.marks, s.atHand, s.buf, s.start = nil, 0, nil, 0
	forget(&s.host.ends, s)
	s.wakeBoth()
	f := &farewell{s: s, reset: reset}
	if f.event = eventOf(f); sent > 0 {
		s.bye = f
		return
	}
	f.leave()
}

// cutOff reports whether nothing can reach the other end now.
func (s *stream) cutOff() bool {
	w, p := s.w, s.peer.host
	return !w.exempt(s.host, p.machine) && !w.faults.Reachable(s.host.name, p.name)
}
