package delta

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sessionlab/lab/world"
	"sessionlab/sessions"
	"sessionlab/sessions/tribes"
)

// Manager keeps a copy of every session of the cluster. Make it with
// NewManager; it runs from Start to Stop and is not started again.
//
// The copy on which a session was used last is the primary one: it expires when
// its interval has passed, and tells everyone. Any other copy expires after two
// intervals and tells nobody, so a session whose primary node has died is
// accepted for up to twice its interval.
// Source: Tomcat DeltaSession.java, isValid.
type Manager struct {
	*sessions.ManagerBase
	host    world.Host
	cfg     Config
	release behaviour
	channel Channel

	mu       sync.Mutex
	running  bool // registered with the cluster: messages reach it
	transfer transfer
	counts   Counts
}

// NewManager returns a manager without sessions for a node on h, which has a
// channel of its own.
func NewManager(h world.Host, cfg Config) *Manager {
	channel := cfg.Tribes
	if channel.Receiver.RxBufSize == 0 {
		channel.Receiver.RxBufSize = behaviourOf(cfg.Release).rxBufSize
	}
	return newManager(h, cfg, tribes.NewChannel(h, channel))
}

func newManager(h world.Host, cfg Config, c Channel) *Manager {
	cfg = cfg.withDefaults()
	m := &Manager{
		ManagerBase: sessions.NewManagerBase(h, cfg.Config),
		host:        h, cfg: cfg, release: behaviourOf(cfg.Release), channel: c,
	}
	c.OnMessage(m.receive)
	return m
}

// Channel is what the manager talks over.
func (m *Manager) Channel() Channel { return m.channel }

// Pending is how many messages are on their way here: queued, being sent or
// processed, or waiting for the state. Zero means quiet.
func (m *Manager) Pending() int {
	m.mu.Lock()
	waiting := len(m.transfer.queue)
	m.mu.Unlock()
	return waiting + m.channel.Pending()
}

// now is the wall clock in milliseconds.
func (m *Manager) now() int64 { return m.host.Now().UnixMilli() }

// Start joins the cluster and fetches the state, before the node opens its port.
func (m *Manager) Start(ctx context.Context) error {
	if err := m.channel.Start(ctx); err != nil {
		return fmt.Errorf("start channel: %w", err)
	}
	if !m.cfg.Formed {
		if err := m.host.Sleep(ctx, m.cfg.DeployTime); err != nil {
			return fmt.Errorf("start: %w", err)
		}
	}
	m.mu.Lock()
	m.running = true
	m.mu.Unlock()
	if m.cfg.Formed {
		return nil
	}
	return m.fetchState(ctx)
}

// Stop expires every session here, and everywhere if expireSessionsOnShutdown
// is set, and leaves the cluster.
func (m *Manager) Stop(ctx context.Context) error {
	for _, s := range m.Sessions() {
		if m.valid(ctx, s) {
			m.expire(ctx, s, sessions.Expired, "the node has stopped", m.cfg.ExpireSessionsOnShutdown)
		}
	}
	m.mu.Lock()
	m.running = false
	m.mu.Unlock()
	if m.cfg.UndeployTime > 0 {
		if err := m.host.Sleep(ctx, m.cfg.UndeployTime); err != nil {
			return fmt.Errorf("stop: %w", err)
		}
	}
	if err := m.channel.Stop(ctx); err != nil {
		return fmt.Errorf("stop channel: %w", err)
	}
	return nil
}

// Find is the valid session with this id, or nil. One that has outlived its
// interval, or two of them if the primary copy is elsewhere, expires here.
func (m *Manager) Find(ctx context.Context, id string) *sessions.Session {
	if s := m.Lookup(id); s != nil && m.valid(ctx, s) {
		return s
	}
	return nil
}

// Create creates a session for a request and tells the others, before the
// application has put anything into it. The limit counts every session held
// here, whoever created it. The error is sessions.ErrTooMany.
func (m *Manager) Create(ctx context.Context, who *sessions.Identity) (*sessions.Session, error) {
	s, err := m.NewSession(who)
	if err != nil {
		return nil, err
	}
	var st sessions.State
	s.State(&st)
	m.watch(s, true,
		// What createSession sets on the new session is recorded too.
		sessions.Action{Property: sessions.NewProperty, New: true},
		sessions.Action{Property: sessions.MaxInactiveProperty, MaxInactive: st.MaxInactive})
	m.Emit(sessions.Event{Kind: sessions.Created, Session: st.ID})
	m.tellMembers(ctx, &message{kind: Created, session: st.ID, timestamp: st.Created})
	return s, nil
}

// watch starts keeping what the manager knows about a session.
func (m *Manager) watch(s *sessions.Session, primary bool, pending ...sessions.Action) {
	s.Watch(&deltaSession{
		cfg: &m.cfg, primary: primary, lastReplicated: m.now(), pending: pending,
	})
}

// Rotate gives a session a new id and tells the others at once; the changes of
// the request follow at its end. The error is sessions.ErrInvalid.
func (m *Manager) Rotate(ctx context.Context, s *sessions.Session, who *sessions.Identity) (newID string, err error) {
	newID = m.Draw(who)
	return newID, m.changeID(ctx, s, newID, ChangeID)
}

// ChangeID gives a session the id newID, here and, unless the others have no
// session under its old id, everywhere. In 7.0 changes that were not sent yet
// are lost. The error is sessions.ErrInvalid.
func (m *Manager) ChangeID(ctx context.Context, s *sessions.Session, newID string) error {
	if !m.release.valveRenames {
		return m.changeID(ctx, s, newID, ChangeID)
	}
	if lost := of(s).take(); missed(lost) {
		m.trace(DeltaDiscarded, &message{kind: SessionID, session: s.ID()}, nil, actionNames(lost))
	}
	return m.changeID(ctx, s, newID, SessionID)
}

func (m *Manager) changeID(ctx context.Context, s *sessions.Session, newID string, kind Kind) error {
	id := s.ID()
	if held := m.Lookup(id); held != nil && held != s {
		// A message has put another copy in this one's place: the tables of
		// Tomcat go by the id, so this one takes its place back.
		m.Put(s)
	}
	if !m.Rename(s, newID) {
		return fmt.Errorf("changeSessionId: %w", sessions.ErrInvalid)
	}
	m.tellMembers(ctx, &message{kind: kind, session: id, newID: newID, timestamp: m.now()})
	return nil
}

// Invalidate ends a session at the application's wish, everywhere and at once.
// The error is sessions.ErrInvalid.
func (m *Manager) Invalidate(ctx context.Context, s *sessions.Session) error {
	if !s.Valid() {
		return fmt.Errorf("invalidate: %w", sessions.ErrInvalid)
	}
	m.expire(ctx, s, sessions.Invalidated, "", true)
	return nil
}

// Background is one tick of the node's background thread. Every
// processExpiresFrequency ticks it ends the sessions whose time has passed.
func (m *Manager) Background(ctx context.Context) {
	if !m.ScanDue() {
		return
	}
	for _, s := range m.Sessions() {
		m.valid(ctx, s)
	}
}

// Primary reports whether the copy that this node holds is the primary one.
func (m *Manager) Primary(s *sessions.Session) bool { return of(s).isPrimary() }

// HasMembers reports whether there is another node to send to.
func (m *Manager) HasMembers() bool { return len(m.channel.Members()) > 0 }

// ResetReplication forgets what has changed, and makes the copy primary: whoever
// joins later gets the whole session.
func (m *Manager) ResetReplication(s *sessions.Session) {
	d := of(s)
	if lost := d.take(); missed(lost) {
		m.trace(DeltaDiscarded, &message{kind: Delta, session: s.ID()}, nil, "no members: "+actionNames(lost))
	}
	d.setPrimary(true)
}

// RequestCompleted sends what the end of a request is to send, and reports
// whether there was anything. It is about the session that is held under the id
// now: if a message has put another copy in the place of the request's session,
// what the request has changed is lost.
func (m *Manager) RequestCompleted(ctx context.Context, s *sessions.Session) (sent bool) {
	id := s.ID()
	if s = m.Lookup(id); s == nil { // a parallel request has ended it
		return false
	}
	now := m.now()
	d := of(s)
	kind, actions, tookOver := d.complete(int(s.MaxInactive()/time.Second), now)
	if tookOver {
		m.trace(TookOver, &message{session: id}, nil, "")
	}
	if kind != 0 {
		refresh(actions, s)
		m.broadcast(ctx, &message{kind: kind, session: id, timestamp: now, actions: actions})
		d.sent(actions)
	}
	return kind != 0
}

// valid reports whether the session is valid, and ends one whose time has
// passed.
func (m *Manager) valid(ctx context.Context, s *sessions.Session) bool {
	if !s.Valid() {
		return false
	}
	now := m.host.Now()
	if !s.Expired(now, 1) { // nor twice its interval
		return true
	}
	switch primary := of(s).isPrimary(); {
	case primary:
		m.expire(ctx, s, sessions.Expired, fmt.Sprintf("idle for %v", s.MaxInactive()), true)
	case s.Expired(now, 2):
		m.expire(ctx, s, sessions.Expired,
			fmt.Sprintf("idle for %v, twice its interval: the primary copy has not been heard of", 2*s.MaxInactive()), false)
	default:
		return true
	}
	return false
}

// expire ends a session here. With tell set it sends the others what has changed
// and was not sent yet and, after the session has ended here, its end.
// Source: Tomcat DeltaSession.java, expire.
func (m *Manager) expire(ctx context.Context, s *sessions.Session, kind sessions.EventKind, detail string, tell bool) {
	d := of(s)
	if !s.Valid() || !d.beginEnd() {
		return
	}
	id := s.ID()
	if held := m.Lookup(id); held != nil && tell {
		if actions := of(held).take(); len(actions) > 0 {
			refresh(actions, held)
			m.broadcast(ctx, &message{kind: Delta, session: id, timestamp: m.now(), actions: actions})
		}
	}
	s.End()
	if held := m.Lookup(id); held != nil {
		m.Remove(held) // by its id: it is this copy, or one that has replaced it
	}
	m.Ended(s, id, kind, detail)
	if tell {
		m.tellMembers(ctx, &message{kind: Expired, session: id, timestamp: m.now()})
	}
}
