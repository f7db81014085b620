package continuity

import (
	"strconv"
	"strings"
	"time"

	"sessionlab/scenarios/history"
)

// Kind is the type of a figure.
type Kind uint8

const (
	NoData   Kind = iota // the figure exists, and there is nothing to base it on
	Count                // Value.Count
	Duration             // Value.Duration
	Percent              // Value.Percent, 0 to 100
	String               // Value.Text; a whole number in it is in Value.Count as well
	Bool                 // Value.Count: 1 for yes, 0 for no
)

func (k Kind) String() string {
	return [...]string{"no data", "count", "duration", "percentage", "string"}[k]
}

// Value is what a figure comes to.
type Value struct {
	Kind     Kind
	Count    int64
	Duration time.Duration
	Percent  float64
	Text     string
	Absent   bool // an attribute that the session did not have
}

func (v Value) String() string {
	switch v.Kind {
	case Count:
		return strconv.FormatInt(v.Count, 10)
	case Duration:
		return v.Duration.String()
	case Percent:
		return strconv.FormatFloat(v.Percent, 'f', -1, 64) + "%"
	case String:
		return strconv.Quote(v.Text)
	case Bool:
		return strconv.FormatBool(v.Count != 0)
	}
	return "no data"
}

func count(n int) Value              { return Value{Kind: Count, Count: int64(n)} }
func duration(d time.Duration) Value { return Value{Kind: Duration, Duration: d} }

func text(s string) Value {
	n, _ := strconv.ParseInt(s, 10, 64)
	return Value{Kind: String, Text: s, Count: n}
}

// figure is one name of the expressions. The names are those of the JSON
// report, without the unit that it appends.
type figure struct {
	name string
	arg  bool // takes an argument: requests.by_node(tomcat1)
	of   func(r *Result, arg string) Value
}

var figures = []figure{
	{"users", false, func(r *Result, _ string) Value { return count(r.Users) }},

	{"sessions.total", false, func(r *Result, _ string) Value { return count(r.Sessions.Total()) }},
	{"sessions.kept", false, func(r *Result, _ string) Value { return count(r.Sessions.Kept) }},
	{"sessions.lost", false, func(r *Result, _ string) Value { return count(r.Sessions.Lost) }},
	{"sessions.rolled_back", false, func(r *Result, _ string) Value { return count(r.Sessions.RolledBack) }},
	{"sessions.forked", false, func(r *Result, _ string) Value { return count(r.Sessions.Forked) }},
	{"sessions.leaked", false, func(r *Result, _ string) Value { return count(r.Sessions.Leaked) }},
	{"sessions.resurrected", false, func(r *Result, _ string) Value { return count(r.Sessions.Resurrected) }},
	{"sessions.unseen", false, func(r *Result, _ string) Value { return count(r.Sessions.Unseen) }},
	{"sessions.id_changes", false, func(r *Result, _ string) Value { return count(r.Sessions.IDChanges) }},
	{"sessions.stale_reads", false, func(r *Result, _ string) Value { return count(r.Sessions.StaleReads) }},

	{"requests.total", false, func(r *Result, _ string) Value { return count(r.Requests.Total) }},
	{"requests.ok", false, func(r *Result, _ string) Value { return count(r.Requests.OK) }},
	{"requests.failed", false, func(r *Result, _ string) Value { return count(r.Requests.Failed) }},
	{"requests.retried", false, func(r *Result, _ string) Value { return count(r.Requests.Retried) }},
	{"requests.duplicated", false, func(r *Result, _ string) Value { return count(r.Requests.Duplicated) }},
	{"requests.refused_by_node", false, func(r *Result, _ string) Value { return count(r.Requests.RefusedByNode) }},
	{"requests.by_node", true, func(r *Result, node string) Value { return count(r.Requests.ByNode[node]) }},
	{"requests.by_status", true, func(r *Result, status string) Value { return count(r.Requests.ByStatus[status]) }},

	{"guarantees.read_your_writes.checked", false, func(r *Result, _ string) Value { return count(r.Guarantees.ReadYourWrites.Checked) }},
	{"guarantees.read_your_writes.violations", false, func(r *Result, _ string) Value { return r.Guarantees.ReadYourWrites.value() }},
	{"guarantees.monotonic_reads.checked", false, func(r *Result, _ string) Value { return count(r.Guarantees.MonotonicReads.Checked) }},
	{"guarantees.monotonic_reads.violations", false, func(r *Result, _ string) Value { return r.Guarantees.MonotonicReads.value() }},
	{"guarantees.monotonic_writes.checked", false, func(r *Result, _ string) Value { return count(r.Guarantees.MonotonicWrites.Checked) }},
	{"guarantees.monotonic_writes.violations", false, func(r *Result, _ string) Value { return r.Guarantees.MonotonicWrites.value() }},
	{"guarantees.writes_follow_reads.checked", false, func(r *Result, _ string) Value { return count(r.Guarantees.WritesFollowReads.Checked) }},
	{"guarantees.writes_follow_reads.violations", false, func(r *Result, _ string) Value { return r.Guarantees.WritesFollowReads.value() }},

	{"availability", false, func(r *Result, _ string) Value {
		return r.ifLoad(Value{Kind: Percent, Percent: r.Availability})
	}},
	{"longest_outage", false, func(r *Result, _ string) Value { return r.ifLoad(duration(r.LongestOutage)) }},
	{"recovery", false, func(r *Result, _ string) Value {
		if !r.HasFault {
			return Value{}
		}
		return duration(r.Recovery)
	}},
	{"latency.p50", false, func(r *Result, _ string) Value { return r.ifLoad(duration(r.Latency.P50)) }},
	{"latency.p90", false, func(r *Result, _ string) Value { return r.ifLoad(duration(r.Latency.P90)) }},
	{"latency.p99", false, func(r *Result, _ string) Value { return r.ifLoad(duration(r.Latency.P99)) }},
	{"latency.max", false, func(r *Result, _ string) Value { return r.ifLoad(duration(r.Latency.Max)) }},
}

// userFigure is a name behind a user's: alice.nodes.
type userFigure struct {
	name string
	of   func(r *Result, p *person) Value
}

var userFigures = []userFigure{
	{"requests", func(r *Result, p *person) Value { return count(r.countOf(p, always)) }},
	{"ok", func(r *Result, p *person) Value { return count(r.countOf(p, well)) }},
	{"failed", func(r *Result, p *person) Value { return count(r.countOf(p, (*history.Record).Failed)) }},
	{"retried", func(r *Result, p *person) Value { return count(r.countOf(p, retried)) }},
	{"sessions", func(_ *Result, p *person) Value { return count(p.sessions) }},
	{"new_sessions", func(_ *Result, p *person) Value { return count(p.newSessions) }},
	{"id_changes", func(_ *Result, p *person) Value { return count(p.idChanges) }},
	{"set_cookies", func(_ *Result, p *person) Value { return count(p.setCookies) }},
	{"stale_reads", func(_ *Result, p *person) Value { return count(p.staleReads) }},
	{"nodes", func(r *Result, p *person) Value { return text(r.sequence(p, nodeOf)) }},
	{"statuses", func(r *Result, p *person) Value { return text(r.sequence(p, statusOf)) }},
	{"lost", func(r *Result, p *person) Value { return count(r.lost(p)) }},
	{"last.node", func(r *Result, p *person) Value {
		return r.last(p, func(q *history.Record) Value { return text(q.Node) })
	}},
	{"last.session", func(r *Result, p *person) Value {
		return r.last(p, func(q *history.Record) Value { return text(q.Session) })
	}},
	{"last.new", func(r *Result, p *person) Value {
		return r.last(p, func(q *history.Record) Value {
			v := Value{Kind: Bool}
			if q.NewSession {
				v.Count = 1
			}
			return v
		})
	}},
	{"last.status", func(r *Result, p *person) Value {
		return r.last(p, func(q *history.Record) Value { return count(q.Status) })
	}},
	{"last.took", func(r *Result, p *person) Value {
		return r.last(p, func(q *history.Record) Value { return duration(q.Ended - q.Started) })
	}},
}

// lastAttr is what an attribute of the last answer is called behind a user's
// name: alice.last.cart. Names of userFigures come first.
const lastAttr = "last."

// lastCookie takes the name of a cookie: alice.last.cookie with arg "route".
const lastCookie = lastAttr + "cookie"

// lastCookie is what a user's last answer has set a cookie to, the last time that it
// does.
func (r *Result) lastCookie(p *person, name string) Value {
	if p == nil {
		return Value{}
	}
	return r.last(p, func(q *history.Record) Value {
		if !q.Answered() {
			return Value{}
		}
		v := Value{Kind: String, Absent: true}
		for _, line := range q.SetCookies {
			pair, _, _ := strings.Cut(line, ";")
			if key, value, _ := strings.Cut(strings.TrimSpace(pair), "="); key == name {
				v = text(value)
			}
		}
		return v
	})
}

// Figure looks up a figure of the expressions: one over all users such as
// "sessions.lost" or "requests.by_node" with arg "tomcat1", or one of a user
// such as "alice.nodes", "alice.last.cart" or "alice.last.cookie" with arg
// "route". It is false if there is no such
// figure; a figure that exists and has nothing to go by has kind NoData.
func (r *Result) Figure(name, arg string) (Value, bool) {
	for _, f := range figures {
		if f.name == name && (f.arg || arg == "") {
			return f.of(r, arg), true
		}
	}
	user, rest, ok := strings.Cut(name, ".")
	if rest == lastCookie && arg != "" {
		return r.lastCookie(r.people[user], arg), true
	}
	if !ok || arg != "" {
		return Value{}, false
	}
	p := r.people[user]
	for _, f := range userFigures {
		if f.name == rest {
			if p == nil {
				return Value{}, true // a user who has not asked for anything yet
			}
			return f.of(r, p), true
		}
	}
	attr, ok := strings.CutPrefix(rest, lastAttr)
	if !ok || attr == "" {
		return Value{}, false
	}
	if p == nil {
		return Value{}, true
	}
	return r.last(p, func(q *history.Record) Value {
		if q.Got == nil {
			return Value{}
		}
		a, there := q.Attr(attr)
		v := text(a.Value)
		v.Absent = !there
		return v
	}), true
}

// value is the number of violations, or nothing if there was nothing to check.
func (g Guarantee) value() Value {
	if g.Checked == 0 {
		return Value{}
	}
	return count(g.Violations)
}

func (r *Result) ifLoad(v Value) Value {
	if !r.HasLoad {
		return Value{}
	}
	return v
}

func always(*history.Record) bool    { return true }
func well(q *history.Record) bool    { return !q.Failed() }
func retried(q *history.Record) bool { return len(q.Attempts) > 1 }

func nodeOf(q *history.Record) string { return q.Node }

func statusOf(q *history.Record) string {
	if q.Status == 0 {
		return ""
	}
	return strconv.Itoa(q.Status)
}

// countOf counts a user's own requests, audits left out.
func (r *Result) countOf(p *person, holds func(*history.Record) bool) int {
	n := 0
	for _, i := range p.reqs {
		if q := r.recs[i]; q.Load() && holds(q) {
			n++
		}
	}
	return n
}

// sequence joins what each of a user's own requests shows, in the order of
// sending; "-" where it shows nothing.
func (r *Result) sequence(p *person, word func(*history.Record) string) string {
	var list []string
	for _, i := range p.reqs {
		if q := r.recs[i]; q.Load() {
			w := word(q)
			if w == "" {
				w = "-"
			}
			list = append(list, w)
		}
	}
	return strings.Join(list, " ")
}

// lost counts a user's lost sessions.
func (r *Result) lost(p *person) int {
	n := 0
	for _, s := range r.List {
		if s.User == p.name && s.Class == Lost {
			n++
		}
	}
	return n
}

// last looks at the answer of a user that arrived last, audits left out.
func (r *Result) last(p *person, of func(*history.Record) Value) Value {
	for k := len(p.byEnd) - 1; k >= 0; k-- {
		if q := r.recs[p.byEnd[k]]; q.Load() {
			return of(q)
		}
	}
	return Value{}
}
