package scenarios

import (
	"strings"
	"testing"
	"time"

	"sessionlab/lab/world"
	"sessionlab/scenarios/script"
)

func TestLatenessIsNotedUpToItsBoundAndVoidBeyond(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		by, shortest time.Duration
		void, note   bool
		limit        time.Duration
	}{
		{0, 0, false, false, 0},
		{19 * ms, 0, false, false, 0},
		{20 * ms, 0, false, true, 0},
		{100 * ms, 0, false, true, 0},
		{101 * ms, 0, true, false, 0},
		{100 * ms, 200 * ms, false, true, 0}, // a quarter of it would be 50 ms
		{101 * ms, 200 * ms, true, false, 0},
		{750 * ms, 3 * time.Second, false, true, 0},
		{125 * ms, 5 * time.Second, false, true, 500 * ms}, // latency.max < 500ms
		{126 * ms, 5 * time.Second, true, false, 500 * ms},
		{126 * ms, 0, true, false, 500 * ms},
		{750 * ms, 3 * time.Second, false, true, 20 * time.Second},
		{100 * ms, 3 * time.Second, false, true, 50 * ms},
		{751 * ms, 3 * time.Second, true, false, 0},
	} {
		l := world.Lateness{By: c.by, Shortest: c.shortest, Due: 3 * time.Second, Host: "tomcat1"}
		void, note := judgeLateness(l, c.limit, time.Second, "operator")
		if (void != "") != c.void || (note != "") != c.note {
			t.Errorf("%v late, shortest timeout %v, limit %v: got void %q, note %q, want void: %t, note: %t", c.by, c.shortest, c.limit, void, note, c.void, c.note)
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
		if _, note := judgeLateness(world.Lateness{By: 50 * time.Millisecond, Host: host}, 0, 0, "operator"); !strings.HasPrefix(note, want+" ") {
			t.Errorf("a timer of host %q: got %q, want it to begin with %q", host, note, want)
		}
	}
}

func TestTimesThatExpectationsNameAreLimits(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		expect string
		want   time.Duration
	}{
		{"latency.max < 500ms", 500 * ms},
		{"500ms >= latency.p50", 500 * ms},
		{"longest_outage < 1s and recovery <= 300ms", 300 * ms},
		{"recovery > 2s", 2 * time.Second},
		{"replication.lag.p99 == 200ms", 200 * ms},
		{"latency.max + recovery < 700ms", 700 * ms},
		{"latency.max - 100ms < 400ms", 500 * ms},
		{"latency.p99 < latency.p50 + 250ms", 250 * ms},
		{"latency.p99 < latency.p50", 0},
		{"recovery == 0s", 0},
		{"requests.total > 100 and availability > 99%", 0},
		{"requests.failed == 0 and latency.max < 250ms", 250 * ms},
	} {
		sc, err := script.Parse("limit.txt", []byte("nodes 1\nuser alice\nalice GET /\nend 1s\nexpect requests.total == 1\nexpect "+c.expect+"\n"))
		if err != nil {
			t.Errorf("%s: %v", c.expect, err)
			continue
		}
		if got := shortestLimit(conditions(sc)...); got != c.want {
			t.Errorf("%s: got a limit of %v, want %v", c.expect, got, c.want)
		}
	}
}
