package cli

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// ended is the exit status after a signal: 128 and its number, as of a shell.
func ended(by os.Signal) int {
	switch by {
	case syscall.SIGHUP:
		return exitHungUp
	case syscall.SIGTERM:
		return exitTerminated
	}
	return exitInterrupted
}

// ending is the signal that ends a run. The zero value is none.
type ending struct {
	status atomic.Int32
	first  time.Time // when it came; of the goroutine that hears signals
}

// hear notes a signal that comes at a time. It reports whether that is the first,
// and whether it is one too many, which ends the process at once. A closed terminal
// sends its hang-up more than once.
func (e *ending) hear(by os.Signal, at time.Time) (first, atOnce bool) {
	if e.status.CompareAndSwap(0, int32(ended(by))) {
		e.first = at
		return true, false
	}
	return false, by != syscall.SIGHUP && at.Sub(e.first) > oneRequest
}

// come reports whether there was one.
func (e *ending) come() bool { return e.status.Load() != 0 }

// oneRequest is how long signals count as one and the same request to stop:
// timeout(1) sends its signal to the program and to its whole group.
const oneRequest = 500 * time.Millisecond

// onSignal notes in e that a run is to end, and ends the process where somebody
// asks again.
func (env *Env) onSignal(e *ending) (stop func()) {
	if env.Interrupts == nil {
		return func() {}
	}
	c, end := env.Interrupts()
	done := make(chan struct{})
	env.spawn(func() {
		for {
			select {
			case by := <-c:
				switch first, atOnce := e.hear(by, time.Now()); {
				case first && by != syscall.SIGHUP:
					if _, ok := terminal(env.Stderr); ok {
						fmt.Fprintln(env.Stderr) // behind ^C, or the bar
					}
					fmt.Fprintf(env.Stderr, "sessionlab: %v: the run ends, and the report so far follows; once more ends it at once\n", by)
				case atOnce:
					fmt.Fprintf(env.Stderr, "sessionlab: %v again: the run ends at once, without a report\n", by)
					env.Exit(ended(by))
				}
			case <-done:
				return
			}
		}
	})
	return func() {
		end()
		close(done)
	}
}
