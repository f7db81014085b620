package scenarios

import (
	"fmt"
	"time"

	"sessionlab/lab/world"
)

// A world that keeps real time may be late, on a machine that has much to do or
// was frozen. A little changes nothing; what comes near a timeout may end in the
// scenario what would not have ended.
const (
	unnoticed     = 20 * time.Millisecond  // lateness that gets no note
	alwaysAllowed = 100 * time.Millisecond // lateness that never makes a run void
)

// allowed is how late timers and lines may be: a quarter of the shortest timeout
// in force, or alwaysAllowed if that is more.
func allowed(shortest time.Duration) time.Duration { return max(alwaysAllowed, shortest/4) }

// judgeLateness says why a world's lateness makes a run void, or what is to be
// noted of it; "" for neither. zero is when the scenario began; the timers of
// operator are the script's.
func judgeLateness(l world.Lateness, zero time.Duration, operator string) (void, note string) {
	if l.By < unnoticed {
		return "", ""
	}
	whose := "a timer of " + l.Host
	switch l.Host {
	case "":
		whose = "a timer of the lab"
	case operator:
		whose = "a timer of the script"
	}
	what := fmt.Sprintf("%s that was due at %v was %v late", whose,
		max(0, l.Due-zero).Round(time.Millisecond), l.By.Round(time.Millisecond))
	bound := allowed(l.Shortest)
	if l.By <= bound {
		return "", what + ": this machine is busy"
	}
	why := fmt.Sprintf("more than %v", bound.Round(time.Millisecond))
	if bound > alwaysAllowed {
		why += fmt.Sprintf(", a quarter of the shortest timeout in force (%v)", l.Shortest)
	}
	return fmt.Sprintf("the lab itself was too late: %s, %s; this machine is too busy, or the lab was stopped meanwhile", what, why), ""
}
