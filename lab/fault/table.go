package fault

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Message is what the table needs to know of a message.
type Message struct {
	From, To string // machines by name
	Kind     string
	By       Transport // zero is TCP
}

// Action is the table's answer. The zero value sends the message as it is.
type Action struct {
	// Cut: the two machines are partitioned. A datagram is lost; a stream's
	// message waits, with all behind it, until they can reach each other again and
	// the kernel sends it again; see Resend.
	Cut bool
	// Drop loses the message. Then nothing else is set: what is lost in the
	// sender's queue meets no other rule and no partition.
	Drop bool
	// Hold, if not nil, keeps the message until Table.Held(Hold) is false. The
	// first Hold rule that takes a message keeps it.
	Hold *Rule
	// Delay is added to the way.
	Delay time.Duration
	// Copies is how many more of it are sent.
	Copies int
}

// Table holds the rules in the order in which they were added, and the
// partitions. The zero value has none. Its methods may be called from several
// goroutines.
type Table struct {
	mu      sync.Mutex
	rules   []*Rule
	added   map[uint64]int // by the identity of the first of its like
	cuts    []*Cut
	way     Rule // the delay of every message; its zero value is none
	changed func()

	// What most messages ask: is there anything in the table, a partition even?
	any, parted atomic.Bool
}

// look sets what most messages ask. t.mu is held.
func (t *Table) look() {
	t.parted.Store(len(t.cuts) > 0)
	t.any.Store(len(t.rules) > 0 || len(t.cuts) > 0 || t.way.Verb != 0)
}

// OnChange sets the function that the table calls after every change, so that the
// world can look again at what it holds. One watcher: the world.
func (t *Table) OnChange(f func()) {
	t.mu.Lock()
	t.changed = f
	t.mu.Unlock()
}

// Add puts a rule at the end of the table and returns it; the table owns it. A
// rule without a verb is a programmer's mistake and panics.
func (t *Table) Add(r Rule) *Rule {
	if r.Verb < Hold || r.Verb > Duplicate {
		panic("fault: a rule without a verb")
	}
	t.mu.Lock()
	if t.added == nil {
		t.added = make(map[uint64]int)
	}
	like := r.identity(0)
	r.id = r.identity(t.added[like])
	t.added[like]++
	r.hits, r.released = 0, false
	rule := &r
	t.rules = append(t.rules, rule)
	t.look()
	t.mu.Unlock()
	t.notify()
	return rule
}

// Network makes every message take so long, and up to spread more, drawn per
// message. It is a property of the wire and no fault: Release and Clear leave it.
func (t *Table) Network(delay, spread time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.way = Rule{Verb: Delay, By: delay, Spread: spread}
	t.way.id = t.way.identity(0)
	t.look()
}

// Release ends every rule of any verb that names this kind and link; empty
// words, and the kind "ANY", end all. What a Hold rule kept goes on its way, in
// order. It returns the ended rules.
func (t *Table) Release(kind, from, to string) []*Rule {
	t.mu.Lock()
	var ended []*Rule
	t.rules = slices.DeleteFunc(t.rules, func(r *Rule) bool {
		if anyOf(kind, r.Kind) && (from == "" || from == r.From) && (to == "" || to == r.To) {
			r.released = true
			ended = append(ended, r)
			return true
		}
		return false
	})
	t.look()
	t.mu.Unlock()
	if len(ended) > 0 {
		t.notify()
	}
	return ended
}

// Clear ends every rule and partition: no fault outlives its scenario.
func (t *Table) Clear() {
	t.mu.Lock()
	for _, r := range t.rules {
		r.released = true
	}
	t.rules, t.cuts = nil, nil
	t.look()
	t.mu.Unlock()
	t.notify()
}

// Decide answers for one message, and counts the hits of the rules it meets.
// draw gives a number from [0,1) for a rule; it is asked only where a rule has
// a percentage or a spread, and must depend on the message and the rule alone.
func (t *Table) Decide(m Message, draw func(rule uint64) float64) Action {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.rules {
		if r.Verb == Drop && r.hit(m, draw) {
			return Action{Drop: true}
		}
	}
	a := Action{Delay: t.way.delay(draw)}
	a.Cut = t.meetCut(m.From, m.To, max(m.By, TCP))
	for _, r := range t.rules {
		switch r.Verb {
		case Hold:
			if a.Hold == nil && r.hit(m, draw) {
				a.Hold = r
			}
		case Delay:
			if r.hit(m, draw) {
				a.Delay += r.delay(draw)
			}
		case Duplicate:
			if r.hit(m, draw) {
				a.Copies++
			}
		}
	}
	return a
}

// Quick reports that the table is empty, so that Decide need not be asked.
func (t *Table) Quick() bool { return !t.any.Load() }

// Held reports whether a Hold rule still keeps its messages.
func (t *Table) Held(r *Rule) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return r != nil && !r.released
}

// Hits is how many messages the rule has touched so far.
func (t *Table) Hits(r *Rule) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return r.hits
}

func (t *Table) notify() {
	t.mu.Lock()
	f := t.changed
	t.mu.Unlock()
	if f != nil {
		f()
	}
}
