package scenarios

import (
	"strings"
	"time"

	"sessionlab/scenarios/continuity"
	"sessionlab/scenarios/script"
)

// lookupNow answers figures in the middle of a run, from what has been seen so
// far.
func (r *run) lookupNow() script.Lookup {
	var checked *continuity.Result
	return func(f script.Figure) (script.Value, bool) {
		if v, mine := r.copies(f); mine {
			return v, true
		}
		r.mu.Lock()
		v, ok, mine := r.own(f)
		r.mu.Unlock()
		if mine {
			return v, ok
		}
		if r.live && undecidedYet(f.Name) {
			return script.Value{}, false
		}
		if checked == nil {
			opts := r.checkOptions()
			opts.Unfinished = true
			checked = continuity.Check(r.soFar(), opts)
		}
		return measured(checked, f)
	}
}

// undecidedYet reports whether a figure can still fall, or be taken back, while the
// lab is kept up: nobody has looked since.
func undecidedYet(figure string) bool {
	switch figure {
	case "sessions.kept", "sessions.unseen", "sessions.rolled_back", "sessions.forked":
		return true
	}
	return false
}

func (r *run) lookupFinal(checked *continuity.Result) script.Lookup {
	return func(f script.Figure) (script.Value, bool) {
		r.mu.Lock()
		v, ok, mine := r.own(f)
		if seen, looked := r.lastCopies[f]; looked {
			v, ok, mine = seen, true, true
		}
		r.mu.Unlock()
		if mine {
			return v, ok
		}
		return measured(checked, f)
	}
}

// own answers the figures that the run itself keeps; mine is false for others.
// r.mu is held.
func (r *run) own(f script.Figure) (v script.Value, ok, mine bool) {
	if f.Remembered {
		v, ok = r.remembered[f.Name]
		return v, ok, true
	}
	lag := func(of func(Replication) time.Duration) (script.Value, bool, bool) {
		return script.DurationOf(of(r.stats.replication())), len(r.stats.lags) > 0, true
	}
	switch f.Name {
	case "sessions.on":
		n := 0
		for _, node := range r.lastNode {
			if node == f.Arg {
				n++
			}
		}
		return script.CountOf(n), true, true
	case "replication.messages":
		return script.CountOf(r.stats.messages), true, true
	case "replication.bytes":
		return script.CountOf(int(r.stats.bytes)), true, true
	case "replication.lag.p50":
		return lag(func(s Replication) time.Duration { return s.LagP50 })
	case "replication.lag.p99":
		return lag(func(s Replication) time.Duration { return s.LagP99 })
	case "replication.lag.max":
		return lag(func(s Replication) time.Duration { return s.LagMax })
	case "proxy.tries":
		return script.CountOf(r.stats.tries[f.Arg]), true, true
	case "proxy.excluded":
		return script.CountOf(r.stats.excluded[f.Arg]), true, true
	}
	return v, false, false
}

// measured asks the checker's result.
func measured(checked *continuity.Result, f script.Figure) (script.Value, bool) {
	name, arg := f.Name, f.Arg
	switch {
	case f.Type == script.Attribute && f.Name != script.CookieFigure:
		name, arg = f.User+".last."+f.Arg, ""
	case f.User != "":
		name = f.User + strings.TrimPrefix(name, "USER")
	case strings.HasPrefix(name, "guarantees."):
		name += ".violations"
	}
	v, ok := checked.Figure(name, arg)
	if !ok || v.Kind == continuity.NoData {
		// A user who has sent nothing has sent nothing; whether it went well is
		// another question.
		return script.CountOf(0), f.Name == "USER.requests"
	}
	switch {
	case f.Type == script.Attribute && v.Absent:
		return script.NoAttribute(), true
	case f.Type == script.Attribute:
		return script.AttributeOf(v.Text), true
	case f.Type == script.Bool:
		return script.BoolOf(v.Count != 0), true
	}
	switch v.Kind {
	case continuity.Count:
		return script.CountOf(int(v.Count)), true
	case continuity.Duration:
		return script.DurationOf(v.Duration), true
	case continuity.Percent:
		// There is one share. Its quotient in binary may be a little too small.
		return script.PercentOf(checked.Requests.OK, checked.Requests.Total), true
	}
	return script.TextOf(v.Text), true
}

func (r *run) checkOptions() continuity.Options {
	o := r.sc.Noun("manager").Options
	max := o.Duration("maxInactiveInterval", r.sc.Noun("app").Options.Duration("sessionTimeout", 30*time.Minute))
	return continuity.Options{MaxInactive: max}
}
