package tribes

import "time"

// workers are the threads of a Java thread pool, as far as their number goes:
// core threads are there from the start, more are made while all are busy, and
// those that were idle for too long end until only core ones are left. The
// longest idle thread gets the next job, so a trickle of jobs keeps all of them.
// Whoever uses it sees to it that there are no more jobs than threads allowed.
// Source: Tomcat ExecutorFactory.java; Java ThreadPoolExecutor.
type workers struct {
	core int
	keep time.Duration // how long an idle thread beyond core is kept

	busy int
	idle []time.Duration // since when, the longest idle first
}

func (w *workers) start(now time.Duration) {
	for range w.core {
		w.idle = append(w.idle, now)
	}
}

// take gives a job to an idle thread, or to a new one.
func (w *workers) take(now time.Duration) {
	w.reap(now)
	w.busy++
	if len(w.idle) > 0 {
		w.idle = w.idle[:copy(w.idle, w.idle[1:])]
	}
}

// give says that a thread is done with its job.
func (w *workers) give(now time.Duration) {
	w.busy--
	w.idle = append(w.idle, now)
}

// count is how many threads there are.
func (w *workers) count(now time.Duration) int {
	w.reap(now)
	return w.busy + len(w.idle)
}

// reap ends threads that were idle for too long.
func (w *workers) reap(now time.Duration) {
	for len(w.idle) > 0 && w.busy+len(w.idle) > w.core && now-w.idle[0] >= w.keep {
		w.idle = w.idle[:copy(w.idle, w.idle[1:])]
	}
}
