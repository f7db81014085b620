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
	defer func() {
		s.Close()
		r.mu.Lock()
		delete(r.streams, s)
		r.mu.Unlock()
	}()
	ctx := r.channel.ctx
	var (
		in frames
		m  Message // the latest
	)
	buf := make([]byte, 2<<10)
	for {
		n, err := s.Read(ctx, buf)
		if err != nil {
			return
		}
		in.add(buf[:n])
		for {
			content, ok, err := in.take()
			if err != nil {
				r.refuse(s, err)
			}
			if !ok {
				break
			}
			if err := m.decode(content); err != nil {
				r.refuse(s, err)
				continue
			}
			if r.process(ctx, s, &m) != nil {
				return
			}
		}
	}
}

func (r *receiver) refuse(s world.Stream, err error) {
	r.channel.watch.event(Event{Kind: FrameRefused, Err: err, Detail: "from " + s.RemoteAddr()})
}

// process acknowledges and delivers one message, in one of the worker threads.
func (r *receiver) process(ctx context.Context, s world.Stream, m *Message) error {
	c := r.channel
	c.begin(m)
	defer c.finish(m)
	if err := r.takeWorker(ctx, m); err != nil {
		return err
	}
	defer r.giveWorker()
	c.watch.count(&c.watch.received)
	late := c.pick.atReceiver(m)
	if m.Options.ackOnReceipt() {
		// The acknowledgement leaves between reading and processing.
		late /= 2
		if err := r.host.Sleep(ctx, late); err != nil {
			return err
		}
		if err := r.ack(ctx, s, m, ackData); err != nil {
			return err
		}
	}
	if err := r.host.Sleep(ctx, late); err != nil {
		return err
	}
	r.deliver(ctx, m)
	if !m.Options.ackAfterProcessing() {
		return nil
	}
	if m.failed != nil {
		return r.ack(ctx, s, m, failAckData)
	}
	return r.ack(ctx, s, m, ackData)
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

func (r *receiver) ack(ctx context.Context, s world.Stream, m *Message, data string) error {
	label := world.Label{Kind: "ACK", Key: hex.EncodeToString(m.UniqueID[:8])}
	return s.Write(ctx, label, appendFrame(nil, []byte(data)))
}

// stop closes the port and every connection.
func (r *receiver) stop() {
	r.mu.Lock()
	r.stopped = true
	var open []world.Stream
	for s := range r.streams {
		open = append(open, s)
	}
	l := r.listener
	r.mu.Unlock()
	if l != nil {
		l.Close()
	}
	for _, s := range inOrder(open) {
		s.Close()
	}
}

// inOrder sorts streams for doing the same to each in an order that can be seen.
func inOrder(streams []world.Stream) []world.Stream {
	slices.SortFunc(streams, func(a, b world.Stream) int { return cmp.Compare(a.RemoteAddr(), b.RemoteAddr()) })
	return streams
}
