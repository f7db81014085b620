package cli

import (
	"os"
	"sync/atomic"
	"syscall"
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
type ending struct{ status atomic.Int32 }

// come reports whether there was one.
func (e *ending) come() bool { return e.status.Load() != 0 }

// onSignal notes the first signal in e. A second one ends the process at once,
// but for a hang-up, which a closed terminal sends more than once.
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
				if !e.status.CompareAndSwap(0, int32(ended(by))) && by != syscall.SIGHUP {
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
