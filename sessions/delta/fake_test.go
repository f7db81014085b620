package delta

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/sessions"
	"sessionlab/sessions/tribes"
)

// fake is a Channel to members that the test plays.
type fake struct {
	members []tribes.Member
	fail    error // what sends end with
	hear    func(context.Context, *tribes.Message)
	during  func() // runs while a send waits
	sent    []string
	last    message // the latest that was sent
	stopped bool
}

var peer = tribes.Member{Name: "tomcat2", Host: "172.16.12.102", Port: 4000}

func (f *fake) OnMessage(hear func(context.Context, *tribes.Message)) { f.hear = hear }
func (f *fake) Start(context.Context) error                           { return nil }
func (f *fake) Stop(context.Context) error                            { f.stopped = true; return nil }
func (f *fake) Members() []tribes.Member                              { return slices.Clone(f.members) }
func (f *fake) Pending() int                                          { return 0 }

func (f *fake) Status() tribes.Status { return tribes.Status{Members: f.members} }

func (f *fake) Send(_ context.Context, to []tribes.Member, m *tribes.Message) error {
	var err error
	if f.last, err = decodeBody(m.Body, "localhost#"); err != nil {
		return err
	}
	var names []string
	for _, member := range to {
		names = append(names, member.Name)
	}
	f.sent = append(f.sent, fmt.Sprintf("%s %s to %s options %d",
		m.Label.Kind, m.Label.Key, strings.Join(names, ","), m.Options))
	if during := f.during; during != nil {
		f.during = nil
		during()
	}
	return f.fail
}

// solo is one manager and what it hears and says.
type solo struct {
	*testing.T
	*fake
	m      *Manager
	ctx    context.Context
	w      *sim.World
	host   world.Host
	events []Event
	told   []string // what the manager's observer was told
}

// alone plays a story with one manager that is started, in a formed cluster of
// two unless configure says otherwise.
func alone(t *testing.T, configure func(*Config, *fake), story func(*solo)) {
	t.Helper()
	w := sim.New(sim.Config{Seed: 1})
	defer w.Close()
	err := w.Run(func(ctx context.Context) error {
		s := &solo{T: t, fake: &fake{members: []tribes.Member{peer}}, ctx: ctx, w: w}
		var err error
		if s.host, err = w.Boot("tomcat1", "172.16.12.101"); err != nil {
			return err
		}
		cfg := Config{
			Config: sessions.Config{JvmRoute: "tomcat1"}, Formed: true,
			Trace: func(e Event) { s.events = append(s.events, e) },
		}
		if configure != nil {
			configure(&cfg, s.fake)
		}
		s.m = newManager(s.host, cfg, s.fake)
		s.m.Observe(func(e sessions.Event) { s.told = append(s.told, fmt.Sprint(e.Kind, " ", e.Session, " ", e.Detail)) })
		if cfg.Formed {
			if err := s.m.Start(ctx); err != nil {
				return err
			}
		}
		story(s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// hears gives the manager a message from the peer; an empty manager name is the
// right one, a timestamp of zero is now.
func (s *solo) hears(msg message) {
	if msg.manager == "" {
		msg.manager = "localhost#"
	}
	if msg.timestamp == 0 {
		msg.timestamp = s.m.now()
	}
	s.hearsBytes(msg.body())
}

func (s *solo) hearsBytes(b []byte) { s.hear(s.ctx, &tribes.Message{Body: b, From: peer}) }

// hearsOf gives the manager a copy of a session with an attribute.
func (s *solo) hearsOf(id, name, value string) {
	s.hears(message{kind: Created, session: id})
	s.hears(message{kind: Delta, session: id, actions: []sessions.Action{set(name, value)}})
}

func set(name, value string) sessions.Action {
	return sessions.Action{Property: sessions.AttributeProperty, Name: name, Value: sessions.Value{Text: value}}
}

// create creates a session, as a request does.
func (s *solo) create() *sessions.Session {
	s.Helper()
	session, err := s.m.Create(s.ctx, &sessions.Identity{})
	if err != nil {
		s.Fatal(err)
	}
	return session
}

func (s *solo) set(session *sessions.Session, name, value string) {
	s.Helper()
	if err := session.SetAttribute(name, sessions.Value{Text: value}); err != nil {
		s.Fatal(err)
	}
}

func (s *solo) wait(d time.Duration) {
	s.Helper()
	if err := s.host.Sleep(s.ctx, d); err != nil {
		s.Fatal(err)
	}
}

// says checks the kinds of the messages sent since the last time.
func (s *solo) says(after string, want ...string) {
	s.Helper()
	var got []string
	for _, line := range s.sent {
		kind, _, _ := strings.Cut(line, " ")
		got = append(got, kind)
	}
	if !slices.Equal(got, want) {
		s.Errorf("sent after %s: %q, want %q", after, got, want)
	}
	s.sent = nil
}

// traces checks what was traced since the last time, by kind.
func (s *solo) traces(after string, want ...EventKind) {
	s.Helper()
	var got []EventKind
	for _, e := range s.events {
		got = append(got, e.Kind)
	}
	if !slices.Equal(got, want) {
		s.Errorf("traced after %s: %q, want %q", after, got, want)
	}
	s.events = nil
}

// holds checks what is held under an id, as describe says it.
func (s *solo) holds(after, id, want string) {
	s.Helper()
	got := "none"
	if held := s.m.Lookup(id); held != nil {
		got = describe(held)
	}
	if got != want {
		s.Errorf("held after %s: %q, want %q", after, got, want)
	}
}
