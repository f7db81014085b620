package delta

import (
	"context"
	"testing"
	"time"

	"sessionlab/sessions"
	"sessionlab/sessions/tribes"
)

// starting has the manager started by the story.
func starting(more func(*Config)) func(*Config, *fake) {
	return func(c *Config, _ *fake) {
		c.Formed = false
		if more != nil {
			more(c)
		}
	}
}

// start starts the manager; meanwhile runs in another task a moment later.
func (s *solo) start(meanwhile func()) (took time.Duration) {
	s.Helper()
	began := s.host.Elapsed()
	s.host.Go("meanwhile", func(ctx context.Context) {
		if s.host.Sleep(ctx, 10*time.Millisecond) == nil && meanwhile != nil {
			meanwhile()
		}
	})
	if err := s.m.Start(s.ctx); err != nil {
		s.Fatal(err)
	}
	return s.host.Elapsed() - began
}

func state(ids ...string) message {
	m := message{kind: State}
	for _, id := range ids {
		m.states = append(m.states, sessions.State{ID: id, MaxInactive: 60, New: true,
			Attributes: []sessions.Attribute{{Name: "from", Value: sessions.Value{Text: "state"}}}})
	}
	return m
}

func TestStartTakesTheStateOfTheOldestMember(t *testing.T) {
	alone(t, starting(nil), func(s *solo) {
		s.members = []tribes.Member{peer, {Name: "tomcat3"}}
		took := s.start(func() {
			if want := "GET_ALL  to tomcat2 options 8"; len(s.sent) != 1 || s.sent[0] != want {
				t.Errorf("sent %q, want %q", s.sent, want)
			}
			s.hears(state("AB.tomcat2", "CD.tomcat3"))
			s.hears(message{kind: TransferComplete})
		})
		if took != transferPoll {
			t.Errorf("start took %v, want %v", took, transferPoll)
		}
		s.holds("the start", "AB.tomcat2", "from=state replica")
		s.holds("the start", "CD.tomcat3", "from=state replica")
		var st sessions.State
		s.m.Lookup("AB.tomcat2").State(&st)
		if !st.Valid || !st.New || st.ThisAccessed == 0 || st.LastAccessed != 0 {
			t.Errorf("loaded %+v: want it valid, still new, accessed now and last accessed as sent", st)
		}
		s.traces("the start", Transferring, Transferred)
	})
}

func TestStartWithoutMembersDoesNotWait(t *testing.T) {
	alone(t, starting(nil), func(s *solo) {
		s.members = nil
		if took := s.start(nil); took != 0 {
			t.Errorf("start took %v, want 0", took)
		}
		s.traces("the start", NothingToFetch)
	})
}

func TestStartGoesOnEmptyWhenNoStateComes(t *testing.T) {
	for _, tt := range []struct {
		timeout, want time.Duration
		event         EventKind
	}{
		{0, 60*time.Second + transferPoll, NotTransferred}, // the poll after the last moment
		{5 * time.Second, 5*time.Second + transferPoll, NotTransferred},
		{DoNotWait, 0, 0},
	} {
		alone(t, starting(func(c *Config) { c.StateTransferTimeout = tt.timeout }), func(s *solo) {
			s.members = []tribes.Member{peer, {Name: "tomcat3"}}
			if took := s.start(nil); took != tt.want {
				t.Errorf("timeout %v: start took %v, want %v", tt.timeout, took, tt.want)
			}
			s.says("the start", "GET_ALL") // no other member is asked
			want := []EventKind{Transferring}
			if tt.event != 0 {
				want = append(want, tt.event)
			}
			s.traces("the start", want...)
		})
	}
}

func TestStartWaitsForEverIfToldTo(t *testing.T) {
	alone(t, starting(func(c *Config) { c.StateTransferTimeout = WaitForEver }), func(s *solo) {
		took := s.start(func() {
			s.wait(24 * time.Hour)
			s.hears(message{kind: TransferComplete})
		})
		if took < 24*time.Hour {
			t.Errorf("start took %v, want a day", took)
		}
	})
}

func TestStartEndsWhenTheMasterHasNoSuchContext(t *testing.T) {
	alone(t, starting(nil), func(s *solo) {
		if took := s.start(func() { s.hears(message{kind: NoContextManager}) }); took != transferPoll {
			t.Errorf("start took %v, want %v", took, transferPoll)
		}
		s.traces("the start", Transferring, NoContextThere)
	})
}

func TestClockThatJumpsEndsTheWait(t *testing.T) {
	alone(t, starting(nil), func(s *solo) {
		took := s.start(func() {
			if err := s.w.Skew("tomcat1", time.Hour); err != nil {
				t.Error(err)
			}
		})
		if took != transferPoll {
			t.Errorf("start took %v, want %v", took, transferPoll)
		}
	})
}

func TestMessagesWaitForTheState(t *testing.T) {
	write := func(at int64) message {
		return message{kind: Delta, session: "AB.tomcat2", timestamp: at, actions: []sessions.Action{set("from", "delta")}}
	}
	for _, tt := range []struct {
		name   string
		behind int64 // the delta's sender's clock, milliseconds behind the master's
		drop   Flag
		want   string
		traces []EventKind
	}{
		{"a delta as old as the state", 0, True, "from=delta replica",
			[]EventKind{Transferring, Queued, Transferred}},
		{"an older delta, or one of a clock that is behind", 1, True, "from=state replica",
			[]EventKind{Transferring, Queued, Transferred, TooOld}},
		{"the same without stateTimestampDrop", 1, False, "from=delta replica",
			[]EventKind{Transferring, Queued, Transferred}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			alone(t, starting(func(c *Config) { c.StateTimestampDrop = tt.drop }), func(s *solo) {
				s.start(func() {
					snapshot := s.m.now()
					s.hears(write(snapshot - tt.behind))
					if got := s.m.Pending(); got != 1 {
						t.Errorf("%d pending while waiting, want 1", got)
					}
					all := state("AB.tomcat2")
					all.timestamp = snapshot
					s.hears(all)
					s.holds("the state", "AB.tomcat2", "from=state replica")
					s.hears(message{kind: TransferComplete, timestamp: snapshot})
				})
				s.holds("the start", "AB.tomcat2", tt.want)
				s.traces("the start", tt.traces...)
				s.hears(write(1))
				s.holds("a later message, however old", "AB.tomcat2", "from=delta replica")
			})
		})
	}
}

func TestEveryKindAboutSessionsWaits(t *testing.T) {
	for k := Created; k < kinds; k++ {
		alone(t, starting(nil), func(s *solo) {
			s.start(func() {
				s.events = nil
				m := message{kind: k}
				if k.aboutSession() {
					m.session = id
				}
				if k == ChangeID || k == SessionID {
					m.newID = "AB"
				}
				s.hears(m)
				queued := len(s.events) > 0 && s.events[0].Kind == Queued
				want := k != State && k != TransferComplete && k != NoContextManager && k != SessionID
				if queued != want {
					t.Errorf("%v (%d) queued %v, want %v", k, k, queued, want)
				}
				s.hears(message{kind: TransferComplete})
			})
		})
	}
}

func TestGetAllThatWaitedIsAnsweredOnlyWithoutStateTimestampDrop(t *testing.T) {
	for _, tt := range []struct {
		drop Flag
		want []string
	}{
		{True, []string{"GET_ALL"}},
		{False, []string{"GET_ALL", "STATE", "TRANSFER_COMPLETE"}},
	} {
		alone(t, starting(func(c *Config) { c.StateTimestampDrop = tt.drop }), func(s *solo) {
			s.start(func() { s.hears(message{kind: GetAll}) })
			s.says("the start", tt.want...)
		})
	}
}

func TestStateIsAskedForByRelease(t *testing.T) {
	for _, tt := range []struct{ release, want string }{
		{"10.1", "GET_ALL  to tomcat2 options 8"},
		{"9", "GET_ALL  to tomcat2 options 8"},
		{"8.5", "GET_ALL  to tomcat2 options 6"},
		{"7", "GET_ALL  to tomcat2 options 6"},
	} {
		release, err := sessions.ReleaseNamed(tt.release)
		if err != nil {
			t.Fatal(err)
		}
		alone(t, starting(func(c *Config) {
			c.Release, c.SendOptions, c.StateTransferTimeout = release, tribes.UseAck|tribes.SynchronizedAck, DoNotWait
		}), func(s *solo) {
			s.start(nil)
			if len(s.sent) != 1 || s.sent[0] != tt.want {
				t.Errorf("%s sent %q, want %q", tt.release, s.sent, tt.want)
			}
		})
	}
}

func TestStateIsSentWholeOrInBlocks(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config func(*Config)
		held   int
		want   []string
		took   time.Duration
	}{
		{"whole", nil, 5, []string{"STATE", "TRANSFER_COMPLETE"}, 0},
		{"whole, nothing held", nil, 0, []string{"STATE", "TRANSFER_COMPLETE"}, 0},
		{"blocks of 2", func(c *Config) { c.SendAllSessions, c.SendAllSessionsSize = False, 2 }, 5,
			[]string{"STATE", "STATE", "STATE", "TRANSFER_COMPLETE"}, 4 * time.Second},
		{"one block that is full", func(c *Config) { c.SendAllSessions, c.SendAllSessionsSize = False, 5 }, 5,
			[]string{"STATE", "TRANSFER_COMPLETE"}, 0},
		{"blocks, nothing held", func(c *Config) { c.SendAllSessions = False }, 0, []string{"TRANSFER_COMPLETE"}, 0},
		{"blocks without a pause", func(c *Config) {
			c.SendAllSessions, c.SendAllSessionsSize, c.SendAllSessionsWaitTime = False, 2, -1
		}, 5, []string{"STATE", "STATE", "STATE", "TRANSFER_COMPLETE"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			alone(t, func(c *Config, _ *fake) {
				if tt.config != nil {
					tt.config(c)
				}
			}, func(s *solo) {
				for range tt.held {
					s.create()
				}
				s.sent = nil
				began, snapshot := s.host.Elapsed(), s.m.now()
				s.hears(message{kind: GetAll})
				for _, line := range s.sent[:len(s.sent)-1] {
					if want := "STATE  to tomcat2 options 6"; line != want {
						t.Errorf("sent %q, want %q", line, want)
					}
				}
				if want := "TRANSFER_COMPLETE  to tomcat2 options 8"; s.sent[len(s.sent)-1] != want {
					t.Errorf("sent %q last, want %q", s.sent[len(s.sent)-1], want)
				}
				s.says("GET_ALL", tt.want...)
				if s.last.timestamp != snapshot {
					t.Errorf("state of %d, want %d", s.last.timestamp, snapshot)
				}
				if took := s.host.Elapsed() - began; took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
			})
		})
	}
}

func TestStateReplacesWhatIsHeld(t *testing.T) {
	alone(t, nil, func(s *solo) {
		s.hearsOf("AB.tomcat2", "cart", "pen")
		s.hears(state("AB.tomcat2"))
		s.holds("a late state", "AB.tomcat2", "from=state replica")
		s.traces("a late state", CopyReplaced)
	})
}
