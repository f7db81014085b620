package delta

import (
	"slices"
	"strings"
	"sync"

	"sessionlab/sessions"
)

// deltaSession is what a DeltaManager knows about one copy of a session beside
// the session itself. It is the session's recorder.
// Source: Tomcat DeltaSession.java, DeltaRequest.java.
type deltaSession struct {
	cfg *Config

	mu             sync.Mutex
	primary        bool
	lastReplicated int64 // milliseconds of this node's wall clock
	pending        []sessions.Action
	ending         bool
}

// of is what the manager knows about a session. A session that is just being
// created has nothing yet, and is primary.
func of(s *sessions.Session) *deltaSession {
	if d, ok := s.Recorder().(*deltaSession); ok {
		return d
	}
	return &deltaSession{primary: true}
}

// Record keeps a change for the next delta, unless it is of an attribute that does
// not leave the node. Unless all actions are recorded, it takes the place of an
// earlier one of the same name, whatever that changed.
func (d *deltaSession) Record(a sessions.Action) {
	if a.Property == sessions.AttributeProperty && !d.cfg.Distributes(a.Name) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.cfg.RecordAllActions {
		name := actionName(a)
		d.pending = slices.DeleteFunc(d.pending, func(old sessions.Action) bool { return actionName(old) == name })
	}
	d.pending = append(d.pending, a)
}

// actionName is the name that makes one action differ from another.
func actionName(a sessions.Action) string {
	switch a.Property {
	case sessions.PrincipalProperty:
		return "__SET__PRINCIPAL__"
	case sessions.NewProperty:
		return "__SET__ISNEW__"
	case sessions.MaxInactiveProperty:
		return "__SET__MAXINTERVAL__"
	}
	return a.Name
}

// actionNames is the names of a delta's actions, in their order, for a trace.
func actionNames(actions []sessions.Action) string {
	names := make([]string, len(actions))
	for i, a := range actions {
		names[i] = actionName(a)
	}
	return strings.Join(names, " ")
}

// missed reports whether the loss of these actions can be noticed: that a client
// has joined the session, each request says again.
func missed(lost []sessions.Action) bool {
	return slices.ContainsFunc(lost, func(a sessions.Action) bool { return a.Property != sessions.NewProperty })
}

// take empties the delta and returns it.
func (d *deltaSession) take() []sessions.Action {
	d.mu.Lock()
	defer d.mu.Unlock()
	actions := d.pending
	d.pending = nil
	return actions
}

// sent gives the room of a delta back that complete has returned.
func (d *deltaSession) sent(actions []sessions.Action) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pending == nil {
		d.pending = actions[:0]
	}
}

func (d *deltaSession) isPrimary() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.primary
}

// setPrimary reports what the flag was before.
func (d *deltaSession) setPrimary(primary bool) (was bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	was, d.primary = d.primary, primary
	return was
}

// beginEnd reports whether the caller is the first to end the session.
func (d *deltaSession) beginEnd() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	was := d.ending
	d.ending = true
	return !was
}

// complete is the end of a request: it decides, makes the copy primary, and
// takes the delta if that is what is sent.
func (d *deltaSession) complete(maxInactive int, now int64) (kind Kind, delta []sessions.Action, tookOver bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	kind = completed(standing{
		Dirty: len(d.pending) > 0, Primary: d.primary,
		MaxInactive: maxInactive, LastReplicated: d.lastReplicated, Now: now,
	})
	if kind == Delta {
		delta, d.pending = d.pending, nil
	}
	if kind != 0 {
		d.lastReplicated = now
	}
	tookOver, d.primary = !d.primary, true
	return kind, delta, tookOver
}

// refresh gives the actions the present values of the attributes that they set.
// In Java a delta refers to the attributes' objects: what the application has
// changed in them since is sent along.
func refresh(actions []sessions.Action, s *sessions.Session) {
	for i := range actions {
		a := &actions[i]
		again := func(later sessions.Action) bool {
			return later.Property == sessions.AttributeProperty && later.Name == a.Name
		}
		if a.Property != sessions.AttributeProperty || slices.ContainsFunc(actions[i+1:], again) {
			continue
		}
		if v, ok, err := s.Attribute(a.Name); ok && err == nil {
			a.Value = v
		}
	}
}
