package delta

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sessionlab/sessions"
	"sessionlab/sessions/tribes"
)

func TestCreatedLeavesDuringTheRequestAndDeltaAtItsEnd(t *testing.T) {
	alone(t, nil, func(s *solo) {
		session := s.create()
		s.says("creating", "CREATED")
		s.set(session, "cart", "pen")
		s.says("setting")
		s.m.RequestCompleted(s.ctx, session)
		if want := "DELTA " + sessions.Base(session.ID()) + " to tomcat2 options 8"; len(s.sent) != 1 || s.sent[0] != want {
			t.Errorf("sent %q, want %q", s.sent, want)
		}
		s.sent = nil
		s.m.RequestCompleted(s.ctx, session)
		s.says("a second request without changes")
	})
}

func TestOnlyTheLastActionOfANameIsSent(t *testing.T) {
	for _, tt := range []struct {
		all  bool
		want string
	}{
		{false, "__SET__ISNEW__ __SET__MAXINTERVAL__ b a __SET__PRINCIPAL__"},
		{true, "__SET__ISNEW__ __SET__MAXINTERVAL__ a b a a __SET__PRINCIPAL__ __SET__PRINCIPAL__"},
	} {
		alone(t, func(c *Config, _ *fake) { c.RecordAllActions = tt.all }, func(s *solo) {
			session := s.create()
			s.set(session, "a", "1")
			s.set(session, "b", "1")
			s.set(session, "a", "2")
			if err := session.RemoveAttribute("a"); err != nil {
				t.Fatal(err)
			}
			session.SetPrincipal("alice")
			session.SetPrincipal("bob")
			s.m.RequestCompleted(s.ctx, session)
			if got := actionNames(s.last.actions); got != tt.want {
				t.Errorf("recordAllActions=%v: %q, want %q", tt.all, got, tt.want)
			}
		})
	}
}

func TestEveryRecordedActionKeepsItsObject(t *testing.T) {
	alone(t, func(c *Config, _ *fake) { c.RecordAllActions = true }, func(s *solo) {
		session := s.create()
		s.m.RequestCompleted(s.ctx, session)
		s.set(session, "cart", "pen")
		s.set(session, "cart", "book")
		if _, _, err := session.Mutate("cart", "ink", 0); err != nil {
			t.Fatal(err)
		}
		s.m.RequestCompleted(s.ctx, session)
		if got := s.last.actions; len(got) != 2 || got[0].Value.Text != "pen" || got[1].Value.Text != "ink" {
			t.Errorf("sent %+v, want pen, then ink", got)
		}
	})
}

func TestDeltaShipsWhatTheObjectHoldsWhenItIsSent(t *testing.T) {
	for _, all := range []bool{false, true} {
		alone(t, func(c *Config, _ *fake) { c.RecordAllActions = all }, func(s *solo) {
			session := s.create()
			s.set(session, "gone", "x")
			s.set(session, "cart", "pen")
			if _, _, err := session.Mutate("cart", "pen and book", 7); err != nil {
				t.Fatal(err)
			}
			if err := session.RemoveAttribute("gone"); err != nil {
				t.Fatal(err)
			}
			s.m.RequestCompleted(s.ctx, session)
			s.hearsOf(id, "x", "y")
			sent := s.last
			sent.session = id
			s.hears(sent)
			s.holds("the delta", id, "cart=pen and book x=y replica")

			s.sent = nil
			if _, _, err := session.Mutate("cart", "nothing", 8); err != nil {
				t.Fatal(err)
			}
			s.m.RequestCompleted(s.ctx, session)
			s.says("a change in place") // nobody is told
		})
	}
}

func TestReadOnAnotherNodeMakesItsCopyPrimary(t *testing.T) {
	alone(t, nil, func(s *solo) {
		s.hearsOf(id, "cart", "pen")
		s.holds("DELTA", id, "cart=pen replica")
		session := s.m.Find(s.ctx, id)
		s.m.RequestCompleted(s.ctx, session)
		s.says("a read", "ACCESSED")
		s.holds("a read", id, "cart=pen primary")
		s.m.RequestCompleted(s.ctx, session)
		s.says("another read")
		s.traces("both", TookOver)
	})
}

func TestFailedSendIsForgotten(t *testing.T) {
	alone(t, func(c *Config, f *fake) {
		c.SendOptions = tribes.UseAck | tribes.SynchronizedAck
		f.fail = errors.New("tomcat2: operation has timed out")
	}, func(s *solo) {
		session := s.create()
		s.set(session, "cart", "pen")
		s.m.RequestCompleted(s.ctx, session)
		s.says("the request", "CREATED", "DELTA")
		s.traces("the request", SendFailed, SendFailed)
		s.fail = nil
		s.m.RequestCompleted(s.ctx, session)
		s.says("the next request") // the delta is not sent again
	})
}

func TestWithoutMembersNothingIsSent(t *testing.T) {
	alone(t, func(_ *Config, f *fake) { f.members = nil }, func(s *solo) {
		session := s.create()
		s.set(session, "cart", "pen")
		if s.m.HasMembers() {
			t.Error("HasMembers = true, want false")
		}
		s.m.ResetReplication(session) // what the valve does then
		if err := s.m.ChangeID(s.ctx, session, id); err != nil {
			t.Fatal(err)
		}
		if err := s.m.Invalidate(s.ctx, session); err != nil {
			t.Fatal(err)
		}
		s.says("a whole life")
		s.traces("a whole life", Alone, DeltaDiscarded, Alone, Alone)

		second := s.create()
		s.set(second, "cart", "pen")
		s.hears(message{kind: Accessed, session: second.ID()})
		s.m.ResetReplication(second)
		s.holds("the request", second.ID(), "cart=pen primary")
		s.members = []tribes.Member{peer} // it is back
		s.set(second, "cart", "book")
		s.m.RequestCompleted(s.ctx, second)
		s.says("a write to a session that was created alone", "DELTA") // for nobody there knows it
	})
}

func TestPrimaryCopyExpiresAfterItsIntervalAndAnotherAfterTwo(t *testing.T) {
	const interval = 60 * time.Second
	for _, tt := range []struct {
		name    string
		primary bool
		idle    time.Duration
		alive   bool
		says    []string
	}{
		{"primary, just before", true, interval - time.Millisecond, true, nil},
		{"primary, at its interval", true, interval, false, []string{"EXPIRED"}},
		{"another, at its interval", false, interval, true, nil},
		{"another, just before twice", false, 2*interval - time.Millisecond, true, nil},
		{"another, at twice", false, 2 * interval, false, nil},
	} {
		for _, how := range []string{"request", "scan"} {
			alone(t, func(c *Config, _ *fake) {
				c.MaxInactiveInterval, c.ProcessExpiresFrequency = interval, 1
			}, func(s *solo) {
				session := s.create()
				s.m.RequestCompleted(s.ctx, session)
				if !tt.primary {
					s.hears(message{kind: Accessed, session: session.ID()})
				}
				s.sent = nil
				s.wait(tt.idle)
				if how == "scan" {
					s.m.Background(s.ctx)
				} else if found := s.m.Find(s.ctx, session.ID()) != nil; found != tt.alive {
					t.Errorf("%s: found %v, want %v", tt.name, found, tt.alive)
				}
				if alive := s.m.Lookup(session.ID()) != nil; alive != tt.alive || session.Valid() != tt.alive {
					t.Errorf("%s, %s: held %v, valid %v, want %v", tt.name, how, alive, session.Valid(), tt.alive)
				}
				s.says(tt.name+", "+how, tt.says...)
			})
		}
	}
}

func TestAccessedProlongsTheCopy(t *testing.T) {
	alone(t, func(c *Config, _ *fake) { c.MaxInactiveInterval = time.Minute }, func(s *solo) {
		s.hears(message{kind: Created, session: id})
		s.wait(100 * time.Second)
		s.hears(message{kind: Accessed, session: id})
		s.wait(100 * time.Second)
		s.holds("ACCESSED", id, "replica")
		if s.m.Find(s.ctx, id) == nil {
			t.Error("not found 100 s after ACCESSED, want it alive for 120 s")
		}
		s.wait(20 * time.Second)
		if s.m.Find(s.ctx, id) != nil {
			t.Error("found 120 s after ACCESSED, want it gone")
		}
	})
}

func TestReaderIsAnnouncedOncePerInterval(t *testing.T) {
	alone(t, func(c *Config, _ *fake) { c.MaxInactiveInterval = time.Minute }, func(s *solo) {
		session := s.create()
		s.m.RequestCompleted(s.ctx, session)
		s.sent = nil
		for range 12 { // 4 minutes
			s.wait(20 * time.Second)
			session.Access(s.host.Now())
			s.m.RequestCompleted(s.ctx, session)
			session.EndAccess(s.host.Now())
		}
		s.says("reads every 20 s for 240 s", "ACCESSED", "ACCESSED", "ACCESSED")
	})
}

func TestDirtySessionSendsItsDeltaBeforeItsEnd(t *testing.T) {
	alone(t, nil, func(s *solo) {
		session := s.create()
		s.sent = nil
		s.set(session, "cart", "pen")
		if err := s.m.Invalidate(s.ctx, session); err != nil {
			t.Fatal(err)
		}
		s.says("the logout", "DELTA", "EXPIRED")
		if err := s.m.Invalidate(s.ctx, session); !errors.Is(err, sessions.ErrInvalid) {
			t.Errorf("second logout: %v, want %v", err, sessions.ErrInvalid)
		}
		s.m.RequestCompleted(s.ctx, session)
		s.says("the request's end")
	})
}

func TestSessionEndsOnceHoweverManyEndIt(t *testing.T) {
	alone(t, func(c *Config, _ *fake) { c.MaxInactiveInterval = time.Minute }, func(s *solo) {
		session := s.create()
		s.sent = nil
		s.set(session, "cart", "pen")
		s.wait(time.Minute)
		s.during = func() { // the DELTA waits for its acknowledgement
			if s.m.Find(s.ctx, session.ID()) != nil {
				t.Error("the session is found while it expires")
			}
			if err := s.m.Invalidate(s.ctx, session); err != nil {
				t.Error(err)
			}
		}
		if s.m.Find(s.ctx, session.ID()) != nil {
			t.Error("the session is found after its interval")
		}
		s.says("the end", "DELTA", "EXPIRED")
		if got := s.m.Figures().Expired; got != 1 {
			t.Errorf("%d expired, want 1", got)
		}
	})
}

func TestStopExpiresHereAndEverywhereOnlyIfToldTo(t *testing.T) {
	for _, everywhere := range []bool{false, true} {
		alone(t, func(c *Config, _ *fake) { c.ExpireSessionsOnShutdown = everywhere }, func(s *solo) {
			session := s.create()
			s.m.RequestCompleted(s.ctx, session)
			s.hearsOf(id, "cart", "pen")
			s.sent = nil
			if err := s.m.Stop(s.ctx); err != nil {
				t.Fatal(err)
			}
			var want []string
			if everywhere {
				want = []string{"EXPIRED", "EXPIRED"} // its own and the other node's
			}
			s.says("the stop", want...)
			if got := len(s.m.Sessions()); got != 0 || !s.stopped {
				t.Errorf("%d sessions held, channel stopped %v, want 0, true", got, s.stopped)
			}
		})
	}
}

func TestLimitCountsEverySessionHeld(t *testing.T) {
	alone(t, func(c *Config, _ *fake) { c.MaxActiveSessions = 2 }, func(s *solo) {
		s.create()
		s.hears(message{kind: Created, session: id})
		if _, err := s.m.Create(s.ctx, &sessions.Identity{}); !errors.Is(err, sessions.ErrTooMany) {
			t.Errorf("third session: %v, want %v", err, sessions.ErrTooMany)
		}
		s.hears(message{kind: Created, session: "AB.tomcat2"}) // what comes in passes
		if got := len(s.m.Sessions()); got != 3 {
			t.Errorf("%d sessions held, want 3", got)
		}
	})
}

func TestRequestOfAReplacedSessionLosesItsChanges(t *testing.T) {
	for _, ending := range []string{"request", "logout", "login"} {
		alone(t, nil, func(s *solo) {
			s.hearsOf(id, "cart", "pen")
			session := s.m.Find(s.ctx, id)
			s.hears(message{kind: Created, session: id}) // late
			s.set(session, "cart", "book")
			switch ending {
			case "request":
				s.m.RequestCompleted(s.ctx, session)
				s.says("the request", "ACCESSED")
				s.holds("the request", id, "primary")
			case "logout":
				if err := s.m.Invalidate(s.ctx, session); err != nil {
					t.Fatal(err)
				}
				s.says("the logout", "EXPIRED")
				s.holds("the logout", id, "none")
			case "login":
				newID, err := s.m.Rotate(s.ctx, session, &sessions.Identity{Request: "alice/1"})
				if err != nil {
					t.Fatal(err)
				}
				s.says("the login", "CHANGE_ID")
				s.holds("the login", id, "none")
				s.holds("the login", newID, "cart=book replica")
			}
		})
	}
}

func TestNewIDAndThePendingDeltaByRelease(t *testing.T) {
	for _, tt := range []struct {
		release string
		kind    Kind
		kept    bool
	}{
		{"10.1", ChangeID, true}, {"9", ChangeID, true}, {"8.5", ChangeID, true}, {"7", SessionID, false},
	} {
		release, err := sessions.ReleaseNamed(tt.release)
		if err != nil {
			t.Fatal(err)
		}
		alone(t, func(c *Config, _ *fake) { c.Release = release }, func(s *solo) {
			session := s.create()
			s.m.RequestCompleted(s.ctx, session)
			s.set(session, "cart", "pen")
			if err := s.m.ChangeID(s.ctx, session, id); err != nil { // what the valve does
				t.Fatal(err)
			}
			if s.last.kind != tt.kind || s.last.newID != id {
				t.Errorf("%s: sent %v to %q, want %v to %q", tt.release, s.last.kind, s.last.newID, tt.kind, id)
			}
			s.sent = nil
			s.m.RequestCompleted(s.ctx, session)
			if sent := len(s.sent) == 1 && strings.HasPrefix(s.sent[0], "DELTA"); sent != tt.kept {
				t.Errorf("%s: delta sent after the new id %v, want %v", tt.release, sent, tt.kept)
			}

			s.set(session, "cart", "book")
			if _, err := s.m.Rotate(s.ctx, session, &sessions.Identity{}); err != nil {
				t.Fatal(err)
			}
			if s.last.kind != ChangeID {
				t.Errorf("%s: login sent %v, want %v", tt.release, s.last.kind, ChangeID)
			}
			s.sent = nil
			s.m.RequestCompleted(s.ctx, session)
			s.says("a login of "+tt.release, "DELTA")
		})
	}
}

func TestEndedSessionGetsNoNewID(t *testing.T) {
	alone(t, nil, func(s *solo) {
		session := s.create()
		if err := s.m.Invalidate(s.ctx, session); err != nil {
			t.Fatal(err)
		}
		if err := s.m.ChangeID(s.ctx, session, id); !errors.Is(err, sessions.ErrInvalid) {
			t.Errorf("ChangeID: %v, want %v", err, sessions.ErrInvalid)
		}
	})
}
