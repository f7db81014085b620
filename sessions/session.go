package sessions

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// ErrInvalid is what using an invalidated session gives, Java's
// IllegalStateException.
var ErrInvalid = errors.New("session already invalidated")

// DefaultMaxInactiveInterval is the session-timeout of Tomcat's conf/web.xml.
const DefaultMaxInactiveInterval = 30 * time.Minute

// Session is one copy of a session, on one node. Its methods may be called from
// several tasks; none of them waits. Times are the node's wall clock, kept in
// milliseconds as in Tomcat, so a step of that clock expires or prolongs
// sessions.
type Session struct {
	mu       sync.Mutex
	state    State
	inside   int // requests between Access and EndAccess
	recorder Recorder
	access   AccessRule
	listener func(Event) // of changes of attributes; nil for none
}

// AccessRule says what counts as the last use of a session. The zero value is
// Tomcat's default.
// Source: Tomcat StandardSession.java; system properties up to 9.0, manager
// attributes from 10.0.
type AccessRule struct {
	// ActivityCheck keeps a session valid while a request is inside it.
	ActivityCheck bool
	// LastAccessAtStart counts idle time from the start of the request before
	// the latest, not from the start or the end of the latest.
	LastAccessAtStart bool
}

// New returns a valid, new session. maxInactive is cut to whole seconds; zero
// or less means that the session never expires.
func New(id string, now time.Time, maxInactive time.Duration, rule AccessRule) *Session {
	ms := now.UnixMilli()
	return &Session{access: rule, state: State{
		ID: id, Created: ms, ThisAccessed: ms, LastAccessed: ms,
		MaxInactive: int(maxInactive / time.Second), New: true, Valid: true,
	}}
}

// Restore returns a session with a copy of the given state.
func Restore(st State, rule AccessRule) *Session {
	st.Attributes = slices.Clone(st.Attributes)
	return &Session{access: rule, state: st}
}

// ID is the session's present id, with its route.
func (s *Session) ID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.ID
}

func (s *Session) setID(id string) (old string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, s.state.ID = s.state.ID, id
	return old
}

// Valid reports whether the session was neither invalidated nor expired. It
// does not look at the clock.
func (s *Session) Valid() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Valid
}

// SetNew sets the isNew flag, which says that the client has not yet joined the
// session, and records it.
func (s *Session) SetNew(isNew bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.do(Action{Property: NewProperty, New: isNew})
}

// MaxInactive is the interval after which the idle session expires; zero or
// less means never.
func (s *Session) MaxInactive() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Duration(s.state.MaxInactive) * time.Second
}

// SetMaxInactive sets the interval, cut to whole seconds, and records it.
func (s *Session) SetMaxInactive(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.do(Action{Property: MaxInactiveProperty, MaxInactive: int(d / time.Second)})
}

// SetPrincipal sets who is logged in, "" for nobody, and records it.
func (s *Session) SetPrincipal(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.do(Action{Property: PrincipalProperty, Name: name, Remove: name == ""})
}

// Access starts a use of the session.
func (s *Session) Access(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.ThisAccessed = now.UnixMilli()
	s.inside++
}

// EndAccess ends a use; from then on the session is not new.
func (s *Session) EndAccess(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.New = false
	if s.access.LastAccessAtStart {
		s.state.LastAccessed = s.state.ThisAccessed
		s.state.ThisAccessed = now.UnixMilli()
	} else {
		s.state.ThisAccessed = now.UnixMilli()
		s.state.LastAccessed = s.state.ThisAccessed
	}
	s.inside--
}

// Expired reports whether the session has been idle for intervals times its
// interval (1, or 2 for a copy whose owner is elsewhere): whole seconds since
// the last use have reached the interval. It changes nothing; ending the
// session is the manager's work.
func (s *Session) Expired(now time.Time, intervals int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.access.ActivityCheck && s.inside > 0 {
		return false
	}
	lastUse := s.state.ThisAccessed
	if s.access.LastAccessAtStart {
		lastUse = s.state.LastAccessed
	}
	return overdue(idleSeconds(now, lastUse), int64(s.state.MaxInactive)*int64(intervals))
}

// End invalidates the session. It reports whether it was valid until now: of
// several tasks that end a session, one gets true.
func (s *Session) End() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.state.Valid
	s.state.Valid = false
	return was
}

// Attribute reads one attribute. The error is ErrInvalid.
func (s *Session) Attribute(name string) (v Value, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.state.Valid {
		return Value{}, false, fmt.Errorf("getAttribute: %w", ErrInvalid)
	}
	if i, found := s.state.find(name); found {
		return s.state.Attributes[i].Value, true, nil
	}
	return Value{}, false, nil
}

// SetAttribute creates or replaces an attribute and records it. The error is
// ErrInvalid.
func (s *Session) SetAttribute(name string, v Value) error {
	heard, err := s.change(Action{Property: AttributeProperty, Name: name, Value: v}, "setAttribute")
	s.tell(heard, name)
	return err
}

// RemoveAttribute removes an attribute; removing one that is not there changes
// and records nothing. The error is ErrInvalid.
func (s *Session) RemoveAttribute(name string) error {
	heard, err := s.change(Action{Property: AttributeProperty, Name: name, Remove: true}, "removeAttribute")
	s.tell(heard, name)
	return err
}

// change changes an attribute, and says what its listeners are to hear.
func (s *Session) change(a Action, method string) (heard EventKind, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.state.Valid {
		return 0, fmt.Errorf("%s: %w", method, ErrInvalid)
	}
	if _, found := s.state.find(a.Name); a.Remove && !found {
		return 0, nil
	}
	return s.do(a), nil
}

// tell tells the listener of an attribute, if there is one and anything to tell.
func (s *Session) tell(heard EventKind, attribute string) {
	if s.listener != nil && heard != 0 {
		s.listener(Event{Kind: heard, Session: s.ID(), Attribute: attribute})
	}
}

// Mutate changes the object behind an attribute in place, as an application
// does that never calls setAttribute for it: this node sees the change, and no
// Recorder does. It returns what the attribute is then, and whether there is
// one; the error is ErrInvalid.
func (s *Session) Mutate(name, text string, write uint64) (v Value, found bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.state.Valid {
		return Value{}, false, fmt.Errorf("getAttribute: %w", ErrInvalid)
	}
	i, found := s.state.find(name)
	if !found {
		return Value{}, false, nil
	}
	a := &s.state.Attributes[i]
	a.Value = a.Next(text, write)
	return a.Value, true, nil
}

// Apply does what another copy recorded. Nothing is recorded here. What attribute
// listeners would hear of it is returned, not told; it is nil unless there are
// any.
func (s *Session) Apply(actions ...Action) (heard []Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range actions {
		if kind := s.state.apply(a); kind != 0 && s.listener != nil {
			heard = append(heard, Event{Kind: kind, Session: s.state.ID, Attribute: a.Name})
		}
	}
	return heard
}

// Watch sets the recorder of this session's changes; nil ends it.
func (s *Session) Watch(r Recorder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recorder = r
}

// Recorder is what Watch has set. A manager can keep what it knows about a
// session there.
func (s *Session) Recorder() Recorder {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recorder
}

// State copies the session's state into st, reusing the room in st.Attributes.
func (s *Session) State(st *State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	room := st.Attributes[:0]
	*st = s.state
	st.Attributes = append(room, s.state.Attributes...)
}

func (s *Session) do(a Action) (heard EventKind) {
	heard = s.state.apply(a)
	if s.recorder != nil {
		s.recorder.Record(a)
	}
	return heard
}

// State is everything a session is, as data. Times are milliseconds since 1970.
type State struct {
	ID string
	// Created is the creation time.
	Created int64
	// ThisAccessed is the start or the end of the latest request.
	ThisAccessed int64
	// LastAccessed is what getLastAccessedTime returns: the end of the request
	// before the present one.
	LastAccessed int64
	// MaxInactive is in seconds; zero or less means never.
	MaxInactive int
	New         bool
	Valid       bool
	// Principal is who is logged in, "" for nobody.
	Principal string
	// Attributes are in order of their names, each name once.
	Attributes []Attribute
}

func (st *State) find(name string) (int, bool) {
	return slices.BinarySearchFunc(st.Attributes, name, func(a Attribute, name string) int {
		return strings.Compare(a.Name, name)
	})
}

// apply does what an action says, and says what attribute listeners hear of it: 0
// for nothing.
func (st *State) apply(a Action) (heard EventKind) {
	switch a.Property {
	case PrincipalProperty:
		st.Principal = a.Name
		if a.Remove {
			st.Principal = ""
		}
	case NewProperty:
		st.New = a.New
	case MaxInactiveProperty:
		st.MaxInactive = a.MaxInactive
	case AttributeProperty:
		i, found := st.find(a.Name)
		switch {
		case a.Remove && found:
			st.Attributes = slices.Delete(st.Attributes, i, i+1)
			return AttributeRemoved
		case a.Remove:
		case found:
			st.Attributes[i].Value = a.Value
			return AttributeReplaced
		default:
			st.Attributes = slices.Insert(st.Attributes, i, Attribute{a.Name, a.Value})
			return AttributeAdded
		}
	}
	return 0
}
