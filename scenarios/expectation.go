package scenarios

import (
	"slices"

	"sessionlab/scenarios/continuity"
	"sessionlab/scenarios/script"
)

// Expectation is one judged condition of an expect line.
type Expectation struct {
	Expr    string
	Outcome script.Outcome
	Actual  string
	Line    int

	judged bool // it speaks of what the judge says of requests and sessions
}

// What an expectation found that was not judged.
const (
	neverReached = "never reached"                         // the run did not come to its line
	atTheEnd     = "not judged: the run had not ended yet" // its line stands behind the end
)

// claim is a condition in the middle of the script, by where it stands.
type claim struct {
	step int
	expr string
}

// expect judges a condition there and then. A line may come to it again and
// again: of several judgements the worst counts, and of the worst the first.
func (r *run) expect(st script.Statement, a script.Expect) {
	judged := judge(st, a, r.lookupNow())
	at := claim{st.Step, judged.Expr}
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, again := r.judged[at]; again && old.Outcome != script.Holds && !worse(judged.Outcome, old.Outcome) {
		return
	}
	r.judged[at] = judged
}

// worse reports whether one outcome is worse than another: a condition that once
// had no data and once was false has failed.
func worse(one, other script.Outcome) bool {
	return one != other && (one == script.Fails || other == script.Holds)
}

func judge(st script.Statement, a script.Expect, lookup script.Lookup) Expectation {
	res := a.Cond.Eval(lookup)
	judged := slices.ContainsFunc(a.Cond.Figures(), script.Figure.Judged)
	return Expectation{Expr: a.Cond.String(), Outcome: res.Outcome, Actual: res.Actual, Line: st.Pos.Line, judged: judged}
}

// judgedSoFar are the expectations in the middle of the script, in its order. One
// that was never reached has no data.
func (r *run) judgedSoFar() []Expectation {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Expectation
	for _, st := range r.sc.Script {
		for _, a := range expects(st.Act) {
			e, reached := r.judged[claim{st.Step, a.Cond.String()}]
			if !reached {
				e = Expectation{Expr: a.Cond.String(), Outcome: script.NoData, Actual: neverReached, Line: st.Pos.Line}
			}
			all = append(all, e)
		}
	}
	return all
}

// judgeFinal judges the expectations after the end line.
func (r *run) judgeFinal(checked *continuity.Result) []Expectation {
	var all []Expectation
	lookup := r.lookupFinal(checked)
	for _, st := range r.sc.Final {
		for _, a := range expects(st.Act) {
			all = append(all, judge(st, a, lookup))
		}
	}
	return all
}

// undecided takes back what was judged of a run that did not come to its end: a
// figure may still have changed.
func undecided(final []Expectation) {
	for i := range final {
		final[i].Outcome, final[i].Actual = script.NoData, atTheEnd
	}
}

// expects are the conditions of a line.
func expects(a script.Act) []script.Expect {
	switch a := a.(type) {
	case script.Expect:
		return []script.Expect{a}
	case script.Together:
		var all []script.Expect
		for _, each := range a.Acts {
			all = append(all, expects(each)...)
		}
		return all
	}
	return nil
}
