package sim

import (
	"context"
	"iter"
	"math"

	"sessionlab/lab/world"
)

// runner is something that an event does when its time has come. Tasks,
// timers and deliveries are runners, so that the hot path needs no closure.
type runner interface{ fire() }

// funcRunner runs a function; for what is not hot.
type funcRunner func()

func (f funcRunner) fire() { f() }

// event is an entry of the heap. It can be moved and removed.
type event struct {
	at    int64 // ns since time zero
	tie   uint32
	seq   uint64
	what  runner
	index int // in the heap; -1 when not queued
}

func (e *event) queued() bool { return e.index >= 0 }

func newEvent(what runner) *event { return &event{what: what, index: -1} }

func eventOf(what runner) event { return event{what: what, index: -1} }

// heap is a 4-ary heap ordered by (time, tie-break, sequence). The times lie in
// the heap itself: most comparisons touch nothing else.
type heap struct {
	slots []slot
	// gap: the first slot's event has been taken out. The slot stays, before all
	// others, until the next push, which mostly comes at once and belongs near
	// the top.
	gap bool
}

type slot struct {
	at int64 // the event's
	*event
}

func less(a, b slot) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	if a.tie != b.tie {
		return a.tie < b.tie
	}
	return a.seq < b.seq
}

func (h *heap) push(e *event) {
	if h.gap {
		h.gap = false
		h.slots[0] = slot{e.at, e}
		h.down(0)
		return
	}
	e.index = len(h.slots)
	h.slots = append(h.slots, slot{e.at, e})
	h.up(e.index)
}

// pop takes the first event out, nil if there is none.
func (h *heap) pop() *event {
	if h.gap {
		h.gap = false
		h.drop(0)
	}
	if len(h.slots) == 0 {
		return nil
	}
	e := h.slots[0].event
	e.index = -1
	h.slots[0].at, h.gap = math.MinInt64, true
	return e
}

func (h *heap) remove(e *event) {
	h.drop(e.index)
	e.index = -1
}

// drop closes a slot.
func (h *heap) drop(i int) {
	last := len(h.slots) - 1
	h.slots[i] = h.slots[last]
	h.slots[last] = slot{}
	h.slots = h.slots[:last]
	if i != last {
		h.fix(i)
	}
}

func (h *heap) fix(i int) {
	if !h.down(i) {
		h.up(i)
	}
}

func (h *heap) up(i int) {
	s := h.slots
	e := s[i]
	for i > 0 {
		p := (i - 1) / 4
		if !less(e, s[p]) {
			break
		}
		s[i] = s[p]
		s[i].index = i
		i = p
	}
	s[i] = e
	e.index = i
}

func (h *heap) down(i int) bool {
	s := h.slots
	e, start := s[i], i
	for {
		c := 4*i + 1
		if c >= len(s) {
			break
		}
		best, at := c, s[c].at
		if c+4 <= len(s) { // four children, in a form that costs little
			k := (*[4]slot)(s[c:])
			if x := k[1].at; x <= at && (x < at || less(k[1], s[best])) {
				best, at = c+1, x
			}
			if x := k[2].at; x <= at && (x < at || less(k[2], s[best])) {
				best, at = c+2, x
			}
			if x := k[3].at; x <= at && (x < at || less(k[3], s[best])) {
				best, at = c+3, x
			}
		} else {
			for j := c + 1; j < len(s); j++ {
				if less(s[j], s[best]) {
					best, at = j, s[j].at
				}
			}
		}
		if at > e.at || !less(s[best], e) {
			break
		}
		s[i] = s[best]
		s[i].index = i
		i = best
	}
	s[i] = e
	e.index = i
	return i != start
}

// schedule queues e at a time, or moves it there.
func (w *World) schedule(e *event, at int64, tie uint32) {
	if at < w.now {
		at = w.now
	}
	w.seq++
	e.at, e.tie, e.seq = at, tie, w.seq
	if e.queued() {
		w.heap.slots[e.index].at = at
		w.heap.fix(e.index)
	} else {
		w.heap.push(e)
	}
}

func (w *World) cancel(e *event) {
	if e != nil && e.queued() {
		w.heap.remove(e)
	}
}

// after runs f in the scheduler after d. For what is not hot.
func (w *World) after(d int64, f func()) { w.schedule(newEvent(funcRunner(f)), w.now+d, 0) }

// task is a coroutine that runs code of one host. It either runs, is ready (in
// the run queue), is parked, or is over.
type task struct {
	w    *World
	host *host
	name string
	f    func(context.Context)
	co   *coroutine

	parked   bool
	giving   bool // parked, and lets others run in its place
	woken    bool // in the run queue, or frozen with its host
	done     bool
	nap      event // ends a Sleep
	timeout  event // looks at the deadline; it stays queued when a wait is over
	deadline int64 // of the wait under way, -1 for none
	expired  bool  // the deadline came before anything else
	guestOf  *host // the foreign host whose call it is parked in
	place    int   // among the waiting of the context it is parked under
	index    int   // in World.tasks
}

// coroutine is the vessel of a task; it is used again when the task is over.
type coroutine struct {
	next func() (struct{}, bool)
	stop func()
	job  *task
	out  func(struct{}) bool
}

// unwind is thrown through a parked task when the run has ended.
type unwind struct{}

func (w *World) newCoroutine() *coroutine {
	if n := len(w.idle); n > 0 {
		co := w.idle[n-1]
		w.idle = w.idle[:n-1]
		return co
	}
	co := &coroutine{}
	co.next, co.stop = iter.Pull(func(yield func(struct{}) bool) {
		co.out = yield
		growStack(0)
		for {
			co.job.run()
			if !yield(struct{}{}) {
				return
			}
		}
	})
	return co
}

// stackRoom is what a task that serves a request takes of its stack, and more.
const stackRoom = 3 << 10

// growStack makes room on the stack while there is little to copy. The index
// keeps the compiler from leaving the array out.
//
//go:noinline
func growStack(at int) byte {
	var room [stackRoom]byte
	room[at] = 1
	return room[stackRoom-1-at]
}

// run executes the task's function, and keeps a panic with the task's own
// stack: iter.Pull would raise it again in the scheduler without it.
func (t *task) run() {
	defer func() {
		t.done = true
		if p := recover(); p != nil {
			if _, ok := p.(unwind); !ok && t.w.panicked == nil {
				t.w.panicked = world.NewPanic("task "+t.name+" of "+t.host.name, p)
			}
		}
	}()
	t.f(t.host.root)
}

// spawn makes a task that is ready to run. Its context ends with the host.
func (w *World) spawn(h *host, name string, f func(context.Context)) *task {
	t := &task{w: w, host: h, name: name, f: f, co: w.newCoroutine()}
	t.co.job = t
	t.nap, t.timeout, t.deadline = eventOf((*taskNap)(t)), eventOf((*taskDeadline)(t)), -1
	t.index = len(w.tasks)
	w.tasks = append(w.tasks, t)
	t.parked = true
	w.wake(t)
	return t
}

// wake makes a parked task ready. Waking a task that is not parked does nothing.
func (w *World) wake(t *task) {
	if !t.parked || t.woken || t.done {
		return
	}
	if t.host.dead {
		return // a dead task is never resumed
	}
	t.woken = true
	if t.host.paused {
		t.host.frozen = append(t.host.frozen, t)
		return
	}
	w.ready = append(w.ready, t)
}

// resume lets a task run until it parks or ends.
func (w *World) resume(t *task) {
	t.woken = false
	if t.done || t.host.dead {
		return
	}
	if t.host.paused {
		t.woken = true
		t.host.frozen = append(t.host.frozen, t)
		return
	}
	t.parked = false
	w.current = t
	t.co.next()
	w.current = nil
	if t.done {
		w.retire(t)
	}
}

func (w *World) retire(t *task) {
	w.cancel(&t.nap)
	w.cancel(&t.timeout)
	last := len(w.tasks) - 1
	w.tasks[t.index] = w.tasks[last]
	w.tasks[t.index].index = t.index
	w.tasks[last] = nil
	w.tasks = w.tasks[:last]
	t.co.job = nil
	w.idle = append(w.idle, t.co)
	t.co = nil
}

// park gives up the processor until somebody wakes the task.
func (t *task) park() {
	if t.w.current != t {
		panic("sim: a task parked from a goroutine that is not its own")
	}
	if t.w.ending {
		panic(unwind{})
	}
	t.parked = true
	if t.w.goOn(t) {
		return
	}
	if !t.co.out(struct{}{}) {
		panic(unwind{})
	}
}

// goOn lets the world go on in place of t, which has just parked, until t is
// ready itself: one switch between coroutines instead of two. It reports false
// if t has to give way: the run is over, or it is the turn of a task that has
// let t run in its own place.
func (w *World) goOn(t *task) bool {
	w.current = nil
	for !w.over() {
		switch next := w.next(); {
		case next == nil:
			if !w.step() {
				return false
			}
		case next == t && !t.host.dead && !t.host.paused:
			w.takeNext()
			t.parked, t.woken = false, false
			w.current = t
			return true
		case next.giving:
			return false
		default:
			w.takeNext()
			t.giving = next != t
			w.resume(next)
			t.giving = false
		}
	}
	return false
}

// limit sets the deadline of the wait that a task is in, or goes into. Most
// deadlines are met, and set anew for the next wait: their event stays in the
// heap and looks, when it fires, at what has become of the deadline.
func (t *task) limit(at int64) {
	t.deadline = at
	if !t.timeout.queued() || t.timeout.at > at {
		t.w.schedule(&t.timeout, at, t.host.tie)
	}
}

// taskNap and taskDeadline are a task as seen by its two events.
type taskNap task

func (n *taskNap) fire() { (*task)(n).expire() }

type taskDeadline task

func (d *taskDeadline) fire() { (*task)(d).expire() }

func (t *task) expire() {
	t.deadline = -1
	t.expired = true
	t.w.wake(t)
}

// stale reports whether an event has nothing to say any more: it then passes
// without moving the clock. One whose deadline was put off is queued again.
func (w *World) stale(e *event) bool {
	d, ok := e.what.(*taskDeadline)
	if !ok || d.deadline == e.at {
		return false
	}
	if d.deadline >= 0 {
		w.schedule(e, d.deadline, d.host.tie)
	}
	return true
}

// over reports whether the run has ended.
func (w *World) over() bool { return w.finished || w.panicked != nil || w.cut }

// loop runs tasks and events until the run is over or nothing is left to happen.
func (w *World) loop() {
	for !w.over() {
		switch t := w.next(); {
		case t != nil:
			w.takeNext()
			w.resume(t)
		case !w.step():
			return
		}
	}
}

// next is the task whose turn it is, nil if none is ready.
func (w *World) next() *task {
	if w.readyHead == len(w.ready) {
		return nil
	}
	return w.ready[w.readyHead]
}

func (w *World) takeNext() {
	w.ready[w.readyHead] = nil
	if w.readyHead++; w.readyHead == len(w.ready) {
		w.ready, w.readyHead = w.ready[:0], 0
	}
}

// step lets the next event happen. It reports false if there is none.
func (w *World) step() bool {
	e := w.heap.pop()
	if e == nil {
		return false
	}
	if w.steps++; w.steps%256 == 0 {
		w.pulse.Store(w.steps)
		w.elapsed.Store(w.now)
		w.cut = w.interrupted.Load()
	}
	if !w.stale(e) {
		w.now = e.at
		e.what.fire()
	}
	return true
}
