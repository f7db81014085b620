package tribes

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// membershipService tells the coordinator who is there.
type membershipService interface {
	start(ctx context.Context, services StartOptions) error
	stop(ctx context.Context)
	members() []Member
	enter(members []Member) // as if heard of now
}

// coordinator is the bottom of the chain: receiver, senders, membership.
// Source: Tomcat ChannelCoordinator.java.
type coordinator struct {
	passing
	channel  *Channel
	receiver *receiver
	pool     *pool
	service  membershipService
	static   *staticMembership        // service, if it is one
	known    atomic.Pointer[[]Member] // those whose names are known

	mu    sync.Mutex // guards memory only
	local Member
	since time.Time // when this node became a member, by its own clock
}

func newCoordinator(c *Channel) *coordinator {
	co := &coordinator{channel: c, since: c.host.Now()}
	co.local = localOf(c)
	co.known.Store(&[]Member{})
	if c.cfg.Static != nil {
		co.known.Store(&c.cfg.Static.Members)
	}
	co.receiver = newReceiver(c, func(ctx context.Context, m *Message) {
		m.From.Name = co.nameOf(&m.From)
		co.previous.messageReceived(ctx, m)
	})
	co.pool = newPool(c.host, c.cfg.Sender, c.watch, c.pick, c.cfg.Formation == nil)
	if c.cfg.Static != nil {
		co.static = newStaticMembership(co)
		co.service = co.static
	} else {
		co.service = newMcast(co)
	}
	return co
}

// localOf is the channel's own member.
func localOf(c *Channel) Member {
	port := c.cfg.Receiver.Port
	if c.cfg.Static != nil {
		m := StaticMember(c.host.Addr(), port)
		m.Name = c.host.Name()
		return m
	}
	return LocalMember(c.host, port)
}

// nameOf is the name that is known for a member's address; "" for none.
func (co *coordinator) nameOf(m *Member) string {
	known := *co.known.Load()
	for i := range known {
		if k := &known[i]; k.Host == m.Host && k.Port == m.Port && k.Name != "" {
			return k.Name
		}
	}
	return ""
}

// named is the member with the name that is known for its address.
func (co *coordinator) named(m Member) Member {
	if name := co.nameOf(&m); name != "" {
		m.Name = name
	}
	return m
}

// localMember is this node, alive until now.
func (co *coordinator) localMember() Member {
	now := co.channel.host.Now()
	co.mu.Lock()
	defer co.mu.Unlock()
	m := co.local
	m.AliveMs = max(0, now.Sub(co.since).Milliseconds())
	return m
}

// backdate makes this node a member for longer than it is.
func (co *coordinator) backdate(by time.Duration) {
	co.mu.Lock()
	co.since = co.since.Add(-by)
	co.mu.Unlock()
}

func (co *coordinator) start(ctx context.Context, services StartOptions) error {
	if services&ReceiveMessages != 0 {
		port, err := co.receiver.start()
		if err != nil {
			return err
		}
		co.mu.Lock()
		co.local.Port = port
		co.mu.Unlock()
	}
	// Who is asked for by others already meets a node that has not come so far.
	loading := co.static != nil && co.channel.cfg.Formation == nil
	if services&SendMessages != 0 {
		if loading && co.channel.host.Sleep(ctx, co.channel.pick.loading("senders")) != nil {
			return ErrStopped
		}
		co.pool.start()
	}
	if loading && co.channel.host.Sleep(ctx, co.channel.pick.loading("membership")) != nil {
		return ErrStopped
	}
	now := co.channel.host.Now()
	co.mu.Lock()
	co.since = now
	co.mu.Unlock()
	return co.service.start(ctx, services)
}

func (co *coordinator) stop(ctx context.Context, _ StartOptions) {
	co.service.stop(ctx)
	co.pool.stop()
	co.receiver.stop(ctx)
}

// sendMessage sends with one of the pool's senders and traces what fails.
func (co *coordinator) sendMessage(ctx context.Context, to []Member, m *Message) error {
	w := co.channel.watch
	err := co.pool.send(ctx, to, m)
	if err == nil {
		w.count(&w.sent)
		return nil
	}
	if failed, ok := err.(*ChannelError); ok {
		for _, f := range failed.Faulty {
			kind := SendFailed
			switch f.Err {
			case ErrAckTimeout:
				kind = AckTimedOut
			case ErrRemoteProcess:
				kind = NegativeAck
			}
			w.event(Event{Kind: kind, Member: f.Member, Label: m.Label, Err: f.Err})
		}
	}
	return err
}

func (co *coordinator) heartbeat(context.Context) { co.pool.heartbeat() }

func (co *coordinator) members() []Member { return co.service.members() }

// staticMessage handles what a static membership sends through the channel.
func (co *coordinator) staticMessage(ctx context.Context, m *Message) {
	if co.static != nil {
		co.static.received(ctx, m)
	}
}

// tell passes news of the membership up the chain, in a task of its own: what
// hears of it may take long, to connect for instance.
func (co *coordinator) tell(news func(ctx context.Context, m Member), members ...Member) {
	for _, m := range members {
		co.channel.host.Go("tribes membership event", func(context.Context) { news(co.channel.ctx, m) })
	}
}
