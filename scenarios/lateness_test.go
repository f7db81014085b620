package scenarios

import (
	"strings"
	"testing"
	"time"

	"sessionlab/lab/world"
)

func TestLatenessIsNotedUpToItsBoundAndVoidBeyond(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		by, shortest time.Duration
		void, note   bool
	}{
		{0, 0, false, false},
		{19 * ms, 0, false, false},
		{20 * ms, 0, false, true},
		{100 * ms, 0, false, true},
		{101 * ms, 0, true, false},
		{100 * ms, 200 * ms, false, true}, // a quarter of it would be 50 ms
		{101 * ms, 200 * ms, true, false},
		{750 * ms, 3 * time.Second, false, true},
		{751 * ms, 3 * time.Second, true, false},
	} {
		l := world.Lateness{By: c.by, Shortest: c.shortest, Due: 3 * time.Second, Host: "tomcat1"}
		void, note := judgeLateness(l, time.Second, "operator")
		if (void != "") != c.void || (note != "") != c.note {
			t.Errorf("%v late, shortest timeout %v: got void %q, note %q, want void: %t, note: %t", c.by, c.shortest, void, note, c.void, c.note)
		}
		for _, says := range []string{"tomcat1", "2s", c.by.String()} {
			if void+note != "" && !strings.Contains(void+note, says) {
				t.Errorf("%v late: %q does not say %s", c.by, void+note, says)
			}
		}
	}
}

func TestLatenessSaysWhatWasLate(t *testing.T) {
	for host, want := range map[string]string{
		"": "a timer of the lab", "operator": "a timer of the script", "tomcat1": "a timer of tomcat1",
	} {
		if _, note := judgeLateness(world.Lateness{By: 50 * time.Millisecond, Host: host}, 0, "operator"); !strings.HasPrefix(note, want+" ") {
			t.Errorf("a timer of host %q: got %q, want it to begin with %q", host, note, want)
		}
	}
}
