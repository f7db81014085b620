package scenarios

import (
	"testing"

	"sessionlab/scenarios/script"
)

func TestVerdictFollowsItsOrder(t *testing.T) {
	holds, fails := Expectation{Outcome: script.Holds}, Expectation{Outcome: script.Fails}
	why := []string{"a reason"}
	for _, row := range []struct {
		name string
		findings
		want Verdict
	}{
		{"all holds", findings{expectations: []Expectation{holds}}, Pass},
		{"one is false", findings{expectations: []Expectation{holds, fails}}, Fail},
		{"something was not put to the test", findings{expectations: []Expectation{holds}, untested: why}, Inconclusive},
		{"a false expectation counts over what was not put to the test", findings{expectations: []Expectation{fails}, untested: why}, Fail},
		{"a void run shows nothing", findings{expectations: []Expectation{holds}, void: why}, Inconclusive},
		{"a void run does not count a false expectation", findings{expectations: []Expectation{fails}, void: why}, Inconclusive},
		{"nothing is expected", findings{}, None},
		{"nothing is expected, nor put to the test", findings{untested: why}, None},
		{"nothing is expected of a void run", findings{void: why}, Inconclusive},
	} {
		if got := row.verdict(); got != row.want {
			t.Errorf("%s: verdict %q, want %q", row.name, got, row.want)
		}
	}
}
