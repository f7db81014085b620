package delta

import (
	"strings"
	"testing"

	"sessionlab/sessions"
)

// The sizes are those of XByteBuffer.serialize of Tomcat 10.1.60 for the same
// messages on Java 17.
func TestMessagesAreAsLongAsTomcats(t *testing.T) {
	const (
		host = "www.test.com#"
		id   = "0123456789ABCDEF0123456789ABCDEF.tomcat1"
	)
	set := func(name, text string) sessions.Action {
		return sessions.Action{Name: name, Value: sessions.Value{Text: text, Write: 7, Writes: 1}}
	}
	isNew := sessions.Action{Property: sessions.NewProperty, New: true}
	interval := sessions.Action{Property: sessions.MaxInactiveProperty, MaxInactive: 1800}
	login := sessions.Action{Property: sessions.PrincipalProperty, Name: "alice"}
	count := func(ids ...string) []sessions.State {
		var all []sessions.State
		for i, id := range ids {
			all = append(all, sessions.State{ID: id, Created: 1700000000000, LastAccessed: 1700000000500, ThisAccessed: 1700000000700,
				MaxInactive: 1800, Valid: true, Attributes: []sessions.Attribute{{Name: "count", Value: sessions.Value{Text: [...]string{"500", "501", "502"}[i]}}}})
		}
		return all
	}
	for _, c := range []struct {
		name string
		m    message
		want int
	}{
		{"CREATED", message{kind: Created, manager: host, session: id}, 413},
		{"CREATED of another context", message{kind: Created, manager: "localhost#/shop", session: id}, 415},
		{"EXPIRED", message{kind: Expired, manager: host, session: id}, 411},
		{"ACCESSED", message{kind: Accessed, manager: host, session: id}, 413},
		{"GET_ALL", message{kind: GetAll, manager: host}, 347},
		{"TRANSFER_COMPLETE", message{kind: TransferComplete, manager: host}, 382},
		{"NOCONTEXTMANAGER", message{kind: NoContextManager, manager: host}, 369},
		{"CHANGE_ID", message{kind: ChangeID, manager: host, session: id, newID: id}, 483},
		{"DELTA of a number", message{kind: Delta, manager: host, session: id, actions: []sessions.Action{set("count", "7")}}, 581},
		{"DELTA of a text", message{kind: Delta, manager: host, session: id, actions: []sessions.Action{set("count", "x")}}, 508},
		{"DELTA of a new session", message{kind: Delta, manager: host, session: id, actions: []sessions.Action{isNew, interval, set("count", "1")}}, 694},
		{"STATE of nobody", message{kind: State, manager: host}, 462},
		{"STATE of two", message{kind: State, manager: host, states: count("x0"+id, "x1"+id)}, 845},
		{"STATE of three", message{kind: State, manager: host, states: count("x0"+id, "x1"+id, "x2"+id)}, 987},
	} {
		if got := c.m.size(); got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.name, got, c.want)
		}
	}
	for _, c := range []struct {
		name    string
		actions []sessions.Action
		want    int
	}{
		{"nothing", nil, 53},
		{"two numbers", []sessions.Action{set("count", "7"), set("n", "8")}, 170},
		{"an attribute that is removed", []sessions.Action{{Name: "count", Remove: true}}, 69},
		{"a long text", []sessions.Action{set("count", strings.Repeat("x", 2000))}, 2072},
		{"a very long text", []sessions.Action{set("count", strings.Repeat("é", 70_000))}, 140_078},
		{"the new flag", []sessions.Action{isNew}, 121},
		{"the interval", []sessions.Action{interval}, 161},
		{"interval and flag", []sessions.Action{interval, isNew}, 231},
		{"a principal", []sessions.Action{login}, 342},
		{"a principal that is removed", []sessions.Action{{Property: sessions.PrincipalProperty, Remove: true}}, 82},
	} {
		m := message{kind: Delta, session: id, actions: c.actions}
		if got := m.payload(); got != c.want {
			t.Errorf("delta request of %s: %d bytes, want %d", c.name, got, c.want)
		}
	}
}

// No message is longer than Tomcat's: there is room for what only the lab sends.
func TestBodiesFitIntoTomcatsSizes(t *testing.T) {
	for _, m := range someMessages() {
		if got, most := len(m.body()), m.size(); got > most {
			t.Errorf("%v: %d bytes, Tomcat's takes %d", m.kind, got, most)
		}
	}
}

func TestIntegersAreWhatJavaPrints(t *testing.T) {
	for text, want := range map[string]bool{
		"0": true, "7": true, "-7": true, "2147483647": true, "-2147483648": true, "2147483648": false,
		"": false, "-": false, "-0": false, "07": false, "+7": false, "7 ": false, "x": false, "99999999999": false,
	} {
		if _, got := integer(text); got != want {
			t.Errorf("%q is an int: %v, want %v", text, got, want)
		}
	}
}
