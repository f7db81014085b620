package continuity

import (
	"slices"
	"sort"
	"time"

	"sessionlab/scenarios/history"
)

// look is an attribute as one answer shows it.
type look struct {
	write  int32 // the request whose write it shows, or absent, or unknown
	writes int64 // how many writes had been applied
}

const (
	absent  = -1 // the answer lists attributes, and not this one
	unknown = -2 // written by nobody in this session's history: says nothing
)

// attribute is what happened to one attribute of one session. Requests are
// listed by index; indexes grow with the time of sending, so the newest of some
// requests is the greatest.
type attribute struct {
	name      string
	countable bool // every answer's count of writes can be compared with the history
	adds      bool // countable, and all its writes are increments: a missing one shows in the count

	writes  []int32         // all that may have hit it, by start
	acked   []int32         // those acknowledged, by end
	newest  []int32         // newest[i] is the newest of acked[:i+1]
	oldest  []int32         // oldest[i] is the oldest of acked[:i+1]
	removes []int32         // all that may have removed it, by start
	undone  []time.Duration // undone[i] is when the last of removes[:i+1] had surely been done

	looks []look // one for each reading

	// By reading in the order of answers:
	shown     []int32         // the newest write seen up to here
	shownMost []int64         // the greatest count seen up to here
	healDone  []time.Duration // the latest done of the writes seen from here on
	healWrite []int32         // the newest write seen from here on

	// By reading in the order of sending:
	owed        []int64 // acknowledged increments that the answer's count must have
	deficit     []int64 // those of them that it lacks
	deficitRest []int64 // the smallest deficit from here on
}

// mayRemove is how many removes may have happened when request r was answered.
func (c *checker) mayRemove(a *attribute, r int32) int {
	if len(a.removes) == 0 {
		return 0
	}
	return sort.Search(len(a.removes), func(i int) bool { return c.start[a.removes[i]] > c.end[r] })
}

// misses reports whether an answer to r that shows v has not seen write w or
// one that may have come after it.
func (c *checker) misses(a *attribute, r int32, v look, w int32) bool {
	switch v.write {
	case w, unknown:
		return false
	case absent:
		n := c.mayRemove(a, r)
		return n == 0 || a.undone[n-1] <= c.start[w] && a.removes[n-1] < w
	}
	return c.doneBefore(v.write, w)
}

// owed is the newest acknowledged write that an answer to r must show at least,
// -1 if none, and how many there are.
func (c *checker) owed(a *attribute, r int32) (w int32, n int64) {
	w = -1
	known := c.ended(a.acked, r)
	if known > 0 {
		w = a.newest[known-1]
	}
	n = int64(known)
	if c.acknowledges(r, a.name) {
		w, n = r, n+1
	}
	return w, n
}

// oldestMissed is the oldest acknowledged write that the answer to r, which
// shows v, misses. It must miss owed(a, r).
func (c *checker) oldestMissed(a *attribute, r int32, v look) int32 {
	oldest, _ := c.owed(a, r)
	known := c.ended(a.acked, r)
	since := time.Duration(-1) // what it misses was sent after this
	switch {
	case v.write >= 0:
		since = c.done[v.write]
	case c.mayRemove(a, r) > 0:
		since = a.undone[c.mayRemove(a, r)-1]
	case known > 0:
		return min(oldest, a.oldest[known-1])
	}
	for i := known - 1; i >= 0 && c.end[a.acked[i]] >= since; i-- {
		if w := a.acked[i]; w < oldest && c.misses(a, r, v, w) {
			oldest = w
		}
	}
	return oldest
}

// acknowledges reports whether r is an acknowledged write of an attribute.
func (c *checker) acknowledges(r int32, name string) bool {
	return c.recs[r].Acknowledged() && c.recs[r].Wrote(name) != nil
}

// collect gathers the writes of a session by attribute, and what its readings
// show of each.
func (c *checker) collect(p *person, s *session, readings []int32) []*attribute {
	_, strange := c.strangers(p, s.id) // then the owner's writes count, too
	var list []*attribute
	byName := map[string]*attribute{}
	find := func(name string) *attribute {
		if len(list) > 0 && list[0].name == name {
			return list[0]
		}
		a := byName[name]
		if a == nil {
			a = &attribute{name: name, countable: !strange, adds: true}
			byName[name] = a
			list = append(list, a)
		}
		return a
	}
	for _, it := range s.items {
		c.home[it.req] = c.serial
		r := c.recs[it.req]
		for k := range r.Notes {
			w := r.Notes[k].Write
			if w == nil {
				continue
			}
			a := find(w.Name)
			if n := len(a.writes); n > 0 && a.writes[n-1] == it.req {
				continue // executed once more
			}
			a.writes = append(a.writes, it.req)
			if w.Op != history.Add {
				a.adds = false
			}
			if w.Op == history.Remove {
				a.countable = false
				a.removes = append(a.removes, it.req)
			}
			if (it.part == alive || it.part == touched) && c.acknowledges(it.req, a.name) {
				a.acked = append(a.acked, it.req)
			}
		}
	}
	for _, r := range readings {
		for _, g := range c.recs[r].Got {
			find(g.Name)
		}
	}
	for _, a := range list {
		a.looks = make([]look, len(readings))
		for j := range a.looks {
			a.looks[j].write = absent
		}
	}
	for j, r := range readings {
		for _, g := range c.recs[r].Got {
			a := find(g.Name)
			w, ok := c.writer(g)
			if !ok || c.home[w] != c.serial {
				w, a.countable = unknown, false
			}
			if g.Writes <= 0 {
				a.countable = false
			}
			a.looks[j] = look{w, g.Writes}
		}
	}
	for _, a := range list {
		a.adds = a.adds && a.countable
		c.order(a, readings)
	}
	return list
}

// order prepares the running extremes of an attribute.
func (c *checker) order(a *attribute, readings []int32) {
	if !slices.IsSortedFunc(a.acked, c.compareEnds) {
		slices.SortFunc(a.acked, c.compareEnds)
	}
	a.newest, a.oldest = slices.Clone(a.acked), slices.Clone(a.acked)
	for i := 1; i < len(a.acked); i++ {
		a.newest[i] = max(a.newest[i], a.newest[i-1])
		a.oldest[i] = min(a.oldest[i], a.oldest[i-1])
	}
	a.undone = make([]time.Duration, len(a.removes))
	for i, r := range a.removes {
		a.undone[i] = c.done[r]
		if i > 0 {
			a.undone[i] = max(a.undone[i], a.undone[i-1])
		}
	}
	a.owed = make([]int64, len(readings))
	a.deficit = make([]int64, len(readings))
	a.deficitRest = make([]int64, len(readings))
	if !a.adds {
		return
	}
	for j := len(readings) - 1; j >= 0; j-- {
		_, a.owed[j] = c.owed(a, readings[j])
		a.deficit[j] = max(0, a.owed[j]-a.looks[j].writes)
		a.deficitRest[j] = a.deficit[j]
		if j+1 < len(readings) {
			a.deficitRest[j] = min(a.deficitRest[j], a.deficitRest[j+1])
		}
	}
}

// follow prepares what had been seen up to each answer, and what is seen from
// each answer on. byEnd lists the readings by position, in the order of answers.
func (c *checker) follow(a *attribute, readings, byEnd []int32) {
	n := len(readings)
	a.shown, a.shownMost = make([]int32, n), make([]int64, n)
	a.healDone, a.healWrite = make([]time.Duration, n), make([]int32, n)
	newest, most := int32(absent), int64(0)
	for k, j := range byEnd {
		if v := a.looks[j]; v.write >= 0 {
			newest, most = max(newest, v.write), max(most, v.writes)
		}
		a.shown[k], a.shownMost[k] = newest, most
	}
	done, write := time.Duration(-1), int32(-1)
	for k := n - 1; k >= 0; k-- {
		j := byEnd[k]
		switch v := a.looks[j]; v.write {
		case unknown:
			done = never
		case absent:
			if m := c.mayRemove(a, readings[j]); m > 0 {
				done, write = max(done, a.undone[m-1]), max(write, a.removes[m-1])
			}
		default:
			done, write = max(done, c.done[v.write]), max(write, v.write)
		}
		a.healDone[k], a.healWrite[k] = done, write
	}
}

// healed reports whether an answer from position k on has seen write w, or one
// that may have come after it.
func (c *checker) healed(a *attribute, k int, w int32) bool {
	return k < len(a.healDone) && (a.healDone[k] > c.start[w] || a.healWrite[k] >= w)
}
