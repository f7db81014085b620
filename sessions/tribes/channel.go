package tribes

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"sessionlab/lab/world"
)

// Channel is a node's part in a group. Make it with NewChannel, say who is to
// hear of messages and members, then Start it. A channel is started once.
// Source: Tomcat GroupChannel.java.
type Channel struct {
	passing // the top of the chain; previous is nil

	host  world.Host
	cfg   Config
	watch *watch
	pick  *pickup
	coord *coordinator

	detector *failureDetector // nil when the chain has none
	dispatch *dispatcher      // nil when the chain has none

	onMessage   func(context.Context, *Message)
	onHeartbeat func(context.Context) // what else the channel's heartbeat drives

	ctx     context.Context // ends with Stop
	end     context.CancelFunc
	beating context.Context // ends when Stop begins
	endBeat context.CancelFunc

	mu      sync.Mutex // guards memory only
	started bool
	pending int
	nth     map[world.Label]uint64 // messages sent, by what they are about

	sentAt atomic.Int64 // the host's Elapsed at the latest Send
}

// NewChannel returns a channel that is not started, for a node on h.
func NewChannel(h world.Host, cfg Config) *Channel {
	cfg = cfg.withDefaults()
	c := &Channel{host: h, cfg: cfg, watch: &watch{trace: cfg.Trace}, nth: map[world.Label]uint64{}}
	c.ctx, c.end = h.WithCancel(context.Background())
	c.beating, c.endBeat = h.WithCancel(c.ctx)
	c.pick = newPickup(h, cfg.Pickup)
	c.coord = newCoordinator(c)
	chain := []interceptor{c}
	for _, name := range cfg.Interceptors {
		switch name {
		case TcpFailureDetector:
			c.detector = newFailureDetector(c)
			chain = append(chain, c.detector)
		case MessageDispatchInterceptor, MessageDispatch15Interceptor:
			c.dispatch = newDispatcher(c)
			chain = append(chain, c.dispatch)
		}
	}
	chained(append(chain, c.coord))
	return c
}

// OnMessage sets the function that the channel calls with every message received,
// in a task of the receiver: a synchronized acknowledgement leaves when f returns. The message is the
// connection's, which uses it again afterwards. Call it before Start.
func (c *Channel) OnMessage(f func(ctx context.Context, m *Message)) { c.onMessage = f }

// Start starts the receiver, the senders and the membership. It takes as long
// as the membership needs: about 2 s with multicast, the answers of the others
// with a static one, nothing in a Formation.
func (c *Channel) Start(ctx context.Context) error {
	if err := c.cfg.Check(); err != nil {
		return fmt.Errorf("start channel: %w", err)
	}
	c.mu.Lock()
	again := c.started
	c.started = true
	c.mu.Unlock()
	if again {
		return fmt.Errorf("start channel: it was started before")
	}
	if err := c.next.start(ctx, c.cfg.StartOptions); err != nil {
		c.end()
		c.next.stop(ctx, c.cfg.StartOptions)
		return fmt.Errorf("start channel: %w", err)
	}
	if f := c.cfg.Formation; f != nil {
		f.join(c)
	}
	c.host.Go("tribes heartbeat", func(context.Context) { c.beat() })
	return nil
}

// beat runs the channel's heartbeat until the channel stops. In a Formation
// nobody knows when the last one was.
func (c *Channel) beat() {
	wait := c.cfg.HeartbeatSleeptime
	if c.cfg.Formation != nil {
		wait = c.phase("tribes heartbeat", wait)
	}
	for c.host.Sleep(c.beating, wait) == nil {
		wait = c.cfg.HeartbeatSleeptime
		c.heartbeat(c.beating)
		if c.onHeartbeat != nil {
			c.onHeartbeat(c.beating)
		}
	}
}

// phase is how much of a period is left at time zero of a Formation.
func (c *Channel) phase(purpose string, period time.Duration) time.Duration {
	return time.Duration(c.host.Rand(purpose, c.host.Name()).Int64N(int64(period))) + 1
}

// Stop leaves the group: it sends the others a goodbye, discards what is queued and
// closes every connection. It waits for the receiver's selector, which mostly
// takes 0.1 s.
func (c *Channel) Stop(ctx context.Context) error {
	c.mu.Lock()
	running := c.started && c.beating.Err() == nil
	c.mu.Unlock()
	if !running {
		return fmt.Errorf("stop channel: %w", ErrStopped)
	}
	c.endBeat()
	c.next.stop(ctx, c.cfg.StartOptions)
	c.end()
	return nil
}

// Send sends a message to members, as its options say. Without UseAck a message
// is sent when the kernel has taken it; with Asynchronous, when it is queued.
// The channel owns the message and the slice of members from then on.
// Errors: *ChannelError where a destination failed, ErrNoDestination,
// ErrQueueFull, ErrStopped. After an error other destinations may have got it.
func (c *Channel) Send(ctx context.Context, to []Member, m *Message) error {
	if m.Options&(UDP|Multicast) != 0 {
		return fmt.Errorf("send %s: options %d are not simulated", m.Label.Kind, m.Options&(UDP|Multicast))
	}
	if len(to) == 0 {
		return fmt.Errorf("send %s: %w", m.Label.Kind, ErrNoDestination)
	}
	c.stamp(m)
	if !isStaticMessage(m) {
		c.sentAt.Store(int64(c.host.Elapsed()))
	}
	c.watch.event(Event{Kind: Handed, Label: m.Label, ID: m.UniqueID, Members: len(to)})
	c.begin(m)
	defer c.finish(m)
	return c.sendMessage(ctx, to, m)
}

// stamp completes a message of this node.
func (c *Channel) stamp(m *Message) {
	m.From = c.Local()
	if m.Timestamp == 0 {
		m.Timestamp = c.host.Now().UnixMilli()
	}
	if m.UniqueID == [16]byte{} {
		c.mu.Lock()
		n := c.nth[m.Label]
		c.nth[m.Label] = n + 1
		c.mu.Unlock()
		m.UniqueID = uniqueID(world.NewKey(0).Str(string(m.From.UniqueID[:])).Str(m.Label.Kind).Str(m.Label.Key).Int(n))
		m.nth = n
	}
}

// working reports whether this node has requests at now: it has sent a message.
func (c *Channel) working(now time.Duration) bool {
	at := time.Duration(c.sentAt.Load())
	return at > 0 && now-at < atWork
}

// begin and finish bracket what Pending counts. The membership's own messages
// are not counted: they never end.
func (c *Channel) begin(m *Message) {
	if !isStaticMessage(m) {
		c.addPending(1)
	}
}

func (c *Channel) finish(m *Message) {
	if !isStaticMessage(m) {
		c.addPending(-1)
	}
}

func (c *Channel) addPending(n int) {
	c.mu.Lock()
	c.pending += n
	c.mu.Unlock()
}

// Pending is how many messages are queued, being sent, or being processed here.
// Zero says that this channel is quiet; what is on the wire is the world's.
func (c *Channel) Pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pending
}

// Members are the other members, longest alive first. The slice is shared and
// must not be changed; it stays as it is.
func (c *Channel) Members() []Member { return c.next.members() }

// Local is this node as a member, with its alive time.
func (c *Channel) Local() Member { return c.coord.localMember() }

func (c *Channel) messageReceived(ctx context.Context, m *Message) {
	if isStaticMessage(m) {
		c.coord.staticMessage(ctx, m)
		return
	}
	if c.onMessage != nil {
		c.onMessage(ctx, m)
	}
}

func (c *Channel) memberAdded(_ context.Context, m Member) {
	c.watch.event(Event{Kind: MemberAdded, Member: m})
}

func (c *Channel) memberDisappeared(_ context.Context, m Member) {
	c.watch.event(Event{Kind: MemberGone, Member: m})
}

// forget takes messages that were discarded out of what Pending counts.
func (c *Channel) forget(n int) { c.addPending(-n) }
