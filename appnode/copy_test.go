package appnode

import (
	"context"
	"testing"

	"sessionlab/sessions"
)

// shelf is a manager that only shows its sessions.
type shelf struct {
	Manager
	held []*sessions.Session
}

func (s *shelf) Sessions() []*sessions.Session { return s.held }

// replicating is a shelf that replicates, telling is one that knows its primary
// copies as well.
type replicating struct{ *shelf }

func (replicating) HasMembers() bool                                         { return true }
func (replicating) RequestCompleted(context.Context, *sessions.Session) bool { return true }
func (replicating) ResetReplication(*sessions.Session)                       {}

type telling struct{ replicating }

func (telling) Lookup(string) *sessions.Session  { return nil }
func (telling) Primary(s *sessions.Session) bool { return s.ID() == "A.a" }

func TestCopiesHaveTheRoleThatTheManagerTells(t *testing.T) {
	var held []*sessions.Session
	for _, id := range []string{"A.a", "B.b", "C.c"} {
		held = append(held, sessions.Restore(sessions.State{ID: id, Valid: id != "C.c"}, sessions.AccessRule{}))
	}
	s := &shelf{held: held}
	for name, c := range map[string]struct {
		manager Manager
		want    [2]Role
	}{
		"not replicating":        {s, [2]Role{Sole, Sole}},
		"replicating":            {replicating{s}, [2]Role{Replica, Replica}},
		"knowing primary copies": {telling{replicating{s}}, [2]Role{Primary, Replica}},
	} {
		copies := (&Node{manager: c.manager}).Copies()
		if len(copies) != 2 {
			t.Errorf("%s: got %d copies, want the 2 valid ones", name, len(copies))
			continue
		}
		if got := [2]Role{copies[0].Role, copies[1].Role}; got != c.want || copies[1].ID != "B.b" {
			t.Errorf("%s: got roles %v of %s and %s, want %v", name, got, copies[0].ID, copies[1].ID, c.want)
		}
	}
}
