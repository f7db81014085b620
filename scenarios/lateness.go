package scenarios

import (
	"fmt"
	"slices"
	"time"

	"sessionlab/lab/world"
	"sessionlab/scenarios/script"
)

// A world that keeps real time may be late, on a machine that has much to do or
// was frozen. A little changes nothing; what comes near a timeout may end in the
// scenario what would not have ended, and what comes near the limit of an
// expectation may decide it.
const (
	unnoticed     = 20 * time.Millisecond  // lateness that gets no note
	alwaysAllowed = 100 * time.Millisecond // lateness that never makes a run void
)

// allowed is how late timers and lines may be: a quarter of the shortest timeout
// or limit in force, or alwaysAllowed if that is more.
func allowed(shortest time.Duration) time.Duration { return max(alwaysAllowed, shortest/4) }

// shorter is the shorter of two times of which 0 is none.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// shortestLimit is the shortest time that a condition holds measured times
// against, 0 if there is none. What is added to a figure, or taken away, moves its
// limit: that of latency.max - 100ms < 400ms is 500 ms.
func shortestLimit(conditions ...script.Condition) (shortest time.Duration) {
	for _, cond := range conditions {
		for _, one := range cond.Comparisons {
			left, figures := literalTime(one.Left)
			right, more := literalTime(one.Right)
			if figures || more {
				shortest = shorter(shortest, (right - left).Abs())
			}
		}
	}
	return shortest
}

// literalTime adds up the times that are written in a sum, and reports whether
// any is measured.
func literalTime(s script.Sum) (written time.Duration, measured bool) {
	for _, t := range s.Terms {
		switch {
		case t.Type() != script.Duration:
		case t.Figure != nil:
			measured = true
		case t.Minus:
			written -= time.Duration(t.Literal.N)
		default:
			written += time.Duration(t.Literal.N)
		}
	}
	return written, measured
}

// conditions are those of all expectations of a scenario.
func conditions(sc *script.Scenario) (all []script.Condition) {
	for _, st := range slices.Concat(sc.Script, sc.Final) {
		for _, e := range expects(st.Act) {
			all = append(all, e.Cond)
		}
	}
	return all
}

// judgeLateness says why a world's lateness makes a run void, or what is to be
// noted of it; "" for neither. The limit is the shortest of the expectations, 0
// for none; zero is when the scenario began; the timers of operator are the
// script's.
func judgeLateness(l world.Lateness, limit, zero time.Duration, operator string) (void, note string) {
	if l.By < unnoticed {
		return "", ""
	}
	whose := "a timer of " + l.Host
	switch l.Host {
	case "":
		whose = "a timer of the lab"
	case operator:
		whose = "a timer of the script"
	}
	what := fmt.Sprintf("%s that was due at %v was %v late", whose,
		max(0, l.Due-zero).Round(time.Millisecond), l.By.Round(time.Millisecond))
	shortest := shorter(l.Shortest, limit)
	bound := allowed(shortest)
	if l.By <= bound {
		return "", what + ": this machine is busy"
	}
	why := fmt.Sprintf("more than %v", bound.Round(time.Millisecond))
	if bound > alwaysAllowed {
		why += fmt.Sprintf(", a quarter of the shortest timeout or limit in force (%v)", shortest)
	}
	return fmt.Sprintf("the lab itself was too late: %s, %s; this machine is too busy, or the lab was stopped meanwhile", what, why), ""
}
