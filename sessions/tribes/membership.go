package tribes

import (
	"slices"
	"time"
)

// Membership is a table of the members that have been heard of, the local one
// left out. It has no clock: whoever uses it hands in the wall clock's time.
// Make it with NewMembership. It is not for several tasks at once.
// Source: Tomcat Membership.java.
type Membership struct {
	local   Member
	entries []membershipEntry // longest alive first; equal ones as they came
}

type membershipEntry struct {
	member Member
	heard  time.Time
}

// NewMembership returns an empty table for a local member.
func NewMembership(local Member) *Membership { return &Membership{local: local} }

// Alive notes that a member was heard of at now, and reports whether it is new.
// The local member is never entered.
func (t *Membership) Alive(now time.Time, m Member) (added bool) {
	if m.Same(t.local) {
		return false
	}
	i := t.index(m)
	if i < 0 {
		t.entries = append(t.entries, membershipEntry{m, now})
		t.sort()
		return true
	}
	e := &t.entries[i]
	e.heard = now
	if e.member.AliveMs != m.AliveMs {
		e.member.AliveMs, e.member.Command, e.member.Payload = m.AliveMs, m.Command, m.Payload
		t.sort()
	}
	return false
}

func (t *Membership) sort() {
	slices.SortStableFunc(t.entries, func(a, b membershipEntry) int {
		switch {
		case a.member.AliveMs > b.member.AliveMs:
			return -1
		case a.member.AliveMs < b.member.AliveMs:
			return 1
		}
		return 0
	})
}

// Remove takes a member out and reports whether it was there.
func (t *Membership) Remove(m Member) bool {
	i := t.index(m)
	if i < 0 {
		return false
	}
	t.entries = slices.Delete(t.entries, i, i+1)
	return true
}

// Expire takes out and returns the members not heard of for more than dropTime
// before now. A wall clock that jumps ahead expires everybody.
func (t *Membership) Expire(now time.Time, dropTime time.Duration) []Member {
	var expired []Member
	t.entries = slices.DeleteFunc(t.entries, func(e membershipEntry) bool {
		if now.Sub(e.heard) <= dropTime {
			return false
		}
		expired = append(expired, e.member)
		return true
	})
	return expired
}

// Contains reports whether a member is in the table.
func (t *Membership) Contains(m Member) bool { return t.index(m) >= 0 }

// Members returns the members, longest alive first. The slice is the caller's.
func (t *Membership) Members() []Member {
	members := make([]Member, len(t.entries))
	for i, e := range t.entries {
		members[i] = e.member
	}
	return members
}

func (t *Membership) index(m Member) int {
	id := m.identity()
	return slices.IndexFunc(t.entries, func(e membershipEntry) bool { return e.member.identity() == id })
}
