package continuity

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"sessionlab/scenarios/history"
)

// Kinds of anomalies besides the classes of sessions.
const (
	StaleRead  = "stale_read"
	Duplicated = "duplicated"
)

// maxTold is how many anomalies of one kind get a story; all are counted.
const maxTold = 1000

// tell enters an anomaly, seen by the user in the answer to r.
func (c *checker) tell(kind string, r int32, explanation func() string, reason func() why) {
	if c.told[kind]++; c.told[kind] > maxTold {
		c.result.Untold++
		return
	}
	rec := c.recs[r]
	text := explanation()
	if rec.Audit {
		text = "After the end each user looked once more: " + text
	}
	x := reason()
	if x.sentence != "" {
		text += " " + x.sentence
	}
	c.result.Anomalies = append(c.result.Anomalies, Anomaly{
		Kind: kind, User: rec.User, At: rec.Ended, Node: rec.Node, Request: rec.Request(), Mechanism: x.mechanism, Explanation: text,
	})
}

// clock writes an instant or a length of time in seconds with milliseconds.
func clock(d time.Duration) string {
	ms := d.Milliseconds()
	sign := ""
	if ms < 0 {
		sign, ms = "-", -ms
	}
	return fmt.Sprintf("%s%d.%03ds", sign, ms/1000, ms%1000)
}

// short is a session id for a reader: of a long one the first eight characters,
// and the route. The history has it in full.
func short(id string) string {
	if b := base(id); len(b) > 12 {
		return b[:8] + id[len(b):]
	}
	return id
}

// by names the node whose answer it was, or who was asked where nothing says.
func by(r *history.Record) string {
	if node := r.AnsweredBy(); node != "" {
		return node
	}
	return cmp.Or(r.On, "the proxy")
}

// asked is what a request asks for: "POST /set?name=cart".
func (c *checker) asked(r int32) string { return c.recs[r].Method + " " + c.recs[r].Path }

// sight is what a reading shows of an attribute: "cart=pen".
func (t *trial) sight(a *attribute, j int) string {
	for _, g := range t.recs[t.readings[j]].Got {
		if g.Name == a.name {
			return a.name + "=" + g.Value
		}
	}
	return "no " + a.name
}

// effect is what a write left: "cart=book".
func (c *checker) effect(w int32) string {
	write := c.recs[w].Write()
	switch write.Op {
	case history.Remove:
		return write.Name + " removed"
	case history.Add:
		if g, ok := c.recs[w].Attr(write.Name); ok {
			return write.Name + "=" + g.Value
		}
		return "an increment of " + write.Name
	}
	return write.Name + "=" + write.Value
}

// cause is the event that came before request r ended and explains it best: the
// latest that concerns one of the nodes, else the latest fault of all.
func (c *checker) cause(r int32, nodes ...string) string {
	return c.causeBy(c.recs[r].Ended, nodes...)
}

// causeBy is the cause among the events up to an instant.
func (c *checker) causeBy(end time.Duration, nodes ...string) string {
	best, about := -1, false
	for i, e := range c.events {
		if e.At > end || !disturbs(e.Kind) {
			continue
		}
		concerns := false
		for _, name := range strings.Fields(e.Node) {
			for _, node := range nodes {
				concerns = concerns || name == node
			}
		}
		if concerns || !about {
			best, about = i, concerns
		}
	}
	if best < 0 {
		return "No fault came before it."
	}
	e := c.events[best]
	text := e.Text
	if text == "" {
		text = strings.TrimSpace(e.Kind + " " + e.Node)
	}
	return fmt.Sprintf("Before it, at %s: %s.", clock(e.At), strings.TrimSuffix(text, "."))
}

// disturbs reports whether an event of this kind can be the cause of an anomaly.
func disturbs(kind string) bool {
	switch kind {
	case "skew", "hold", "drop", "delay", "duplicate":
		return true
	}
	return isFault(kind)
}

// lastGood is the last request before r whose answer showed the session, -1 if
// none.
func (t *trial) lastGood(r int32) int32 {
	good := int32(-1)
	for _, it := range t.sess.items {
		if it.part == alive && t.before(it.req, r) {
			good = it.req
		}
	}
	return good
}

// debts is what an answer to r should have shown at least.
func (t *trial) debts(r int32) string {
	var list []string
	for _, a := range t.attrs {
		if known := t.ended(a.acked, r); known > 0 {
			if w := a.newest[known-1]; t.recs[w].Write().Op != history.Remove {
				list = append(list, t.effect(w))
			}
		}
	}
	if len(list) == 0 {
		return ""
	}
	if len(list) > 4 {
		list = append(list[:4], fmt.Sprintf("%d more", len(list)-4))
	}
	return " With it went what had been acknowledged: " + strings.Join(list, ", ") + "."
}

func (t *trial) tellLost(it item) func() string {
	return func() string {
		r := t.recs[it.req]
		var b strings.Builder
		if r.Sent != "" {
			fmt.Fprintf(&b, "%s presented session %s", r.User, short(r.Sent))
		} else {
			fmt.Fprintf(&b, "%s has session %s and did not present it, for want of a cookie for this page", r.User, short(t.sess.id))
		}
		node := ""
		if good := t.lastGood(it.req); good >= 0 {
			node = t.recs[good].Node
			fmt.Fprintf(&b, ", last answered by %s at %s,", by(t.recs[good]), clock(t.end[good]))
		}
		if id, _ := identity(r); it.part == replaced && id != "" {
			fmt.Fprintf(&b, " and %s gave a new one, %s.", by(r), short(id))
		} else {
			fmt.Fprintf(&b, " and %s knew no such session.", by(r))
		}
		b.WriteString(t.debts(it.req))
		b.WriteString(" " + t.cause(it.req, node))
		return b.String()
	}
}

func (t *trial) tellAbsent(it item) func() string {
	return func() string {
		r := t.recs[it.req]
		node := ""
		if good := t.lastGood(it.req); good >= 0 {
			node = t.recs[good].Node
		}
		return fmt.Sprintf("%s presented session %s with %s and %s did not know it; later it was seen alive. %s",
			r.User, short(r.Sent), t.asked(it.req), by(r), t.cause(it.req, node, r.Node))
	}
}

func (t *trial) tellStale(a *attribute, j int, w int32) func() string {
	return func() string {
		r := t.readings[j]
		rec := t.recs[r]
		if a.adds && !t.misses(a, r, a.looks[j], w) {
			_, n := t.owed(a, r)
			return fmt.Sprintf("%s was shown %s by %s (%s), %d of %d acknowledged increments; later more of them were seen. %s",
				rec.User, t.sight(a, j), by(rec), t.asked(r), a.looks[j].writes, n, t.cause(r, rec.Node, t.recs[w].Node))
		}
		return fmt.Sprintf("%s was shown %s by %s (%s), %s after %s had acknowledged %s (%s), which was seen later. %s",
			rec.User, t.sight(a, j), by(rec), t.asked(r), span(t.start[r]-t.end[w]), by(t.recs[w]), t.effect(w),
			t.recs[w].Request(), t.cause(r, rec.Node, t.recs[w].Node))
	}
}

func (t *trial) tellRolledBack(a *attribute, last int, w int32) func() string {
	return func() string {
		first := t.firstMiss(a, last, w)
		rec, end := t.recs[first], t.recs[t.readings[last]]
		story := fmt.Sprintf("%s acknowledged %s at %s (%s), but %s was shown %s by %s at %s (%s)",
			by(t.recs[w]), t.effect(w), clock(t.end[w]), t.recs[w].Request(),
			rec.User, t.sight(a, t.reading(first)), by(rec), clock(rec.Ended), rec.Request())
		if first != t.readings[last] {
			story += fmt.Sprintf(", and it was never seen again: the last answer, at %s by %s, shows %s",
				clock(end.Ended), by(end), t.sight(a, last))
		} else {
			story += ", the last answer of all"
		}
		return story + ". " + t.cause(first, t.recs[w].Node, rec.Node)
	}
}

func (t *trial) tellLostIncrements(a *attribute, last int) func() string {
	return func() string {
		first := a.firstDeficit(last)
		r := t.readings[first]
		rec := t.recs[r]
		story := fmt.Sprintf("%d increments of %s were acknowledged and the last answer counts %d: %d never seen again. It began at %s, when %s answered %s with %s, %d counted of %d acknowledged",
			a.owed[last], a.name, a.looks[last].writes, a.owed[last]-a.looks[last].writes, clock(rec.Ended),
			by(rec), t.asked(r), t.sight(a, first), a.looks[first].writes, a.owed[first])
		for _, w := range a.writes {
			if w != r && t.start[w] < t.end[r] && t.end[w] > t.start[r] {
				story += fmt.Sprintf("; %s on %s overlapped it", t.recs[w].Request(), by(t.recs[w]))
				break
			}
		}
		return story + ". " + t.cause(r, rec.Node)
	}
}

func (t *trial) tellForked(one copyAt, a *attribute, other copyAt, b *attribute) func() string {
	return func() string {
		r1, r2 := t.recs[t.readings[one.reading]], t.recs[t.readings[other.reading]]
		return fmt.Sprintf("two copies went apart: %s shows %s and not %s (at %s, %s), %s shows %s and not %s (at %s, %s); no later answer shows both. %s",
			one.node, t.sight(a, one.reading), t.shows(b, other.reading), clock(r1.Ended), r1.Request(),
			other.node, t.sight(b, other.reading), t.shows(a, one.reading), clock(r2.Ended), r2.Request(),
			t.cause(t.readings[other.reading], one.node, other.node))
	}
}

// shows names the write that a reading shows: "cart=pen of alice/2".
func (t *trial) shows(a *attribute, j int) string {
	w := a.looks[j].write
	return t.effect(w) + " of " + t.recs[w].Request()
}

func (t *trial) tellResurrected(r, end int32) func() string {
	return func() string {
		rec := t.recs[r]
		with := "without attributes"
		if len(rec.Got) > 0 {
			var list []string
			for _, g := range rec.Got {
				list = append(list, g.Name+"="+g.Value)
			}
			with = "with " + strings.Join(list, ", ")
		}
		return fmt.Sprintf("%s logged out at %s (%s, acknowledged by %s), yet %s after that %s still knows session %s, %s. %s",
			rec.User, clock(t.end[end]), t.recs[end].Request(), by(t.recs[end]), span(t.start[r]-t.end[end]), by(rec),
			short(rec.Session), with, t.cause(r, rec.Node, t.recs[end].Node))
	}
}

func (t *trial) tellForeignWrite(r, w int32, g history.Attr) func() string {
	return func() string {
		rec := t.recs[r]
		return fmt.Sprintf("%s was shown %s=%s by %s (%s), which is what %s wrote with %s. %s",
			rec.User, g.Name, g.Value, by(rec), t.asked(r), t.recs[w].User, t.recs[w].Request(), t.cause(r, rec.Node))
	}
}

func (t *trial) tellForeignSession(r, owner int32) func() string {
	return func() string {
		rec := t.recs[r]
		if rec.Foreign {
			return fmt.Sprintf("%s presented session %s, which is that of %s since %s, and %s took it (%s). The scenario chose the cookie.",
				rec.User, short(rec.Sent), t.recs[owner].User, t.recs[owner].Request(), by(rec), t.asked(r))
		}
		return fmt.Sprintf("%s was given session %s by %s (%s), which is the session of %s since %s. %s",
			rec.User, short(rec.Session), by(rec), t.asked(r), t.recs[owner].User, t.recs[owner].Request(), t.cause(r, rec.Node))
	}
}

func (c *checker) tellDuplicated(r int32) func() string {
	return func() string {
		rec := c.recs[r]
		var tried, ran []string
		for _, try := range rec.Attempts {
			tried = append(tried, fmt.Sprintf("%s (%s)", try.Node, try.Outcome))
		}
		for i := range rec.Notes {
			if n := &rec.Notes[i]; n.Write != nil {
				ran = append(ran, fmt.Sprintf("%s, which left %s of %s with %s applied", n.Node, n.Name, short(n.Session), writes(n.Writes)))
			}
		}
		story := fmt.Sprintf("%s (%s) was sent once", rec.Request(), c.asked(r))
		if len(tried) > 1 {
			story += ", tried by the proxy on " + strings.Join(tried, " and ") + ","
		}
		times := "twice"
		if len(ran) > 2 {
			times = fmt.Sprintf("%d times", len(ran))
		}
		return fmt.Sprintf("%s and executed %s: by %s. %s", story, times, strings.Join(ran, ", and by "), c.cause(r, rec.Node))
	}
}

func writes(n int64) string {
	if n == 1 {
		return "1 write"
	}
	return fmt.Sprintf("%d writes", n)
}

// unmet says what came of a last look that no node answered.
func (t *trial) unmet(r int32) string {
	rec := t.recs[r]
	if !rec.Audit {
		return fmt.Sprintf("%s had session %s, and has not presented it after %s, at %s", rec.User, short(t.sess.id), rec.Request(), clock(rec.Ended))
	}
	answer := "no answer came (" + rec.Err + ")"
	if rec.Answered() {
		answer = fmt.Sprintf("%s answered %d", by(rec), rec.Status)
	}
	return fmt.Sprintf("%s asked for session %s, and %s", rec.User, short(rec.Sent), answer)
}

func (t *trial) tellUnseen(r int32) func() string {
	return func() string {
		left := "."
		if len(t.holders) > 0 {
			left = ": still held by " + strings.Join(t.holders, ", ") + "."
		}
		return t.unmet(r) + ". Nobody could see whether it lives" + left + " " + t.causeAtEnd(r)
	}
}

func (t *trial) tellGone(r int32) func() string {
	return func() string {
		return t.unmet(r) + ", and no copy of it is left on any machine or in any store." + t.debts(r) + " " + t.causeAtEnd(r)
	}
}

// causeAtEnd is the cause of what was found at the last look, or when the run was
// over and there had been none.
func (t *trial) causeAtEnd(r int32) string {
	if rec := t.recs[r]; !rec.Audit {
		return t.causeBy(max(rec.Ended, t.history.Taken), rec.Node)
	}
	return t.cause(r)
}

// span is a length of time, in the unit that reads best.
func span(d time.Duration) string {
	switch {
	case d <= 0:
		return "right"
	case d < time.Millisecond:
		return d.Truncate(time.Microsecond).String()
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return clock(d)
}
