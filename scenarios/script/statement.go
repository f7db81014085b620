package script

import (
	"strconv"
	"strings"
	"time"
)

// Statement is one line of the script.
type Statement struct {
	Pos  Pos
	Step int // number of the line within the script, from 1; the end line has none
	// Triggers say when it is done: each is armed when the one before it has
	// fired. With none, the line belongs to the one sequential thread of the
	// script.
	Triggers []Trigger
	Act      Act

	// Template is the line as written if it has a $NAME in it.
	Template string
}

// String is the canonical line.
func (s Statement) String() string {
	if s.Template != "" {
		return s.Template
	}
	var b strings.Builder
	for _, t := range s.Triggers {
		b.WriteString(t.String() + " ")
	}
	b.WriteString(s.Act.String())
	return b.String()
}

// Act is what a statement does: one of Verb, Partition, Skew, Answer, Rule,
// Step, Expect, Remember, Together, Wait, WaitFor, WaitUntil.
type Act interface {
	String() string
	act()
}

// Trigger arms a statement.
type Trigger struct {
	Kind string // "at", "after", "every", "when" or "whenever"
	// D is the time of at (since the start), after and every.
	D time.Duration
	// Until ends every, counted from the start of the run; 0: at the end of it.
	Until time.Duration
	Event Event // of when and whenever
}

func (t Trigger) String() string {
	switch {
	case t.Kind == "when" || t.Kind == "whenever":
		return t.Kind + " " + t.Event.String()
	case t.Until > 0:
		return t.Kind + " " + formatDuration(t.D) + " until " + formatDuration(t.Until)
	}
	return t.Kind + " " + formatDuration(t.D)
}

// Event is something that can be waited for.
type Event struct {
	// Subject is a node, a user or "proxy"; empty for quiet.
	Subject string
	// Verb is what it does: sends, receives, loses (Kind and perhaps Peer) ·
	// "is up", "is down", "is idle" · sees, misses (Peer) · tries, excludes,
	// readmits (Peer; the subject is the proxy) · "is answered" · quiet.
	Verb string
	Kind string // of the message
	// Peer is the other node: who receives what is sent or lost, who sent what
	// is received; empty means any.
	Peer string
}

func (e Event) String() string {
	switch e.Verb {
	case "quiet":
		return e.Verb
	case "sends", "loses", "receives":
		s := e.Subject + " " + e.Verb + " " + e.Kind
		if e.Peer != "" {
			s += map[string]string{"sends": " to ", "loses": " to ", "receives": " from "}[e.Verb] + e.Peer
		}
		return s
	}
	if e.Peer != "" {
		return e.Subject + " " + e.Verb + " " + e.Peer
	}
	return e.Subject + " " + e.Verb
}

// Verb is something done to machines: kill, stop, start, restart, pause,
// resume; or heal, which has no machine.
type Verb struct {
	Name  string
	Hosts []string
}

func (v Verb) String() string { return strings.Join(append([]string{v.Name}, v.Hosts...), " ") }

// Partition cuts the machines of one side off from those of the other, for
// connections ("tcp"), datagrams ("udp"), or both ("").
type Partition struct {
	One, Other []string
	Over       string
}

func (p Partition) String() string {
	text := "partition " + strings.Join(p.One, " ") + " | " + strings.Join(p.Other, " ")
	if p.Over != "" {
		text += " over " + p.Over
	}
	return text
}

// Skew sets how far a machine's clock is ahead; negative: behind.
type Skew struct {
	Host string
	By   time.Duration
}

func (s Skew) String() string { return "skew " + s.Host + " " + formatDuration(s.By) }

// Answer makes a node answer in one way whatever it is asked.
type Answer struct {
	Host string
	// Status is an HTTP status, or 0 where How says what happens: close, reset,
	// hang, partial, invalid_header, http09, or ok, which ends it.
	Status    int
	How       string
	Count     int    // how many answers; 0: all until the next answer line
	SetCookie string // sent with a status; "": none
}

func (a Answer) String() string {
	how := a.How
	if a.Status != 0 {
		how = strconv.Itoa(a.Status)
	}
	cookie := ""
	if a.SetCookie != "" {
		cookie = " set_cookie=" + bare(a.SetCookie)
	}
	return "answer " + a.Host + " " + how + times(a.Count) + cookie
}

// Link is a direction between two machines; an empty name means any.
type Link struct {
	From, To string
}

func (l Link) String() string {
	s := ""
	if l.From != "" {
		s += " from " + l.From
	}
	if l.To != "" {
		s += " to " + l.To
	}
	return s
}

// Rule is what happens to messages on a link: hold, drop, duplicate or delay;
// release ends such a rule.
type Rule struct {
	Verb string
	Kind string // of the messages, or ANY
	Link Link
	// By is the delay, and Spread up to so much more, drawn per message.
	By, Spread time.Duration
	Percent    float64 // share of the messages that are hit, above 0; 100 if not given
	Count      int     // messages that are hit at most; 0: no limit
}

func (r Rule) String() string {
	s := r.Verb + " " + r.Kind + r.Link.String()
	if r.Verb == "delay" {
		s += " by " + formatDuration(r.By)
		if r.Spread > 0 {
			s += " spread " + formatDuration(r.Spread)
		}
	}
	if r.Verb != "release" && r.Percent != 100 {
		s += " " + strconv.FormatFloat(r.Percent, 'f', -1, 64) + "%"
	}
	return s + times(r.Count)
}

// Step is a request of a user who was declared by name. The script waits for
// its answer unless it is in the background.
type Step struct {
	Meanwhile bool // in the background
	User      string
	Method    string
	Target    string // path and query
	On        string // straight to this node; empty: by the proxy
	Count     int    // how many in a row, at least 1
	Label     string // for wait for USER.LABEL
	Options   Options
}

func (s Step) String() string {
	line := s.User + " " + s.Method + " " + s.Target
	if s.Meanwhile {
		line = "meanwhile " + line
	}
	if s.On != "" {
		line += " on " + s.On
	}
	if s.Count != 1 {
		line += times(s.Count)
	}
	if s.Label != "" {
		line += " as " + s.Label
	}
	return line + s.Options.text()
}

// Expect is a condition that must hold: there and then in the script, and at
// the very last after the end.
type Expect struct {
	// Labels restrict it to cells: of each variable that is named here, the
	// cell must have one of the values named.
	Labels []string
	Cond   Condition
}

func (e Expect) String() string {
	if len(e.Labels) > 0 {
		return "expect [" + strings.Join(e.Labels, ", ") + "] " + e.Cond.String()
	}
	return "expect " + e.Cond.String()
}

// Remember keeps a value under a name.
type Remember struct {
	Name string
	Sum  Sum
}

func (r Remember) String() string { return "remember " + r.Name + " = " + r.Sum.String() }

// Together does several things in one instant, in their order.
type Together struct {
	Acts []Act
}

func (t Together) String() string {
	parts := make([]string, len(t.Acts))
	for i, a := range t.Acts {
		parts[i] = a.String()
	}
	return "together " + strings.Join(parts, "; ")
}

// Wait lets time pass.
type Wait struct {
	For time.Duration
}

func (w Wait) String() string { return "wait " + formatDuration(w.For) }

// WaitFor waits until a user's requests in the background are answered: all of
// them, or those with a label.
type WaitFor struct {
	User, Label string
}

func (w WaitFor) String() string {
	if w.Label != "" {
		return "wait for " + w.User + "." + w.Label
	}
	return "wait for " + w.User
}

// WaitUntil waits for an event.
type WaitUntil struct {
	Event Event
}

func (w WaitUntil) String() string { return "wait until " + w.Event.String() }

func (Verb) act()      {}
func (Partition) act() {}
func (Skew) act()      {}
func (Answer) act()    {}
func (Rule) act()      {}
func (Step) act()      {}
func (Expect) act()    {}
func (Remember) act()  {}
func (Together) act()  {}
func (Wait) act()      {}
func (WaitFor) act()   {}
func (WaitUntil) act() {}

func times(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return " 1 time"
	}
	return " " + strconv.Itoa(n) + " times"
}
