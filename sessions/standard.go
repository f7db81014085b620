package sessions

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"sessionlab/lab/world"
)

// StandardConfig configures a StandardManager.
type StandardConfig struct {
	Config
	// Pathname is the file on the node's disk that sessions are saved to at a
	// graceful stop; "" saves nothing. The default is the release's, see
	// Release.Pathname.
	Pathname string
	// PersistAuthentication saves who is logged in, too. Otherwise a session that
	// has been saved is anonymous when it is back.
	// Source: Tomcat StandardSession.java, doWriteObject.
	PersistAuthentication bool
}

// StandardManager keeps sessions in the memory of one node. A graceful stop
// writes them to a file, the next start reads and deletes it; a kill loses
// them. Make it with NewStandardManager.
// Source: Tomcat StandardManager.java.
type StandardManager struct {
	*ManagerBase
	host world.Host
	cfg  StandardConfig
}

// NewStandardManager returns a manager without sessions for a node on h.
func NewStandardManager(h world.Host, cfg StandardConfig) *StandardManager {
	return &StandardManager{ManagerBase: NewManagerBase(h, cfg.Config), host: h, cfg: cfg}
}

// Start reads the file and deletes it, readable or not. A file that cannot be
// read loses the sessions in it and does not keep the node from starting.
func (m *StandardManager) Start(context.Context) error {
	if m.cfg.Pathname == "" {
		return nil
	}
	data, err := m.host.Disk().ReadFile(m.cfg.Pathname)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load sessions from %s: %w", m.cfg.Pathname, err)
	}
	states, err := DecodeList(data)
	if err != nil {
		m.Emit(Event{Kind: LoadFailed, Detail: m.cfg.Pathname + ": " + err.Error()})
	}
	for _, st := range states {
		if !st.Valid {
			continue
		}
		s := Restore(st, m.Config().Access)
		m.Listen(s)
		m.Put(s)
		m.Emit(Event{Kind: Loaded, Session: st.ID, Detail: m.cfg.Pathname})
	}
	if err := m.host.Disk().Remove(m.cfg.Pathname); err != nil {
		return fmt.Errorf("delete %s: %w", m.cfg.Pathname, err)
	}
	return nil
}

// Stop writes the sessions to the file and gives them up. Without sessions
// there is no file; without a pathname, or if the file cannot be written, the
// sessions expire.
func (m *StandardManager) Stop(context.Context) error {
	all := m.Sessions()
	saved := m.cfg.Pathname != "" && len(all) > 0
	var failed error
	if saved {
		states := make([]State, len(all))
		for i, s := range all {
			s.State(&states[i])
			m.cfg.Distributable(&states[i])
			if !m.cfg.PersistAuthentication {
				states[i].Principal = ""
			}
		}
		if err := m.host.Disk().WriteFile(m.cfg.Pathname, AppendList(nil, states)); err != nil {
			saved = false
			failed = fmt.Errorf("save sessions to %s: %w", m.cfg.Pathname, err)
			m.Emit(Event{Kind: SaveFailed, Detail: m.cfg.Pathname + ": " + err.Error()})
		}
	}
	for _, s := range all {
		id := s.ID()
		if !s.End() {
			continue
		}
		m.Remove(s)
		if saved {
			m.Emit(Event{Kind: Saved, Session: id, Detail: m.cfg.Pathname})
		} else {
			m.Ended(s, id, Expired, "the node has stopped")
		}
	}
	return failed
}

// Find is the valid session with this id, or nil. One whose interval has passed
// expires here.
func (m *StandardManager) Find(_ context.Context, id string) *Session {
	s := m.Lookup(id)
	if s == nil || !s.Valid() || m.expired(s) {
		return nil
	}
	return s
}

// Create creates a session for a request. The error is ErrTooMany.
func (m *StandardManager) Create(_ context.Context, who *Identity) (*Session, error) {
	s, err := m.NewSession(who)
	if err != nil {
		return nil, err
	}
	m.Emit(Event{Kind: Created, Session: s.ID()})
	return s, nil
}

// Rotate gives a session a new id. The error is ErrInvalid.
func (m *StandardManager) Rotate(_ context.Context, s *Session, who *Identity) (newID string, err error) {
	newID = m.Draw(who)
	if !m.Rename(s, newID) {
		return "", fmt.Errorf("changeSessionId: %w", ErrInvalid)
	}
	return newID, nil
}

// Invalidate ends a session at the application's wish. The error is ErrInvalid.
func (m *StandardManager) Invalidate(_ context.Context, s *Session) error {
	if !m.end(s, Invalidated, "") {
		return fmt.Errorf("invalidate: %w", ErrInvalid)
	}
	return nil
}

// Background is one tick of the node's background thread. Every
// processExpiresFrequency ticks it ends the sessions whose interval has passed.
func (m *StandardManager) Background(context.Context) {
	if !m.ScanDue() {
		return
	}
	for _, s := range m.Sessions() {
		m.expired(s)
	}
}

// expired ends the session if its interval has passed.
func (m *StandardManager) expired(s *Session) bool {
	if !s.Expired(m.host.Now(), 1) {
		return false
	}
	m.end(s, Expired, fmt.Sprintf("idle for %v", s.MaxInactive()))
	return true
}

func (m *StandardManager) end(s *Session, kind EventKind, detail string) bool {
	id := s.ID()
	if !s.End() {
		return false
	}
	m.Remove(s)
	m.Ended(s, id, kind, detail)
	return true
}
