package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"sessionlab/scenarios/history"
	"sessionlab/scenarios/script"
	"sessionlab/sessions"
)

// leastOfID is how many characters of a session id are enough to follow it.
const leastOfID = 4

// Follow tells everything that a run has recorded of one user, one node, or one
// session, in the order of time: the requests, what became of the messages about
// its sessions, and what operator, nodes and proxy did. A session is named by its
// id, or by four characters or more of its beginning, in any case. It fails if the
// run has no user, node or session of that name.
func (r *Result) Follow(who string) ([]history.Event, error) {
	f := follower{h: r.History}
	switch {
	case slices.Contains(r.Scenario.Users(), who):
		f.request = func(rec *history.Record) bool { return rec.User == who }
		ids := f.sessions()
		f.passage = func(p *history.Passage) bool { return ids[p.Session] }
		f.event = byOperator
	case slices.Contains(r.Scenario.Nodes(), who):
		f.request = func(rec *history.Record) bool { return rec.Node == who || ranOn(rec, who) }
		f.passage = func(p *history.Passage) bool { return p.From == who || p.To == who }
		f.event = func(e *history.Event) bool {
			return slices.Contains(strings.Fields(e.Node), who) || slices.Contains(strings.FieldsFunc(e.Text, noName), who)
		}
	default:
		id := strings.ToUpper(sessions.Base(who))
		of := f.throughLogins(func(other string) bool {
			return len(id) >= leastOfID && strings.HasPrefix(strings.ToUpper(sessions.Base(other)), id)
		})
		f.request = func(rec *history.Record) bool { return of(rec.Sent) || of(rec.Session) || of(rec.SetCookie) }
		f.passage = func(p *history.Passage) bool { return of(p.Session) }
		f.event = byOperator
		if !slices.ContainsFunc(r.History.Requests, f.request) {
			hint := ""
			if near := script.Nearest(who, slices.Concat(r.Scenario.Users(), r.Scenario.Nodes())); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			return nil, fmt.Errorf("%s: the run has no such user, node or session%s", who, hint)
		}
	}
	return f.collect(), nil
}

// noName reports the characters that no name of a machine has.
func noName(c rune) bool { return c == ' ' || c == ',' || c == ':' || c == ';' }

// ranOn reports whether a node was asked for a request, or executed it.
func ranOn(rec *history.Record, node string) bool {
	return slices.ContainsFunc(rec.Attempts, func(a history.Attempt) bool { return a.Node == node }) ||
		slices.ContainsFunc(rec.Notes, func(n history.Note) bool { return n.Node == node })
}

// follower picks what concerns one of the run.
type follower struct {
	h       *history.History
	request func(*history.Record) bool
	passage func(*history.Passage) bool
	event   func(*history.Event) bool
}

// sessions are the ids, without route, of those that the requests picked speak of.
func (f *follower) sessions() map[string]bool {
	ids := map[string]bool{}
	for _, rec := range f.h.Requests {
		if !f.request(rec) {
			continue
		}
		for _, id := range []string{rec.Sent, rec.Session, rec.SetCookie} {
			if id != "" {
				ids[sessions.Base(id)] = true
			}
		}
		for i := range rec.Notes {
			if was := rec.Notes[i].Was; was != "" {
				ids[sessions.Base(was)] = true
			}
		}
	}
	return ids
}

// throughLogins finds the ids that logins gave to the sessions picked, or took from
// them.
func (f *follower) throughLogins(of func(id string) bool) func(id string) bool {
	more := map[string]bool{}
	with := func(id string) bool { return more[sessions.Base(id)] || of(id) }
	for found := true; found; {
		found = false
		for _, rec := range f.h.Requests {
			for i := range rec.Notes {
				if n := &rec.Notes[i]; n.Was != "" && with(n.Was) != with(n.Session) {
					more[sessions.Base(n.Was)], more[sessions.Base(n.Session)], found = true, true, true
				}
			}
		}
	}
	return with
}

// byOperator reports whether a line of the script caused an event.
func byOperator(e *history.Event) bool { return e.Step > 0 }

func (f *follower) collect() []history.Event {
	var list []history.Event
	for _, rec := range f.h.Requests {
		if f.request(rec) {
			text := fmt.Sprintf("%s, took %s", Describe(rec), (rec.Ended - rec.Started).Round(time.Microsecond))
			if rec.Audit {
				text += " (the last look, after the end)"
			}
			list = append(list, history.Event{At: rec.Started, Step: rec.Step, Kind: "request", Node: rec.Node, Text: text})
		}
	}
	for i := range f.h.Passages {
		if p := &f.h.Passages[i]; f.passage(p) {
			list = append(list, history.Event{At: p.At, Kind: string(p.Fate), Node: p.To, Text: p.String()})
		}
	}
	for _, e := range f.h.Events {
		if f.event(&e) {
			list = append(list, e)
		}
	}
	slices.SortStableFunc(list, func(a, b history.Event) int { return cmp.Compare(a.At, b.At) })
	return list
}
