package loopback

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// A timer of the Go runtime that is due in less than a millisecond may fire
// after one: an idle program waits in epoll, which counts in milliseconds.
// Source: Go runtime/netpoll_epoll.go, netpoll.
const shortest = 2 * time.Millisecond

// mostNaps is how many threads of the system may be asleep for this at a time.
const mostNaps = 16

var naps atomic.Int32

// timerSlack is PR_SET_TIMERSLACK. Source: prctl(2).
const timerSlack = 29

// nap sleeps for a short time as exactly as the system can. It reports false if
// that is not for it to do.
func nap(d time.Duration) bool {
	if d <= 0 || d >= shortest {
		return false
	}
	defer naps.Add(-1)
	if naps.Add(1) > mostNaps {
		return false
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// The thread's sleeps end when they should, not up to 50 us later.
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, timerSlack, 1, 0)
	left := syscall.NsecToTimespec(int64(d))
	for syscall.Nanosleep(&left, &left) == syscall.EINTR {
	}
	return true
}
