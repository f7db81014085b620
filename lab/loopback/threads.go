package loopback

import (
	"errors"
	"fmt"
	"runtime"

	"sessionlab/lab/world"
)

// spareThreads are those that the Go runtime wants for itself: to collect
// garbage, to watch, to wait for signals and sockets.
const spareThreads = 8

// tooFewThreads reports that the system will not give this process all the
// threads that a lab may come to want, or nil. It is asked before a lab begins: a
// Go program that is refused a thread later can only die.
func tooFewThreads() *world.Shortage { return threadShortage(threadsLeft()) }

// mostThreads is how many a lab may come to want.
func mostThreads() int { return runtime.GOMAXPROCS(0) + mostNaps + mostDiskCalls + spareThreads }

// threadShortage is tooFewThreads for a limit that leaves room for left more.
func threadShortage(left int, limit string, known bool) *world.Shortage {
	most := mostThreads()
	if !known || left >= most {
		return nil
	}
	return &world.Shortage{
		Doing:  "start the lab",
		Limit:  fmt.Sprintf("it may want %d threads, and %s leaves %d", most, limit, max(left, 0)),
		Remedy: "raise that limit or end other programs" + simNeedsNone,
		Err:    errTooFewThreads,
	}
}

var errTooFewThreads = errors.New("too few threads")
