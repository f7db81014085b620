package delta

import (
	"errors"
	"reflect"
	"testing"

	"sessionlab/sessions"
)

func someMessages() []message {
	at := int64(1_700_000_000_000)
	states := []sessions.State{
		{ID: "AB.n1", Created: at, MaxInactive: 1800, Valid: true, Attributes: []sessions.Attribute{
			{Name: "cart", Value: sessions.Value{Text: "pen", Write: 7, Writes: 2}}}},
		{ID: "CD", MaxInactive: -1},
	}
	actions := []sessions.Action{
		{Property: sessions.AttributeProperty, Name: "cart", Value: sessions.Value{Text: "pen\x00ü", Write: 1 << 63, Writes: 3}},
		{Property: sessions.AttributeProperty, Name: "cart", Remove: true},
		{Property: sessions.MaxInactiveProperty, MaxInactive: -1},
	}
	return []message{
		{kind: Created, manager: "localhost#", session: "AB.n1", timestamp: at},
		{kind: Expired, manager: "localhost#", session: "AB.n1", timestamp: -at},
		{kind: Accessed, manager: "www.test.com#/shop", session: "AB", timestamp: at},
		{kind: GetAll, manager: "localhost#", timestamp: at},
		{kind: State, manager: "localhost#", timestamp: at, states: states},
		{kind: State, manager: "localhost#", timestamp: at},
		{kind: Delta, manager: "localhost#", session: "AB.n1", timestamp: at, actions: actions},
		{kind: TransferComplete, manager: "localhost#", timestamp: at},
		{kind: ChangeID, manager: "localhost#", session: "AB.n1", timestamp: at, newID: "AB.n2"},
		{kind: NoContextManager, timestamp: at},
		{kind: SessionID, manager: "localhost#", session: "AB.n1", timestamp: at, newID: "AB.n2"},
	}
}

func TestMessagesSurviveEncoding(t *testing.T) {
	for _, want := range someMessages() {
		got, err := decode(want.append(nil), "localhost#")
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v decoded to %+v, %v, want %+v", want.kind, got, err, want)
		}
	}
}

func TestCutMessagesAreCorrupt(t *testing.T) {
	for _, m := range someMessages() {
		whole := m.append(nil)
		fixed := len((&message{kind: NoContextManager, manager: m.manager, session: m.session, timestamp: m.timestamp}).append(nil))
		for n := range fixed { // a new id may be shorter, all else may not
			if _, err := decode(whole[:n], "localhost#"); !errors.Is(err, ErrCorrupt) {
				t.Errorf("first %d of %d bytes of %v: %v, want %v", n, len(whole), m.kind, err, ErrCorrupt)
			}
		}
	}
}

func TestWhatNoManagerWritesIsRefused(t *testing.T) {
	created := message{kind: Created, session: "AB"}
	for name, b := range map[string][]byte{
		"nothing":                 nil,
		"an unknown code":         {99},
		"a code of no kind":       {0},
		"CREATED of no session":   (&message{kind: Created}).append(nil),
		"GET_ALL about a session": (&message{kind: GetAll, session: "AB"}).append(nil),
		"CREATED with a payload":  append(created.append(nil), 0),
		"CHANGE_ID to nothing":    (&message{kind: ChangeID, session: "AB"}).append(nil),
		"DELTA with an unknown property": append((&message{kind: Delta, session: "AB"}).append(nil)[:5],
			1, 200),
		"STATE with a nameless session": (&message{kind: State, states: []sessions.State{{Valid: true}}}).append(nil),
		"a length beyond the end":       {1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
	} {
		if got, err := decode(b, "localhost#"); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %+v, %v, want %v", name, got, err, ErrCorrupt)
		}
	}
}

func TestKindsHaveTomcatsCodesAndNames(t *testing.T) {
	for _, tt := range []struct {
		kind       Kind
		code       byte
		label, log string
	}{
		{Created, 1, "CREATED", "SESSION-MODIFIED"},
		{Expired, 2, "EXPIRED", "SESSION-EXPIRED"},
		{Accessed, 3, "ACCESSED", "SESSION-ACCESSED"},
		{GetAll, 4, "GET_ALL", "SESSION-GET-ALL"},
		{State, 12, "STATE", "ALL-SESSION-DATA"},
		{Delta, 13, "DELTA", "SESSION-DELTA"},
		{TransferComplete, 14, "TRANSFER_COMPLETE", "SESSION-STATE-TRANSFERRED"},
		{ChangeID, 15, "CHANGE_ID", "SESSION-ID-CHANGED"},
		{NoContextManager, 16, "NOCONTEXTMANAGER", "NO-CONTEXT-MANAGER"},
		{kinds, 0, "?", "UNKNOWN-EVENT-TYPE"},
	} {
		if got := tt.kind.String(); got != tt.label {
			t.Errorf("label of %d = %q, want %q", tt.kind, got, tt.label)
		}
		if got := tt.kind.LogName(); got != tt.log {
			t.Errorf("log name of %v = %q, want %q", tt.kind, got, tt.log)
		}
		if tt.code != 0 && kindOf(tt.code) != tt.kind {
			t.Errorf("code %d is %v, want %v", tt.code, kindOf(tt.code), tt.kind)
		}
	}
}

func TestBodiesAreReadWithWhatFollows(t *testing.T) {
	for _, want := range someMessages() {
		got, err := decodeBody(append(want.body(), make([]byte, 100)...), "localhost#")
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v decoded to %+v, %v, want %+v", want.kind, got, err, want)
		}
	}
	for _, b := range [][]byte{nil, {0, 0, 0}, {0, 0, 0, 9, 1}, {0xff, 0xff, 0xff, 0xff}} {
		if _, err := decodeBody(b, ""); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%x: %v, want %v", b, err, ErrCorrupt)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range someMessages() {
		f.Add(m.append(nil))
	}
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decode(b, "localhost#")
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("%x: %v, want %v", b, err, ErrCorrupt)
			}
			return
		}
		again, err := decode(m.append(nil), "localhost#")
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("decoded again: %+v, %v, want %+v", again, err, m)
		}
	})
}
