// Package history is the record of a run: one Record for each request of a
// user, as that user saw it, and one Event for each thing that the operator,
// a node or the proxy did.
//
// Start with Record and Recorder. A Recorder collects while the run goes on;
// Recorder.History returns what there is so far in an order that depends on the
// records alone. EncodeRun writes it as JSON Lines.
//
// What a request was, nobody can tell from its path: a proxy may lead it to any
// page. A Record has the Notes of the nodes that executed it; a request without a
// note has changed nothing.
//
// It leaves out every judgement: what a history means for somebody's session is
// decided in package continuity. Events only explain a judgement, they never
// enter it.
package history

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Record is one request of one user and what that user saw of it.
// All times are since the lab's time zero. The zero value of a field means that
// the user saw no such thing.
type Record struct {
	Started time.Duration // when the request was sent
	Ended   time.Duration // when the answer was complete, or given up on

	Step  int    // number of the scenario's statement; 0 for a journey
	Label string // the name that a step gave to it ("as LABEL")
	User  string
	N     int // 1 for the user's first request, counted when it is sent

	Method string
	Path   string // with the query
	On     string // the node it was sent to directly; "" means through the proxy

	Status   int       // 0 when no head of an answer arrived
	Node     string    // the node that says it has answered; "" when none does
	Attempts []Attempt // what the proxy tried for it, in order

	Sent       string     // the session id that the request presented
	Session    string     // the session id that the answer speaks of
	SetCookie  string     // the session id that the answer set as a cookie
	SetCookies []string   // the Set-Cookie lines of the answer, whoever set them
	Received   []Received // what the nodes got of it, in order; nil unless the run keeps it

	Notes []Note // what nodes say that it was, one for each execution, in their order
	Want  []Attr // what this user's acknowledged writes say must be seen at least
	Got   []Attr // the attributes in the answer; nil when the answer lists none, empty when it says there are none

	Err string // why there is no complete answer; "" when there is one

	Foreign    bool // the script chose the cookies of the request: they need not be the user's own
	NewSession bool // the answer says that its session was created for it
	// Withheld: the user keeps cookies, and yet will not present the new session of
	// the answer to that page: its cookie was left out, or is for other paths or
	// another domain.
	Withheld bool
	Audit    bool // the last look, after the script; no part of the load
}

// Attempt is one try of the proxy for a request.
type Attempt struct {
	Node    string
	Outcome string // a status such as "200", or an outcome on the wire such as "refused"
	Unnamed bool   // the proxy did not pass on the name by which the node would know the request
}

// Received is a request as it came to a node.
type Received struct {
	Node string
	Line string // such as "GET /cart HTTP/1.1"
	// Header are its lines, Host first, the others by name, which is written as in
	// "X-Real-Ip" whatever came; the lab's own are left out.
	Header []string
}

// Attr is a session attribute as an answer shows it.
type Attr struct {
	Name   string
	Value  string
	Write  int64 // number of the last write that changed it; 0 when that had none
	Writes int64 // how many writes have been applied to it
}

// Op is how a write changes its attribute.
type Op string

const (
	Set    Op = "set"    // setAttribute with a new value
	Add    Op = "add"    // reads the number, adds, setAttribute
	Mutate Op = "mutate" // changes the object in place, without setAttribute
	Remove Op = "remove" // removeAttribute
)

// Write is a change that a page has made. Its Number is unique in the run and
// travels with the request, so that an answer shows whose write it carries.
type Write struct {
	Name   string
	Value  string
	Number int64 // 0 when it did not reach the node
	Op     Op
	Writes int64 // applied to the attribute's object, with this one
}

// Answered reports whether a complete answer arrived, whatever its status.
func (r *Record) Answered() bool { return r.Status != 0 && r.Err == "" }

// Acknowledged reports whether the request was answered with 2xx: the user may
// now rely on its effect.
func (r *Record) Acknowledged() bool {
	return r.Answered() && r.Status >= 200 && r.Status < 300
}

// CutOff reports whether the end of the run, or of the lab, cut the request off. It
// has no outcome: it counts as no request, and its write is a maybe.
func (r *Record) CutOff() bool { return r.Err == "canceled" }

// Load reports whether the request counts among those of the load: it is no last
// look, and nothing cut it off.
func (r *Record) Load() bool { return !r.Audit && !r.CutOff() }

// Failed reports whether the user got no answer, or one that says that the
// server could not do it (5xx), or that of a connector which refused it.
func (r *Record) Failed() bool {
	return !r.CutOff() && (!r.Answered() || r.Status >= 500 || r.Refused())
}

// Maybe reports whether the request has an effect that is unknown to its user:
// a node says that it changed something, and it was not acknowledged.
func (r *Record) Maybe() bool {
	return !r.Acknowledged() && (r.Write() != nil || r.Logout())
}

// Request is the request's identity in the run, such as "alice/3".
func (r *Record) Request() string {
	var room [48]byte
	return string(strconv.AppendInt(append(append(room[:0], r.User...), '/'), int64(r.N), 10))
}

// Attr finds an attribute in what the answer shows.
func (r *Record) Attr(name string) (Attr, bool) {
	for _, a := range r.Got {
		if a.Name == name {
			return a, true
		}
	}
	return Attr{}, false
}

// Holding is a copy of a session that was there when the run was over, its last
// look included.
type Holding struct {
	Host    string // the machine whose memory or disk has it
	File    string // on the disk of Host; "" for one in memory
	Session string // its id there
	Role    string // "sole", "primary" or "replica", "" in a file
	Version int64  // how many writes have been applied to its attributes
}

// String names who holds the copy: "tomcat1 (primary)", "SESSIONS.ser of tomcat1".
func (h Holding) String() string {
	switch {
	case h.File != "":
		return h.File + " of " + h.Host
	case h.Role != "":
		return h.Host + " (" + h.Role + ")"
	}
	return h.Host
}

// Event is a line of the timeline: what the operator did, or what a node or the
// proxy traced.
type Event struct {
	At   time.Duration
	Step int    // number of the scenario's statement; 0 when none caused it
	Kind string // the operator's verb ("kill"), or what was traced ("excluded")
	Node string // the machine it is about; several are separated by spaces
	Text string // in plain words, readable without the rest
	More int    // further ones of its class, which have no line of their own
}

// History is a run, or what there is of it so far. Its order depends on the
// records alone: requests by the time they were sent, then by user and number;
// events by time, those of one instant as they were recorded, a cause before what
// it leads to.
type History struct {
	Requests []*Record // shared, not to be changed
	Events   []Event
	Passages []Passage // in the order in which they were decided; shared, not to be changed

	Inventory []Holding     // what there was of all sessions when the run was over
	Closed    bool          // Inventory has been taken
	Taken     time.Duration // when
}

// Sort puts the history in its order. It keeps Got and Want sorted by name.
func (h *History) Sort() {
	for _, r := range h.Requests {
		sortAttrs(r.Got)
		sortAttrs(r.Want)
	}
	slices.SortStableFunc(h.Requests, compare)
	slices.SortStableFunc(h.Events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
}

func compare(a, b *Record) int {
	if c := cmp.Compare(a.Started, b.Started); c != 0 {
		return c
	}
	if c := strings.Compare(a.User, b.User); c != 0 {
		return c
	}
	return cmp.Compare(a.N, b.N)
}

func sortAttrs(attrs []Attr) {
	byName := func(a, b Attr) int { return strings.Compare(a.Name, b.Name) }
	if !slices.IsSortedFunc(attrs, byName) {
		slices.SortStableFunc(attrs, byName)
	}
}
