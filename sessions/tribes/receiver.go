package tribes

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"sessionlab/lab/world"
)

// receiver accepts connections, cuts what arrives into messages and hands each
// to the chain, at most maxThreads at a time.
// Source: Tomcat NioReceiver.java, NioReplicationTask.java.
type receiver struct {
	host    world.Host
	cfg     ReceiverConfig
	channel *Channel
	deliver func(ctx context.Context, m *Message)
	free    *world.Semaphore // places for messages being processed

	mu       sync.Mutex // guards memory only
	listener world.StreamListener
	streams  map[world.Stream]bool
	stopped  bool
	threads  workers
	looked   time.Duration // when the selector last looked for messages without a thread
	awake    time.Duration // when the selector's thread runs next, or ran last
	spare    []*received
	idle     []*worker // tasks without a batch
	unread   []*reading
}

// reading is the room that the reading of a connection takes.
type reading struct {
	buf [2 << 10]byte
	in  frames
}

// inbound is one connection.
type inbound struct {
	stream  world.Stream
	writing *world.Mutex // of acknowledgements, which several threads may send
	// next is what the thread that has been woken will read: all that has arrived
	// by then. What arrives later is read by another thread, even while that one
	// still processes what it has. Guarded by the receiver's mu.
	// Source: Tomcat NioReplicationTask.java, drainChannel registers the
	// connection for reading before it processes.
	next []*received
	room []*received // of an earlier next
}

// received is a message with room for its body. It is used again once it has
// been processed.
type received struct {
	Message
	room []byte
}

// decode reads a message, whose body is its own.
func (m *received) decode(b []byte) error {
	if err := m.Message.decode(b); err != nil {
		return err
	}
	m.room = append(m.room[:0], m.Body...)
	m.Body = m.room
	return nil
}

// message gives room for one that arrives.
func (r *receiver) message() *received {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.spare) - 1
	if last < 0 {
		return &received{}
	}
	m := r.spare[last]
	r.spare = r.spare[:last]
	return m
}

func newReceiver(c *Channel, deliver func(context.Context, *Message)) *receiver {
	return &receiver{
		host: c.host, cfg: c.cfg.Receiver, channel: c, deliver: deliver,
		free:    world.NewSemaphore(c.host, c.cfg.Receiver.MaxThreads),
		streams: map[world.Stream]bool{},
		threads: workers{core: c.cfg.Receiver.MinThreads, keep: c.cfg.Receiver.MaxIdleTime},
	}
}

// start opens the first free port of those allowed and returns it.
func (r *receiver) start() (port int, err error) {
	for port = r.cfg.Port; port < r.cfg.Port+r.cfg.AutoBind; port++ {
		var l world.StreamListener
		l, err = r.host.Listen(port)
		if errors.Is(err, world.ErrPortTaken) {
			continue
		}
		if err != nil {
			return 0, err
		}
		now := r.host.Elapsed()
		r.listener, r.looked = l, now
		r.threads.start(now)
		r.host.Go("tribes accept", func(context.Context) { r.accept(l) })
		return port, nil
	}
	return 0, fmt.Errorf("no free port from %d on: %w", r.cfg.Port, err)
}

func (r *receiver) accept(l world.StreamListener) {
	for {
		s, err := l.Accept(r.channel.ctx)
		if err != nil {
			return
		}
		r.mu.Lock()
		stopped := r.stopped
		if !stopped {
			r.streams[s] = true
		}
		r.mu.Unlock()
		if stopped {
			s.Close()
			return
		}
		r.host.Go("tribes receiver", func(context.Context) { r.serve(s) })
	}
}

// serve reads one connection until its end.
func (r *receiver) serve(s world.Stream) {
	room := r.reading()
	defer func() {
		s.Close()
		r.mu.Lock()
		delete(r.streams, s)
		r.unread = append(r.unread, room)
		r.mu.Unlock()
	}()
	ctx := r.channel.ctx
	conn := &inbound{stream: s, writing: world.NewMutex(r.host)}
	host := "" // of the latest message
	for {
		n, err := s.Read(ctx, room.buf[:])
		if err != nil {
			return
		}
		room.in.add(room.buf[:n])
		for {
			content, ok, err := room.in.take()
			if err != nil {
				r.refuse(s, err)
			}
			if !ok {
				break
			}
			m := r.message()
			m.From.Host = host // most likely
			if err := m.decode(content); err != nil {
				r.refuse(s, err)
				continue
			}
			host = m.From.Host
			r.arrived(conn, m)
		}
	}
}

// reading is room of an earlier connection, if there is any.
func (r *receiver) reading() *reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.unread) - 1
	if last < 0 {
		return &reading{}
	}
	room := r.unread[last]
	r.unread = r.unread[:last]
	room.in.reset()
	return room
}

func (r *receiver) refuse(s world.Stream, err error) {
	r.channel.watch.event(Event{Kind: FrameRefused, Err: err, Detail: "from " + s.RemoteAddr()})
}

// batch is what a worker thread does: it reads a connection, from this message on,
// when it has run for the first time.
type batch struct {
	conn  *inbound
	first *Message
	wake  time.Duration
}

// arrived adds a message to the batch that waits for a thread, or begins one.
func (r *receiver) arrived(conn *inbound, m *received) {
	r.channel.begin(&m.Message)
	now := r.host.Elapsed()
	r.mu.Lock()
	conn.next = append(conn.next, m)
	begins := len(conn.next) == 1
	if begins && now >= r.awake {
		r.awake = now + r.channel.pick.atSelector(&m.Message, r.channel.working(now))
	}
	wake := r.awake - now
	r.mu.Unlock()
	if begins {
		r.begin(batch{conn, &m.Message, wake})
	}
}

// worker is a task that does one batch after the other.
type worker struct {
	work   batch
	handed world.Signal
}

// begin hands a batch to a task, a new one if all have one.
func (r *receiver) begin(b batch) {
	var w *worker
	r.mu.Lock()
	if last := len(r.idle) - 1; last >= 0 {
		w, r.idle = r.idle[last], r.idle[:last]
		w.work = b
	}
	r.mu.Unlock()
	if w != nil {
		w.handed.Set()
		return
	}
	w = &worker{work: b, handed: r.host.NewSignal()}
	r.host.Go("tribes worker", func(context.Context) {
		for {
			r.work(w.work)
			r.mu.Lock()
			r.idle = append(r.idle, w)
			r.mu.Unlock()
			if w.handed.Wait(r.channel.ctx) != nil {
				return
			}
		}
	})
}

// work is what one worker thread does with a connection that can be read.
func (r *receiver) work(b batch) {
	ctx := r.channel.ctx
	err := r.host.Sleep(ctx, b.wake)
	if err == nil {
		err = r.takeWorker(ctx, b.first)
	}
	r.mu.Lock()
	messages := b.conn.next
	b.conn.next, b.conn.room = b.conn.room, nil
	r.mu.Unlock()
	if err == nil {
		defer r.giveWorker()
	}
	for i, m := range messages {
		if err == nil {
			err = r.process(ctx, b.conn, &m.Message, i == 0)
		}
		r.channel.finish(&m.Message)
	}
	r.mu.Lock()
	r.spare = append(r.spare, messages...)
	b.conn.room = messages[:0]
	r.mu.Unlock()
}

// process acknowledges and delivers one message. Before the first of a batch the
// thread hands the connection back.
func (r *receiver) process(ctx context.Context, conn *inbound, m *Message, first bool) error {
	c := r.channel
	c.watch.count(&c.watch.received)
	late := time.Duration(0)
	if first {
		late = c.pick.atReceiver(m)
	}
	if m.Options.ackOnReceipt() {
		if err := r.host.Sleep(ctx, late); err != nil {
			return err
		}
		r.ack(ctx, conn, m, ackFrame)
		late = 0
	}
	if err := r.host.Sleep(ctx, late+c.pick.inProcess(m)); err != nil {
		return err
	}
	r.deliver(ctx, m)
	c.watch.event(Event{Kind: Processed, Member: m.From, ID: m.UniqueID})
	switch {
	case !m.Options.ackAfterProcessing():
	case m.failed != nil:
		r.ack(ctx, conn, m, failAckFrame)
	default:
		r.ack(ctx, conn, m, ackFrame)
	}
	return nil
}

// takeWorker waits for a thread. Meanwhile the selector's own thread waits too:
// it notices what took long when it runs again.
// Source: Tomcat RxTaskPool.java, getRxTask; NioReceiver.java, socketTimeouts.
func (r *receiver) takeWorker(ctx context.Context, m *Message) error {
	since := r.host.Elapsed()
	now := since
	if !r.free.TryAcquire() {
		if err := r.free.Acquire(ctx); err != nil {
			return err
		}
		now = r.host.Elapsed()
	}
	r.mu.Lock()
	r.threads.take(now)
	late := now > since && r.looks(since, now) && now-since > r.cfg.Timeout
	r.mu.Unlock()
	if late {
		r.channel.watch.event(Event{Kind: ReceiverBusy, Member: m.From, Detail: fmt.Sprintf("waited %v for a thread", now-since)})
	}
	return nil
}

// looks reports whether the selector looks at now, after it has been held up
// since a time. r.mu is held.
func (r *receiver) looks(since, now time.Duration) bool {
	every := r.cfg.SelectorTimeout
	if since > r.looked { // it was idle before, and has looked at each timeout
		r.looked += (since - r.looked) / every * every
	}
	if now-r.looked < every {
		return false
	}
	r.looked = now
	return true
}

func (r *receiver) giveWorker() {
	now := r.host.Elapsed()
	r.mu.Lock()
	r.threads.give(now)
	r.mu.Unlock()
	r.free.Release()
}

// ack acknowledges a message. A sender that no longer waits is no reason not to
// process what it sent. Source: Tomcat NioReplicationTask.java, sendAck.
func (r *receiver) ack(ctx context.Context, conn *inbound, m *Message, frame string) {
	if conn.writing.Lock(ctx) != nil {
		return
	}
	defer conn.writing.Unlock()
	label := world.Label{Kind: "ACK", Key: hex.EncodeToString(m.UniqueID[:8])}
	_ = conn.stream.Write(ctx, label, []byte(frame))
}

// selectorPoll is how often a stop looks whether the selector's thread has ended.
// Source: Tomcat NioReceiver.java, stopListening.
const selectorPoll = 100 * time.Millisecond

// selectorEndsFirst is how often that thread has ended before the first look, which
// follows at once: the thread that stops the channel has lost its core in between.
// Measured with Tomcat 10.1.52 on two cores: 4 of 32 stops.
const selectorEndsFirst = 0.125

// stop closes the port and every connection, and waits for the selector's thread.
// Threads of the pool that are at work go on meanwhile.
func (r *receiver) stop(ctx context.Context) {
	r.mu.Lock()
	r.stopped = true
	var open []world.Stream
	for s := range r.streams {
		open = append(open, s)
	}
	l := r.listener
	r.mu.Unlock()
	if l == nil {
		return
	}
	l.Close()
	for _, s := range inOrder(open) {
		s.Close()
	}
	if r.host.Key("tribes receiver stop").Str(r.host.Name()).Int(uint64(r.host.Elapsed())).Float() >= selectorEndsFirst {
		_ = r.host.Sleep(ctx, selectorPoll) // a host that is down has stopped, too
	}
}

// inOrder sorts streams for doing the same to each in an order that can be seen.
func inOrder(streams []world.Stream) []world.Stream {
	slices.SortFunc(streams, func(a, b world.Stream) int { return cmp.Compare(a.RemoteAddr(), b.RemoteAddr()) })
	return streams
}
