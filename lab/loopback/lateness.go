package loopback

import (
	"sync"
	"sync/atomic"
	"time"

	"sessionlab/lab/world"
)

// beat is how often a world looks whether its own timer fires in time: whoever
// has been frozen, or got no processor, shows it even where no other timer was
// due.
const beat = 20 * time.Millisecond

// lateness is how late the timers of a world have been.
type lateness struct {
	worst    atomic.Int64 // world.Lateness.By, to be looked at without the lock
	shortest atomic.Int64 // timeout in force; 0 for none

	mu     sync.Mutex
	latest world.Lateness
}

// fired notes when a timer of a host has fired.
func (l *lateness) fired(host string, due, now time.Duration) {
	by := now - due
	if int64(by) <= l.worst.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if by > l.latest.By {
		l.worst.Store(int64(by))
		l.latest = world.Lateness{By: by, Due: due, Host: host}
	}
}

// inForce notes a timeout.
func (l *lateness) inForce(d time.Duration) {
	for {
		now := l.shortest.Load()
		if now != 0 && now <= int64(d) || l.shortest.CompareAndSwap(now, int64(d)) {
			return
		}
	}
}

// Lateness implements world.World.
func (w *World) Lateness() world.Lateness {
	w.late.mu.Lock()
	defer w.late.mu.Unlock()
	all := w.late.latest
	all.Shortest = time.Duration(w.late.shortest.Load())
	return all
}

// beats fires a timer again and again until the run is over.
func (w *World) beats() {
	timer := time.NewTimer(beat)
	defer timer.Stop()
	for due := w.elapsed() + beat; ; due = w.elapsed() + beat {
		select {
		case <-timer.C:
			w.late.fired("", due, w.elapsed())
			timer.Reset(beat)
		case <-w.ctx.Done():
			w.late.fired("", due, w.elapsed())
			return
		}
	}
}
