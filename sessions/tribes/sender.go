package tribes

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"sessionlab/lab/world"
)

// sender writes one message at a time to all its destinations in parallel and
// waits for all of them. It keeps one connection for each member it has met.
// Source: Tomcat ParallelNioSender.java, NioSender.java.
type sender struct {
	host     world.Host
	cfg      SenderConfig
	watch    *watch
	happened world.Signal // something that a selector would have seen

	mu    sync.Mutex // guards memory only
	conns map[identity]*connection
}

func newSender(h world.Host, cfg SenderConfig, w *watch) *sender {
	return &sender{host: h, cfg: cfg, watch: w, happened: h.NewSignal(), conns: map[identity]*connection{}}
}

// delivery is the way of one message to one destination.
type delivery struct {
	to   Member
	done bool
	err  error
}

// send writes m to every destination. A time limit that passes is noticed only
// after something has happened, or after the select timeout: a destination that
// keeps silent costs the select timeout, not the time limit. After any failure
// all connections of this sender are closed.
func (s *sender) send(ctx context.Context, to []Member, m *Message) error {
	start := s.host.Elapsed()
	frame := messageFrame(m)
	ctx, cancel := s.host.WithCancel(ctx)
	deliveries := make([]*delivery, len(to))
	var mu sync.Mutex // guards the deliveries
	for i, member := range to {
		d := &delivery{to: member}
		deliveries[i] = d
		s.host.Go("tribes sender", func(context.Context) {
			err := s.deliver(ctx, d.to, m, frame)
			mu.Lock()
			d.done, d.err = true, err
			mu.Unlock()
			s.happened.Set()
		})
	}
	snapshot := func() (open int, failed *ChannelError) {
		mu.Lock()
		defer mu.Unlock()
		for _, d := range deliveries {
			switch {
			case !d.done:
				open++
			case d.err != nil:
				if failed == nil {
					failed = &ChannelError{}
				}
				failed.Faulty = append(failed.Faulty, FaultyMember{d.to, d.err})
			}
		}
		return open, failed
	}

	open, failed := snapshot()
	for open > 0 && s.host.Elapsed()-start < s.cfg.Timeout {
		if err := s.selectOnce(ctx); err != nil {
			cancel()
			s.disconnect()
			return err
		}
		open, failed = snapshot()
	}
	if open > 0 {
		if failed == nil {
			failed = &ChannelError{}
		}
		mu.Lock()
		for _, d := range deliveries {
			if !d.done {
				failed.Faulty = append(failed.Faulty, FaultyMember{d.to, ErrAckTimeout})
			}
		}
		mu.Unlock()
	}
	cancel()
	if failed == nil {
		return nil
	}
	s.disconnect()
	return failed
}

// selectOnce waits until something happens, at most for the select timeout. Its
// error is that of the caller's context or of the host.
func (s *sender) selectOnce(ctx context.Context) error {
	limited, cancel := s.host.WithTimeout(ctx, s.cfg.SelectTimeout)
	defer cancel()
	err := s.happened.Wait(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return nil
	}
	return err
}

// deliver sends to one destination, again on a new connection after an error.
func (s *sender) deliver(ctx context.Context, to Member, m *Message, frame []byte) error {
	for attempt := 0; ; attempt++ {
		err := s.attempt(ctx, to, m, frame)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if attempt >= s.cfg.MaxRetryAttempts {
			return err
		}
		s.watch.event(Event{Kind: SendRetried, Member: to, Label: m.Label, Err: err})
		s.drop(to)
		s.happened.Set()
	}
}

func (s *sender) attempt(ctx context.Context, to Member, m *Message, frame []byte) error {
	conn, err := s.connect(ctx, to)
	if err != nil {
		return err
	}
	conn.reset()
	if err := conn.stream.Write(ctx, m.Label, frame); err != nil {
		return err
	}
	s.happened.Set()
	if m.Options&UseAck == 0 {
		// Nothing will be read, so this is the only look at the connection.
		err := conn.ended()
		if err == nil {
			conn.sent++
		}
		return err
	}
	if err := conn.awaitAck(ctx); err != nil && !(err == ErrRemoteProcess && s.cfg.NoThrowOnFailedAck) {
		return err
	}
	conn.sent++
	return nil
}

// connect returns the connection to a member, dialling if there is none.
func (s *sender) connect(ctx context.Context, to Member) (*connection, error) {
	s.mu.Lock()
	conn := s.conns[to.identity()]
	s.mu.Unlock()
	if conn != nil {
		return conn, nil
	}
	stream, err := s.host.Dial(ctx, to.Addr())
	if err != nil {
		return nil, err
	}
	conn = &connection{stream: stream, since: s.host.Elapsed(), changed: s.host.NewSignal()}
	s.host.Go("tribes acks", func(ctx context.Context) { conn.read(ctx) })
	s.mu.Lock()
	late := ctx.Err() != nil // the sender has closed its connections meanwhile
	if !late {
		s.conns[to.identity()] = conn
	}
	s.mu.Unlock()
	if late {
		stream.Close()
		return nil, ctx.Err()
	}
	s.happened.Set()
	return conn, nil
}

func (s *sender) drop(to Member) {
	s.mu.Lock()
	conn := s.conns[to.identity()]
	delete(s.conns, to.identity())
	s.mu.Unlock()
	if conn != nil {
		conn.stream.Close()
	}
}

// disconnect closes all connections.
func (s *sender) disconnect() {
	for _, conn := range s.takeIf(func(*connection) bool { return true }) {
		conn.stream.Close()
	}
}

// keepalive closes the connections that the peer has closed, or that have been
// used for long enough.
func (s *sender) keepalive() {
	now := s.host.Elapsed()
	worn := s.takeIf(func(c *connection) bool {
		return c.ended() != nil ||
			s.cfg.KeepAliveCount > 0 && c.sent >= s.cfg.KeepAliveCount ||
			s.cfg.KeepAliveTime > 0 && now-c.since >= s.cfg.KeepAliveTime
	})
	for _, conn := range worn {
		conn.stream.Close()
	}
}

// takeIf removes and returns connections, in the order of their making.
func (s *sender) takeIf(which func(*connection) bool) []*connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	var taken []*connection
	for id, conn := range s.conns {
		if which(conn) {
			delete(s.conns, id)
			taken = append(taken, conn)
		}
	}
	slices.SortFunc(taken, func(a, b *connection) int {
		return cmp.Or(cmp.Compare(a.since, b.since), cmp.Compare(a.stream.LocalAddr(), b.stream.LocalAddr()))
	})
	return taken
}

// stalled reports whether what was written to one of these members has not left
// this machine.
func (s *sender) stalled(to []Member) bool {
	for _, m := range to {
		s.mu.Lock()
		conn := s.conns[m.identity()]
		s.mu.Unlock()
		if conn != nil && conn.stream.Stalled() {
			return true
		}
	}
	return false
}

// connection is a sender's connection to one member. A task of its own reads
// the acknowledgements.
type connection struct {
	stream  world.Stream
	since   time.Duration // when it was made
	sent    int           // messages; the sender's
	changed world.Signal

	mu     sync.Mutex // guards memory only
	acks   int
	nacks  int
	broken error
}

// read collects acknowledgements until the connection ends.
func (c *connection) read(ctx context.Context) {
	var in frames
	buf := make([]byte, 256)
	for {
		n, err := c.stream.Read(ctx, buf)
		in.add(buf[:n])
		acks, nacks := 0, 0
		for err == nil {
			content, ok, bad := in.take()
			if bad != nil {
				err = bad
			}
			if !ok {
				break
			}
			switch string(content) {
			case ackData:
				acks++
			case failAckData:
				nacks++
			}
		}
		c.mu.Lock()
		c.acks += acks
		c.nacks += nacks
		c.broken = err
		c.mu.Unlock()
		c.changed.Set()
		if err != nil {
			return
		}
	}
}

// reset forgets acknowledgements of earlier messages.
func (c *connection) reset() {
	c.mu.Lock()
	c.acks, c.nacks = 0, 0
	c.mu.Unlock()
}

// ended is why the connection can carry no more, nil while it can.
func (c *connection) ended() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken
}

func (c *connection) awaitAck(ctx context.Context) error {
	for {
		c.mu.Lock()
		acks, nacks, broken := c.acks, c.nacks, c.broken
		c.mu.Unlock()
		switch {
		case acks > 0:
			return nil
		case nacks > 0:
			return ErrRemoteProcess
		case broken != nil:
			return broken
		}
		if err := c.changed.Wait(ctx); err != nil {
			return err
		}
	}
}
