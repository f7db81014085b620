package continuity

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"sessionlab/scenarios/history"
)

// why is a mechanism with the sentence that tells it; the sentence may be "".
type why struct {
	mechanism Mechanism
	sentence  string
}

func because(m Mechanism, format string, args ...any) why {
	return why{m, fmt.Sprintf(format, args...)}
}

// passagesOf are those about a session, by any of the ids that its requests knew.
func (t *trial) passagesOf() []*history.Passage {
	c := t.checker
	if c.passages == nil {
		c.passages = map[string][]*history.Passage{}
		for i := range c.history.Passages {
			p := &c.history.Passages[i]
			c.passages[p.Session] = append(c.passages[p.Session], p)
		}
	}
	if t.messages != nil {
		return t.messages
	}
	t.messages = []*history.Passage{}
	for _, id := range t.sess.ids {
		t.messages = append(t.messages, c.passages[id]...)
	}
	if len(t.sess.ids) > 1 {
		slices.SortStableFunc(t.messages, func(a, b *history.Passage) int { return cmp.Compare(a.At, b.At) })
	}
	return t.messages
}

// executed is the node that executed the write of a request: the one whose answer
// its user has, if that is known.
func (c *checker) executed(w int32) string {
	r := c.recs[w]
	if n := r.Answering(); n != nil && n.Write != nil {
		return n.Node
	}
	for i := range r.Notes {
		if r.Notes[i].Write != nil {
			return r.Notes[i].Node
		}
	}
	return r.Node
}

// endedBetween finds when a node's process was last ended between two instants: by a
// kill, a stop or a restart. The verb is as the timeline has it.
func (c *checker) endedBetween(node string, from, to time.Duration) (verb string, at time.Duration, ok bool) {
	for i := range c.events {
		e := &c.events[i]
		if e.At > to {
			break
		}
		if e.At >= from && (e.Kind == "kill" || e.Kind == "stop" || e.Kind == "restart") && slices.Contains(strings.Fields(e.Node), node) {
			verb, at, ok = e.Kind, e.At, true
		}
	}
	return verb, at, ok
}

var pastTense = map[string]string{"kill": "was killed", "stop": "was stopped", "restart": "was restarted"}

// missing tells why the answer to request r does not show the write of request w.
func (t *trial) missing(w, r int32) why {
	from, to := t.executed(w), t.recs[r].Node
	began, seen := t.start[w], t.end[r]
	switch {
	case from == "" || to == "":
		return why{mechanism: Unknown}
	case from == to:
		return t.overwritten(to, began, w, r)
	}
	// The message that carries the change is the first one after the write.
	for _, p := range t.passagesOf() {
		if p.From != from || p.To != to || p.Sent < began || p.Kind != "DELTA" || p.Fate == history.Erased {
			continue
		}
		switch p.Fate {
		case history.UnknownSession:
			return because(DeltaUnknownSession, "The DELTA of %s reached %s at %s, where no such session was held%s, and was dropped.",
				from, to, clock(p.At), t.createdLater(to, p.At))
		case history.Applied, history.CopyReplaced:
			if p.At > t.start[r] {
				return because(DeltaLate, "The DELTA of %s was processed by %s at %s, %s after it was asked.", from, to, clock(p.At), span(p.At-t.start[r]))
			}
			return t.overwritten(to, p.At, w, r)
		}
		if x := undelivered(p); x.mechanism != Unknown {
			return x
		}
	}
	until := seen
	for i := range t.recs[w].Notes {
		if made := t.recs[w].Notes[i].Write; made != nil && made.Op == history.Mutate {
			return because(MutatedInPlace, "%s changed the object without setAttribute, so that there was nothing to send.", from)
		}
	}
	for _, p := range t.passagesOf() {
		if p.To != from || p.At < began || p.At > until {
			continue
		}
		switch p.Fate {
		case history.Erased:
			return because(DeltaErasedPending, "The DELTA of %s that %s processed at %s erased what %s had not sent yet.", p.From, from, clock(p.At), from)
		case history.Discarded:
			return because(DeltaDiscarded, "%s forgot at %s what it had not sent yet.", from, clock(p.At))
		case history.Alone:
			return because(NoMembers, "%s listed no members at %s.", from, clock(p.At))
		}
	}
	if len(t.history.Passages) == 0 {
		return because(NotReplicated, "Nothing is replicated: %s has a session of its own.", to)
	}
	if verb, at, ok := t.endedBetween(from, began, until); ok {
		return because(CopyDied, "%s %s at %s, before it had sent the change to %s.", from, pastTense[verb], clock(at), to)
	}
	return because(NeverSent, "No message with the change went from %s to %s.", from, to)
}

// createdLater says how much later a node had the CREATED that a message has
// overtaken, "" if it never came.
func (t *trial) createdLater(node string, at time.Duration) string {
	for _, p := range t.passagesOf() {
		if p.Kind == "CREATED" && p.To == node && p.At >= at {
			return fmt.Sprintf(" (its CREATED came %s later)", span(p.At-at))
		}
	}
	return ""
}

// undelivered tells why a message did not have its effect.
func undelivered(p *history.Passage) why {
	switch p.Fate {
	case history.NoManager:
		return because(NoApplication, "The %s of %s reached %s at %s, where the application did not run.", p.Kind, p.From, p.To, clock(p.At))
	case history.TooOld:
		return because(OlderThanState, "%s dropped the %s of %s as older than the sessions it had fetched.", p.To, p.Kind, p.From)
	case history.SendFailed:
		return because(MessageNotSent, "%s could not send its %s to %s at %s, and the request went on.", p.From, p.Kind, p.To, clock(p.At))
	case history.Dropped:
		return because(MessageLost, "The %s of %s to %s was lost at %s.", p.Kind, p.From, p.To, clock(p.At))
	}
	return why{mechanism: Unknown}
}

// overwritten tells why a copy that had the write of w, from an instant on, does
// not show it in the answer to r.
func (t *trial) overwritten(node string, since time.Duration, w, r int32) why {
	if verb, at, ok := t.endedBetween(node, since, t.end[r]); ok {
		return because(CopyDied, "%s had it and %s at %s.", node, pastTense[verb], clock(at))
	}
	for _, p := range t.passagesOf() {
		if p.To != node || p.At <= since || p.At > t.end[r] {
			continue
		}
		switch {
		case p.Fate == history.CopyReplaced:
			return because(CopyWasReplaced, "The %s of %s put an empty copy in the place of that of %s at %s.", p.Kind, p.From, node, clock(p.At))
		case p.Fate == history.Applied && p.Kind == "DELTA":
			return because(OverwrittenByDelta, "%s applied a DELTA of %s over it at %s.", node, p.From, clock(p.At))
		}
	}
	for _, it := range t.sess.items {
		q := it.req
		if q != w && t.recs[q].Write() != nil && t.start[q] < t.end[w] && t.end[q] > t.start[w] {
			return because(LostUpdate, "%s and %s overlapped: both had read the same value.", t.recs[w].Request(), t.recs[q].Request())
		}
	}
	return why{mechanism: Unknown}
}

// absent tells why the node that was asked with request r held no copy under the
// id that was presented.
func (t *trial) absent(r int32) why {
	rec := t.recs[r]
	node := t.dealtWith(r)
	if rec.Sent == "" {
		return plainly(CookieWithheld)()
	}
	if node == "" {
		return why{mechanism: Unknown}
	}
	good := t.lastGood(r)
	home, since := "", time.Duration(0)
	if good >= 0 {
		home, since = t.recs[good].Node, t.start[good]
	}
	// The latest messages that made a copy here, that gave it another id, that were
	// to give it the id presented, and that met no copy.
	var made, renamed, unnamed, unmet *history.Passage
	presented := base(rec.Sent)
	for _, p := range t.passagesOf() {
		if p.To != node {
			continue
		}
		late := p.At > t.start[r]
		switch {
		case p.Kind == "EXPIRED" && p.Fate == history.Applied && p.Session == presented && !late:
			return because(ExpiredByPeer, "The EXPIRED of %s had ended the copy of %s at %s.", p.From, node, clock(p.At))
		case p.Kind == "CREATED" && (p.Fate == history.Applied || p.Fate == history.CopyReplaced):
			if late && made == nil && unnamed == nil {
				return because(CreatedLate, "%s held no copy: the CREATED of %s was processed %s after it was asked.", node, p.From, span(p.At-t.start[r]))
			}
			if !late {
				made = p
			}
		case p.Kind == "CREATED" && made == nil:
			if x := undelivered(p); x.mechanism != Unknown {
				return x
			}
		case p.Kind == "CHANGE_ID" && p.Fate == history.Applied && late && p.Sent <= t.end[r]:
			return because(IDChangeLate, "%s knew the session by its old id: the CHANGE_ID of %s was processed %s after it was asked.",
				node, p.From, span(p.At-t.start[r]))
		case p.Kind == "CHANGE_ID" && p.Fate == history.Applied && p.Session == presented && !late && p.At >= since:
			renamed = p
		case p.Kind == "CHANGE_ID" && p.Fate == history.UnknownSession && p.Session != presented && !late:
			unnamed = p
		case p.Kind == "DELTA" && p.Fate == history.UnknownSession && p.Session == presented && !late:
			unmet = p
		}
	}
	if unnamed != nil {
		return because(IDChangeLost, "%s knew the session by its old id at most: the CHANGE_ID of %s reached it at %s, where no such session was held%s, and was dropped.",
			node, unnamed.From, clock(unnamed.At), t.createdLater(node, unnamed.At))
	}
	if renamed != nil {
		return because(IDChangedByPeer, "The CHANGE_ID of %s had given the copy of %s another id at %s.", renamed.From, node, clock(renamed.At))
	}
	if made != nil {
		since = made.At
	}
	if verb, at, ok := t.endedBetween(node, since, t.end[r]); ok && (made != nil || home == node) {
		return because(CopyDied, "%s held the session until it %s at %s.", node, pastTense[verb], clock(at))
	}
	if home != "" && home != node {
		if _, _, ok := t.endedBetween(home, since, t.end[r]); ok && len(t.passagesOf()) == 0 {
			return because(CopyDied, "Only %s held the session.", home) // the story tells what became of that node
		}
	}
	switch {
	case unmet != nil:
		return because(DeltaUnknownSession, "%s held no such session at %s: it dropped the DELTA of %s.", node, clock(unmet.At), unmet.From)
	case made != nil || home == node:
		return why{mechanism: Unknown}
	case len(t.history.Passages) == 0 && home != "":
		return because(NotReplicated, "Nothing is replicated: only %s holds the session.", home)
	case home != "":
		return because(NeverSent, "No CREATED of %s went to %s.", short(rec.Sent), node)
	}
	return why{mechanism: Unknown}
}

// dealtWith is the node that dealt with request r, "" if none is known.
func (t *trial) dealtWith(r int32) string {
	if n := t.recs[r].Answering(); n != nil {
		return n.Node
	}
	return t.recs[r].Node
}

// undead tells why a node still has a session that was ended by request end.
func (t *trial) undead(r, end int32) why {
	from, to := t.dealtWith(end), t.dealtWith(r)
	if from == "" || to == "" || from == to {
		return why{mechanism: Unknown}
	}
	for _, p := range t.passagesOf() {
		if p.Kind != "EXPIRED" || p.From != from || p.To != to || p.Sent < t.start[end] {
			continue
		}
		if p.Fate == history.Applied && p.At > t.start[r] {
			return because(ExpiredLate, "The EXPIRED of %s was processed by %s %s after it was asked.", from, to, span(p.At-t.start[r]))
		}
		return undelivered(p)
	}
	return because(ExpiredLate, "No EXPIRED of %s had come to %s.", from, to)
}

// firstMiss is the first of the readings up to the one at last that all miss the
// write of request w: its request.
func (t *trial) firstMiss(a *attribute, last int, w int32) int32 {
	first := last
	for j := last; j >= 0 && t.before(w, t.readings[j]) && t.misses(a, t.readings[j], a.looks[j], w); j-- {
		first = j
	}
	return t.readings[first]
}

// reading is the position of a request in readings.
func (t *trial) reading(r int32) int { return slices.Index(t.readings, r) }

// firstDeficit is the first of the readings up to the one at last from which on
// increments are missed for good.
func (a *attribute) firstDeficit(last int) int {
	for last > 0 && a.deficitRest[last-1] > 0 {
		last--
	}
	return last
}

// uncounted tells why reading j counts fewer increments than were acknowledged:
// by the latest of them that came before it on another node, or overlapped it.
func (t *trial) uncounted(a *attribute, j int) why {
	r := t.readings[j]
	node := t.recs[r].Node
	if t.recs[r].Write() != nil {
		for _, w := range a.writes {
			if w != r && t.start[w] < t.end[r] && t.end[w] > t.start[r] {
				return because(LostUpdate, "%s on %s overlapped it: both had read the same value.", t.recs[w].Request(), by(t.recs[w]))
			}
		}
	}
	missed := int32(-1)
	for _, w := range a.writes {
		if w != r && t.end[w] <= t.start[r] && t.executed(w) != node && (missed < 0 || t.end[w] > t.end[missed]) {
			missed = w
		}
	}
	if missed >= 0 {
		return t.missing(missed, r)
	}
	return why{mechanism: Unknown}
}

// plainly is a mechanism that the story itself tells.
func plainly(m Mechanism) func() why {
	return func() why { return why{mechanism: m} }
}

// foreign is how a user came to see what belongs to another one.
func (c *checker) foreign(r int32) func() why {
	if c.recs[r].Foreign {
		return plainly(ForeignCookie)
	}
	return plainly(Unknown)
}

// repeated is how a request came to be executed more often than it was sent.
func (c *checker) repeated(r int32) func() why {
	if len(c.recs[r].Attempts) > 1 {
		return plainly(RepeatedByProxy)
	}
	return plainly(Unknown)
}
