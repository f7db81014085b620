package lab

import (
	"testing"

	"sessionlab/appnode"
	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/proxy"
	"sessionlab/proxy/upstream"
	"sessionlab/sessions"
	"sessionlab/sessions/tribes"
)

func TestMessagesAreNamedInASentence(t *testing.T) {
	for _, row := range []struct {
		label world.Label
		want  string
	}{
		{world.Label{Kind: "DELTA", Key: "B01DC5DE2C4414FE757E9E4B85AC762C"}, "a DELTA of B01DC5DE"},
		{world.Label{Kind: "ACCESSED", Key: "S1.tomcat1"}, "an ACCESSED of S1.tomcat1"},
		{world.Label{Kind: "EXPIRED", Key: "S1"}, "an EXPIRED of S1"},
		{world.Label{Kind: "GET_ALL"}, "a GET_ALL"},
	} {
		if got := aMessage(row.label); got != row.want {
			t.Errorf("aMessage(%v) = %q, want %q", row.label, got, row.want)
		}
	}
}

func TestListenersSayWhatTheyHear(t *testing.T) {
	for _, row := range []struct {
		event       sessions.Event
		text, class string
	}{
		{sessions.Event{Kind: sessions.Created, Session: "S1.a"}, "a session listener of a hears sessionCreated: S1.a", "sessionCreated"},
		{sessions.Event{Kind: sessions.Renamed, Session: "S1.a", NewID: "S1.b"}, "a session id listener of a hears sessionIdChanged: S1.a is S1.b now", "sessionIdChanged"},
		{sessions.Event{Kind: sessions.AttributeAdded, Session: "S1.a", Attribute: "cart"}, "an attribute listener of a hears attributeAdded: S1.a cart", "attributeAdded"},
		{sessions.Event{}, "", ""},
	} {
		text, class := heard(appnode.Event{Node: "a", Event: row.event})
		if text != row.text || class != row.class {
			t.Errorf("heard(%+v) = %q, %q, want %q, %q", row.event, text, class, row.text, row.class)
		}
	}
}

func TestAnAnswerToAForgottenRequestCountsForNothing(t *testing.T) {
	var d demand
	d.answered()
	d.pending.Add(2)
	d.answered()
	if got := d.pending.Load(); got != 1 {
		t.Errorf("%d requests pending of two, one answered and one answer too many before, want 1", got)
	}
}

// Messages that never arrive are forgotten when there are too many of them.
func TestMessagesThatNeverArriveTakeBoundedRoom(t *testing.T) {
	w := sim.New(sim.Config{Seed: 1})
	defer w.Close()
	f := proxy.Front{Servers: []upstream.Server{upstream.NewServer("172.16.12.101:8080")}}
	l, err := New(w, Plan{Nodes: []NodePlan{{Name: "a"}}, Proxy: f.Config()})
	if err != nil {
		t.Fatal(err)
	}
	for i := range mostParcels + 10 {
		l.handed("a", &tribes.Event{ID: [16]byte{byte(i), byte(i >> 8), byte(i >> 16)}, Members: 1})
	}
	if got := len(l.parcels); got > mostParcels {
		t.Errorf("%d messages are kept, want %d at most", got, mostParcels)
	}
}
