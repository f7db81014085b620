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
	local   identity
	entries []membershipEntry // longest alive first; equal ones as they came
	listed  []Member          // what Members has returned; nil if it has changed since
}

type membershipEntry struct {
	member Member
	heard  time.Time
}

// NewMembership returns an empty table for a local member.
func NewMembership(local Member) *Membership { return &Membership{local: local.identity()} }

// Alive notes that a member was heard of at now, and reports whether it is new.
// The local member is never entered.
func (t *Membership) Alive(now time.Time, m Member) (added bool) {
	if m.identity() == t.local {
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
		t.move(i)
	}
	return false
}

// Enter enters members, each another, that were heard of at now. Those that are in
// the table stay as they are.
func (t *Membership) Enter(now time.Time, members []Member) {
	known := Membership{entries: t.entries}
	for _, m := range members {
		if m.identity() != t.local && !known.Contains(m) {
			t.entries = append(t.entries, membershipEntry{m, now})
		}
	}
	t.sort()
}

func (t *Membership) sort() {
	t.listed = nil
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

// move brings the one entry that may be out of order to where sort would have it.
func (t *Membership) move(i int) {
	t.listed = nil
	for ; i > 0 && t.entries[i-1].member.AliveMs < t.entries[i].member.AliveMs; i-- {
		t.entries[i-1], t.entries[i] = t.entries[i], t.entries[i-1]
	}
	for ; i+1 < len(t.entries) && t.entries[i+1].member.AliveMs > t.entries[i].member.AliveMs; i++ {
		t.entries[i], t.entries[i+1] = t.entries[i+1], t.entries[i]
	}
}

// Remove takes a member out and reports whether it was there.
func (t *Membership) Remove(m Member) bool {
	i := t.index(m)
	if i < 0 {
		return false
	}
	t.entries, t.listed = slices.Delete(t.entries, i, i+1), nil
	return true
}

// Expire takes out and returns the members not heard of for more than dropTime
// before now. A wall clock that jumps ahead expires everybody.
func (t *Membership) Expire(now time.Time, dropTime time.Duration) (expired []Member) {
	kept := t.entries[:0]
	for _, e := range t.entries {
		if now.Sub(e.heard) <= dropTime {
			kept = append(kept, e)
		} else {
			expired = append(expired, e.member)
		}
	}
	if expired != nil {
		clear(t.entries[len(kept):])
		t.entries, t.listed = kept, nil
	}
	return expired
}

// Contains reports whether a member is in the table.
func (t *Membership) Contains(m Member) bool { return t.index(m) >= 0 }

// Members returns the members, longest alive first. Others may have got the same
// slice: it stays as it is, whatever happens to the table, and must not be
// changed.
func (t *Membership) Members() []Member {
	if t.listed == nil && len(t.entries) > 0 {
		t.listed = make([]Member, len(t.entries))
		for i := range t.entries {
			t.listed[i] = t.entries[i].member
		}
	}
	return t.listed
}

func (t *Membership) index(m Member) int {
	for i := range t.entries {
		if t.entries[i].member.same(&m) {
			return i
		}
	}
	return -1
}
