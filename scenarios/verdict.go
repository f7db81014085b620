package scenarios

import (
	"fmt"
	"slices"
	"time"

	"sessionlab/appnode"
	"sessionlab/scenarios/continuity"
	"sessionlab/scenarios/script"
)

// Verdict is what a run proves.
type Verdict string

const (
	None         Verdict = "none"         // nothing was expected
	Pass         Verdict = "pass"         // every expectation holds
	Fail         Verdict = "fail"         // an expectation does not
	Inconclusive Verdict = "inconclusive" // the run is void, or nothing failed but something was not put to the test
)

// findings are what a verdict is decided from.
type findings struct {
	void         []string // why the run shows nothing, whatever was expected
	untested     []string // what was not put to the test
	expectations []Expectation
}

// verdict decides: a void run shows nothing, then a false expectation counts,
// then what was not put to the test. A run that expects nothing proves nothing.
func (f findings) verdict() Verdict {
	fails := func(e Expectation) bool { return e.Outcome == script.Fails }
	switch {
	case len(f.void) > 0:
		return Inconclusive
	case slices.ContainsFunc(f.expectations, fails):
		return Fail
	case len(f.expectations) == 0:
		return None
	case len(f.untested) > 0:
		return Inconclusive
	}
	return Pass
}

// result judges the run.
func (r *run) result() *Result {
	h := r.soFar()
	checked := continuity.Check(h, r.checkOptions())
	res := &Result{Scenario: r.sc, History: h, Checked: checked, Interrupted: r.interrupted()}
	final := r.judgeFinal(checked)
	if res.Interrupted {
		undecided(final)
	}
	res.Expectations = append(r.judgedSoFar(), final...)
	r.mu.Lock()
	defer r.mu.Unlock()
	res.Reasons = r.untested(res)
	res.Void, res.Notes = r.fellShort(res)
	res.Verdict = findings{res.Void, res.Reasons, res.Expectations}.verdict()
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

// untested is what was not put to the test, and how far an interrupted run came.
// r.mu is held.
func (r *run) untested(res *Result) (reasons []string) {
	if res.Interrupted {
		reasons = append(reasons, fmt.Sprintf("it was interrupted after %v of %v", r.stopped.Round(10*time.Millisecond), r.sc.End))
	}
	for _, e := range res.Expectations {
		if e.Outcome == script.NoData {
			reasons = append(reasons, fmt.Sprintf("line %d: %s %s", e.Line, e.Expr, noData(e)))
		}
	}
	if n := res.Checked.Sessions.Unseen; n > 0 && !r.live {
		reasons = append(reasons, unseen(n))
	}
	reasons = append(reasons, r.untouched()...)
	if r.unaudited != "" {
		reasons = append(reasons, r.unaudited)
	}
	return reasons
}

// fellShort is where the lab itself fell short: what makes the run void, and what
// decides nothing.
func (r *run) fellShort(res *Result) (void, notes []string) {
	void, notes = skippedLines(r.lab)
	if r.live && res.Checked.Sessions.Total() > 0 {
		notes = append(notes, "nobody has looked since: the last writes of the users are not judged, only whether a copy of each session is left")
	}
	if n := res.Checked.Requests.NotJudged; n > 0 {
		if slices.ContainsFunc(res.Expectations, func(e Expectation) bool { return e.judged }) {
			void = append(void, notJudged(n))
		} else {
			notes = append(notes, notJudged(n))
		}
	}
	late, note := judgeLateness(r.world.Lateness(), shortestLimit(conditions(r.sc)...), r.lab.Zero(), r.op.Name())
	if late != "" {
		void = append(void, late)
	}
	if note != "" {
		notes = append(notes, note)
	}
	return void, notes
}

// unseen says that nobody knows what became of n sessions.
func unseen(n int) string {
	what, which := "a session is unseen", "it"
	if n > 1 {
		what, which = fmt.Sprintf("%d sessions are unseen", n), "them"
	}
	return what + ": after the end no node answered a last look at " + which + ", though a copy may live"
}

// notJudged says that it is not known what n requests were.
func notJudged(n int) string {
	what := "a request was"
	if n > 1 {
		what = fmt.Sprintf("%d requests were", n)
	}
	return fmt.Sprintf("%s not judged: the proxy did not pass on the header %s or %s, by which a node knows whose request it executes",
		what, appnode.RequestHeader, appnode.WriteHeader)
}

// noData says why an expectation was not judged.
func noData(e Expectation) string {
	switch e.Actual {
	case neverReached, atTheEnd:
		return "was " + e.Actual
	}
	return "had no data"
}
