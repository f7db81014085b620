package sessions

import (
	"errors"
	"fmt"
	"testing"
)

func someStates() []State {
	return []State{
		{ID: "AB.n1", Created: 1_700_000_000_000, ThisAccessed: 1_700_000_000_001, LastAccessed: -5, MaxInactive: 1800,
			New: true, Valid: true, Principal: "alice", Attributes: []Attribute{
				{"cart", Value{Text: "pen\x00ü", Write: 1 << 63, Writes: 3}}, {"count", Value{Text: "12"}}}},
		{ID: "CD", MaxInactive: -1},
		{},
	}
}

func TestListSurvivesEncoding(t *testing.T) {
	for n := range 4 {
		want := someStates()[:n]
		got, err := DecodeList(AppendList(nil, want))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("list of %d decoded to %v, %v, want %v", n, got, err, want)
		}
	}
}

func TestEveryCutListIsCorrupt(t *testing.T) {
	whole := AppendList(nil, someStates())
	for n := range whole {
		if got, err := DecodeList(whole[:n]); !errors.Is(err, ErrCorrupt) || got != nil {
			t.Errorf("first %d of %d bytes: %v, %v, want nil, %v", n, len(whole), got, err, ErrCorrupt)
		}
	}
	if _, err := DecodeList(append(whole, 0)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("one byte too many: %v, want %v", err, ErrCorrupt)
	}
}

func TestAttributesOutOfOrderAreCorrupt(t *testing.T) {
	for _, names := range [][2]string{{"b", "a"}, {"a", "a"}} {
		st := State{ID: "AB", Attributes: []Attribute{{Name: names[0]}, {Name: names[1]}}}
		if _, err := DecodeState(AppendState(nil, &st)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("attributes %v: %v, want %v", names, err, ErrCorrupt)
		}
	}
}

func someActions() []Action {
	return []Action{
		{Property: AttributeProperty, Name: "cart", Value: Value{Text: "pen", Write: 7, Writes: 2}},
		{Property: AttributeProperty, Name: "cart", Remove: true},
		{Property: PrincipalProperty, Name: "alice"},
		{Property: PrincipalProperty, Remove: true},
		{Property: NewProperty, New: true},
		{Property: MaxInactiveProperty, MaxInactive: -1},
	}
}

func TestActionsSurviveEncoding(t *testing.T) {
	for n := range len(someActions()) + 1 {
		want := someActions()[:n]
		got, err := DecodeActions(AppendActions(nil, want))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%d actions decoded to %v, %v, want %v", n, got, err, want)
		}
	}
}

func FuzzDecodeList(f *testing.F) {
	f.Add(AppendList(nil, someStates()))
	f.Add(AppendList(nil, nil))
	f.Add([]byte(magic + "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		states, err := DecodeList(b)
		if err != nil {
			return
		}
		again, err := DecodeList(AppendList(nil, states))
		if err != nil || fmt.Sprint(again) != fmt.Sprint(states) {
			t.Errorf("decoded again: %v, %v, want %v", again, err, states)
		}
		for _, st := range states {
			Restore(st, AccessRule{}).Apply(someActions()...)
		}
	})
}

func FuzzDecodeActions(f *testing.F) {
	f.Add(AppendActions(nil, someActions()))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		actions, err := DecodeActions(b)
		if err != nil {
			return
		}
		again, err := DecodeActions(AppendActions(nil, actions))
		if err != nil || fmt.Sprint(again) != fmt.Sprint(actions) {
			t.Errorf("decoded again: %v, %v, want %v", again, err, actions)
		}
		New("A", t0, 0, AccessRule{}).Apply(actions...)
	})
}
