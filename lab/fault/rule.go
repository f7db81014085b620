package fault

import (
	"fmt"
	"strings"
	"time"
)

// Verb is what a rule does to a message it matches.
type Verb uint8

const (
	// Hold lets the sender go on but keeps the message, and on a stream all
	// behind it on that connection, until the rule is released.
	Hold Verb = iota + 1
	// Drop loses the message in the sender's queue: the write succeeds, nothing
	// leaves. The connection lives on.
	Drop
	// Delay adds Rule.By to the way. Messages of one stream stay in order.
	Delay
	// Duplicate sends a datagram, or a message on a stream, twice. It meets no
	// REQUEST and no RESPONSE: HTTP has no message that comes twice.
	Duplicate
)

func (v Verb) String() string {
	if v > Duplicate {
		return "?"
	}
	return [...]string{"?", "hold", "drop", "delay", "duplicate"}[v]
}

// Rule is one line of the table. The zero value of every field but Verb
// matches everything.
type Rule struct {
	Verb    Verb
	Kind    string        // the message's kind; "" or "ANY" matches every kind
	From    string        // sending machine; "" matches all
	To      string        // receiving machine; "" matches all
	Percent float64       // share of the matching messages that are hit; 0 means all
	Count   int           // hits at most; 0 means no limit
	By      time.Duration // for Delay
	Spread  time.Duration // for Delay: up to so much more, drawn per message

	id       uint64
	hits     int
	released bool
}

// String is the rule in the words of a scenario. The spread of a delay, which
// a scenario does not name, follows as "+spread".
func (r *Rule) String() string {
	var b strings.Builder
	kind := r.Kind
	if kind == "" {
		kind = "ANY"
	}
	fmt.Fprintf(&b, "%v %s", r.Verb, kind)
	if r.From != "" {
		b.WriteString(" from " + r.From)
	}
	if r.To != "" {
		b.WriteString(" to " + r.To)
	}
	if r.Verb == Delay {
		fmt.Fprintf(&b, " by %v", r.By)
		if r.Spread > 0 {
			fmt.Fprintf(&b, "+%v", r.Spread)
		}
	}
	if r.Percent > 0 {
		fmt.Fprintf(&b, " %g%%", r.Percent)
	}
	switch {
	case r.Count == 1:
		b.WriteString(" 1 time")
	case r.Count > 1:
		fmt.Fprintf(&b, " %d times", r.Count)
	}
	return b.String()
}

// matches reports whether the rule is about a message, whatever its percentage
// and count say.
func (r *Rule) matches(m Message) bool {
	return anyOf(r.Kind, m.Kind) && (r.From == "" || r.From == m.From) && (r.To == "" || r.To == m.To)
}

// hit reports whether the rule takes a message that it may match, and counts
// it if so.
func (r *Rule) hit(m Message, draw func(rule uint64) float64) bool {
	if r.Verb == Duplicate && (m.Kind == "REQUEST" || m.Kind == "RESPONSE") {
		return false
	}
	if !r.matches(m) || r.Count > 0 && r.hits >= r.Count {
		return false
	}
	if r.Percent > 0 && draw(r.id)*100 >= r.Percent {
		return false
	}
	r.hits++
	return true
}

// delay is how much the rule adds to a message's way.
func (r *Rule) delay(draw func(rule uint64) float64) time.Duration {
	if r.Spread <= 0 {
		return r.By
	}
	return r.By + time.Duration(draw(^r.id)*float64(r.Spread))
}

// anyOf reports whether a pattern, "" or "ANY" or one kind, takes a kind.
func anyOf(pattern, kind string) bool {
	return pattern == "" || pattern == "ANY" || pattern == kind
}

// identity is what draws are keyed by: what the rule does to which messages,
// and whether it is the first, second ... rule to say so. Its settings, and the
// other rules of the table, are no part of it: the messages that a rule hits
// stay the same when a rule is taken away, and grow with its percentage.
func (r *Rule) identity(nth int) uint64 {
	kind := r.Kind
	if kind == "" {
		kind = "ANY"
	}
	h := uint64(0xcbf29ce484222325) // FNV-1a
	for _, part := range []string{r.Verb.String(), kind, r.From, r.To, fmt.Sprint(nth)} {
		for i := range len(part) {
			h = (h ^ uint64(part[i])) * 0x100000001b3
		}
		h = (h ^ 0xff) * 0x100000001b3 // ends the part; no byte of UTF-8
	}
	return h
}
