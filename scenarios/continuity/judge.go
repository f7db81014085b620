package continuity

import (
	"slices"
	"time"

	"sessionlab/scenarios/history"
)

// trial is one session while it is judged.
type trial struct {
	*checker
	person *person
	sess   *session
	out    Session

	readings []int32         // requests whose answers list the session's attributes, by start
	answers  []int32         // the same by end
	byEnd    []int32         // positions in readings, in the order of answers
	latest   []time.Duration // latest[j] is the last end of readings[:j+1]
	attrs    []*attribute
	messages []*history.Passage // about the session; see passagesOf

	last    int      // position of the last look at it, -1 for none
	blind   bool     // no node answered a last look, or none was made though the run is over
	over    bool     // where blind: it may have expired by itself
	holders []string // where blind: who still holds it
	left    bool     // where blind: a copy may live
}

// judge finds a session's class, its stale reads, its broken guarantees and
// the writes executed twice.
func (c *checker) judge(p *person, s *session) {
	c.serial++
	t := &trial{checker: c, person: p, sess: s}
	t.out = Session{User: p.name, ID: s.id, IDChanges: s.idChanges}
	for _, it := range s.items {
		if it.part != none && it.part != replaced {
			t.out.Requests++
		}
		if r := c.recs[it.req]; it.part == alive && r.Answered() && r.Got != nil {
			t.readings = append(t.readings, it.req)
		}
	}
	t.attrs = c.collect(p, s, t.readings)
	t.orderAnswers()

	t.leaks()
	t.logouts()
	t.departures()
	t.lastLook()
	t.losses()
	t.staleness()
	t.guarantees()

	sum := &c.result.Sessions
	switch t.out.Class {
	case Kept:
		sum.Kept++
	case Unseen:
		sum.Unseen++
	case RolledBack:
		sum.RolledBack++
	case Forked:
		sum.Forked++
	case Lost:
		sum.Lost++
	case Resurrected:
		sum.Resurrected++
	case Leaked:
		sum.Leaked++
	}
	sum.IDChanges += t.out.IDChanges
	sum.StaleReads += t.out.StaleReads
	p.staleReads += t.out.StaleReads
	c.result.List = append(c.result.List, t.out)
}

func (t *trial) orderAnswers() {
	n := len(t.readings)
	t.byEnd = make([]int32, n)
	for j := range t.byEnd {
		t.byEnd[j] = int32(j)
	}
	byEnd := func(a, b int32) int { return t.compareEnds(t.readings[a], t.readings[b]) }
	if !slices.IsSortedFunc(t.byEnd, byEnd) {
		slices.SortFunc(t.byEnd, byEnd)
	}
	t.answers = make([]int32, n)
	t.latest = make([]time.Duration, n)
	for k, j := range t.byEnd {
		t.answers[k] = t.readings[j]
		t.latest[k] = t.end[t.readings[k]]
		if k > 0 {
			t.latest[k] = max(t.latest[k], t.latest[k-1])
		}
	}
	for _, a := range t.attrs {
		t.follow(a, t.readings, t.byEnd)
	}
}

// found raises the session's class and tells the story once per cause.
func (t *trial) found(class Class, r int32, explanation func() string, reason func() why) {
	t.out.Class = max(t.out.Class, class)
	t.tell(class.String(), r, explanation, reason)
}

// leaks looks for what belongs to another user: the session itself, or a write.
func (t *trial) leaks() {
	for _, it := range t.sess.items {
		r := t.recs[it.req]
		if it.part != alive {
			continue
		}
		// An id of the user's own cookies was looked at when it came.
		if r.Session != "" && (r.Session != r.Sent || r.Foreign) {
			if o, strange := t.strangers(t.person, r.Session); strange {
				t.found(Leaked, it.req, t.tellForeignSession(it.req, o), t.foreign(it.req))
				return
			}
		}
		for _, g := range r.Got {
			if w, ok := t.writer(g); ok && t.recs[w].User != t.person.name {
				t.found(Leaked, it.req, t.tellForeignWrite(it.req, w, g), t.foreign(it.req))
				return
			}
		}
	}
}

// strangers reports whether a session id is another user's: o is the request
// that first showed it.
func (c *checker) strangers(p *person, id string) (o int32, strange bool) {
	o, ok := c.owner[base(id)]
	return o, ok && c.recs[o].User != p.name
}

// logouts looks for the session being alive in an answer to a request that was
// sent after a logout had been acknowledged.
func (t *trial) logouts() {
	end := int32(-1)
	for _, it := range t.sess.items {
		if it.part == logout && t.recs[it.req].Acknowledged() && (end < 0 || t.compareEnds(it.req, end) < 0) {
			end = it.req
		}
	}
	if end < 0 {
		return
	}
	for _, it := range t.sess.items {
		if it.part == alive && t.before(end, it.req) {
			t.found(Resurrected, it.req, t.tellResurrected(it.req, end), func() why { return t.undead(it.req, end) })
			return
		}
	}
}

// departures looks at the requests that presented the session and did not get
// it. One of them after which it is never seen alive again is its loss; one
// after which it is, is a stale read.
func (t *trial) departures() {
	lastAlive := time.Duration(-1)
	for _, it := range t.sess.items {
		if it.part == alive {
			lastAlive = t.start[it.req]
		}
	}
	for i, it := range t.sess.items {
		if it.part != none && it.part != replaced || t.mayHaveEnded(i) {
			continue
		}
		t.missingSession(it.req)
		if lastAlive >= t.end[it.req] {
			t.out.StaleReads++
			t.tell(StaleRead, it.req, t.tellAbsent(it), func() why { return t.absent(it.req) })
			continue
		}
		t.found(Lost, it.req, t.tellLost(it), func() why { return t.absent(it.req) })
		return
	}
}

// mayHaveEnded reports whether the session may have been over, as its user
// knows, when item i was answered.
func (t *trial) mayHaveEnded(i int) bool { return t.mayBeLoggedOut(i) || t.mayHaveExpired(i) }

// mayBeLoggedOut reports whether item i was answered after a logout, acknowledged
// or not; -1 stands for the end of the run.
func (t *trial) mayBeLoggedOut(i int) bool {
	for j, it := range t.sess.items {
		if it.part == logout && j != i && (i < 0 || t.start[it.req] <= t.end[t.sess.items[i].req]) {
			return true
		}
	}
	return false
}

// mayHaveExpired reports whether nobody had used the session for MaxInactive when
// item i was answered. The servers' idle time lies between the user's instants of
// sending and of getting the answer.
func (t *trial) mayHaveExpired(i int) bool {
	r := t.sess.items[i].req
	if t.opts.MaxInactive <= 0 {
		return false
	}
	for j := i - 1; j >= 0; j-- {
		it := t.sess.items[j]
		used := it.part == alive || it.part == touched && t.recs[it.req].Acknowledged()
		if used && t.before(it.req, r) {
			return t.end[r]-t.start[it.req] >= t.opts.MaxInactive
		}
	}
	return false
}

// mayHaveIdledAway reports whether nobody had used the session for MaxInactive
// when the run was over.
func (t *trial) mayHaveIdledAway() bool {
	used := time.Duration(0)
	for _, it := range t.sess.items {
		if it.part == alive || it.part == touched {
			used = max(used, t.start[it.req])
		}
	}
	return t.opts.MaxInactive > 0 && t.history.Taken-used >= t.opts.MaxInactive
}

// lastLook finds out whether a node has answered a last look at the session, and,
// if none has, what is left of it. What a node has lost is not looked for.
func (t *trial) lastLook() {
	t.last = -1
	for i, it := range t.sess.items {
		if !t.recs[it.req].Audit {
			continue
		}
		if it.part != open && it.part != touched {
			return // a node has answered
		}
		t.last = i
	}
	if t.out.Class >= Lost || t.last < 0 && (!t.closed || t.mayHaveIdledAway()) {
		return
	}
	t.blind, t.over = true, t.last >= 0 && t.mayHaveExpired(t.last)
	t.holders = t.heldBy()
	t.left = !t.closed || len(t.holders) > 0
}

// losses finds what was written and is gone. Where nobody could look, a session of
// which no copy is left is lost, and what an answer missed may be seen yet.
func (t *trial) losses() {
	gone := t.fork()
	if gone == nil {
		gone = t.rollback()
	}
	if !t.blind {
		if gone != nil {
			t.found(gone.class, gone.req, gone.explanation, gone.reason)
		}
		return
	}
	if t.over {
		return
	}
	at := len(t.sess.items) - 1
	if t.last >= 0 {
		at = t.last
	}
	r := t.sess.items[at].req
	switch {
	case !t.left && !t.mayBeLoggedOut(t.last):
		t.found(Lost, r, t.tellGone(r), plainly(NoCopyLeft))
	case t.left && t.out.Class < Unseen && (t.last >= 0 || gone != nil):
		t.found(Unseen, r, t.tellUnseen(r), plainly(NoAnswer))
	}
}

// heldBy is the machines and files that still hold the session, under any id that
// it has had.
func (t *trial) heldBy() []string {
	ids := []string{base(t.sess.id)}
	add := func(id string) {
		if id = base(id); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, it := range t.sess.items {
		if it.part != alive && it.part != open {
			continue
		}
		r := t.recs[it.req]
		add(r.Session)
		add(r.SetCookie)
		for k := range r.Notes {
			add(r.Notes[k].Session)
		}
	}
	var list []string
	for _, id := range ids {
		list = append(list, t.held[id]...)
	}
	return list
}

// loss is a write that is gone, for a session's class and its story.
type loss struct {
	class       Class
	req         int32
	explanation func() string
	reason      func() why
}

// rollback looks at the last answers, those after which no other request was
// sent: an acknowledged write that one of them misses, and that no answer which
// may have come after it shows, is never seen again.
func (t *trial) rollback() *loss {
	last := len(t.readings) - 1
	for j := last; j >= 0 && (j == last || t.latest[j] > t.start[t.readings[last]]); j-- {
		r := t.readings[j]
		for _, a := range t.attrs {
			w, _ := t.owed(a, r)
			switch {
			case w < 0:
				continue
			case t.misses(a, r, a.looks[j], w) && !t.healed(a, t.ended(t.answers, r), w):
				return &loss{RolledBack, r, t.tellRolledBack(a, j, w), func() why { return t.missing(w, t.firstMiss(a, j, w)) }}
			case t.residue(a, j) > 0:
				return &loss{RolledBack, r, t.tellLostIncrements(a, j), func() why { return t.uncounted(a, a.firstDeficit(j)) }}
			}
		}
	}
	return nil
}

// residue is how many of the increments that reading j misses are missed by
// every answer that may have come after it, too. An answer that overlaps it must
// have all that either of them must have.
func (t *trial) residue(a *attribute, j int) int64 {
	least := a.deficit[j]
	if least == 0 {
		return 0
	}
	start, end := t.start[t.readings[j]], t.end[t.readings[j]]
	overlap := func(k int) {
		least = min(least, max(0, max(a.owed[j], a.owed[k])-a.looks[k].writes))
	}
	for k := j - 1; k >= 0 && t.latest[k] > start; k-- {
		if t.end[t.readings[k]] > start {
			overlap(k)
		}
	}
	k := j + 1
	for ; k < len(t.readings) && t.start[t.readings[k]] < end; k++ {
		overlap(k)
	}
	if k < len(t.readings) {
		least = min(least, a.deficitRest[k])
	}
	return least
}

// staleness counts the answers that miss an acknowledged write which is seen
// later, or may be: the run goes on, or nobody could look at what is left.
func (t *trial) staleness() {
	undecided := t.opts.Unfinished || t.blind && t.left
	for j, r := range t.readings {
		for _, a := range t.attrs {
			w, _ := t.owed(a, r)
			if w < 0 {
				continue
			}
			late := false
			if t.misses(a, r, a.looks[j], w) {
				from := t.ended(t.answers, r)
				if late = undecided || t.healed(a, from, w); !late {
					w = t.oldestMissed(a, r, a.looks[j])
					late = t.healed(a, from, w)
				}
			}
			if late || t.residue(a, j) < a.deficit[j] || undecided && a.deficit[j] > 0 {
				t.out.StaleReads++
				t.tell(StaleRead, r, t.tellStale(a, j, w), func() why { return t.missing(w, r) })
				break
			}
		}
	}
}

// copyAt is the last that was seen of one node's copy of the session.
type copyAt struct {
	node    string
	reading int // position in readings
}

// mostCopies is how many copies of a session are compared with each other: those
// that answered last. It bounds what a session costs in a lab of very many nodes.
const mostCopies = 64

// fork looks for two nodes whose last answers each show a write that the other
// lacks although it had been done when the request was sent, and no later
// answer of a third node that lacks neither.
func (t *trial) fork() *loss {
	var copies []copyAt
	for j := len(t.readings) - 1; j >= 0 && len(copies) < mostCopies; j-- {
		node := t.recs[t.readings[j]].Node
		if node != "" && !slices.ContainsFunc(copies, func(c copyAt) bool { return c.node == node }) {
			copies = append(copies, copyAt{node, j})
		}
	}
	for i, one := range copies {
		for _, other := range copies[:i] {
			a, ok := t.holdsAlone(one.reading, other.reading)
			if !ok {
				continue
			}
			b, ok := t.holdsAlone(other.reading, one.reading)
			if !ok || t.joined(copies, one.reading, a, other.reading, b) {
				continue
			}
			return &loss{Forked, t.readings[other.reading], t.tellForked(one, a, other, b), func() why {
				return t.missing(a.looks[one.reading].write, t.readings[other.reading])
			}}
		}
	}
	return nil
}

// holdsAlone finds an attribute of which reading one shows a write that reading
// other lacks.
func (t *trial) holdsAlone(one, other int) (*attribute, bool) {
	for _, a := range t.attrs {
		if t.lacks(a, other, a.looks[one]) {
			return a, true
		}
	}
	return nil, false
}

// lacks reports whether the copy seen in reading j surely does not contain what
// v shows. A copy in which k writes are applied, the last of them u, contains
// another last write only if that one had a smaller count.
func (t *trial) lacks(a *attribute, j int, v look) bool {
	r := t.readings[j]
	if len(a.removes) > 0 || v.write < 0 || !t.doneBefore(v.write, r) {
		return false
	}
	u := a.looks[j]
	switch u.write {
	case absent:
		return true
	case unknown, v.write:
		return false
	}
	return t.doneBefore(u.write, v.write) || u.writes > 0 && u.writes <= v.writes
}

// joined reports whether the last answer of a third copy, later than both, lacks
// neither of the two writes.
func (t *trial) joined(copies []copyAt, one int, a *attribute, other int, b *attribute) bool {
	for _, c := range copies {
		if r := t.readings[c.reading]; t.end[t.readings[one]] <= t.start[r] && t.end[t.readings[other]] <= t.start[r] &&
			!t.lacks(a, c.reading, a.looks[one]) && !t.lacks(b, c.reading, b.looks[other]) {
			return true
		}
	}
	return false
}

// duplicates counts what a user's writes were executed more often than sent.
func (c *checker) duplicates(p *person) {
	for _, r := range p.reqs {
		if n := c.recs[r].Executed(); n > 1 {
			p.duplicated += n - 1
			c.tell(Duplicated, r, c.tellDuplicated(r), c.repeated(r))
		}
	}
}
