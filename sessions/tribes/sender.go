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

	under context.Context    // that of the deliveries; ends when a send has failed
	end   context.CancelFunc // of under

	fresh bool   // it has not been lent before
	room  []byte // for the frame of a message that is written at once

	mu    sync.Mutex // guards memory only
	conns []*connection
}

func newSender(h world.Host, cfg SenderConfig, w *watch) *sender {
	s := &sender{host: h, cfg: cfg, watch: w, happened: h.NewSignal()}
	s.under, s.end = h.WithCancel(context.Background())
	return s
}

// sending is the way of one message to all its destinations.
type sending struct {
	ctx   context.Context // of the deliveries
	m     *Message
	frame []byte
	start time.Duration

	mu         sync.Mutex // guards memory only
	deliveries []delivery
}

// delivery is the way of one message to one destination.
type delivery struct {
	to    Member
	stage error // what it is called if the time is over now
	done  bool
	err   error
}

// send writes m to every destination. A time limit that passes is noticed only
// after something has happened, or after the select timeout: a destination that
// keeps silent costs the select timeout, not the time limit. After any failure
// all connections of this sender are closed.
func (s *sender) send(ctx context.Context, to []Member, m *Message) error {
	var way *sending
	frame := appendMessageFrame(s.room[:0], m)
	s.room = nil
	for i := range to {
		tried, err := s.writeNow(&to[i], m, frame)
		if tried && err == nil {
			continue
		}
		if way == nil {
			way = &sending{ctx: s.under, m: m, frame: frame, start: s.host.Elapsed(), deliveries: make([]delivery, 0, len(to))}
		}
		way.deliveries = append(way.deliveries, delivery{to: to[i], stage: ErrConnectTimeout, err: err})
	}
	if way == nil {
		s.room = frame
		return nil
	}
	for i := range way.deliveries {
		s.host.Go("tribes sender", func(context.Context) { s.deliver(way, i) })
	}
	for way.open() && s.host.Elapsed()-way.start < s.cfg.Timeout {
		// A select that times out is as good as one that something has ended.
		err := s.happened.WaitWithin(ctx, s.cfg.SelectTimeout)
		if err != nil && (err != context.DeadlineExceeded || ctx.Err() != nil) {
			s.giveUp()
			return err
		}
	}
	failed := way.failed()
	if failed == nil {
		return nil
	}
	s.giveUp()
	return failed
}

// writeNow is the first attempt to send where that takes no time: nobody is to
// be dialled, there is room, and no answer is waited for.
func (s *sender) writeNow(to *Member, m *Message, frame []byte) (tried bool, err error) {
	if m.Options&UseAck != 0 {
		return false, nil
	}
	conn := s.connection(to)
	if conn == nil || !conn.stream.Writable() {
		return false, nil
	}
	return true, conn.write(s.under, m, frame)
}

// open reports whether a destination has neither got the message nor failed.
func (w *sending) open() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.deliveries {
		if !w.deliveries[i].done {
			return true
		}
	}
	return false
}

// failed are the destinations that did not get the message, nil if all did; first
// those that failed, then those that took too long.
func (w *sending) failed() *ChannelError {
	w.mu.Lock()
	defer w.mu.Unlock()
	var faulty, late []FaultyMember
	for i := range w.deliveries {
		switch d := &w.deliveries[i]; {
		case !d.done:
			late = append(late, FaultyMember{d.to, d.stage})
		case d.err != nil:
			faulty = append(faulty, FaultyMember{d.to, d.err})
		}
	}
	if faulty = append(faulty, late...); faulty == nil {
		return nil
	}
	return &ChannelError{faulty}
}

// giveUp ends the deliveries under way and closes all connections.
func (s *sender) giveUp() {
	s.end()
	s.disconnect()
	s.under, s.end = s.host.WithCancel(context.Background())
}

// deliver sends to one destination, again on a new connection after an error. An
// attempt may have failed before.
func (s *sender) deliver(way *sending, i int) {
	ctx, to, err := way.ctx, way.deliveries[i].to, way.deliveries[i].err
	if err == nil {
		err = s.attempt(ctx, to, way, i)
	}
	for n := 0; err != nil && ctx.Err() == nil && n < s.cfg.MaxRetryAttempts; n++ {
		s.watch.event(Event{Kind: SendRetried, Member: to, Label: way.m.Label, Err: err})
		s.drop(to)
		s.happened.Set()
		err = s.attempt(ctx, to, way, i)
	}
	way.mu.Lock()
	way.deliveries[i].done, way.deliveries[i].err = true, err
	way.mu.Unlock()
	s.happened.Set()
}

// at says how far a delivery is.
func (w *sending) at(i int, stage error) {
	w.mu.Lock()
	w.deliveries[i].stage = stage
	w.mu.Unlock()
}

func (s *sender) attempt(ctx context.Context, to Member, way *sending, i int) error {
	way.at(i, ErrConnectTimeout)
	conn, err := s.connect(ctx, to)
	if err != nil {
		return err
	}
	way.at(i, ErrWriteTimeout)
	if err := conn.write(ctx, way.m, way.frame); err != nil {
		return err
	}
	s.happened.Set()
	if way.m.Options&UseAck == 0 {
		return nil
	}
	way.at(i, ErrAckTimeout)
	conn.listen(s.host)
	if err := conn.awaitAck(ctx); err != nil && !(err == ErrRemoteProcess && s.cfg.NoThrowOnFailedAck) {
		return err
	}
	conn.sent++
	return nil
}

// connect returns the connection to a member, dialling if there is none.
func (s *sender) connect(ctx context.Context, to Member) (*connection, error) {
	if conn := s.connection(&to); conn != nil {
		return conn, nil
	}
	stream, err := s.host.Dial(ctx, to.Addr())
	if err != nil {
		return nil, err
	}
	conn := &connection{to: to, stream: stream, since: s.host.Elapsed(), changed: s.host.NewSignal()}
	s.mu.Lock()
	late := ctx.Err() != nil // the sender has closed its connections meanwhile
	if !late {
		s.conns = append(s.conns, conn)
	}
	s.mu.Unlock()
	if late {
		stream.Close()
		return nil, ctx.Err()
	}
	s.happened.Set()
	return conn, nil
}

// open connects to a member, as if some messages had been sent to it. If that fails
// there is no connection, as after a failed send.
func (s *sender) open(ctx context.Context, to Member, sent int) {
	if conn, err := s.connect(ctx, to); err == nil {
		conn.sent = sent
		conn.listen(s.host)
	}
}

// connected adds its connections to how many there are, by the address of the
// member.
func (s *sender) connected(to map[string]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		if conn.ended() == nil {
			to[conn.to.Addr()]++
		}
	}
}

// connection is the one to a member, nil if there is none.
func (s *sender) connection(to *Member) *connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		if conn.to.same(to) {
			return conn
		}
	}
	return nil
}

func (s *sender) drop(to Member) {
	for _, conn := range s.takeIf(func(c *connection) bool { return c.to.Same(to) }) {
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
// used for long enough, and listens on the others.
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
	for _, conn := range s.unheard() {
		conn.listen(s.host)
	}
}

// unheard are the connections that nobody listens on.
func (s *sender) unheard() (all []*connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		if !conn.heard() {
			all = append(all, conn)
		}
	}
	return all
}

// takeIf removes and returns connections, in the order of their making.
func (s *sender) takeIf(which func(*connection) bool) []*connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	var taken []*connection
	s.conns = slices.DeleteFunc(s.conns, func(conn *connection) bool {
		if !which(conn) {
			return false
		}
		taken = append(taken, conn)
		return true
	})
	slices.SortFunc(taken, func(a, b *connection) int {
		return cmp.Or(cmp.Compare(a.since, b.since), cmp.Compare(a.stream.LocalAddr(), b.stream.LocalAddr()))
	})
	return taken
}

// stalled reports whether what was written to one of these members has not left
// this machine.
func (s *sender) stalled(to []Member) bool {
	for i := range to {
		if conn := s.connection(&to[i]); conn != nil && conn.stream.Stalled() {
			return true
		}
	}
	return false
}

// connection is a sender's connection to one member. A task of its own reads
// the acknowledgements, and the end of the connection, once it is listened on:
// when an acknowledgement is waited for, or when it is kept for a further message.
type connection struct {
	to      Member
	stream  world.Stream
	since   time.Duration // when it was made
	sent    int           // messages; the sender's
	changed world.Signal

	mu        sync.Mutex // guards memory only
	listening bool
	acks      int
	nacks     int
	broken    error
}

// listen starts the reading, unless it has begun.
func (c *connection) listen(h world.Host) {
	c.mu.Lock()
	begun := c.listening
	c.listening = true
	c.mu.Unlock()
	if !begun {
		h.Go("tribes acks", c.read)
	}
}

func (c *connection) heard() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.listening
}

// write writes a message. Without an acknowledgement nothing will be read: this is
// then the only look at the connection.
func (c *connection) write(ctx context.Context, m *Message, frame []byte) error {
	c.reset()
	if err := c.stream.Write(ctx, m.Label, frame); err != nil {
		return err
	}
	if m.Options&UseAck != 0 {
		return nil
	}
	err := c.ended()
	if err == nil {
		c.sent++
	}
	return err
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
