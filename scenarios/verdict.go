package scenarios

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"sessionlab/lab"
	"sessionlab/lab/fault"
	"sessionlab/scenarios/continuity"
	"sessionlab/scenarios/history"
	"sessionlab/scenarios/script"
)

// Verdict is what a run proves.
type Verdict string

const (
	Pass         Verdict = "pass"         // every expectation holds
	Fail         Verdict = "fail"         // an expectation does not
	Inconclusive Verdict = "inconclusive" // nothing failed, but something was not put to the test
)

// touches keeps what tells whether every fault of a scenario touched anything:
// one that never did must not come out green.
type touches struct {
	rules     []ruleAt
	watches   []*watch
	timers    map[timer]bool // whether the time has come
	timed     []timedLine    // in the order in which they were armed
	idle      map[string]int // lines that did nothing, and how often
	struck    []strike
	answers   []answerAt
	partition []partitionAt
}

// timer is a trigger that waits for a time: its line, and how many triggers
// follow it there.
type timer struct{ step, rest int }

type timedLine struct {
	timer timer
	st    script.Statement
}

type ruleAt struct {
	rule *fault.Rule
	st   script.Statement
}

type partitionAt struct {
	st     script.Statement
	before int
}

// answerAt is an order to answer in a certain way.
type answerAt struct {
	st   script.Statement
	host string
	over bool // another order has come
	met  bool // by a request
}

// strike is a machine that was killed, stopped or paused.
type strike struct {
	st    script.Statement
	verb  string
	host  string
	met   bool            // by a request under way, or a later attempt, message or session
	users map[string]bool // whose session was there
}

func (r *run) touchVerb(st script.Statement, verb, host string) {
	if verb != "kill" && verb != "pause" && verb != "stop" && verb != "restart" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := strike{st: st, verb: verb, host: host, users: map[string]bool{}, met: r.lab.Pending(host) > 0}
	for user, node := range r.lastNode {
		if node == host {
			s.users[user] = true
		}
	}
	r.touches.struck = append(r.touches.struck, s)
}

func (r *run) touchAnswer(st script.Statement, a script.Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.touches.answers {
		if before := &r.touches.answers[i]; before.host == a.Host {
			before.over = true
		}
	}
	if a.How != "ok" {
		r.touches.answers = append(r.touches.answers, answerAt{st: st, host: a.Host})
	}
}

func (r *run) touchPartition(st script.Statement) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.touches.partition = append(r.touches.partition, partitionAt{st, r.lab.Faults().CutHits()})
}

// event marks the machines that somebody turned to after they were struck.
func (t *touches) event(e *lab.Event) {
	for i := range t.answers {
		if a := &t.answers[i]; e.Kind == lab.Receives && e.Label.Kind == "REQUEST" && e.Host == a.host && !a.over {
			a.met = true
		}
	}
	if len(t.struck) == 0 {
		return
	}
	switch e.Kind {
	case lab.Tries, lab.Sends, lab.Loses:
	default:
		return
	}
	if e.Label.Kind == "HEARTBEAT" {
		return
	}
	for i := range t.struck {
		if t.struck[i].host == e.Peer {
			t.struck[i].met = true
		}
	}
}

// request marks the machines whose sessions were asked for elsewhere.
func (t *touches) request(rec *history.Record) {
	for i := range t.struck {
		if s := &t.struck[i]; s.users[rec.User] || rec.On == s.host {
			s.met = true
		}
	}
}

// untouched says what was not put to the test. r.mu is held.
func (r *run) untouched() []string {
	var why []string
	line := func(st script.Statement) string { return fmt.Sprintf("line %d (%s)", st.Pos.Line, st) }
	for _, x := range r.touches.rules {
		if r.lab.Faults().Hits(x.rule) == 0 {
			why = append(why, line(x.st)+" touched no message")
		}
	}
	watches := slices.Concat(r.touches.watches, r.watches)
	for i, w := range watches {
		// Armed by a trigger that repeats, it has company, of which one is enough.
		alike := func(other *watch) bool { return other.st.Step == w.st.Step && other.event == w.event }
		if slices.IndexFunc(watches, alike) == i && !slices.ContainsFunc(watches, func(other *watch) bool { return alike(other) && other.fired > 0 }) {
			why = append(why, fmt.Sprintf("line %d: its event never came: %s", w.st.Pos.Line, w.st))
		}
	}
	for _, t := range r.touches.timed {
		if !r.touches.timers[t.timer] && !r.live {
			why = append(why, fmt.Sprintf("line %d: its time never came: %s", t.st.Pos.Line, t.st))
		}
	}
	for _, what := range slices.Sorted(maps.Keys(r.touches.idle)) {
		if n := r.touches.idle[what]; n > 1 {
			what += fmt.Sprintf(" (%d times)", n)
		}
		why = append(why, what)
	}
	for _, p := range r.touches.partition {
		if r.lab.Faults().CutHits() == p.before {
			why = append(why, line(p.st)+" cut off no message")
		}
	}
	for _, a := range r.touches.answers {
		if !a.met {
			why = append(why, line(a.st)+" met no request")
		}
	}
	for _, s := range r.touches.struck {
		if !s.met {
			why = append(why, fmt.Sprintf("line %d: after the %s of %s nobody needed it: no request, message or session", s.st.Pos.Line, s.verb, s.host))
		}
	}
	return append(why, r.unfinished...)
}

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
	for _, st := range r.sc.Script {
		r.collect(res, st)
	}
	lookup := r.lookupFinal(checked)
	for _, st := range r.sc.Final {
		e, ok := st.Act.(script.Expect)
		if !ok {
			continue
		}
		judged := e.Cond.Eval(lookup)
		res.Expectations = append(res.Expectations, Expectation{
			Expr: e.Cond.String(), Outcome: judged.Outcome, Actual: judged.Actual, Line: st.Pos.Line,
		})
	}
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

// neverReached is what an expect found that the run did not come to.
const neverReached = "never reached"

// collect takes the judgements of the expects of a line in the middle of the
// script. One that was never reached has no data.
func (r *run) collect(res *Result, st script.Statement) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range expects(st.Act) {
		key := judgement{st.Step, e.Cond.String()}
		judged, reached := r.judged[key]
		if !reached {
			judged = Expectation{Expr: key.expr, Outcome: script.NoData, Actual: neverReached, Line: st.Pos.Line}
		}
		res.Expectations = append(res.Expectations, judged)
	}
}

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
