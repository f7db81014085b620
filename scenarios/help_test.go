package scenarios_test

import (
	"fmt"
	"testing"

	"sessionlab/scenarios/report"
	"sessionlab/scenarios/script"
)

// What the page on the language shows is run, and does what it expects.
func TestEveryExampleOfTheHelpPageRunsAndPasses(t *testing.T) {
	examples := script.Examples()
	if len(examples) < 3 {
		t.Fatalf("the help page has %d examples, want at least 3", len(examples))
	}
	for i, example := range examples {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) {
			r := run(t, fmt.Sprintf("example-%d", i+1), []byte(example.Source), "sim", inSim)
			if r.Verdict != report.Pass {
				t.Errorf("verdict = %s, want pass\n%s\n%s", r.Verdict, example.Source, textOf(t, r))
			}
		})
	}
}
