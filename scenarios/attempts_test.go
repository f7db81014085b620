package scenarios_test

import (
	"testing"

	"sessionlab/scenarios"
	"sessionlab/scenarios/script"
)

// A user who gives up leaves a try without an end: it is in her record, and what
// comes of it later is in nobody's.
func TestTryOfARequestThatIsGivenUpIsRecorded(t *testing.T) {
	const text = `nodes a b
user  alice
kill  a
answer b hang 1 time
alice GET /session timeout=300ms
alice GET /session
end   2s
`
	sc, err := script.Parse("given-up", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	w, err := inSim(sc)
	if err != nil {
		t.Fatal(err)
	}
	result, err := scenarios.Run(sc, scenarios.Options{World: w})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a refused b canceled ", "b 200 "}
	for i, r := range result.History.Requests[:len(want)] {
		got := ""
		for _, try := range r.Attempts {
			got += try.Node + " " + try.Outcome + " "
		}
		if got != want[i] {
			t.Errorf("request %d: tries %q, want %q", i+1, got, want[i])
		}
	}
}
