package sessions

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"sessionlab/lab/world"
)

// ErrTooMany is what creating a session gives beyond maxActiveSessions, Tomcat's
// TooManyActiveSessionsException. Applications let it become a 500.
var ErrTooMany = errors.New("too many active sessions")

// NoSessions is the MaxActiveSessions that allows no session, Tomcat's 0.
const NoSessions = -1

// Config is the configuration that every manager has. The zero value is Tomcat's
// default.
type Config struct {
	// JvmRoute is appended to the ids drawn here; "" appends nothing.
	JvmRoute string
	// MaxInactiveInterval is given to new sessions, in whole seconds. Zero is
	// DefaultMaxInactiveInterval; below zero sessions never expire.
	MaxInactiveInterval time.Duration
	// MaxActiveSessions is how many sessions may be held when one is created
	// here. Zero: no limit; NoSessions: none at all.
	MaxActiveSessions int
	// ProcessExpiresFrequency is how many background ticks lie between two
	// scans for expired sessions; zero is 6.
	ProcessExpiresFrequency int
	// SessionIDLength is how many random bytes are in the ids drawn here. Zero is
	// DefaultSessionIDLength. A short one is drawn twice before long.
	SessionIDLength int
	// RedrawIDs has an id that is in use on this node drawn again; see
	// Release.RedrawsIDs.
	RedrawIDs bool
	// SessionAttributeNameFilter, if not nil, must match the name of an attribute
	// for it to leave the node: to be replicated, or saved at a stop. Tomcat's
	// matches whole names: ^(?:...)$.
	// Source: Tomcat ManagerBase.java, willAttributeDistribute.
	SessionAttributeNameFilter *regexp.Regexp
	// Access says what counts as the last use.
	Access AccessRule
	// Listeners says that the application has attribute listeners, and its context
	// container listeners: the observer hears what they hear, too.
	Listeners bool
}

// ManagerBase is what every manager shares: the table of the sessions that one
// node holds, ids, the limit, and figures. Managers embed it.
// Source: Tomcat ManagerBase.java.
type ManagerBase struct {
	host    world.Host
	cfg     Config
	booted  time.Duration
	observe func(Event)

	mu       sync.Mutex
	held     map[string]*Session
	nameless int // ids drawn for nameless requests
	ticks    int
	figures  Figures
}

// Figures count what a manager has done since it was made.
type Figures struct {
	Active     int // sessions held now
	MaxActive  int // most sessions held at one time
	Created    int // sessions created here
	Expired    int // sessions ended here, by time or by the application
	Rejected   int // sessions not created because of maxActiveSessions
	Duplicates int // drawn ids that were in use here already
}

// NewManagerBase returns a base without sessions for a node on h.
func NewManagerBase(h world.Host, cfg Config) *ManagerBase {
	if cfg.MaxInactiveInterval == 0 {
		cfg.MaxInactiveInterval = DefaultMaxInactiveInterval
	}
	if cfg.SessionIDLength == 0 {
		cfg.SessionIDLength = DefaultSessionIDLength
	}
	if cfg.ProcessExpiresFrequency <= 0 {
		cfg.ProcessExpiresFrequency = 6
	}
	return &ManagerBase{host: h, cfg: cfg, booted: h.Elapsed(), held: map[string]*Session{}}
}

// Observe sets the function that is called with every event, in the task that
// causes it. One observer; set it before Start.
func (m *ManagerBase) Observe(f func(Event)) { m.observe = f }

// Emit tells the observer, if there is one.
func (m *ManagerBase) Emit(e Event) {
	if m.observe != nil {
		m.observe(e)
	}
}

// Config is the configuration with its defaults filled in.
func (m *ManagerBase) Config() Config { return m.cfg }

// JvmRoute is this node's route, "" for none.
func (m *ManagerBase) JvmRoute() string { return m.cfg.JvmRoute }

// Distributes reports whether an attribute may leave the node.
func (c *Config) Distributes(attribute string) bool {
	return c.SessionAttributeNameFilter == nil || c.SessionAttributeNameFilter.MatchString(attribute)
}

// Distributable takes the attributes that may not leave the node out of a state.
func (c *Config) Distributable(st *State) {
	if c.SessionAttributeNameFilter != nil {
		st.Attributes = slices.DeleteFunc(st.Attributes, func(a Attribute) bool { return !c.Distributes(a.Name) })
	}
}

// Lookup is the session held under an id, valid or not; nil if there is none.
func (m *ManagerBase) Lookup(id string) *Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.held[id]
}

// Listen makes the observer hear of changes of a session's attributes, if the
// application listens. Call it before the session is held.
func (m *ManagerBase) Listen(s *Session) {
	if m.cfg.Listeners {
		s.listener = m.Emit
	}
}

// Put holds a session under its id, whatever the limit says, and returns the
// one that was held there before, or nil.
func (m *ManagerBase) Put(s *Session) *Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := s.ID()
	old := m.held[id]
	m.held[id] = s
	m.figures.MaxActive = max(m.figures.MaxActive, len(m.held))
	return old
}

// Remove gives a session up. It reports whether it was held.
func (m *ManagerBase) Remove(s *Session) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := s.ID()
	if m.held[id] != s {
		return false
	}
	delete(m.held, id)
	return true
}

// Rename holds a session under a new id; a session that was held there is
// dropped. It reports whether the session was held at all.
func (m *ManagerBase) Rename(s *Session, newID string) bool {
	return m.RenameTelling(s, newID, Notify{Session: true, Container: true})
}

// Notify says who hears of a new id: the application's session listeners, and
// the container listeners of its context.
// Source: Tomcat StandardSession.java, tellChangedSessionId.
type Notify struct{ Session, Container bool }

// RenameTelling is Rename of which not everybody hears.
func (m *ManagerBase) RenameTelling(s *Session, newID string, who Notify) bool {
	m.mu.Lock()
	old := s.ID()
	held := m.held[old] == s
	if held {
		delete(m.held, old)
		s.setID(newID)
		m.held[newID] = s
	}
	m.mu.Unlock()
	if held && who.Container && m.cfg.Listeners {
		m.Emit(Event{Kind: ContainerRenamed, Session: old, NewID: newID})
	}
	if held && who.Session {
		m.Emit(Event{Kind: Renamed, Session: old, NewID: newID})
	}
	return held
}

// Sessions are the sessions held, in order of their ids.
func (m *ManagerBase) Sessions() []*Session {
	type named struct {
		id string
		s  *Session
	}
	m.mu.Lock()
	list := make([]named, 0, len(m.held))
	for id, s := range m.held {
		list = append(list, named{id, s})
	}
	m.mu.Unlock()
	slices.SortFunc(list, func(a, b named) int { return strings.Compare(a.id, b.id) })
	all := make([]*Session, len(list))
	for i, n := range list {
		all[i] = n.s
	}
	return all
}

// Figures are the counts so far.
func (m *ManagerBase) Figures() Figures {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.figures
	f.Active = len(m.held)
	return f
}

// NewSession creates a session for a request and holds it. The session's
// recorder is not set. The error is ErrTooMany.
func (m *ManagerBase) NewSession(who *Identity) (*Session, error) {
	m.mu.Lock()
	limit := max(0, m.cfg.MaxActiveSessions)
	full := m.cfg.MaxActiveSessions != 0 && len(m.held) >= limit
	if full {
		m.figures.Rejected++
	}
	m.mu.Unlock()
	if full {
		limit = max(0, limit)
		m.Emit(Event{Kind: Rejected, Detail: fmt.Sprintf("%d sessions are active", limit)})
		return nil, fmt.Errorf("createSession: %w: the limit is %d", ErrTooMany, limit)
	}
	s := New(m.Draw(who), m.host.Now(), m.cfg.MaxInactiveInterval, m.cfg.Access)
	m.Listen(s)
	m.Put(s)
	m.mu.Lock()
	m.figures.Created++
	m.mu.Unlock()
	return s, nil
}

// collisionFree is the length in bytes from which on nobody draws an id twice. One
// that is in use belongs to the same request, which has come twice: it draws again.
const collisionFree = 8

// Draw returns an id, with RedrawIDs one that no session is held under. It depends
// on the node's name, the request and the number of the draw within it; for a
// nameless request on the time of the node's start and a count.
func (m *ManagerBase) Draw(who *Identity) string {
	for {
		var id string
		if who.Request != "" {
			id = NewID(m.host.Rand("session id", m.host.Name(), who.Request, who.Drawn), m.cfg.SessionIDLength, m.cfg.JvmRoute)
			who.Drawn++
		} else {
			m.mu.Lock()
			m.nameless++
			n := m.nameless
			m.mu.Unlock()
			id = NewID(m.host.Rand("nameless session id", m.host.Name(), int64(m.booted), n), m.cfg.SessionIDLength, m.cfg.JvmRoute)
		}
		m.mu.Lock()
		_, taken := m.held[id]
		if taken {
			m.figures.Duplicates++
		}
		m.mu.Unlock()
		if !taken || !m.cfg.RedrawIDs && m.cfg.SessionIDLength < collisionFree {
			return id
		}
	}
}

// Ended counts a session that was ended here under an id, and unless kind is 0
// tells the observer; attribute listeners hear of its attributes afterwards.
// Source: Tomcat StandardSession.java, expire.
func (m *ManagerBase) Ended(s *Session, id string, kind EventKind, detail string) {
	m.mu.Lock()
	m.figures.Expired++
	m.mu.Unlock()
	if kind == 0 {
		return
	}
	m.Emit(Event{Kind: kind, Session: id, Detail: detail})
	if m.cfg.Listeners {
		var last State
		s.State(&last)
		for _, a := range last.Attributes {
			m.Emit(Event{Kind: AttributeRemoved, Session: id, Attribute: a.Name})
		}
	}
}

// ScanDue counts a background tick and reports whether it is time to look for
// expired sessions.
func (m *ManagerBase) ScanDue() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ticks = (m.ticks + 1) % m.cfg.ProcessExpiresFrequency
	return m.ticks == 0
}
