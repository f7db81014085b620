package scenarios

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sessionlab/lab"
	"sessionlab/scenarios/script"
)

// maxFirings bounds a whenever: one that causes its own event would go on for
// ever at one instant.
const maxFirings = 10_000

// watch is a when, whenever or wait until that waits for its event.
type watch struct {
	event  script.Event
	repeat bool
	act    func()
	st     script.Statement
	fired  int // guarded by run.mu
}

// watch registers w. Unless it is about a single happening it fires at once if
// it is true already. Registering comes first: on real sockets it may become
// true in between.
func (r *run) watch(w *watch) {
	if w.event.Verb == "quiet" {
		r.watchQuiet(w)
		return
	}
	r.mu.Lock()
	r.watches = append(r.watches, w)
	r.mu.Unlock()
	if w.event.Verb == "is idle" {
		r.lab.WhileIdle(w.event.Subject, func() { r.fireNow(w) })
	} else if r.already(w.event) {
		r.fireNow(w)
	}
}

// watchQuiet looks every millisecond: no single event makes a lab quiet.
func (r *run) watchQuiet(w *watch) {
	r.mu.Lock()
	armed := r.armCtx
	r.touches.watches = append(r.touches.watches, w)
	r.mu.Unlock()
	r.op.Go("quiet", func(context.Context) {
		for was := false; r.op.Sleep(armed, time.Millisecond) == nil; {
			quiet := r.lab.Quiet()
			if quiet && !was {
				r.mu.Lock()
				w.fired++
				r.mu.Unlock()
				w.act()
				if !w.repeat {
					return
				}
			}
			was = quiet
		}
	})
}

// fireNow fires a watch that has not fired yet.
func (r *run) fireNow(w *watch) {
	r.mu.Lock()
	if w.fired > 0 {
		r.mu.Unlock()
		return
	}
	w.fired++
	if !w.repeat {
		r.watches = slices.DeleteFunc(r.watches, func(other *watch) bool { return other == w })
		r.touches.watches = append(r.touches.watches, w)
	}
	r.mu.Unlock()
	w.act()
}

// already reports whether an event that is a state is there now.
func (r *run) already(e script.Event) bool {
	switch e.Verb {
	case "is up":
		return r.lab.Up(e.Subject)
	case "is down":
		return r.lab.Down(e.Subject)
	case "sees":
		return r.lab.Sees(e.Subject, e.Peer)
	case "misses":
		return r.lab.Up(e.Subject) && !r.lab.Sees(e.Subject, e.Peer)
	}
	return false
}

// fire runs the watches whose event matches, in the order in which they were
// armed, in the task that caused the event.
func (r *run) fire(matches func(script.Event) bool) {
	r.mu.Lock()
	if r.ended || len(r.watches) == 0 {
		r.mu.Unlock()
		return
	}
	var now, endless []*watch
	left := r.watches[:0:0]
	for _, w := range r.watches {
		hit := matches(w.event)
		if hit {
			now = append(now, w)
			w.fired++
			if w.fired > maxFirings {
				endless = append(endless, w)
				w.repeat = false
			}
		}
		if hit && !w.repeat {
			r.touches.watches = append(r.touches.watches, w)
		} else {
			left = append(left, w)
		}
	}
	if len(now) > 0 {
		r.watches = left
	}
	r.mu.Unlock()
	for _, w := range endless {
		r.endless(w.st)
	}
	for _, w := range now {
		w.act()
	}
}

// endless ends a whenever that would go on for ever: in a file that is an error,
// at a prompt a line of the timeline.
func (r *run) endless(st script.Statement) {
	if r.live {
		r.tell(r.now(), st, "ended", "", fmt.Sprintf("it has happened %d times, and no more: %s", maxFirings, st))
		return
	}
	r.fail(r.placed(st, fmt.Sprintf("it has fired %d times", maxFirings), "does it cause its own event? \"when\" fires once"))
}

// matches reports whether an event of the lab is the one a script waits for.
func matches(want script.Event, e *lab.Event) bool {
	switch want.Verb {
	case "sends", "receives", "loses":
		if e.Kind.String() != want.Verb || e.Host != want.Subject {
			return false
		}
		return (want.Kind == "ANY" || want.Kind == e.Label.Kind) && (want.Peer == "" || want.Peer == e.Peer)
	case "is up":
		return e.Kind == lab.Up && e.Host == want.Subject
	case "is down":
		return e.Kind == lab.Down && e.Host == want.Subject
	case "is idle":
		return e.Kind == lab.Idle && e.Host == want.Subject
	case "sees":
		return e.Kind == lab.Sees && e.Host == want.Subject && e.Peer == want.Peer
	case "misses":
		return e.Kind == lab.Misses && e.Host == want.Subject && e.Peer == want.Peer
	case "tries":
		return e.Kind == lab.Tries && e.Peer == want.Peer
	case "excludes":
		return e.Kind == lab.Excludes && e.Peer == want.Peer
	case "readmits":
		return e.Kind == lab.Readmits && e.Peer == want.Peer
	}
	return false
}
