package delta

import (
	"context"
	"fmt"
	"time"

	"sessionlab/sessions"
	"sessionlab/sessions/tribes"
)

// receive takes a message from the channel.
// Source: Tomcat ClusterSessionListener.java; DeltaManager.java, messageDataReceived.
func (m *Manager) receive(ctx context.Context, packed *tribes.Message) {
	msg, err := decodeBody(packed.Body, m.cfg.Name)
	if err != nil {
		m.trace(Refused, nil, &packed.From, err.Error())
		packed.Fail(err)
		return
	}
	msg.id = packed.UniqueID
	m.mu.Lock()
	here := m.running && msg.manager == m.cfg.Name
	queued := here && msg.kind.waits() && m.transfer.waiting
	if queued {
		m.transfer.queue = append(m.transfer.queue, received{msg, packed.From})
	}
	m.mu.Unlock()
	switch {
	case !here:
		m.trace(NoManager, &msg, &packed.From, msg.manager)
		if msg.kind == GetAll { // or the sender would wait for nothing
			answer := &message{kind: NoContextManager, manager: msg.manager, timestamp: m.now()}
			m.send(ctx, []tribes.Member{packed.From}, answer, m.cfg.SendOptions)
		}
	case queued:
		m.trace(Queued, &msg, &packed.From, "")
	default:
		m.handle(ctx, &msg, packed.From)
	}
}

// handle does what a message asks for.
// Source: Tomcat DeltaManager.java, messageReceived.
func (m *Manager) handle(ctx context.Context, msg *message, from tribes.Member) {
	m.count(&m.counts.Received[msg.kind])
	switch msg.kind {
	case GetAll:
		m.sendState(ctx, from)
		return
	case State:
		m.load(msg, from)
		return
	case TransferComplete, NoContextManager:
		m.transferEnded(msg)
		return
	case Created:
		m.created(msg, from)
		return
	}
	s := m.Lookup(msg.session)
	if s == nil {
		m.trace(UnknownSession, msg, &from, "")
		return
	}
	now, d := m.host.Now(), of(s)
	switch msg.kind {
	case Delta:
		// The incoming delta takes the place of the one that was being recorded
		// here, and is empty after it has been applied.
		if lost := d.take(); missed(lost) {
			m.trace(DeltaErased, msg, &from, actionNames(lost))
		}
		s.Access(now)
		heard := s.Apply(msg.actions...)
		s.EndAccess(now)
		d.setPrimary(false)
		if m.cfg.NotifyListenersOnReplication == True {
			for _, e := range heard {
				m.Emit(e)
			}
		}
	case Accessed:
		s.Access(now)
		d.setPrimary(false)
		s.EndAccess(now)
	case Expired:
		kind := sessions.Expired
		if m.cfg.NotifySessionListenersOnReplication == False {
			kind = 0 // counted, not told
		}
		m.expire(ctx, s, kind, "told by "+nameOf(from), false)
	case ChangeID:
		d.setPrimary(false)
		m.RenameTelling(s, msg.newID, sessions.Notify{
			Session:   m.cfg.NotifySessionListenersOnReplication == True,
			Container: m.cfg.NotifyContainerListenersOnReplication == True,
		})
	case SessionID:
		m.Rename(s, msg.newID)
	}
}

// created holds a new, empty copy under the id, whatever is held there: a
// CREATED that comes after its DELTA erases the attributes. The interval is this
// node's until a DELTA says otherwise.
func (m *Manager) created(msg *message, from tribes.Member) {
	now := m.host.Now()
	s := sessions.New(msg.session, time.UnixMilli(msg.timestamp), m.Config().MaxInactiveInterval, m.Config().Access)
	m.Listen(s)
	m.watch(s, false)
	s.Access(now)
	s.EndAccess(now)
	m.hold(s, msg, from)
}

// hold holds a copy that a message has brought.
func (m *Manager) hold(s *sessions.Session, msg *message, from tribes.Member) {
	id := s.ID()
	if old := m.Put(s); old != nil {
		var had sessions.State
		old.State(&had)
		about := *msg
		about.session = id
		m.trace(CopyReplaced, &about, &from, fmt.Sprintf("the one that was held had %d attributes", len(had.Attributes)))
	}
	if m.cfg.NotifySessionListenersOnReplication == True {
		m.Emit(sessions.Event{Kind: sessions.Created, Session: id, Detail: "told by " + nameOf(from)})
	}
}
