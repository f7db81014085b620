package fault

import (
	"testing"
	"time"
)

func TestTheKernelSendsAgainAtDoublingIntervals(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		again              func(time.Duration) time.Duration
		name               string
		after, want, later time.Duration
	}{
		{Resend, "data", 0, 200 * ms, 600 * ms},
		{Resend, "data", 200 * ms, 200 * ms, 600 * ms},
		{Resend, "data", 700 * ms, 1400 * ms, 3000 * ms},
		{Resend, "data", 10 * time.Second, 12600 * ms, 25400 * ms},
		{Resend, "data", 30 * time.Second, 51 * time.Second, 102200 * ms},
		{Resend, "data", 300 * time.Second, 324600 * ms, 444600 * ms},
		{Reconnect, "a connect", 0, time.Second, 3 * time.Second},
		{Reconnect, "a connect", 10 * time.Second, 15 * time.Second, 31 * time.Second},
	} {
		got := c.again(c.after)
		if got != c.want {
			t.Errorf("%s is sent again after %v at %v, want %v", c.name, c.after, got, c.want)
		}
		if next := c.again(got + 1); next != c.later {
			t.Errorf("%s is sent again after %v at %v, want %v", c.name, got, next, c.later)
		}
	}
}
