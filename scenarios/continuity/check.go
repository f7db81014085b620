// Package continuity judges a history: what became of every session, seen from
// outside, and in which numbers. It is a pure function of the records of the
// users' requests; the timeline only explains what they saw.
//
// Start with Check and Result.
//
// # What a session is from outside
//
// A session belongs to one user. It starts when an answer speaks of a session
// and the request presented no id of a session this user has. It lives on when
// an answer calls it by another id without being new: a login changes the id,
// JvmRouteBinderValve changes the route behind the dot. It ends with a logout,
// or when Options.MaxInactive has passed since it was used. Every session gets
// exactly one Class.
//
// # What a request was
//
// A request is what the nodes that executed it have noted in its record: which
// session they worked on, what they wrote, whether it was a login or a logout. The
// path says nothing: a proxy may lead it to any page. Without a note nothing was
// done, whatever the answer says: the proxy may have answered by itself. A request
// that was noted twice was executed twice.
//
// # The last look
//
// After the end each user looks once more (Record.Audit), which judges the last
// writes. A look that no node answered shows nothing. Then, and where there was no
// look, the session is lost if the history's inventory has no copy of it left on
// any machine and in any store. If one may live, a session that was looked for
// is unseen; so is any that seemed rolled back or forked, since what the
// answers missed could have been seen later: they count as stale reads.
//
// # What a user without cookies is owed
//
// A user whose browser keeps no cookies, or a request whose cookies the script left
// out, asks for no session that there was before: each answer starts one, and it
// is kept while a copy of it lives. A user who keeps cookies is owed the session
// at the next page. If the browser cannot present it (Record.Withheld: the proxy
// dropped the cookie, or it is for other paths or another domain), and the next
// answer gives a new session, or says that there is none, it is lost.
//
// # What must be seen
//
// A request takes effect at one instant between its start and its end. A write
// comes before a request if its answer was there when the request was sent;
// requests that overlap may have happened in either order, and neither is wrong.
// A write answered with 2xx is acknowledged. One that failed, timed out or was
// cut is a maybe: its effect may show at any later time or never, and nothing is
// held against the servers either way; once it has shown, it counts as done.
// An answer misses an acknowledged write if it shows an older write of that
// attribute, or none, or if it counts fewer increments than were acknowledged.
// A write that a later one of the same user has overwritten is not missed.
//
// It leaves out the order of a set on one attribute against an increment on
// another, attributes that servers change by themselves, and every number of a
// write that is not in the history.
package continuity

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"

	"sessionlab/scenarios/history"
)

// Class is what became of a session.
type Class uint8

// The classes from best to worst. A session has the worst one that applies.
const (
	Kept        Class = iota // every acknowledged write was there in the end
	Unseen                   // no node answered a last look, and a copy may live
	RolledBack               // an acknowledged write is never seen again
	Forked                   // two copies each hold a write that the other lacks
	Lost                     // the user was given a new session, or none, or no copy is left
	Resurrected              // alive after an acknowledged logout
	Leaked                   // an answer showed somebody else's data
)

// String is the class's name in JSON and in expressions.
func (c Class) String() string {
	return [...]string{"kept", "unseen", "rolled_back", "forked", "lost", "resurrected", "leaked"}[c]
}

// Options say what the scenario meant. The zero value: sessions never expire.
type Options struct {
	// MaxInactive is the session timeout (Tomcat's maxInactiveInterval). A
	// session that was idle for this time is not lost when it is gone. Zero
	// or less means that it never expires.
	MaxInactive time.Duration
	// Unfinished says that the run goes on: whether a write that an answer
	// missed will be seen later is not known yet, so every such answer counts as
	// a stale read.
	Unfinished bool
}

// Result is what a history means.
type Result struct {
	Users         int
	Sessions      Sessions
	Requests      Requests
	Guarantees    Guarantees
	Availability  float64 // percent of requests answered well; see HasLoad
	LongestOutage time.Duration
	Recovery      time.Duration // see HasFault
	Latency       Latency
	HasLoad       bool // there was a request besides audits
	HasFault      bool // the timeline has a fault, and a request came after it

	List      []Session // every session, by user and start
	Anomalies []Anomaly // by time; of one kind no more than the first thousand
	Untold    int       // anomalies that are not among them

	people map[string]*person
	recs   []*history.Record
}

// Sessions counts sessions by class, and what happened to them.
type Sessions struct {
	Kept        int `json:"kept"`
	Lost        int `json:"lost"`
	RolledBack  int `json:"rolled_back"`
	Forked      int `json:"forked"`
	Leaked      int `json:"leaked"`
	Resurrected int `json:"resurrected"`
	Unseen      int `json:"unseen"`
	IDChanges   int `json:"id_changes"`
	StaleReads  int `json:"stale_reads"`
}

// Total is the number of sessions.
func (s Sessions) Total() int {
	return s.Kept + s.Unseen + s.Lost + s.RolledBack + s.Forked + s.Leaked + s.Resurrected
}

// Session is one session as its user saw it.
type Session struct {
	User       string
	ID         string // the id it started with
	Class      Class
	Requests   int
	IDChanges  int
	StaleReads int
}

// Anomaly is something that should not have been seen.
type Anomaly struct {
	Kind        string // a class, StaleRead or Duplicated
	User        string
	At          time.Duration // when the answer arrived
	Node        string        // the node that gave it
	Request     string        // such as "alice/3"
	Mechanism   Mechanism
	Explanation string // who, when, which node, what was seen, what should have been, and why
}

// never is when the effect of a maybe has surely happened.
const never = time.Duration(math.MaxInt64)

// checker holds what all sessions share. Requests are known by their index in
// the sorted history.
type checker struct {
	opts    Options
	history *history.History
	recs    []*history.Record
	events  []history.Event
	held    map[string][]string // by id without route: who still holds the session when the run is over
	closed  bool                // held is known

	faults  []history.Event // those of the events that are faults, by time
	outages []time.Duration // by fault: how long after it the last outage ended
	waits   []time.Duration // by fault: the longest wait for a first answer

	start, end []time.Duration // of each request
	home       []int32         // serial of the latest session judged that a request is a part of
	serial     int32

	writeOf map[int64]int32  // number of a write -> its request
	done    []time.Duration  // when the write of a request had surely been done
	owner   map[string]int32 // id without route -> the request that first showed it

	result *Result
	told   map[string]int // anomalies told so far, by kind

	passages map[string][]*history.Passage // by id without route; made when the first story needs it
}

// Check judges a history. It does not change it, and keeps references to its
// records. The same history gives the same result.
func Check(h *history.History, opts Options) *Result {
	c := &checker{opts: opts, history: h, recs: h.Requests, events: h.Events, closed: h.Closed, held: map[string][]string{}}
	for _, copy := range h.Inventory {
		id := base(copy.Session)
		c.held[id] = append(c.held[id], copy.String())
	}
	if !slices.IsSortedFunc(c.recs, byStart) {
		c.recs = slices.Clone(c.recs)
		slices.SortStableFunc(c.recs, byStart)
	}
	c.start = make([]time.Duration, len(c.recs))
	c.end = make([]time.Duration, len(c.recs))
	c.home = make([]int32, len(c.recs))
	for i, r := range c.recs {
		c.start[i], c.end[i] = r.Started, r.Ended
	}
	for _, e := range c.events {
		if isFault(e.Kind) {
			c.faults = append(c.faults, e)
		}
	}
	slices.SortStableFunc(c.faults, func(a, b history.Event) int { return cmp.Compare(a.At, b.At) })
	c.outages = make([]time.Duration, len(c.faults))
	c.waits = make([]time.Duration, len(c.faults))
	c.result = &Result{people: map[string]*person{}, recs: c.recs}
	c.told = map[string]int{}

	people := c.peopleByName()
	c.result.Users = len(people)
	c.indexWrites()
	ended := c.byEnd()
	c.indexOwners(ended)
	for _, p := range people {
		c.measure(p)
		for _, s := range c.sessionsOf(p) {
			c.judge(p, s)
		}
		c.duplicates(p)
		c.result.Requests.Duplicated += p.duplicated
	}
	c.measureLoad()
	slices.SortStableFunc(c.result.Anomalies, func(a, b Anomaly) int { return cmp.Compare(a.At, b.At) })
	return c.result
}

func byStart(a, b *history.Record) int { return cmp.Compare(a.Started, b.Started) }

// byEnd is the requests in the order in which their answers arrived.
func (c *checker) byEnd() []int32 {
	order := make([]int32, len(c.recs))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, c.compareEnds)
	return order
}

func (c *checker) compareEnds(a, b int32) int {
	if d := cmp.Compare(c.end[a], c.end[b]); d != 0 {
		return d
	}
	return cmp.Compare(a, b)
}

// indexWrites finds for every write when it had surely been done: at the end of
// its request if that was acknowledged, else when somebody first saw it.
func (c *checker) indexWrites() {
	c.writeOf = map[int64]int32{}
	c.done = make([]time.Duration, len(c.recs))
	for i, r := range c.recs {
		c.done[i] = never
		if r.Acknowledged() {
			c.done[i] = r.Ended
		}
		for k := range r.Notes {
			if w := r.Notes[k].Write; w != nil && w.Number != 0 {
				c.writeOf[w.Number] = int32(i)
			}
		}
	}
	for _, r := range c.recs {
		if !r.Answered() {
			continue
		}
		for _, a := range r.Got {
			w, ok := c.writer(a)
			if !ok {
				continue
			}
			c.done[w] = min(c.done[w], r.Ended)
		}
	}
}

// writer is the request whose write an attribute shows, if the history has it.
func (c *checker) writer(a history.Attr) (int32, bool) {
	if a.Write == 0 {
		return 0, false
	}
	w, ok := c.writeOf[a.Write]
	return w, ok && c.recs[w].Wrote(a.Name) != nil
}

// doneBefore reports whether write u had surely been done when request r was
// sent.
func (c *checker) doneBefore(u, r int32) bool {
	return c.done[u] <= c.start[r] && u < r
}

// before reports whether request q had been answered when request r was sent.
func (c *checker) before(q, r int32) bool {
	return c.end[q] <= c.start[r] && q < r
}

// ended is how many of the requests in list, which is sorted by compareEnds,
// had been answered when request r was sent.
func (c *checker) ended(list []int32, r int32) int {
	return sort.Search(len(list), func(i int) bool {
		x := list[i]
		return c.end[x] > c.start[r] || c.end[x] == c.start[r] && x >= r
	})
}
