package scenarios

import (
	"fmt"
	"maps"
	"slices"

	"sessionlab/lab"
	"sessionlab/lab/fault"
	"sessionlab/scenarios/history"
	"sessionlab/scenarios/script"
)

// touches keeps what tells whether every fault of a scenario touched anything:
// one that never did must not come out green.
type touches struct {
	rules   []ruleAt
	watches []*watch
	timers  map[timer]bool // whether the time has come
	timed   []timedLine    // in the order in which they were armed
	idle    map[string]int // lines that did nothing, and how often
	struck  []*strike
	answers []*answerAt
	cuts    []cutAt
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

type cutAt struct {
	cut *fault.Cut
	st  script.Statement
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

// strikes notes that a verb is about to strike a machine; nil for a verb that
// need not be felt. That comes first: what the machine is asked is gone with it.
func (r *run) strikes(st script.Statement, verb, host string) *strike {
	switch verb {
	case "kill", "stop", "restart", "pause":
	default:
		return nil
	}
	s := &strike{st: st, verb: verb, host: host, users: map[string]bool{}, met: r.lab.AtWork(host)}
	r.mu.Lock()
	defer r.mu.Unlock()
	for user, node := range r.lastNode {
		if node == host {
			s.users[user] = true
		}
	}
	r.touches.struck = append(r.touches.struck, s)
	return s
}

// missed takes back a strike that did nothing: the machine was down, say.
func (r *run) missed(s *strike) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.touches.struck = slices.DeleteFunc(r.touches.struck, func(other *strike) bool { return other == s })
}

// expectTime enters a line that waits for a time; rest is how many of its triggers
// come after that one. The caller calls come when the time has come.
func (r *run) expectTime(st script.Statement, rest int) (come func()) {
	key := timer{st.Step, rest}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.touches.timers[key]; !known {
		r.touches.timers[key] = false
		r.touches.timed = append(r.touches.timed, timedLine{key, st})
	}
	return func() {
		r.mu.Lock()
		r.touches.timers[key] = true
		r.mu.Unlock()
	}
}

// answers notes an order to answer in a certain way, which ends the one before.
func (r *run) answers(st script.Statement, a script.Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, before := range r.touches.answers {
		if before.host == a.Host {
			before.over = true
		}
	}
	if a.How != "ok" {
		r.touches.answers = append(r.touches.answers, &answerAt{st: st, host: a.Host})
	}
}

// parted notes a partition.
func (r *run) parted(st script.Statement, c *fault.Cut) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.touches.cuts = append(r.touches.cuts, cutAt{c, st})
}

// event marks the machines that somebody turned to after they were struck, and
// the orders to answer that a request has met.
func (t *touches) event(e *lab.Event) {
	for _, a := range t.answers {
		if e.Kind == lab.Receives && e.Label.Kind == "REQUEST" && e.Host == a.host && !a.over {
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
	for _, s := range t.struck {
		if s.host == e.Peer {
			s.met = true
		}
	}
}

// request marks the machines whose sessions were asked for elsewhere.
func (t *touches) request(rec *history.Record) {
	for _, s := range t.struck {
		if s.users[rec.User] || rec.On == s.host {
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
	for _, c := range r.touches.cuts {
		if r.lab.Faults().CutHits(c.cut) == 0 {
			why = append(why, line(c.st)+" cut off no message")
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
