package tribes

import (
	"context"
	"encoding/hex"
	"time"

	"sessionlab/lab/world"
)

// inbound is one connection, with what its selection key and its ObjectReader
// know. Where nothing else is said, the receiver's mu guards it.
type inbound struct {
	stream  world.Stream
	writing *world.Mutex // of acknowledgements, which several threads may send
	hash    uint32       // of the selection key; does not change

	unread  []byte        // what has arrived and no thread has read
	drained world.Signal  // that unread has got room
	watched bool          // the selector looks whether it can be read
	since   time.Duration // when it could be read

	// Of the thread that has the connection, while the selector does not watch it.
	in   frames
	host string // of the latest message
}

// serve takes what arrives on a connection, until its end, as the kernel does: no
// more than the receive buffer has room for.
func (r *receiver) serve(conn *inbound) {
	s := conn.stream
	defer func() {
		s.Close()
		r.mu.Lock()
		delete(r.streams, s)
		r.mu.Unlock()
	}()
	ctx := r.channel.ctx
	var buf [2 << 10]byte
	for {
		n, err := s.Read(ctx, buf[:])
		if err != nil {
			return
		}
		r.mu.Lock()
		if r.stopped {
			r.mu.Unlock()
			return
		}
		if len(conn.unread) == 0 {
			r.channel.addPending(1)
		}
		conn.unread = append(conn.unread, buf[:n]...)
		full := len(conn.unread) >= r.cfg.RxBufSize
		wakes := r.offer(conn)
		r.mu.Unlock()
		if wakes {
			r.event.Set()
		}
		for full {
			if conn.drained.Wait(ctx) != nil {
				return
			}
			r.mu.Lock()
			full = len(conn.unread) >= r.cfg.RxBufSize
			r.mu.Unlock()
		}
	}
}

// lose forgets what has arrived, and returns by how much less is pending.
func (conn *inbound) lose() (pending int) {
	if len(conn.unread) > 0 {
		pending = 1
	}
	conn.unread = nil
	return pending
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

// drain reads what a thread takes at once: pieces of the receive buffer's size,
// until a whole message is there or nothing is left. What else has arrived is for
// the next thread, which may be done with it sooner.
// Source: Tomcat NioReplicationTask.java, drainChannel.
func (r *receiver) drain(conn *inbound, messages []*received) []*received {
	for more := true; more && len(messages) == 0; {
		if more = r.readPiece(conn); !more {
			// What has been read is counted message by message.
			defer r.channel.addPending(-1)
		}
		for {
			content, ok, err := conn.in.take()
			if err != nil {
				r.refuse(conn.stream, err)
			}
			if !ok {
				break
			}
			m := r.message()
			m.From.Host = conn.host // most likely
			if err := m.decode(content); err != nil {
				r.refuse(conn.stream, err)
				continue
			}
			conn.host = m.From.Host
			r.channel.begin(&m.Message)
			messages = append(messages, m)
		}
	}
	return messages
}

// readPiece moves a piece of what has arrived to the thread, and reports whether
// more is left.
func (r *receiver) readPiece(conn *inbound) (more bool) {
	r.mu.Lock()
	n := min(len(conn.unread), r.cfg.RxBufSize)
	conn.in.add(conn.unread[:n])
	conn.unread = append(conn.unread[:0], conn.unread[n:]...)
	more = len(conn.unread) > 0
	r.mu.Unlock()
	if n == r.cfg.RxBufSize {
		conn.drained.Set()
	}
	return more
}

// giveBack has the selector watch a connection again, before the thread processes
// what it has read. Source: Tomcat NioReplicationTask.java, registerForRead.
func (r *receiver) giveBack(conn *inbound) {
	r.mu.Lock()
	conn.watched = true
	wakes := r.offer(conn)
	r.mu.Unlock()
	if wakes {
		r.event.Set()
	}
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
