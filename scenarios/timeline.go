package scenarios

import (
	"fmt"

	"sessionlab/lab"
	"sessionlab/scenarios/history"
	"sessionlab/scenarios/script"
)

// happened takes an event of the lab: it goes into the trace, the timeline and
// the figures, and it may fire watches.
func (r *run) happened(e *lab.Event) {
	r.mu.Lock()
	r.stats.count(e)
	r.touches.event(e)
	r.hash = r.hash.number(uint64(e.At)).number(uint64(e.Kind)).text(e.Host).text(e.Peer).text(e.Label.Kind)
	watched := len(r.watches) > 0
	r.mu.Unlock()
	r.passage(e)
	if e.Panic != nil {
		r.fail(fmt.Errorf("%w: %w", ErrLab, e.Panic))
	}
	if e.Text != "" {
		entry := history.Event{At: e.At, Kind: e.Kind.String(), Node: e.Host, Text: e.Text}
		if e.Kind == lab.Told {
			entry.Kind = e.Verb
			r.mu.Lock()
			entry.Step = r.acting
			r.mu.Unlock()
		}
		r.narrate(entry, e.Class)
	}
	if r.opts.Observe != nil {
		r.opts.Observe(*e)
	}
	if watched {
		r.fire(func(want script.Event) bool { return matches(want, e) })
	}
}

// narrate puts an event into the timeline, unless it is a further one of its
// class: those are counted.
func (r *run) narrate(e history.Event, class string) {
	if class == "" {
		r.rec.AddEvent(e)
		return
	}
	key := e.Node + " " + class
	r.mu.Lock()
	defer r.mu.Unlock()
	if n, told := r.told[key]; told {
		r.rec.Again(n)
	} else {
		r.told[key] = r.rec.AddEvent(e)
	}
}
