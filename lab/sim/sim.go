// Package sim is a world in virtual time: the whole lab runs in one goroutine,
// time jumps from event to event, and everything that happens is a function of
// the seed.
//
// Start with New and World.Run. Every task is a coroutine; exactly one runs at
// a time, until it waits. Events are ordered by virtual time, then by a
// tie-break that depends on the seed and the machine, then by the order in
// which they were made.
//
// Left out: malformed bytes (only their outcome exists here) and the cost of
// computing, which is zero. A time that matters (service time, the start of a
// JVM, a thread that wakes up) must be slept by who models it.
//
// A sync.Mutex held across a call that waits stops the whole world: no other
// task can ever unlock it. A watchdog that looks at the real clock then has
// Config.Hung end the process, and names the tasks.
package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

// Config says how a world begins. The zero value is usable.
type Config struct {
	// Seed of every draw.
	Seed uint64
	// Delay of a link, one way, and Spread: up to so much more, drawn per
	// message. Both zero: DefaultDelay and DefaultSpread.
	Delay, Spread time.Duration
	// Watchdog is after how much real time without progress Hung is called.
	// Zero: a minute. Negative: never.
	Watchdog time.Duration
	// Hung ends the process, which nothing else can do then. It is called in a
	// goroutine of its own. Nil: a panic.
	Hung func(*world.Panic)
}

// Delays of a link on which nothing was configured: what one way takes between
// two processes on one machine, wake-up of the receiver included.
const (
	DefaultDelay  = 60 * time.Microsecond
	DefaultSpread = 40 * time.Microsecond
)

// World is a world in virtual time. It is used from one goroutine.
type World struct {
	seed     uint64
	key      world.Key
	epoch    int64 // what the clocks of the machines say at time zero, in seconds since 1970
	delay    int64
	spread   int64
	faults   fault.Table
	observer func(world.Event)
	watchdog time.Duration
	hung     func(*world.Panic)

	now       int64
	seq       uint64
	heap      heap
	ready     []*task
	readyHead int
	tasks     []*task
	idle      []*coroutine
	current   *task

	machines map[string]*machine
	byIP     map[string]*machine
	operator *host
	groups   map[string][]*packetConn
	holders  []holder // what waits for the fault table, in order
	inFlight int
	frames   []*frame // to be used again
	ports    int
	nth      map[world.Key]uint64 // how many messages of one label a link has seen
	targets  map[string]*target
	conns    []*httpConn // by age; some of them are closed
	room     int         // how many conns may be before the closed ones are dropped

	connecting []*task // dialling somebody who does not answer

	started, finished bool // f of Run, that is
	ending, closed    bool
	panicked          error
	steps             uint64
	cut               bool          // by Interrupt
	pulse             atomic.Uint64 // steps, every now and then, for the watchdog
	elapsed           atomic.Int64  // now, as seldom
	interrupted       atomic.Bool
}

// New returns a world at time zero.
func New(c Config) *World {
	if c.Delay == 0 && c.Spread == 0 {
		c.Delay, c.Spread = DefaultDelay, DefaultSpread
	}
	if c.Watchdog == 0 {
		c.Watchdog = time.Minute
	}
	if c.Hung == nil {
		c.Hung = func(p *world.Panic) { panic(p) }
	}
	w := &World{
		seed:     c.Seed,
		key:      world.NewKey(c.Seed),
		epoch:    time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Unix(),
		delay:    int64(c.Delay),
		spread:   int64(c.Spread),
		watchdog: c.Watchdog,
		hung:     c.Hung,
		machines: map[string]*machine{},
		byIP:     map[string]*machine{},
		groups:   map[string][]*packetConn{},
		nth:      map[world.Key]uint64{},
		targets:  map[string]*target{},
	}
	w.faults.OnChange(w.faultsChanged)
	w.operator = w.incarnate(&machine{name: "operator", addr: "192.0.2.1", disk: disk{}})
	w.byIP["192.0.2.1"] = w.operator.machine
	w.operator.machine.up = w.operator
	return w
}

var _ world.World = (*World)(nil)

// Lateness implements world.World: virtual time is never late.
func (w *World) Lateness() world.Lateness { return world.Lateness{} }

func (w *World) incarnate(m *machine) *host {
	h := &host{
		machine: m, w: w,
		http: map[int]*httpListener{}, streams: map[int]*streamListener{}, packets: map[int]*packetConn{},
	}
	h.root = &simCtx{host: h, parent: context.Background()}
	return h
}

// Run runs f as a task of the operator, and virtual time with it, until f
// returns. A panic of any task ends the run and comes back as the error.
func (w *World) Run(f func(ctx context.Context) error) error {
	if w.started {
		return errors.New("sim: a world runs once")
	}
	w.started = true
	var result error
	ctx := w.operator.newCtx(w.operator.root)
	w.spawn(w.operator, "main", func(context.Context) {
		result = f(ctx)
		w.finished = true
	})
	stopDog := w.watch()
	w.loop()
	stopDog()
	switch {
	case w.panicked != nil, w.finished:
	case w.cut:
		result = world.ErrInterrupted
	default:
		result = fmt.Errorf("sim: nothing can happen any more at %v; parked: %v", time.Duration(w.now), w.parkedNames())
	}
	w.unwind()
	if w.panicked != nil {
		return w.panicked
	}
	return result
}

// Elapsed implements world.World.
func (w *World) Elapsed() time.Duration { return time.Duration(w.elapsed.Load()) }

// Interrupt implements world.World.
func (w *World) Interrupt() { w.interrupted.Store(true) }

// unwind ends every task that is still parked, running its defers.
func (w *World) unwind() {
	w.ending = true
	for _, t := range w.tasks {
		w.current = t
		t.co.stop()
		w.current = nil
	}
	w.tasks = nil
	for _, co := range w.idle {
		co.stop()
	}
	w.idle = nil
	w.heap, w.ready, w.holders = heap{}, nil, nil
}

// watch ends the process when no event happens for long: then a task waits for
// a lock that only another task could give back.
func (w *World) watch() (stop func()) {
	if w.watchdog < 0 {
		return func() {}
	}
	last := w.pulse.Load()
	var timer *time.Timer
	timer = time.AfterFunc(w.watchdog, func() {
		if now := w.pulse.Load(); now != last {
			last = now
			timer.Reset(w.watchdog)
			return
		}
		w.hung(world.NewPanic("the simulator", fmt.Sprintf("no progress for %v of real time; a lock held across a wait? parked: %v", w.watchdog, w.parkedNames())))
	})
	return func() { timer.Stop() }
}

func (w *World) parkedNames() []string {
	var names []string
	for _, t := range w.tasks {
		names = append(names, t.host.name+": "+t.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (w *World) Operator() world.Host { return w.operator }

func (w *World) Faults() *fault.Table { return &w.faults }

func (w *World) Observe(f func(world.Event)) { w.observer = f }

func (w *World) InFlight() int { return w.inFlight }

func (w *World) Up(name string) bool {
	m := w.machines[name]
	return m != nil && m.up != nil
}

func (w *World) Boot(name, addr string) (world.Host, error) {
	m := w.machines[name]
	switch {
	case m == nil && w.byIP[addr] != nil:
		return nil, fmt.Errorf("boot %s: address %s belongs to %s", name, addr, w.byIP[addr].name)
	case m == nil:
		m = &machine{name: name, addr: addr, order: len(w.machines) + 1, disk: disk{}}
		m.tie = uint32(w.key.Str("tie").Str(name))
		w.machines[name] = m
		w.byIP[addr] = m
	case m.addr != addr:
		return nil, fmt.Errorf("boot %s: its address is %s, not %s", name, m.addr, addr)
	case m.up != nil:
		return nil, fmt.Errorf("boot %s: it is up", name)
	}
	m.up = w.incarnate(m)
	return m.up, nil
}

func (w *World) running(verb, name string) (*host, error) {
	m := w.machines[name]
	if m == nil {
		return nil, fmt.Errorf("%s %s: no such machine", verb, name)
	}
	if m.up == nil {
		return nil, fmt.Errorf("%s %s: it is down", verb, name)
	}
	return m.up, nil
}

func (w *World) Kill(name string) error {
	h, err := w.running("kill", name)
	if err != nil {
		return err
	}
	h.dead, h.paused = true, false
	h.machine.up = nil
	h.frozen = nil
	for _, port := range slices.Sorted(maps.Keys(h.http)) {
		h.http[port].closed = true
	}
	for _, c := range slices.Clone(w.conns) {
		if c.server == h {
			c.closeServer(false)
		}
		if c.client == h {
			c.closeClient()
		}
	}
	for _, port := range slices.Sorted(maps.Keys(h.streams)) {
		h.streams[port].close()
	}
	for _, s := range slices.Clone(h.ends) {
		s.close(false)
	}
	for _, port := range slices.Sorted(maps.Keys(h.packets)) {
		h.packets[port].close()
	}
	h.root.cancel(world.ErrHostDown)
	w.wakeForeign(h)
	return nil
}

// wakeForeign wakes the tasks of other hosts that wait in a call of h.
func (w *World) wakeForeign(h *host) {
	for _, t := range h.resumed {
		w.wake(t)
	}
	h.resumed = nil
	for _, t := range w.tasks {
		if t.guestOf == h {
			w.wake(t)
		}
	}
}

func (w *World) Pause(name string) error {
	h, err := w.running("pause", name)
	if err != nil {
		return err
	}
	if h.paused {
		return fmt.Errorf("pause %s: it is paused", name)
	}
	h.paused = true
	return nil
}

func (w *World) Resume(name string) error {
	h, err := w.running("resume", name)
	if err != nil {
		return err
	}
	if !h.paused {
		return fmt.Errorf("resume %s: it is not paused", name)
	}
	h.paused = false
	for _, port := range slices.Sorted(maps.Keys(h.http)) {
		if l := h.http[port]; !l.unready {
			l.pending = 0
		}
	}
	for _, port := range slices.Sorted(maps.Keys(h.streams)) {
		h.streams[port].pending = 0
	}
	w.ready = append(w.ready, h.frozen...)
	h.frozen = nil
	w.wakeForeign(h)
	w.stir()
	return nil
}

func (w *World) Skew(name string, ahead time.Duration) error {
	m := w.machines[name]
	if m == nil {
		return fmt.Errorf("skew %s: no such machine", name)
	}
	m.skew = ahead
	return nil
}

func (w *World) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	if w.current != nil {
		return errors.New("sim: closed from inside the run")
	}
	w.unwind()
	return nil
}

// stir lets those who wait for an answer to their connect try again at once.
func (w *World) stir() {
	for _, t := range w.connecting {
		t.expired = true
		w.wake(t)
	}
}

func (w *World) stirred(t *task) bool { return t.expired }

// observe tells the observer. What it does happens before the caller goes on;
// the caller must look afterwards whether its host still lives.
func (w *World) observe(op world.EventOp, h *host, peer string, label world.Label, size int) {
	if w.observer == nil || h == w.operator {
		return
	}
	w.observer(world.Event{At: time.Duration(w.now), Op: op, Host: h.name, Peer: peer, Label: label, Size: size})
}

func (w *World) observePanic(h *host, peer, key string, p *world.Panic) {
	if w.observer == nil {
		return
	}
	w.observer(world.Event{
		At: time.Duration(w.now), Op: world.Panics, Host: h.name, Peer: peer,
		Label: world.Label{Kind: "REQUEST", Key: key}, Panic: p,
	})
}

// target is a request target, parsed.
type target struct {
	target string
	url    url.URL
}

// parseURI parses a request target, remembering what it has seen.
func (w *World) parseURI(uri string) (*target, error) {
	if t := w.targets[uri]; t != nil {
		return t, nil
	}
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		return nil, err
	}
	if len(w.targets) >= 4096 {
		clear(w.targets)
	}
	t := &target{uri, *u}
	w.targets[uri] = t
	return t, nil
}
