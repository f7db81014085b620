package scenarios

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
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
	// Observe is called with everything that happens, while it happens, in the
	// task that causes it; it must be quick. It may be nil.
	Observe func(lab.Event)
	// Answered is called with every finished request, in the task of its user; it
	// must be quick. It may be nil.
	Answered func(*history.Record)
	// KeepReceived keeps what the nodes have got of each request, for its record.
	KeepReceived bool
	// Started is called when the lab is up, with the lab. It may be nil.
	Started func(*lab.Lab)
	// Interrupted is asked again and again. True ends the script: requests under
	// way are answered, the last looks take a second at most, and the result
	// is an interrupted one. Whoever cannot wait for that calls World.Interrupt,
	// which leaves them out. It may be nil.
	Interrupted func() bool
}

// Result is what came of a run.
type Result struct {
	Scenario     *script.Scenario
	Verdict      Verdict
	Void         []string // why the run shows nothing, whatever was expected of it
	Reasons      []string // what was not put to the test, and how far an interrupted run came
	Notes        []string // what is good to know and decides nothing
	Expectations []Expectation
	History      *history.History
	Checked      *continuity.Result
	Replication  Replication
	TraceHash    string // of everything that happened, 16 hex digits
	Interrupted  bool
	Took         time.Duration // of the lab's own time
}

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
	plan.KeepReceived = o.KeepReceived
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
	switch err := o.World.Run(func(ctx context.Context) error { return r.play(ctx, crowd) }); {
	case errors.Is(err, world.ErrInterrupted):
		r.cutShort()
	case err != nil:
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

	requests  atomic.Int64 // numbered so far
	pending   pending
	over      func()          // ends the script's tasks
	scriptCtx context.Context // ends at the scenario's end
	armCtx    context.Context // of the lines that wait for a time or an event; guarded by mu
	disarming func()          // ends armCtx, if that is not scriptCtx; guarded by mu

	silent atomic.Bool // the population waits

	mu         sync.Mutex // guards memory only
	watches    []*watch
	remembered map[string]script.Value
	judged     map[claim]Expectation // in the middle of the script
	lastNode   map[string]string     // where a user's session was last seen
	loggedOut  []knock
	touches    touches
	unfinished []string
	lastCopies map[script.Figure]script.Value // in the nodes, before the last looks
	stopped    time.Duration                  // when the script was over
	unaudited  string                         // what an interruption left out of the last look
	held       []history.Holding              // who held what when all was over
	closed     bool                           // held is known
	taken      time.Duration                  // when
	cut        bool                           // the world was interrupted
	crashed    error
	hash       trace
	stats      traffic
	told       map[string]int // the event that tells of a class, by machine and class
	ended      bool
	acting     int  // step of the line that acts now; 0 for none
	live       bool // kept up for a person; a mistake does not end it
}

func newRun(sc *script.Scenario, o Options, l *lab.Lab) *run {
	return &run{
		sc: sc, opts: o, world: o.World, op: o.World.Operator(), lab: l,
		users: map[string]*users.User{}, remembered: map[string]script.Value{},
		judged: map[claim]Expectation{}, pending: newPending(),
		lastNode: map[string]string{}, stats: newTraffic(),
		told: map[string]int{}, touches: touches{idle: map[string]int{}, timers: map[timer]bool{}},
	}
}

// setUp brings the lab and its users up, in the operator's main task. The
// script's context ends with the returned function.
func (r *run) setUp(ctx context.Context, crowd []person) (stage context.Context, over func(), err error) {
	if err := r.lab.Start(ctx); err != nil {
		return nil, nil, err
	}
	r.cfg = users.Config{
		Front: r.lab.Front(), Nodes: map[string]string{}, Zero: r.lab.Zero(),
		SessionCookie: r.sc.Noun("app").Options.String("sessionCookieName", ""),
		NewRecord:     r.rec.New,
		Record:        r.record,
		Number:        func() int64 { return r.requests.Add(1) },
		Noted:         r.noted,
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
	stage, over = r.op.WithCancel(ctx)
	r.scriptCtx, r.armCtx, r.over = stage, stage, over
	if r.opts.Interrupted != nil {
		r.op.Go("interrupt", func(context.Context) {
			// A long run is asked less often: in virtual time a year has many moments.
			for r.op.Sleep(stage, min(max(50*time.Millisecond, r.now()/200), time.Second)) == nil {
				if r.opts.Interrupted() {
					over()
				}
			}
		})
	}
	r.sendOut(stage, crowd)
	return stage, over, nil
}

// play is the whole run, in the operator's main task.
func (r *run) play(ctx context.Context, crowd []person) error {
	stage, over, err := r.setUp(ctx, crowd)
	if err != nil {
		return err
	}
	defer over()
	r.op.Go("end", func(context.Context) {
		if r.op.Sleep(stage, r.left(r.sc.End)) == nil {
			over()
		}
	})
	r.armTimed()
	r.perform(stage)
	if r.crash() != nil {
		return nil
	}
	// The script is done; the scenario lasts until its end all the same.
	_ = r.op.Sleep(stage, r.left(r.sc.End)+time.Nanosecond)
	over()
	r.end(ctx)
	return nil
}

// left is how long it is until a time of the scenario.
func (r *run) left(at time.Duration) time.Duration { return max(0, at-r.now()) }

// now is the scenario's time.
func (r *run) now() time.Duration { return r.op.Elapsed() - r.lab.Zero() }

// sendOut lets the population go.
func (r *run) sendOut(stage context.Context, crowd []person) {
	for _, p := range crowd {
		if p.journey == "" {
			continue
		}
		u := r.users[p.name]
		u.Host().Go("journey", func(ctx context.Context) {
			u.Travel(ctx, p.journey, p.pace, func(ctx context.Context) bool {
				for r.silent.Load() && stage.Err() == nil && u.Host().Sleep(ctx, silence) == nil {
				}
				return stage.Err() == nil
			})
		})
	}
}

// silence is how long a silenced user waits before it looks again.
const silence = 50 * time.Millisecond
