package scenarios_test

import (
	"runtime"
	"strings"
	"testing"

	"sessionlab/scenarios/report"
)

func TestALargeAnswerCostsNoMemory(t *testing.T) {
	const text = `nodes 2
user bob
bob GET /session?size=1073741824
answer tomcat2 partial 1 time
bob GET /session?size=1073741824
bob GET /index.jsp?size=1073741824
end 30s
expect requests.ok == 2
`
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := attempt("large", []byte(text), "sim", inSim)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != report.Pass {
		var out strings.Builder
		r.WriteText(&out, report.Options{Width: 80})
		t.Errorf("the run says:\n%s", out.String())
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 32<<20 {
		t.Errorf("three answers of 1 GiB allocated %d MiB, want less than 32", got>>20)
	}
}
