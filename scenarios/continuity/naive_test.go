package continuity

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sessionlab/scenarios/history"
)

// naive judges a history by writing the definitions down one by one, each as a
// search through everything. It shares no code with Check but the reading of one
// answer (identity, carriedOver, silent, base) and is usable for small histories only.
type naive struct {
	recs      []*history.Record
	inventory []history.Holding
	closed    bool
	taken     time.Duration
	opts      Options
	list      []*naiveSession
}

type naiveSession struct {
	user  string
	ids   map[string]bool
	items []item
}

func (n *naive) before(x, y int32) bool {
	return n.recs[x].Ended <= n.recs[y].Started && x < y
}

// writerOf is the first request that sent this write.
func (n *naive) writerOf(a history.Attr) (int32, bool) {
	for i, r := range n.recs {
		if a.Write != 0 && r.Write() != nil && r.Write().Number == a.Write {
			return int32(i), r.Write().Name == a.Name
		}
	}
	return 0, false
}

// doneBefore: the write's answer, or somebody's sight of it, came before y.
func (n *naive) doneBefore(w, y int32) bool {
	if n.recs[w].Acknowledged() && n.before(w, y) {
		return true
	}
	if w >= y {
		return false
	}
	for _, r := range n.recs {
		for _, a := range r.Got {
			if x, ok := n.writerOf(a); ok && x == w && r.Answered() && r.Ended <= n.recs[y].Started {
				return true
			}
		}
	}
	return false
}

func (n *naive) sessions() {
	order := make([]int32, len(n.recs))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(n.recs[a].Ended, n.recs[b].Ended) })
	find := func(user, id string) *naiveSession {
		for i := len(n.list) - 1; i >= 0; i-- {
			if s := n.list[i]; id != "" && s.user == user && s.ids[base(id)] {
				return s
			}
		}
		return nil
	}
	for _, i := range order {
		r := n.recs[i]
		sent := find(r.User, r.Sent)
		put := func(s *naiveSession, what part) { s.items = append(s.items, item{i, what}) }
		id, fresh := identity(r)
		switch {
		case r.Logout():
			if sent != nil {
				put(sent, logout)
			}
			continue
		case id == "":
			if sent != nil {
				put(sent, silent(r))
			}
			continue
		}
		if fresh && sent != nil && carriedOver(n.recs, sent.items, r) {
			fresh = false
		}
		s := find(r.User, id)
		if sent != nil && (fresh || s != nil && s != sent) {
			put(sent, replaced)
		}
		if fresh || s == nil && sent == nil {
			s = &naiveSession{user: r.User, ids: map[string]bool{}}
			n.list = append(n.list, s)
		} else if s == nil {
			s = sent
		}
		for _, other := range n.list {
			if other.user == r.User {
				delete(other.ids, base(id)) // an id names the latest session that it was given to
			}
		}
		s.ids[base(id)] = true
		put(s, alive)
	}
	slices.SortStableFunc(n.list, func(a, b *naiveSession) int { return strings.Compare(a.user, b.user) })
	for _, s := range n.list {
		slices.SortStableFunc(s.items, func(a, b item) int { return int(a.req - b.req) })
	}
}

// naiveView is one session with the questions that the definitions ask.
type naiveView struct {
	*naive
	s        *naiveSession
	names    []string
	readings []int32
}

func (v *naiveView) has(w int32) bool {
	return slices.ContainsFunc(v.s.items, func(it item) bool { return it.req == w })
}

func (v *naiveView) look(r int32, name string) look {
	a, ok := v.recs[r].Attr(name)
	if !ok {
		return look{absent, 0}
	}
	if w, ok := v.writerOf(a); ok && v.has(w) {
		return look{w, a.Writes}
	}
	return look{unknown, a.Writes}
}

func (v *naiveView) writes(name string) (list []int32) {
	for _, it := range v.s.items {
		if w := v.recs[it.req].Write(); w != nil && w.Name == name {
			list = append(list, it.req)
		}
	}
	return list
}

func (v *naiveView) acked(name string) (list []int32) {
	for _, it := range v.s.items {
		r := v.recs[it.req]
		if r.Write() == nil || r.Write().Name != name || !r.Acknowledged() || it.part != alive && it.part != touched {
			continue
		}
		list = append(list, it.req)
	}
	return list
}

func (v *naiveView) countable(name string) bool {
	for _, w := range v.writes(name) {
		if v.recs[w].Write().Op == history.Remove {
			return false
		}
	}
	for _, r := range v.readings {
		if l := v.look(r, name); l.write == unknown || l.write >= 0 && l.writes <= 0 {
			return false
		}
	}
	return true
}

func (v *naiveView) adds(name string) bool {
	for _, w := range v.writes(name) {
		if v.recs[w].Write().Op != history.Add {
			return false
		}
	}
	return v.countable(name)
}

// contains: the answer to r shows w or a write that may have come after it.
func (v *naiveView) contains(r int32, name string, w int32) bool {
	switch l := v.look(r, name); l.write {
	case unknown, w:
		return true
	case absent:
		for _, x := range v.writes(name) {
			if v.recs[x].Write().Op == history.Remove && v.recs[x].Started <= v.recs[r].Ended && !v.doneBefore(x, w) {
				return true
			}
		}
		return false
	default:
		return !v.doneBefore(l.write, w)
	}
}

func (v *naiveView) owed(r int32, name string) (list []int32) {
	for _, w := range v.acked(name) {
		if w == r || v.before(w, r) {
			list = append(list, w)
		}
	}
	return list
}

// residue: the increments that r and all that may come after it do not count.
func (v *naiveView) residue(r int32, name string) (lacks, rest int64) {
	if !v.adds(name) {
		return 0, 0
	}
	need := int64(len(v.owed(r, name)))
	lacks = max(0, need-v.look(r, name).writes)
	rest = lacks
	for _, x := range v.readings {
		if x != r && !v.before(x, r) {
			n := int64(len(v.owed(x, name)))
			if !v.before(r, x) {
				n = max(n, need)
			}
			rest = min(rest, max(0, n-v.look(x, name).writes))
		}
	}
	return lacks, rest
}

func (v *naiveView) seenLater(r int32, name string, w int32) bool {
	for _, x := range v.readings {
		if x != r && !v.before(x, r) && v.contains(x, name, w) {
			return true
		}
	}
	return false
}

func (n *naive) judge() string {
	n.sessions()
	var classes []string
	var stale, twice int
	var g Guarantees
	for _, s := range n.list {
		v := &naiveView{naive: n, s: s}
		for _, it := range s.items {
			r := n.recs[it.req]
			if r.Write() != nil && !slices.Contains(v.names, r.Write().Name) {
				v.names = append(v.names, r.Write().Name)
			}
			if it.part == alive && r.Answered() && r.Got != nil {
				v.readings = append(v.readings, it.req)
				for _, a := range r.Got {
					if !slices.Contains(v.names, a.Name) {
						v.names = append(v.names, a.Name)
					}
				}
			}
		}
		class, gone := Kept, Kept
		if v.rolledBack() {
			gone = RolledBack
		}
		if v.forked() {
			gone = Forked
		}
		lost, late := v.departed(&g)
		if lost {
			class = max(class, Lost)
		}
		if v.resurrected() {
			class = max(class, Resurrected)
		}
		if v.leaked() {
			class = max(class, Leaked)
		}
		asked, blind, left, over := v.lookedAt()
		undecided := false
		switch {
		case !blind || class >= Lost:
			class = max(class, gone)
		case left:
			undecided = true
			if !v.expired() && (asked || gone > Kept) {
				class = Unseen
			}
		case !over && !v.expired():
			class = Lost
		}
		classes = append(classes, class.String())
		stale += late + v.stale(undecided)
		v.guarantees(&g)
	}
	twice = n.twice()
	return fmt.Sprintf("%s stale=%d twice=%d %v", strings.Join(classes, " "), stale, twice, g)
}

func (v *naiveView) rolledBack() bool {
	for _, r := range v.readings {
		if slices.ContainsFunc(v.readings, func(x int32) bool { return v.before(r, x) }) {
			continue
		}
		for _, name := range v.names {
			for _, w := range v.owed(r, name) {
				if !v.contains(r, name, w) && !v.seenLater(r, name, w) {
					return true
				}
			}
			if _, rest := v.residue(r, name); rest > 0 {
				return true
			}
		}
	}
	return false
}

func (v *naiveView) stale(undecided bool) (n int) {
	for _, r := range v.readings {
		late := false
		for _, name := range v.names {
			for _, w := range v.owed(r, name) {
				late = late || !v.contains(r, name, w) && (undecided || v.seenLater(r, name, w))
			}
			lacks, rest := v.residue(r, name)
			late = late || rest < lacks || undecided && lacks > 0
		}
		if late {
			n++
		}
	}
	return n
}

// lacks: x cannot contain what r shows, which was done before x was sent.
func (v *naiveView) lacks(x, r int32, name string) bool {
	a, b := v.look(r, name), v.look(x, name)
	for _, w := range v.writes(name) {
		if v.recs[w].Write().Op == history.Remove {
			return false
		}
	}
	if a.write < 0 || !v.doneBefore(a.write, x) {
		return false
	}
	return b.write == absent ||
		b.write >= 0 && b.write != a.write && (v.doneBefore(b.write, a.write) || b.writes > 0 && b.writes <= a.writes)
}

func (v *naiveView) forked() bool {
	last := map[string]int32{}
	for _, r := range v.readings {
		if node := v.recs[r].Node; node != "" {
			last[node] = r
		}
	}
	for _, x := range last {
		for _, y := range last {
			for _, nx := range v.names {
				for _, ny := range v.names {
					if !v.lacks(y, x, nx) || !v.lacks(x, y, ny) {
						continue
					}
					healed := false
					for _, z := range last {
						healed = healed || v.recs[x].Ended <= v.recs[z].Started && v.recs[y].Ended <= v.recs[z].Started &&
							!v.lacks(z, x, nx) && !v.lacks(z, y, ny)
					}
					if !healed {
						return true
					}
				}
			}
		}
	}
	return false
}

func (v *naiveView) departed(g *Guarantees) (lost bool, late int) {
	for _, it := range v.s.items {
		if it.part != none && it.part != replaced {
			continue
		}
		over := false
		used := time.Duration(-1)
		again := false
		for _, other := range v.s.items {
			o := v.recs[other.req]
			over = over || other.part == logout && other.req != it.req && o.Started <= v.recs[it.req].Ended
			if (other.part == alive || other.part == touched && o.Acknowledged()) && v.before(other.req, it.req) {
				used = max(used, o.Started)
			}
			again = again || other.part == alive && o.Started >= v.recs[it.req].Ended
		}
		if over || v.opts.MaxInactive > 0 && used >= 0 && v.recs[it.req].Ended-used >= v.opts.MaxInactive {
			continue
		}
		var owed, shown bool
		for _, name := range v.names {
			for _, w := range v.acked(name) {
				owed = owed || v.before(w, it.req)
			}
			for _, r := range v.readings {
				shown = shown || v.before(r, it.req) && v.look(r, name).write >= 0
			}
		}
		g.ReadYourWrites.note(owed, true)
		g.MonotonicReads.note(shown, true)
		if r := v.recs[it.req]; r.Write() != nil && r.Acknowledged() {
			if _, ok := r.Attr(r.Write().Name); ok {
				g.MonotonicWrites.note(owed, true)
				g.WritesFollowReads.note(shown, true)
			}
		}
		if !again {
			return true, late
		}
		late++
	}
	return false, late
}

func (v *naiveView) resurrected() bool {
	for _, end := range v.s.items {
		for _, it := range v.s.items {
			if end.part == logout && v.recs[end.req].Acknowledged() && it.part == alive && v.before(end.req, it.req) {
				return true
			}
		}
	}
	return false
}

func (v *naiveView) leaked() bool {
	for _, it := range v.s.items {
		r := v.recs[it.req]
		if it.part != alive {
			continue
		}
		for _, a := range r.Got {
			if w, ok := v.writerOf(a); ok && v.recs[w].User != v.s.user {
				return true
			}
		}
		if r.Session == "" || r.Session == r.Sent {
			continue
		}
		first := -1
		for i, o := range v.recs {
			id := o.Session
			if id == "" || !o.Answered() {
				id = o.SetCookie
			}
			if id != "" && base(id) == base(r.Session) && (first < 0 || o.Ended < v.recs[first].Ended) {
				first = i
			}
		}
		if first >= 0 && v.recs[first].User != v.s.user {
			return true
		}
	}
	return false
}

// twice: executions of a write beyond the first.
func (n *naive) twice() (more int) {
	for _, r := range n.recs {
		ran := 0
		for _, note := range r.Notes {
			if note.Write != nil {
				ran++
			}
		}
		more += max(0, ran-1)
	}
	return more
}

// lookedAt: asked says that there were last looks, blind that none of them showed
// anything, or that there was none although the run is over; left that a copy is
// left, over that a logout was sent before.
func (v *naiveView) lookedAt() (asked, blind, left, over bool) {
	blind, left = true, !v.closed
	for _, it := range v.s.items {
		r := v.recs[it.req]
		if r.Audit {
			asked = true
			blind = blind && (it.part == open || it.part == touched)
		}
		ids := []string{r.Session, r.SetCookie}
		for _, note := range r.Notes {
			ids = append(ids, note.Session)
		}
		for _, held := range v.inventory {
			for _, id := range ids {
				left = left || id != "" && base(id) == base(held.Session) && (it.part == alive || it.part == open)
			}
		}
	}
	for _, it := range v.s.items {
		over = over || it.part == logout && (!asked || v.recs[it.req].Started <= v.recs[v.last()].Ended)
	}
	return asked, blind && (asked || v.closed && !v.expired()), left, over
}

// last is the last look at the session, -1 for none.
func (v *naiveView) last() int32 {
	last := int32(-1)
	for _, it := range v.s.items {
		if v.recs[it.req].Audit {
			last = it.req
		}
	}
	return last
}

// expired: nobody had used the session for MaxInactive at the last look, or, if
// there was none, when the run was over.
func (v *naiveView) expired() bool {
	last, used, until := v.last(), time.Duration(-1), v.taken
	if last >= 0 {
		until = v.recs[last].Ended
	}
	for _, it := range v.s.items {
		r := v.recs[it.req]
		if last >= 0 && (it.part == alive || it.part == touched && r.Acknowledged()) && v.before(it.req, last) ||
			last < 0 && (it.part == alive || it.part == touched) {
			used = max(used, r.Started)
		}
	}
	return v.opts.MaxInactive > 0 && used >= 0 && until-used >= v.opts.MaxInactive
}

func (v *naiveView) guarantees(g *Guarantees) {
	for _, r := range v.readings {
		var applies, broken [4]bool
		for _, name := range v.names {
			adds, mine := v.adds(name), v.look(r, name)
			owed := v.owed(r, name)
			for _, w := range owed {
				applies[0] = true
				broken[0] = broken[0] || !v.contains(r, name, w)
			}
			broken[0] = broken[0] || adds && mine.writes < int64(len(owed))
			for _, x := range v.readings {
				seen := v.look(x, name)
				if seen.write < 0 {
					continue
				}
				lacks := !v.contains(r, name, seen.write) || adds && mine.writes < seen.writes
				if v.before(x, r) {
					applies[1] = true
					broken[1] = broken[1] || lacks
				}
				for _, other := range v.names {
					if w2 := v.look(r, other).write; w2 >= 0 && v.before(x, w2) {
						applies[3] = true
						broken[3] = broken[3] || lacks
					}
				}
			}
			for _, other := range v.names {
				w2 := v.look(r, other).write
				if w2 < 0 {
					continue
				}
				var need int64
				for _, w1 := range v.acked(name) {
					if v.before(w1, w2) {
						need++
						applies[2] = true
						broken[2] = broken[2] || !v.contains(r, name, w1)
					}
				}
				if mine.write == w2 {
					need++
				}
				broken[2] = broken[2] || adds && mine.writes < need
			}
		}
		for i, one := range []*Guarantee{&g.ReadYourWrites, &g.MonotonicReads, &g.MonotonicWrites, &g.WritesFollowReads} {
			one.note(applies[i], broken[i])
		}
	}
}

// toyValue is a copy of one attribute on a toy node.
type toyValue struct{ write, writes int64 }

// toyHistory lets users with tabs loose on nodes that replicate badly, lose
// sessions, execute twice and mix up answers.
func toyHistory(rng *rand.Rand) *history.History {
	var c history.Recorder
	nodes := []string{"a", "b", "c"}[:1+rng.IntN(3)]
	names := []string{"x", "y", "count"}
	copies := map[string]map[string]map[string]toyValue{} // node, id, attribute
	for _, n := range nodes {
		copies[n] = map[string]map[string]toyValue{}
	}
	quality := rng.IntN(100) // per cent of perfect replication
	jar, count, number, ids := map[string]string{}, map[string]int{}, int64(0), 0
	now := time.Duration(0)
	var answers [][]history.Attr
	for range 2 + rng.IntN(14) {
		user := []string{"alice", "bob"}[rng.IntN(3)/2]
		count[user]++
		r := history.Record{User: user, N: count[user], Sent: jar[user], Method: "GET", Path: "/session", Status: 200}
		if rng.IntN(8) == 0 {
			r.Sent = ""
		}
		r.Started = now
		r.Ended = now + time.Duration(rng.IntN(6))
		if rng.IntN(3) > 0 {
			now = r.Ended + time.Duration(rng.IntN(2))
		} // else the next one overlaps
		r.Node = nodes[rng.IntN(len(nodes))]
		id := r.Sent
		data, known := copies[r.Node][id]
		if id == "" {
			known = false
		}
		replicate := func() {
			for _, n := range nodes {
				if n == r.Node || rng.IntN(100) >= quality {
					continue
				}
				c := map[string]toyValue{}
				for k, val := range data {
					c[k] = val
				}
				copies[n][id] = c
			}
		}
		r.Got = []history.Attr{}
		notes := []history.Note{}
		switch rng.IntN(12) {
		case 0, 1:
		case 2:
			notes = []history.Note{{Node: r.Node, Logout: true}}
			delete(copies[r.Node], id)
			for _, n := range nodes {
				if rng.IntN(100) < quality {
					delete(copies[n], id)
				}
			}
			known, data = false, nil
		case 3:
			if known {
				copies[r.Node][id+"'"] = data
				delete(copies[r.Node], id)
				notes = []history.Note{{Node: r.Node, Login: true}}
				id += "'"
				replicate()
			}
		case 4:
			r.Got = nil // a page without JSON
		default:
			if !known {
				ids++
				id, known = fmt.Sprintf("S%d", ids), true
				data = map[string]toyValue{}
				copies[r.Node][id] = data
				r.NewSession = true
			}
			number++
			w := &history.Write{Name: names[rng.IntN(3)], Number: number, Op: history.Set}
			switch {
			case w.Name == "count":
				w.Op = history.Add
			case rng.IntN(6) == 0:
				w.Op = history.Remove
			case rng.IntN(6) == 0:
				w.Op = history.Mutate
			}
			for range 1 + rng.IntN(12)/11 {
				val := data[w.Name]
				switch {
				case w.Op == history.Remove:
					delete(data, w.Name)
				case w.Op != history.Mutate || val.writes > 0:
					data[w.Name] = toyValue{number, val.writes + 1}
				default:
					continue // nothing to change
				}
				notes = append(notes, history.Note{Node: r.Node, Write: w})
			}
			if w.Op != history.Mutate {
				replicate()
			}
		}
		if r.Got != nil && known {
			r.Session = id
			for _, n := range names {
				if val, ok := data[n]; ok {
					r.Got = append(r.Got, history.Attr{Name: n, Write: val.write, Writes: val.writes})
				}
			}
			answers = append(answers, r.Got)
			if rng.IntN(8) == 0 {
				r.NewSession = true // a copy made before its user came back
			}
		}
		if known && id != r.Sent {
			r.SetCookie = id
		}
		if len(notes) == 0 {
			notes = append(notes, history.Note{Node: r.Node})
		}
		for i := range notes {
			notes[i].Asked = true
			if known {
				notes[i].Session = id
			}
		}
		r.Notes = notes
		switch rng.IntN(20) {
		case 0:
			r.Status, r.Err, r.Node, r.Session, r.SetCookie, r.Got, r.NewSession = 0, "timeout", "", "", "", nil, false
		case 1:
			r.Status, r.Session, r.Got, r.NewSession = 500, "", nil, false
		case 2:
			r.Err = "cut"
		case 3:
			r.Audit = true
			if rng.IntN(2) == 0 { // the proxy answers by itself
				r.Status, r.Node, r.Notes, r.Session, r.SetCookie, r.Got, r.NewSession = 404, "", nil, "", "", nil, false
			}
		case 4:
			if r.Session != "" { // the proxy mixes answers up
				r.Got = slices.Clone(answers[rng.IntN(len(answers))])
			}
		}
		if r.SetCookie != "" {
			jar[user] = r.SetCookie
		}
		if rng.IntN(10) == 0 {
			for _, n := range nodes { // a node's memory is gone
				if rng.IntN(2) == 0 {
					copies[n] = map[string]map[string]toyValue{}
				}
			}
		}
		c.Add(&r)
	}
	h := c.History()
	if h.Closed = rng.IntN(4) > 0; h.Closed {
		for _, r := range h.Requests {
			h.Taken = max(h.Taken, r.Ended)
		}
		for _, n := range nodes {
			for _, id := range slices.Sorted(maps.Keys(copies[n])) {
				h.Inventory = append(h.Inventory, history.Holding{Host: n, Session: id})
			}
		}
	}
	return h
}

func compareWithNaive(t *testing.T, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	h := toyHistory(rng)
	opts := Options{MaxInactive: time.Duration(rng.IntN(2) * rng.IntN(20))}
	r := Check(h, opts)
	got := summary(r) + fmt.Sprintf(" %v", r.Guarantees)
	want := (&naive{recs: h.Requests, inventory: h.Inventory, closed: h.Closed, taken: h.Taken, opts: opts}).judge()
	if got != want {
		var b strings.Builder
		if err := history.EncodeRun(&b, h, ""); err != nil {
			t.Fatal(err)
		}
		t.Errorf("seed %d, MaxInactive %d:\nCheck = %s\nnaive = %s\n%s", seed, opts.MaxInactive, got, want, b.String())
	}
}

func TestCheckAgreesWithTheDefinitionsWrittenDown(t *testing.T) {
	for seed := range uint64(2000) {
		compareWithNaive(t, seed)
		if t.Failed() {
			return
		}
	}
}

func TestToyHistoriesReachEveryClass(t *testing.T) {
	var seen [Leaked + 1]int
	var stale, twice int
	for seed := range uint64(1000) {
		r := Check(toyHistory(rand.New(rand.NewPCG(seed, 1))), Options{})
		for _, s := range r.List {
			seen[s.Class]++
		}
		stale += r.Sessions.StaleReads
		twice += r.Requests.Duplicated
	}
	for class, n := range seen {
		if n == 0 {
			t.Errorf("no session was %v: the comparison says nothing about it", Class(class))
		}
	}
	if stale == 0 || twice == 0 {
		t.Errorf("stale reads %d, executed twice %d, want some of each", stale, twice)
	}
}

func FuzzCheck(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { compareWithNaive(t, seed) })
}
