package scenarios

import (
	"fmt"
	"slices"
	"time"

	"sessionlab/scenarios/continuity"
	"sessionlab/scenarios/script"
)

// Verdict is what a run proves.
type Verdict string

const (
	Pass         Verdict = "pass"         // every expectation holds
	Fail         Verdict = "fail"         // an expectation does not
	Inconclusive Verdict = "inconclusive" // nothing failed, but something was not put to the test
)

// result judges the run.
func (r *run) result() *Result {
	h := r.rec.History()
	r.mu.Lock()
	r.timeline(h)
	r.mu.Unlock()
	checked := continuity.Check(h, r.checkOptions())
	res := &Result{
		Scenario: r.sc, History: h, Checked: checked, Verdict: Pass,
		Interrupted: r.interrupted(),
	}
	res.Expectations = append(r.judgedSoFar(), r.judgeFinal(checked)...)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range res.Expectations {
		switch e.Outcome {
		case script.Fails:
			res.Verdict = Fail
		case script.NoData:
			why := "had no data"
			if e.Actual == neverReached {
				why = "was " + neverReached
			}
			res.Reasons = append(res.Reasons, fmt.Sprintf("line %d: %s %s", e.Line, e.Expr, why))
		}
	}
	res.Reasons = append(res.Reasons, r.untouched()...)
	if res.Interrupted {
		res.Reasons = slices.Insert(res.Reasons, 0, fmt.Sprintf("it was interrupted after %v of %v", r.stopped.Round(10*time.Millisecond), r.sc.End))
	}
	if r.unaudited != "" {
		res.Reasons = append(res.Reasons, r.unaudited)
	}
	if res.Verdict == Pass && (len(res.Reasons) > 0 || res.Interrupted) {
		res.Verdict = Inconclusive
	}
	res.Replication = r.stats.replication()
	res.TraceHash = fmt.Sprintf("%016x", uint64(r.hash))
	if n := len(h.Requests); n > 0 {
		res.Took = h.Requests[n-1].Ended.Round(time.Millisecond)
	}
	if !res.Interrupted {
		res.Took = max(r.sc.End, res.Took)
	}
	return res
}
