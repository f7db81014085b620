package tribes

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"sessionlab/lab/world"
)

// selection is a set of connections that can be read, which a selector hands out
// in the order of a Java HashSet of their keys: by the identity hashes of these,
// which have nothing to do with the order of arrival but stay as they are, so that
// of two connections one always comes first.
// Source: Tomcat NioReceiver.java, listen; Java SelectorImpl.java, selectedKeys;
// HashMap.java.
type selection struct {
	keys    []*inbound // in the order in which they could be read
	buckets int        // of the set; it grows and never shrinks
}

// identityHash is the identity hash code of a new object, 31 bits, spread as
// HashMap does.
func identityHash(k world.Key) uint32 {
	h := uint32(k.Float() * (1 << 31))
	return h ^ h>>16
}

// take empties the selection into room, in the order of the set.
func (s *selection) take(room []*inbound) []*inbound {
	s.buckets = max(s.buckets, 16)
	for len(s.keys) > s.buckets*3/4 {
		s.buckets *= 2
	}
	room = append(room, s.keys...)
	s.keys = s.keys[:0]
	slices.SortStableFunc(room, func(a, b *inbound) int {
		mask := uint32(s.buckets - 1)
		return int(a.hash&mask) - int(b.hash&mask)
	})
	return room
}

// offer enters a connection for the selector if it is watched and can be read, and
// reports whether that wakes it. r.mu is held.
func (r *receiver) offer(conn *inbound) (wakes bool) {
	if !conn.watched || len(conn.unread) == 0 || r.stopped {
		return false
	}
	conn.watched, conn.since = false, r.host.Elapsed()
	r.ready.keys = append(r.ready.keys, conn)
	return len(r.ready.keys) == 1
}

// selects is the selector's thread. All that can be read by the time it runs is
// handed to threads of the pool, one after the other; where none is free, the
// selector itself waits for one. A new connection is accepted here, too: what has
// come on it is for the next round.
// Source: Tomcat NioReceiver.java, listen and readDataFromSocket; RxTaskPool.java,
// getRxTask.
func (r *receiver) selects() {
	ctx := r.channel.ctx
	var round, accepted []*inbound
	for {
		first, ok := r.awaitReady(ctx)
		if !ok {
			return
		}
		late := r.channel.pick.atSelector(first, r.channel.working(r.host.Elapsed()))
		if late > 0 && r.host.Sleep(ctx, late) != nil {
			return
		}
		r.mu.Lock()
		round = r.ready.take(round[:0])
		r.selected = len(round)
		accepted = append(accepted[:0], r.coming...)
		r.coming = r.coming[:0]
		r.mu.Unlock()
		for _, conn := range round {
			waited, err := r.takeWorker(ctx, conn.since)
			if err != nil {
				return
			}
			r.begin(conn, waited)
		}
		for _, conn := range accepted {
			r.giveBack(conn)
		}
	}
}

// awaitReady waits until a connection can be read or accepted, and returns the id of
// the message that is the first of it, or of the connection.
func (r *receiver) awaitReady(ctx context.Context) (id [16]byte, ok bool) {
	for {
		r.mu.Lock()
		switch {
		case len(r.ready.keys) > 0:
			first := r.ready.keys[0]
			id, ok = first.in.nextID(first.unread), true
		case len(r.coming) > 0:
			binary.BigEndian.PutUint32(id[:], r.coming[0].hash)
			ok = true
		}
		r.mu.Unlock()
		if ok {
			return id, true
		}
		if r.event.Wait(ctx) != nil {
			return id, false
		}
	}
}

// takeWorker waits for a thread, and returns how long if that is worth an event: the
// selector's thread notices a long wait when it runs again.
// Source: Tomcat NioReceiver.java, socketTimeouts.
func (r *receiver) takeWorker(ctx context.Context, since time.Duration) (late time.Duration, err error) {
	if !r.free.TryAcquire() {
		if err := r.free.Acquire(ctx); err != nil {
			return 0, err
		}
	}
	now := r.host.Elapsed()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.selected--
	r.threads.take(now)
	if now > since && r.looks(since, now) && now-since > r.cfg.Timeout {
		return now - since, nil
	}
	return 0, nil
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

// worker is a task that does the work of one thread after the other.
type worker struct {
	conn   *inbound
	waited time.Duration // for a thread, if that is worth an event
	room   []*received   // for the messages of the next connection
	handed world.Signal
}

// begin hands a connection to a task, a new one if all have one.
func (r *receiver) begin(conn *inbound, waited time.Duration) {
	var w *worker
	r.mu.Lock()
	if last := len(r.idle) - 1; last >= 0 {
		w, r.idle = r.idle[last], r.idle[:last]
		w.conn, w.waited = conn, waited
	}
	r.mu.Unlock()
	if w != nil {
		w.handed.Set()
		return
	}
	w = &worker{conn: conn, waited: waited, handed: r.host.NewSignal()}
	r.host.Go("tribes worker", func(context.Context) {
		for {
			r.work(w)
			r.mu.Lock()
			r.idle = append(r.idle, w)
			r.mu.Unlock()
			if w.handed.Wait(r.channel.ctx) != nil {
				return
			}
		}
	})
}

// work is what one thread of the pool does with a connection that can be read.
// Source: Tomcat NioReplicationTask.java, drainChannel.
func (r *receiver) work(w *worker) {
	ctx, conn := r.channel.ctx, w.conn
	messages := r.drain(conn, w.room[:0])
	w.room = messages
	r.giveBack(conn)
	if w.waited > 0 && len(messages) > 0 {
		r.channel.watch.event(Event{Kind: ReceiverBusy, Member: messages[0].From, Detail: fmt.Sprintf("waited %v for a thread", w.waited)})
	}
	var err error
	for i, m := range messages {
		if err == nil {
			err = r.process(ctx, conn, &m.Message, i == 0)
		}
		r.channel.finish(&m.Message)
	}
	r.giveWorker()
	r.mu.Lock()
	r.spare = append(r.spare, messages...)
	r.mu.Unlock()
}

// process acknowledges and delivers one message. The thread of the first one has
// just woken the selector.
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
	if late += c.pick.inProcess(m); late > 0 {
		if err := r.host.Sleep(ctx, late); err != nil {
			return err
		}
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
