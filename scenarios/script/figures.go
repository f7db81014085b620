package script

import "strings"

// ArgType is what stands in parentheses after a figure.
type ArgType uint8

const (
	NoArg ArgType = iota
	NodeArg
	StatusArg
	CookieArg
)

// FigureInfo describes one figure that expressions may name.
type FigureInfo struct {
	Name string
	Type ValueType
	Arg  ArgType
	// Anytime figures may be judged in the middle of a run: they only grow, or
	// say what is true there and then. The others are known at the end only, and so far at
	// a prompt.
	Anytime bool
	Doc     string
}

const (
	userPrefix      = "USER."
	attributeFigure = "USER.last.ATTRIBUTE"
)

// The figures that look into the nodes themselves. CopyAttributeFigure has the
// node in Figure.Arg and the attribute in Figure.Attr.
const (
	CopiesFigure        = "USER.copies"
	CopyFigure          = "USER.copy"
	CopyAttributeFigure = "USER.copy(NODE).ATTRIBUTE"
)

// CookieFigure has the cookie's name in Figure.Arg.
const CookieFigure = "USER.last.cookie"

// Figures is the table of everything that can be measured. USER stands for a
// user's name, ATTRIBUTE for the name of a session attribute.
var Figures = []FigureInfo{
	{"requests.total", Count, NoArg, true, "requests of all users, but what the end of the run cut off"},
	{"requests.ok", Count, NoArg, true, "answered with a status below 500, whole, and not refused by a connector"},
	{"requests.failed", Count, NoArg, true, "all others"},
	{"requests.refused_by_node", Count, NoArg, true, "of those: refused by a node's connector itself, such as a Host with an underscore"},
	{"requests.retried", Count, NoArg, true, "sent to more than one node by the proxy"},
	{"requests.duplicated", Count, NoArg, true, "executed more than once"},
	{"requests.by_node", Count, NodeArg, true, "answered by this node"},
	{"requests.by_status", Count, StatusArg, true, "answered with this status"},

	{"sessions.total", Count, NoArg, false, "sessions that users had"},
	{"sessions.kept", Count, NoArg, false, "nothing happened to them"},
	{"sessions.lost", Count, NoArg, false, "their user was given a new one, or no copy was left"},
	{"sessions.rolled_back", Count, NoArg, false, "an acknowledged write was never seen again"},
	{"sessions.forked", Count, NoArg, false, "two copies, each with a write that the other lacks"},
	{"sessions.leaked", Count, NoArg, false, "somebody else's data was seen"},
	{"sessions.resurrected", Count, NoArg, false, "alive after logout"},
	{"sessions.unseen", Count, NoArg, false, "after the end each user looks once more: no node answered, and a copy may live"},
	{"sessions.id_changes", Count, NoArg, true, "times that an id changed"},
	{"sessions.stale_reads", Count, NoArg, true, "reads that missed an acknowledged write"},
	{"sessions.on", Count, NodeArg, true, "sessions whose user was last answered by this node"},

	{"guarantees.read_your_writes", Count, NoArg, false, "violations: a user's own write was missing"},
	{"guarantees.monotonic_reads", Count, NoArg, false, "violations: a read was older than one before it"},
	{"guarantees.monotonic_writes", Count, NoArg, false, "violations: a write overtook one before it"},
	{"guarantees.writes_follow_reads", Count, NoArg, false, "violations: a write lost what had been read"},

	{"availability", Percent, NoArg, false, "share of requests that were ok"},
	{"longest_outage", Duration, NoArg, false, "longest time without any ok request"},
	{"recovery", Duration, NoArg, false, "from the first fault to the last request that failed of it"},
	{"latency.p50", Duration, NoArg, false, "half of the requests took at most this"},
	{"latency.p90", Duration, NoArg, false, "nine of ten"},
	{"latency.p99", Duration, NoArg, false, "ninety-nine of a hundred"},
	{"latency.max", Duration, NoArg, false, "the slowest"},

	{"replication.messages", Count, NoArg, true, "session messages between nodes"},
	{"replication.bytes", Count, NoArg, true, "their bytes"},
	{"replication.lag.p50", Duration, NoArg, false, "from a message's sending to its being applied: half"},
	{"replication.lag.p99", Duration, NoArg, false, "ninety-nine of a hundred"},
	{"replication.lag.max", Duration, NoArg, false, "the slowest"},

	{"proxy.tries", Count, NodeArg, true, "times the proxy turned to this node"},
	{"proxy.excluded", Count, NodeArg, true, "times it took this node out of service"},

	{"USER.nodes", Text, NoArg, true, `nodes that answered, in order: "a b a"`},
	{"USER.statuses", Text, NoArg, true, `statuses, in order: "200 200 502"`},
	{"USER.requests", Count, NoArg, true, "requests of this user"},
	{"USER.ok", Count, NoArg, true, ""},
	{"USER.failed", Count, NoArg, true, ""},
	{"USER.retried", Count, NoArg, true, ""},
	{"USER.sessions", Count, NoArg, true, "different sessions seen"},
	{"USER.new_sessions", Count, NoArg, true, "answers that said the session is new"},
	{"USER.id_changes", Count, NoArg, true, ""},
	{"USER.set_cookies", Count, NoArg, true, "answers that set the session cookie"},
	{"USER.stale_reads", Count, NoArg, true, ""},
	{"USER.lost", Count, NoArg, false, "sessions lost"},
	{"USER.last.status", Count, NoArg, true, "of the latest answer"},
	{"USER.last.node", Text, NoArg, true, ""},
	{"USER.last.session", Text, NoArg, true, "the session's id"},
	{"USER.last.new", Bool, NoArg, true, ""},
	{CookieFigure, Attribute, CookieArg, true, "what the latest answer sets this cookie to, the proxy's own (srv_id, route) too"},
	{attributeFigure, Attribute, NoArg, true, "a session attribute in the latest answer"},
	{CopiesFigure, Count, NoArg, true, "nodes that hold a copy of the user's session; looking touches nothing"},
	{CopyFigure, Text, NodeArg, true, `what a node holds of it: "primary", "replica", "sole" or "none"`},
	{CopyAttributeFigure, Attribute, NoArg, true, "a session attribute in that copy"},
}

// Judged reports whether a figure depends on what each request was: which session
// it belonged to and what it wrote.
func (f Figure) Judged() bool {
	switch f.Name {
	case "requests.duplicated", "USER.sessions", "USER.id_changes", "USER.stale_reads", "USER.lost":
		return true
	case "sessions.on":
		return false
	}
	return strings.HasPrefix(f.Name, "sessions.") || strings.HasPrefix(f.Name, "guarantees.")
}

func figureInfo(name string) *FigureInfo {
	for i := range Figures {
		if Figures[i].Name == name {
			return &Figures[i]
		}
	}
	return nil
}
