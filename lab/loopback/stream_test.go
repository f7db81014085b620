package loopback

import (
	"errors"
	"net"
	"testing"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

// A stream may be closed, by a kill at the latest, after a write has found it open
// and before the message is kept back: nobody would ever let go of it.
func TestMessageOfAStreamThatIsClosedMeanwhileIsNotKept(t *testing.T) {
	for _, row := range []struct {
		name string
		end  func(w *World, s *stream)
		want error
	}{
		{"closed", func(_ *World, s *stream) { s.shut() }, net.ErrClosed},
		{"killed", func(w *World, _ *stream) { _ = w.Kill("alice") }, world.ErrHostDown},
	} {
		t.Run(row.name, func(t *testing.T) {
			w, err := New(Config{Offset: Probe})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			node, err := w.Boot("tomcat1", "172.16.12.101")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := node.Listen(4000); err != nil {
				t.Fatal(err)
			}
			alice, err := w.Boot("alice", "10.0.1.7")
			if err != nil {
				t.Fatal(err)
			}
			out, err := alice.Dial(t.Context(), "172.16.12.101:4000")
			if err != nil {
				t.Fatal(err)
			}
			s := out.(*stream)
			kept := &parcel{frame: []byte("held"), kept: true, hold: w.faults.Add(fault.Rule{Verb: fault.Hold}), told: make(chan struct{})}
			row.end(w, s)
			if err := s.post(t.Context(), kept); !errors.Is(err, row.want) {
				t.Errorf("post to a stream that is %s = %v, want %v", row.name, err, row.want)
			}
			if s.Stalled() || w.InFlight() != 0 {
				t.Errorf("Stalled = %v, InFlight = %d, want false and 0", s.Stalled(), w.InFlight())
			}
		})
	}
}
