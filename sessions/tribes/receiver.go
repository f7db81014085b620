package tribes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sessionlab/lab/world"
)

// receiver accepts connections. A selector hands those that can be read to the
// threads of a pool, which cut what has arrived into messages and hand each to the
// chain, at most maxThreads at a time.
// Source: Tomcat NioReceiver.java, NioReplicationTask.java.
type receiver struct {
	host    world.Host
	cfg     ReceiverConfig
	channel *Channel
	deliver func(ctx context.Context, m *Message)
	free    *world.Semaphore // places for messages being processed
	event   world.Signal     // that the selector waits for

	mu       sync.Mutex // guards memory only
	listener world.StreamListener
	streams  map[world.Stream]*inbound
	accepted map[string]uint64 // connections so far, by the address they come from
	stopped  bool
	threads  workers
	looked   time.Duration // when the selector last looked for messages without a thread
	ready    selection     // connections that can be read and are watched
	coming   []*inbound    // connections that the selector has yet to accept
	expected int           // connections that a Formation has the selector know already
	selected int           // of the latest selection, those that wait for a thread
	spare    []*received
	idle     []*worker // tasks without a connection
}

func newReceiver(c *Channel, deliver func(context.Context, *Message)) *receiver {
	return &receiver{
		host: c.host, cfg: c.cfg.Receiver, channel: c, deliver: deliver,
		free:    world.NewSemaphore(c.host, c.cfg.Receiver.MaxThreads),
		streams: map[world.Stream]*inbound{}, accepted: map[string]uint64{}, event: c.host.NewSignal(),
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
		r.host.Go("tribes selector", func(context.Context) { r.selects() })
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
		from, _, _ := strings.Cut(s.RemoteAddr(), ":")
		r.mu.Lock()
		stopped := r.stopped
		var conn *inbound
		if !stopped {
			nth := r.accepted[from]
			r.accepted[from] = nth + 1
			conn = &inbound{
				stream: s, writing: world.NewMutex(r.host), drained: r.host.NewSignal(),
				hash: identityHash(r.host.Key("tribes selection key").Str(r.host.Name()).Str(from).Int(nth)),
			}
			r.streams[s] = conn
			if conn.watched = r.expected > 0; conn.watched {
				r.expected--
			} else {
				r.coming = append(r.coming, conn)
			}
		}
		r.mu.Unlock()
		r.event.Set()
		if stopped {
			s.Close()
			return
		}
		r.host.Go("tribes receiver", func(context.Context) { r.serve(conn) })
	}
}

// expect says that a connection will come which the selector is to know already.
func (r *receiver) expect() {
	r.mu.Lock()
	r.expected++
	r.mu.Unlock()
}

func (r *receiver) refuse(s world.Stream, err error) {
	r.channel.watch.event(Event{Kind: FrameRefused, Err: err, Detail: "from " + s.RemoteAddr()})
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
	for s, conn := range r.streams {
		open = append(open, s)
		r.channel.forget(conn.lose())
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
