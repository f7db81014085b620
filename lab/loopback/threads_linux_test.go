package loopback

import (
	"os"
	"runtime"
	"sync"
	"testing"
)

func TestThreadsOfThisProcessAndItsUserAreCounted(t *testing.T) {
	const own = 5 // threads that belong to one goroutine each
	var ready, done sync.WaitGroup
	end := make(chan struct{})
	for range own {
		ready.Add(1)
		done.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			ready.Done()
			<-end
		})
	}
	ready.Wait()
	process, user := threadsIn("/proc/self/status"), threadsOf(os.Geteuid())
	close(end)
	done.Wait()
	if process <= own {
		t.Errorf("threads of this process: got %d, want more than %d", process, own)
	}
	if user < own {
		t.Errorf("threads of all processes of this user: got %d, want at least %d of this one", user, own)
	}
	left, limit, known := threadsLeft()
	if known && (left <= own || limit == "") {
		t.Errorf("threads left: got %d by %q; want more than the %d that this process has, and a limit", left, limit, own)
	}
}
