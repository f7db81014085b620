package sessions

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"
)

var t0 = time.UnixMilli(1_700_000_000_000)

func TestExpiryComparesWholeSeconds(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		idle      time.Duration
		max       time.Duration
		intervals int
		want      bool
	}{
		{idle: 1799*time.Second + 999*ms, max: 1800 * time.Second, intervals: 1, want: false},
		{idle: 1800 * time.Second, max: 1800 * time.Second, intervals: 1, want: true},
		{idle: 4999 * ms, max: 5*time.Second + 900*ms, intervals: 1, want: false},
		{idle: 5000 * ms, max: 5*time.Second + 900*ms, intervals: 1, want: true}, // the interval is cut too
		{idle: 9999 * ms, max: 5 * time.Second, intervals: 2, want: false},
		{idle: 10000 * ms, max: 5 * time.Second, intervals: 2, want: true},
		{idle: 1000 * time.Hour, max: 0, intervals: 1, want: false},
		{idle: 1000 * time.Hour, max: -1, intervals: 1, want: false},
		{idle: 1000 * time.Hour, max: -time.Second, intervals: 1, want: false},
		{idle: -time.Hour, max: time.Second, intervals: 1, want: false}, // the clock went back
	}
	for _, tt := range tests {
		s := New("A", t0, tt.max, AccessRule{})
		if got := s.Expired(t0.Add(tt.idle), tt.intervals); got != tt.want {
			t.Errorf("idle %v of %d x %v: Expired = %v, want %v", tt.idle, tt.intervals, tt.max, got, tt.want)
		}
	}
}

func TestLastUseFollowsTheAccessRule(t *testing.T) {
	// One request from 10 s to 14 s, a second one from 20 s on; interval 5 s.
	tests := []struct {
		name string
		rule AccessRule
		at   time.Duration
		want bool
	}{
		{"default counts from the end", AccessRule{}, 18 * time.Second, false},
		{"default expires after it", AccessRule{}, 19 * time.Second, true},
		{"at start counts from the start", AccessRule{LastAccessAtStart: true}, 15 * time.Second, true},
		{"activity check holds while inside", AccessRule{ActivityCheck: true}, 90 * time.Second, false},
		{"without it a long request outlives its session", AccessRule{}, 90 * time.Second, true},
	}
	for _, tt := range tests {
		s := New("A", t0, 5*time.Second, tt.rule)
		s.Access(t0.Add(10 * time.Second))
		s.EndAccess(t0.Add(14 * time.Second))
		if tt.at > 20*time.Second {
			s.Access(t0.Add(20 * time.Second))
		}
		if got := s.Expired(t0.Add(tt.at), 1); got != tt.want {
			t.Errorf("%s: Expired at %v = %v, want %v", tt.name, tt.at, got, tt.want)
		}
	}
}

func TestSessionIsNewUntilItsFirstRequestEnds(t *testing.T) {
	s := New("A", t0, time.Minute, AccessRule{})
	s.Access(t0.Add(time.Second))
	var st State
	if s.State(&st); !st.New || st.LastAccessed != t0.UnixMilli() {
		t.Errorf("during the first request: new %v, last accessed %d, want true, %d", st.New, st.LastAccessed, t0.UnixMilli())
	}
	s.EndAccess(t0.Add(2 * time.Second))
	end := t0.Add(2 * time.Second).UnixMilli()
	if s.State(&st); st.New || st.LastAccessed != end {
		t.Errorf("after it: new %v, last accessed %d, want false, %d", st.New, st.LastAccessed, end)
	}
}

type recording []Action

func (r *recording) Record(a Action) { *r = append(*r, a) }

func TestRecorderSeesChangesInOrderButNotThoseInPlace(t *testing.T) {
	s := New("A", t0, time.Minute, AccessRule{})
	var seen recording
	s.Watch(&seen)
	one := Value{Text: "pen", Write: 7, Writes: 1}
	check(t, s.SetAttribute("cart", one))
	if _, found, err := s.Mutate("cart", "book", 8); !found || err != nil {
		t.Fatalf("Mutate = %v, %v, want true, nil", found, err)
	}
	s.SetPrincipal("alice")
	s.SetMaxInactive(90 * time.Second)
	s.SetNew(false)
	check(t, s.RemoveAttribute("cart"))
	check(t, s.RemoveAttribute("cart")) // not there any more: no action
	s.SetPrincipal("")
	s.Access(t0)
	s.EndAccess(t0)

	want := recording{
		{Property: AttributeProperty, Name: "cart", Value: one},
		{Property: PrincipalProperty, Name: "alice"},
		{Property: MaxInactiveProperty, MaxInactive: 90},
		{Property: NewProperty},
		{Property: AttributeProperty, Name: "cart", Remove: true},
		{Property: PrincipalProperty, Remove: true},
	}
	if !slices.Equal(seen, want) {
		t.Errorf("recorded %v, want %v", seen, want)
	}
}

func TestAppliedActionsMakeTheSameCopy(t *testing.T) {
	one, other := New("A", t0, time.Minute, AccessRule{}), New("A", t0, time.Minute, AccessRule{})
	var seen, echo recording
	one.Watch(&seen)
	other.Watch(&echo)
	check(t, one.SetAttribute("b", Value{Text: "1"}))
	check(t, one.SetAttribute("a", Value{Text: "2", Write: 2, Writes: 1}))
	check(t, one.SetAttribute("b", Value{Text: "3"}))
	check(t, one.SetAttribute("c", Value{Text: "4"}))
	check(t, one.RemoveAttribute("c"))
	one.SetPrincipal("alice")
	one.SetMaxInactive(time.Hour)
	one.SetNew(false)
	other.Apply(seen...)

	var a, b State
	one.State(&a)
	other.State(&b)
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("the copy is %v, want %v", b, a)
	}
	if len(echo) != 0 {
		t.Errorf("the copy recorded %v, want nothing", echo)
	}
}

func TestMutateChangesTheObjectInPlace(t *testing.T) {
	s := New("A", t0, time.Minute, AccessRule{})
	if _, found, err := s.Mutate("cart", "book", 8); found || err != nil {
		t.Errorf("Mutate of nothing = %v, %v, want false, nil", found, err)
	}
	check(t, s.SetAttribute("cart", Value{Text: "pen", Write: 7, Writes: 1}))
	if _, _, err := s.Mutate("cart", "book", 8); err != nil {
		t.Fatal(err)
	}
	want := Value{Text: "book", Write: 8, Writes: 2}
	if got, ok, err := s.Attribute("cart"); got != want || !ok || err != nil {
		t.Errorf("Attribute = %v, %v, %v, want %v, true, nil", got, ok, err, want)
	}
}

func TestEndedSessionRefusesItsAttributes(t *testing.T) {
	s := New("A", t0, time.Minute, AccessRule{})
	if !s.End() || s.End() {
		t.Error("End reported other than true once")
	}
	_, _, err := s.Attribute("a")
	_, _, mutate := s.Mutate("a", "", 0)
	for _, err := range []error{err, mutate, s.SetAttribute("a", Value{}), s.RemoveAttribute("a")} {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("using an ended session: error %v, want %v", err, ErrInvalid)
		}
	}
}

func TestRestoredSessionSharesNothing(t *testing.T) {
	s := New("A", t0, time.Minute, AccessRule{})
	check(t, s.SetAttribute("a", Value{Text: "1"}))
	var st State
	s.State(&st)
	twin := Restore(st, AccessRule{})
	check(t, s.SetAttribute("a", Value{Text: "2"}))
	st.Attributes[0].Text = "3"
	if got, _, _ := twin.Attribute("a"); got.Text != "1" {
		t.Errorf("restored attribute = %q, want %q", got.Text, "1")
	}
}

func TestSessionWithThreeSmallAttributesIsSmall(t *testing.T) {
	const n = 2000
	all := make([]*Session, n)
	before := heap()
	for i := range all {
		all[i] = New(strconv.Itoa(i)+"0123456789ABCDEF0123456789ABCDEF.tomcat1", t0, time.Minute, AccessRule{})
		for _, name := range []string{"cart", "count", "user"} {
			check(t, all[i].SetAttribute(name, Value{Text: "value " + strconv.Itoa(i)}))
		}
	}
	each := (heap() - before) / n
	runtime.KeepAlive(all)
	if each > 4096 {
		t.Errorf("a session takes %d bytes, want at most 4096", each)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
