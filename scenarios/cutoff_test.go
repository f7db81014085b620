package scenarios_test

import (
	"strings"
	"testing"

	"sessionlab/scenarios/report"
)

// What the end of the run cuts off is nobody's failure, and no request: it has no
// outcome.
func TestARequestThatTheEndCutsOffIsUnfinishedNotFailed(t *testing.T) {
	for _, row := range []struct {
		name, script string
		total        int
	}{
		{"under way", "bob POST /counter?ms=60000\nend 300ms\n", 0},
		{"one of several", "bob POST /counter\nbob POST /counter?ms=60000\nend 300ms\n", 1},
		{"meanwhile", "bob POST /counter\nmeanwhile bob POST /counter?ms=60000\nend 300ms\n", 1},
	} {
		for _, w := range worlds {
			t.Run(row.name+" "+w.kind, func(t *testing.T) {
				t.Parallel()
				r := run(t, row.name, []byte("nodes a\nmanager StandardManager\nuser bob\n"+row.script+"expect requests.failed == 0 and bob.failed == 0\n"), w.kind, w.make)
				if r.Verdict != report.Inconclusive || r.Requests.Total != row.total || r.Requests.OK != row.total || r.Requests.Failed != 0 {
					t.Errorf("verdict %s, total %d, ok %d, failed %d, want inconclusive, %d, %d, 0\n%s", r.Verdict,
						r.Requests.Total, r.Requests.OK, r.Requests.Failed, row.total, row.total, textOf(t, r))
				}
				if text := textOf(t, r); !strings.Contains(text, "was not finished at the end") {
					t.Errorf("the report does not name the line that was not finished:\n%s", text)
				}
			})
		}
	}
}
