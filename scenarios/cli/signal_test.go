package cli

import (
	"os"
	"syscall"
	"testing"
	"time"
)

func TestSignalsOfOneMomentAreOneRequestToStop(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		first, second os.Signal
		later         time.Duration
		status        int32
		atOnce        bool
	}{
		{syscall.SIGTERM, syscall.SIGTERM, 0, 143, false}, // timeout(1): the child, then its group
		{syscall.SIGTERM, syscall.SIGTERM, 10 * ms, 143, false},
		{os.Interrupt, syscall.SIGTERM, 500 * ms, 130, false},
		{os.Interrupt, os.Interrupt, 501 * ms, 130, true},
		{syscall.SIGHUP, syscall.SIGTERM, time.Second, 129, true},
		{syscall.SIGHUP, syscall.SIGHUP, time.Minute, 129, false},
	} {
		var e ending
		at := time.Unix(0, 0)
		if first, atOnce := e.hear(c.first, at); !first || atOnce {
			t.Errorf("%v: first %v, at once %v, want the first and no end at once", c.first, first, atOnce)
		}
		if first, got := e.hear(c.second, at.Add(c.later)); first || got != c.atOnce {
			t.Errorf("%v, and %v %v later: first %v, at once %v, want a further one and %v", c.first, c.second, c.later, first, got, c.atOnce)
		}
		if got := e.status.Load(); got != c.status {
			t.Errorf("%v, and %v %v later: status %d, want %d", c.first, c.second, c.later, got, c.status)
		}
	}
}
