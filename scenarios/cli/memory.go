package cli

import (
	"fmt"
	"time"
)

// watchMemory ends the process when the lab takes more memory than there is for
// it: the system would end it without a word, or the machine would stand still.
func (env *Env) watchMemory() (stop func()) {
	if env.Memory == nil {
		return func() {}
	}
	done, gone := make(chan struct{}), make(chan struct{})
	env.spawn(func() {
		defer close(gone)
		ticks := time.NewTicker(100 * time.Millisecond)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
			case <-done:
				return
			}
			if used, most := env.Memory(); used > most {
				env.complain(fmt.Errorf("the lab takes more than %d MiB of memory, which is half of what there was", most>>20),
					"a run keeps every request: fewer users, fewer requests, or an earlier end")
				env.Exit(exitLab)
				return
			}
		}
	})
	return func() {
		close(done)
		<-gone
	}
}
