package scenarios

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"sessionlab/lab"
	"sessionlab/lab/world"
	"sessionlab/scenarios/continuity"
	"sessionlab/scenarios/history"
	"sessionlab/scenarios/script"
	"sessionlab/scenarios/users"
)

// Options say where and how a scenario runs. World must be set.
type Options struct {
	// World is a fresh world for this run; Run closes it.
	World world.World
	// Observe is told everything that happens, while it happens, in the task
	// that causes it; it must be quick. It may be nil.
	Observe func(lab.Event)
	// Answered is told every finished request, in the task of its user; it must
	// be quick. It may be nil.
	Answered func(*history.Record)
	// Started is called when the lab is up, with the lab. It may be nil.
	Started func(*lab.Lab)
	// Interrupted is asked again and again. True ends the script: requests under
	// way are answered, the final audit takes a second at most, and the result
	// is an interrupted one. It may be nil.
	Interrupted func() bool
}

// Result is what came of a run.
type Result struct {
	Scenario     *script.Scenario
	Verdict      Verdict
	Reasons      []string // why it is inconclusive or was interrupted
	Expectations []Expectation
	History      *history.History
	Checked      *continuity.Result
	Replication  Replication
	TraceHash    string // of everything that happened, 16 hex digits
	Interrupted  bool
	Took         time.Duration // of the lab's own time
}

// Expectation is one judged expect line.
type Expectation struct {
	Expr    string
	Outcome script.Outcome
	Actual  string
	Line    int
}

// settle is how long a run waits at its end for requests and messages that are
// still under way.
const settle = 2 * time.Second

// auditTimeout is how long a user waits for an answer in the final audit.
const auditTimeout = 5 * time.Second

// hurry is how long the final audit of an interrupted run may take, and the wait
// for messages before it; never is without an end.
const (
	hurry = time.Second
	never = 1000 * time.Hour
)

// ErrLab marks an error of the lab itself, such as a port that is taken.
var ErrLab = errors.New("the lab could not run")

// Check finds what keeps a scenario from being built, without running it.
func Check(sc *script.Scenario) error {
	plan, err := PlanOf(sc)
	if err != nil {
		return err
	}
	if _, err := people(sc); err != nil {
		return err
	}
	return plan.Check()
}

// Run runs one scenario without variables, as Cells gives it, and judges it.
// An error means that there is no result: the scenario cannot be built or asks
// for something impossible (killing what is down), or, with ErrLab, the lab
// could not run.
func Run(sc *script.Scenario, o Options) (*Result, error) {
	defer o.World.Close()
	plan, err := PlanOf(sc)
	if err != nil {
		return nil, err
	}
	crowd, err := people(sc)
	if err != nil {
		return nil, err
	}
	l, err := lab.New(o.World, plan)
	if err != nil {
		return nil, err
	}
	r := newRun(sc, o, l)
	l.Watch(func(e lab.Event) { r.happened(&e) })
	if err := o.World.Run(func(ctx context.Context) error { return r.play(ctx, crowd) }); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLab, err)
	}
	if err := r.crash(); err != nil {
		return nil, err
	}
	return r.result(), nil
}

// run is a scenario under way.
type run struct {
	sc    *script.Scenario
	opts  Options
	world world.World
	op    world.Host
	lab   *lab.Lab
	rec   history.Recorder
	cfg   users.Config
	users map[string]*users.User
	order []string // of the users

	over      func()          // ends the script's tasks
	scriptCtx context.Context // ends at the scenario's end
	armCtx    context.Context // of the lines that wait for a time or an event; guarded by mu
	disarming func()          // ends armCtx, if that is not scriptCtx; guarded by mu

	mu         sync.Mutex // guards memory only
	writes     int64
	watches    []*watch
	remembered map[string]script.Value
	judged     map[judgement]Expectation
	pending    map[string]int // requests in the background, by user and by user.label
	waiting    map[string][]world.Signal
	lastNode   map[string]string // where a user's session was last seen
	loggedOut  []knock
	touches    touches
	unfinished []string
	lastLook   map[script.Figure]script.Value // into the nodes, before the final audit
	stopped    time.Duration                  // when the script was over
	unaudited  string                         // what an interruption left out of the final audit
	crashed    error
	hash       trace
	stats      traffic
	often      map[string]*repeated
	ended      bool
	acting     int  // step of the line that acts now; 0 for none
	live       bool // kept up for a person; a mistake does not end it
}

// judgement is what an expect in the script is known by: its line, and what it
// says, since a line may have several of them.
type judgement struct {
	step int
	expr string
}

// knock is a reading of the final audit: by a user, with an old session or, if
// that is "", with what the user has.
type knock struct{ user, session string }

func newRun(sc *script.Scenario, o Options, l *lab.Lab) *run {
	return &run{
		sc: sc, opts: o, world: o.World, op: o.World.Operator(), lab: l,
		users: map[string]*users.User{}, remembered: map[string]script.Value{},
		judged: map[judgement]Expectation{}, pending: map[string]int{}, waiting: map[string][]world.Signal{},
		lastNode: map[string]string{}, stats: newTraffic(),
		often: map[string]*repeated{}, touches: touches{idle: map[string]int{}, timers: map[timer]bool{}},
	}
}

// setUp brings the lab and its users up, in the operator's main task. The
// script's context ends with the returned function.
func (r *run) setUp(ctx context.Context, crowd []person) (script context.Context, over func(), err error) {
	if err := r.lab.Start(ctx); err != nil {
		return nil, nil, err
	}
	r.cfg = users.Config{
		Front: r.lab.Front(), Nodes: map[string]string{}, Zero: r.lab.Zero(),
		SessionCookie: r.sc.Noun("app").Options.String("sessionCookieName", ""),
		NewRecord:     r.rec.New,
		Record:        r.record,
		NextWrite:     r.nextWrite,
		Attempts:      r.attempts,
	}
	for _, name := range r.lab.Nodes() {
		r.cfg.Nodes[name] = r.lab.NodeAddr(name)
	}
	for _, p := range crowd {
		h, err := r.world.Boot(p.name, p.addr)
		if err != nil {
			return nil, nil, err
		}
		r.users[p.name] = users.New(h, &r.cfg, p.habits)
		r.order = append(r.order, p.name)
	}
	if r.opts.Started != nil {
		r.opts.Started(r.lab)
	}
	script, over = r.op.WithCancel(ctx)
	r.scriptCtx, r.armCtx, r.over = script, script, over
	if r.opts.Interrupted != nil {
		r.op.Go("interrupt", func(context.Context) {
			// A long run is asked less often: in virtual time a year has many moments.
			for r.op.Sleep(script, min(max(50*time.Millisecond, r.now()/200), time.Second)) == nil {
				if r.opts.Interrupted() {
					over()
				}
			}
		})
	}
	r.sendOut(script, crowd)
	return script, over, nil
}

// play is the whole run, in the operator's main task.
func (r *run) play(ctx context.Context, crowd []person) error {
	script, over, err := r.setUp(ctx, crowd)
	if err != nil {
		return err
	}
	defer over()
	r.op.Go("end", func(context.Context) {
		if r.op.Sleep(script, r.left(r.sc.End)) == nil {
			over()
		}
	})
	r.armTimed()
	r.perform(script)
	if r.crash() != nil {
		return nil
	}
	// The script is done; the scenario lasts until its end all the same.
	_ = r.op.Sleep(script, r.left(r.sc.End)+time.Nanosecond)
	over()
	r.end(ctx)
	return nil
}

// left is how long it is until a time of the scenario.
func (r *run) left(at time.Duration) time.Duration { return max(0, at-r.now()) }

// now is the scenario's time.
func (r *run) now() time.Duration { return r.op.Elapsed() - r.lab.Zero() }

// sendOut lets the population go.
func (r *run) sendOut(script context.Context, crowd []person) {
	for _, p := range crowd {
		if p.journey == "" {
			continue
		}
		u := r.users[p.name]
		u.Host().Go("journey", func(ctx context.Context) {
			u.Travel(ctx, p.journey, p.pace, func() bool { return script.Err() != nil })
		})
	}
}

// end lets what is under way come to its end, then audits.
func (r *run) end(ctx context.Context) {
	stopped := r.now()
	r.waitUntil(ctx, settle, func() bool { return r.underWay() == 0 })
	settle, patience := settle, never
	if r.interrupted() {
		settle, patience = hurry, hurry // somebody waits at the terminal
	}
	r.mu.Lock()
	r.ended, r.stopped = true, stopped
	if waiting := r.waitingUsers(); len(waiting) > 0 {
		r.unfinished = append(r.unfinished, "no answer had come at the end to requests of "+few(waiting))
	}
	knocks := r.loggedOut
	r.mu.Unlock()
	r.waitUntil(ctx, settle, r.lab.Quiet)
	if ctx.Err() != nil {
		return
	}
	r.lookLast()
	r.audit(ctx, knocks, r.op.Elapsed()+patience)
}

// audit has every user read once more, and those who have logged out try their
// old session, until so late: those who do not come to it are noted.
func (r *run) audit(ctx context.Context, knocks []knock, until time.Duration) {
	readings := make([]knock, 0, len(r.order)+len(knocks))
	for _, name := range r.order {
		if r.users[name].Session() != "" {
			readings = append(readings, knock{user: name})
		}
	}
	for _, k := range knocks {
		if r.users[k.user].Session() != k.session {
			readings = append(readings, k)
		}
	}
	for i, k := range readings {
		if r.interrupted() {
			until = min(until, r.op.Elapsed()+hurry)
		}
		left := until - r.op.Elapsed()
		if left <= 0 {
			r.mu.Lock()
			r.unaudited = fmt.Sprintf("the final audit was cut short: %d of %d readings missing, so that the last writes of those users are not judged",
				len(readings)-i, len(readings))
			r.mu.Unlock()
			return
		}
		r.users[k.user].Do(ctx, users.Request{
			Method: "GET", Target: "/session", Audit: true, Timeout: min(auditTimeout, left), Cookie: k.session,
		})
	}
}

func (r *run) interrupted() bool { return r.opts.Interrupted != nil && r.opts.Interrupted() }

// waitingUsers are those with a request under way.
func (r *run) waitingUsers() []string {
	var names []string
	for _, name := range r.order {
		if r.users[name].UnderWay() > 0 {
			names = append(names, name)
		}
	}
	return names
}

// few lists some names, and how many more there are.
func few(names []string) string {
	const most = 5
	if more := len(names) - most; more > 1 {
		return fmt.Sprintf("%s and %d more users", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

func (r *run) underWay() int {
	n := 0
	for _, name := range r.order {
		n += r.users[name].UnderWay()
	}
	return n
}

// waitUntil looks every millisecond whether something has come true. It reports
// false when the limit has passed or ctx has ended before.
func (r *run) waitUntil(ctx context.Context, limit time.Duration, come func() bool) bool {
	for end := r.op.Elapsed() + limit; !come(); {
		if r.op.Elapsed() >= end || r.op.Sleep(ctx, time.Millisecond) != nil {
			return false
		}
	}
	return true
}

func (r *run) nextWrite() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes++
	return r.writes
}

func (r *run) attempts(request string) []history.Attempt {
	tried := r.lab.TakeAttempts(request)
	if tried == nil {
		return nil
	}
	out := r.rec.Attempts(len(tried))
	for i, a := range tried {
		out[i] = history.Attempt{Node: a.Node, Outcome: a.Outcome}
	}
	return out
}

// record takes a finished request.
func (r *run) record(rec *history.Record) {
	r.rec.Add(rec)
	r.mu.Lock()
	if rec.Node != "" && !rec.Audit && !rec.Foreign {
		if rec.Session != "" {
			if r.lastNode[rec.User] != rec.Node {
				r.lastNode[rec.User] = rec.Node
			}
		} else {
			delete(r.lastNode, rec.User)
		}
	}
	if rec.Logout() && rec.Acknowledged() && rec.Sent != "" {
		r.loggedOut = append(r.loggedOut, knock{rec.User, rec.Sent})
	}
	r.touches.request(rec)
	r.hash = r.hash.text(rec.User).number(uint64(rec.N)).number(uint64(rec.Started)).number(uint64(rec.Ended)).
		number(uint64(rec.Status)).text(rec.Node).text(rec.Session).text(rec.Err)
	r.mu.Unlock()
	if r.opts.Answered != nil {
		r.opts.Answered(rec)
	}
	if !rec.Audit {
		r.fire(func(e script.Event) bool { return e.Verb == "is answered" && e.Subject == rec.User })
	}
}
