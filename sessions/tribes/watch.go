package tribes

import "sync"

// watch traces and counts what happens in a channel.
type watch struct {
	trace func(Event)

	mu             sync.Mutex
	counts         [lastEventKind + 1]int
	sent, received int
	heartbeats     int
}

func (w *watch) event(e Event) {
	w.mu.Lock()
	w.counts[e.Kind]++
	w.mu.Unlock()
	if w.trace != nil {
		w.trace(e)
	}
}

func (w *watch) count(n *int) {
	w.mu.Lock()
	*n++
	w.mu.Unlock()
}
