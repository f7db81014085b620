package delta

import (
	"testing"
	"time"

	"sessionlab/sessions"
)

const id = "0123456789ABCDEF0123456789ABCDEF.tomcat2"

func TestCreatedMakesAnEmptyCopyWithTheLocalInterval(t *testing.T) {
	alone(t, func(c *Config, _ *fake) { c.MaxInactiveInterval = time.Minute }, func(s *solo) {
		at := s.m.now() - 5000
		s.hears(message{kind: Created, session: id, timestamp: at})
		s.holds("CREATED", id, "replica")
		var st sessions.State
		s.m.Lookup(id).State(&st)
		want := sessions.State{ID: id, Created: at, ThisAccessed: at + 5000, LastAccessed: at + 5000, MaxInactive: 60, Valid: true}
		if st.Attributes = nil; !equalStates(st, want) {
			t.Errorf("copy = %+v, want %+v", st, want)
		}
		s.traces("CREATED")
	})
}

func equalStates(a, b sessions.State) bool {
	return string(sessions.AppendState(nil, &a)) == string(sessions.AppendState(nil, &b))
}

func TestLateCreatedErasesTheCopy(t *testing.T) {
	alone(t, nil, func(s *solo) {
		s.hearsOf(id, "cart", "pen")
		s.holds("CREATED, DELTA", id, "cart=pen replica")
		s.hears(message{kind: Created, session: id})
		s.holds("a second CREATED", id, "replica")
		s.traces("all", CopyReplaced)
	})
}

func TestDeltaForAnUnknownSessionIsDropped(t *testing.T) {
	alone(t, nil, func(s *solo) {
		s.hears(message{kind: Delta, session: id, actions: []sessions.Action{set("cart", "pen")}})
		s.holds("DELTA", id, "none")
		s.hears(message{kind: Created, session: id})
		s.holds("DELTA, CREATED", id, "replica")
		s.traces("all", UnknownSession)
	})
}

func TestUnknownSessionsAreNobodysBusiness(t *testing.T) {
	alone(t, nil, func(s *solo) {
		for _, m := range []message{
			{kind: Expired, session: id}, {kind: Accessed, session: id},
			{kind: ChangeID, session: id, newID: "AB.tomcat2"}, {kind: SessionID, session: id, newID: "AB.tomcat2"},
		} {
			s.hears(m)
			s.traces(m.kind.String(), UnknownSession)
		}
		s.holds("CHANGE_ID", "AB.tomcat2", "none")
	})
}

func TestIncomingDeltaErasesThePendingOne(t *testing.T) {
	for _, tt := range []struct {
		name       string
		meanwhile  message
		says       string
		stays      string
		traces     []EventKind
		afterwards string
	}{
		{"nothing", message{}, "DELTA", "k1=a primary", nil, "k1=a primary"},
		{"a DELTA", message{kind: Delta, actions: []sessions.Action{set("k2", "b")}},
			"ACCESSED", "k1=a k2=b replica", []EventKind{DeltaErased, TookOver}, "k1=a k2=b primary"},
		{"an ACCESSED", message{kind: Accessed}, "DELTA", "k1=a replica", []EventKind{TookOver}, "k1=a primary"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			alone(t, nil, func(s *solo) {
				session := s.create()
				s.m.RequestCompleted(s.ctx, session)
				s.sent = nil

				s.set(session, "k1", "a") // a slow request is at work
				if tt.meanwhile.kind != 0 {
					tt.meanwhile.session = session.ID()
					s.hears(tt.meanwhile)
				}
				s.holds(tt.name, session.ID(), tt.stays)
				s.m.RequestCompleted(s.ctx, session)
				s.says(tt.name, tt.says)
				s.traces(tt.name, tt.traces...)
				s.holds("the request", session.ID(), tt.afterwards)
			})
		})
	}
}

func TestErasedJoinIsSentAsAccessedAndNotTold(t *testing.T) {
	alone(t, nil, func(s *solo) {
		session := s.create()
		s.m.RequestCompleted(s.ctx, session)
		s.sent = nil
		session.SetNew(false) // a request has joined the session
		s.hears(message{kind: Delta, session: session.ID(), actions: []sessions.Action{set("k2", "b")}})
		s.m.RequestCompleted(s.ctx, session)
		s.says("the end of the request", "ACCESSED")
		s.traces("the end of the request", TookOver)
	})
}

func TestDeltasOfTwoNodesMergePerAttribute(t *testing.T) {
	alone(t, nil, func(s *solo) {
		s.hearsOf(id, "k1", "a")
		s.hears(message{kind: Delta, session: id, actions: []sessions.Action{set("k2", "b")}})
		s.hears(message{kind: Delta, session: id, actions: []sessions.Action{set("k1", "c")}})
		s.holds("three deltas", id, "k1=c k2=b replica")
	})
}

func TestIntervalTravelsWithTheFirstDelta(t *testing.T) {
	alone(t, func(c *Config, _ *fake) { c.MaxInactiveInterval = time.Hour }, func(s *solo) {
		session := s.create()
		s.m.RequestCompleted(s.ctx, session)
		if got := actionNames(s.last.actions); got != "__SET__ISNEW__ __SET__MAXINTERVAL__" {
			t.Errorf("first delta of an untouched session: %q", got)
		}
		sent := s.last
		sent.session = id
		s.hears(message{kind: Created, session: id})
		s.hears(sent)
		var st sessions.State
		if s.m.Lookup(id).State(&st); st.New || st.MaxInactive != 3600 {
			t.Errorf("copy is new %v, interval %d s, want false, 3600", st.New, st.MaxInactive)
		}
	})
}

func TestCopyWithAnotherNewID(t *testing.T) {
	for _, tt := range []struct {
		kind Kind
		want string
	}{
		{ChangeID, "replica"},
		{SessionID, "primary"}, // 7.0 leaves the flag alone
	} {
		alone(t, nil, func(s *solo) {
			session := s.create()
			old := session.ID()
			s.hears(message{kind: tt.kind, session: old, newID: id})
			s.holds(tt.kind.String(), old, "none")
			s.holds(tt.kind.String(), id, tt.want)
		})
	}
}

func TestExpiredEndsTheCopyAndTellsNobody(t *testing.T) {
	alone(t, nil, func(s *solo) {
		s.hearsOf(id, "cart", "pen")
		session := s.m.Lookup(id)
		s.hears(message{kind: Expired, session: id})
		s.holds("EXPIRED", id, "none")
		s.says("EXPIRED")
		if session.Valid() {
			t.Error("the copy is still valid")
		}
	})
}

func TestObserverIsToldOfReplicatedSessionsUnlessSwitchedOff(t *testing.T) {
	for _, tt := range []struct {
		flag Flag
		want int
	}{{True, 2}, {False, 0}} {
		alone(t, func(c *Config, _ *fake) { c.NotifySessionListenersOnReplication = tt.flag }, func(s *solo) {
			s.hears(message{kind: Created, session: id})
			s.hears(message{kind: Expired, session: id})
			if len(s.told) != tt.want {
				t.Errorf("flag %v: told %q, want %d events", tt.flag, s.told, tt.want)
			}
			if got := s.m.Figures().Expired; got != 1 {
				t.Errorf("flag %v: %d expired, want 1", tt.flag, got)
			}
		})
	}
}

func TestGarbageIsRefusedAndCounted(t *testing.T) {
	alone(t, nil, func(s *solo) {
		session := s.create()
		s.set(session, "k1", "a")
		bad := (&message{kind: Delta, manager: "localhost#", session: session.ID()}).body()
		bad[len(bad)-1] = 9 // nine actions follow, it says
		for i, b := range [][]byte{nil, {77}, []byte("GET / HTTP/1.1"), bad} {
			s.hearsBytes(b)
			if got := s.m.Counts().Events[Refused]; got != i+1 {
				t.Errorf("%d refused after %q, want %d", got, b, i+1)
			}
		}
		s.m.RequestCompleted(s.ctx, session)
		s.says("all", "CREATED", "DELTA") // a delta that cannot be read erases nothing
	})
}

func TestMessagesForAnotherContextFindNoManager(t *testing.T) {
	alone(t, nil, func(s *solo) {
		s.hears(message{kind: Created, session: id, manager: ""})
		s.hears(message{kind: Expired, session: id, manager: "/"}) // the Cluster sits in the Host there
		s.holds("EXPIRED of another context", id, "replica")
		s.hears(message{kind: GetAll, manager: "/"})
		s.says("GET_ALL of another context", "NOCONTEXTMANAGER")
		if s.last.manager != "/" {
			t.Errorf("the answer is for %q, want the one who asked: %q", s.last.manager, "/")
		}
		s.traces("all", NoManager, NoManager)
	})
}

func FuzzReceive(f *testing.F) {
	for _, m := range someMessages() {
		m.manager = "localhost#"
		if m.kind.aboutSession() {
			m.session = id
		}
		f.Add(m.body())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		alone(t, nil, func(s *solo) {
			s.hearsOf(id, "cart", "pen")
			s.hearsBytes(b)
			for _, session := range s.m.Sessions() {
				if s.m.Lookup(session.ID()) != session {
					t.Errorf("session %q is not held under its id", session.ID())
				}
				if found := s.m.Find(s.ctx, session.ID()); found != nil {
					s.m.RequestCompleted(s.ctx, found)
				}
			}
		})
	})
}
