package tribes

import (
	"slices"
	"testing"
	"time"
)

func at(seconds float64) time.Time {
	return time.Unix(0, 0).Add(time.Duration(seconds * float64(time.Second)))
}

func named(name string, aliveMs int64) Member {
	return Member{Name: name, Host: "172.16.12.101", Port: int(name[0]), AliveMs: aliveMs}
}

func names(members []Member) (s string) {
	for _, m := range members {
		s += m.Name
	}
	return s
}

func TestMembersAreOrderedByAliveTime(t *testing.T) {
	local := named("x", 0)
	table := NewMembership(local)
	for _, c := range []struct {
		member Member
		added  bool
		want   string
	}{
		{named("a", 100), true, "a"},
		{named("b", 300), true, "ba"},
		{named("c", 100), true, "bac"}, // equally long: as they came
		{named("a", 400), false, "abc"},
		{local, false, "abc"},
	} {
		if got := table.Alive(at(0), c.member); got != c.added {
			t.Errorf("Alive(%s) = %v, want %v", c.member.Name, got, c.added)
		}
		if got := names(table.Members()); got != c.want {
			t.Errorf("after %s: Members = %s, want %s", c.member.Name, got, c.want)
		}
	}
	if !table.Remove(named("b", 0)) || table.Remove(named("b", 0)) {
		t.Error("Remove of b: want true, then false")
	}
	if table.Contains(named("b", 0)) || !table.Contains(named("a", 0)) {
		t.Error("after Remove of b: want a only of the two")
	}
}

func TestSilenceExpires(t *testing.T) {
	for _, c := range []struct {
		name    string
		heard   map[string]float64 // seconds
		now     float64
		expired []string
	}{
		{"nobody", map[string]float64{"a": 0, "b": 1}, 3, nil},
		{"exactly dropTime is not too long", map[string]float64{"a": 1}, 4, nil},
		{"one", map[string]float64{"a": 0, "b": 1}, 3.001, []string{"a"}},
		{"a clock that jumps ahead expires all", map[string]float64{"a": 10, "b": 10.4}, 14, []string{"a", "b"}},
		{"a clock that jumps back expires none", map[string]float64{"a": 10}, 1, nil},
	} {
		table := NewMembership(named("x", 0))
		for name, s := range c.heard {
			table.Alive(at(s), named(name, 0))
		}
		var got []string
		for _, m := range table.Expire(at(c.now), 3*time.Second) {
			got = append(got, m.Name)
		}
		slices.Sort(got)
		if !slices.Equal(got, c.expired) {
			t.Errorf("%s: expired = %v, want %v", c.name, got, c.expired)
		}
		if left := len(table.Members()); left != len(c.heard)-len(c.expired) {
			t.Errorf("%s: %d members left", c.name, left)
		}
	}
}
