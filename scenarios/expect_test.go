package scenarios_test

import (
	"testing"

	"sessionlab/scenarios/report"
)

// A line that is done again and again fails when it fails once, whatever was
// unknown before.
func TestAnExpectationThatFailedOnceHasFailed(t *testing.T) {
	r := run(t, t.Name(), []byte(`
nodes    1
user     alice
every 100ms until 1s  expect alice.last.status == 200
at 500ms alice GET /status/404
at 700ms alice GET /session
end      2s
`), "sim", inSim)
	if r.Verdict != report.Fail || r.Expectations[0].Actual != "alice.last.status = 404" {
		t.Errorf("verdict = %s, want fail for the 404\n%s", r.Verdict, textOf(t, r))
	}
}

func TestEveryExpectationOfALineIsReported(t *testing.T) {
	r := run(t, t.Name(), []byte(`
nodes    1
user     alice
alice    GET /session
together expect requests.total == 1; expect requests.failed == 1; expect requests.ok == 1
when tomcat1 is down  together expect requests.total == 0; expect requests.ok == 0
end      1s
`), "sim", inSim)
	var got []report.Holding
	for _, e := range r.Expectations {
		got = append(got, e.Holds)
	}
	want := []report.Holding{report.Holds, report.False, report.Holds, report.NoData, report.NoData}
	if len(got) != len(want) {
		t.Fatalf("%d expectations, want %d\n%s", len(got), len(want), textOf(t, r))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("expectation %d: %d, want %d\n%s", i+1, got[i], want[i], textOf(t, r))
		}
	}
}

// 323 of 500 are 64.6 %, and 100 times 323 / 500 is a little less in binary.
func TestAvailabilityIsExact(t *testing.T) {
	r := run(t, t.Name(), []byte(`
nodes    1
user     alice
alice    GET /session     323 times
alice    GET /status/500  177 times
end      20s
expect   availability == 64.6%
`), "sim", inSim)
	if r.Verdict != report.Pass || *r.Availability != 64.6 {
		t.Errorf("availability %v, want 64.6\n%s", *r.Availability, textOf(t, r))
	}
}
