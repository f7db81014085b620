package lab

import (
	"time"

	"sessionlab/appnode"
	"sessionlab/lab/world"
)

// Timing is how long things take that a simulator cannot take from the real
// machine. The zero value of a field is the table's.
type Timing struct {
	// JVMStart is from the start of the process to the moment at which the
	// session manager starts: at least JVMStart, up to JVMStartSpread more. The
	// cluster's channel starts when the connector's port is bound.
	JVMStart, JVMStartSpread time.Duration
	// JVMStop is from the moment at which a server that is stopped gracefully
	// accepts no more connections until its port closes, beside what running
	// requests and the session manager take.
	JVMStop time.Duration
	// Service is what a request takes on its thread.
	Service appnode.Service
}

// DefaultTiming is the table, from measurements of Tomcat 10.1 and nginx 1.22 on
// two cores over loopback: 35 ms more for the first request of a JVM, whose classes
// are loaded and run for the first time; 0.7 to 1.0 s from exec to the first answer of a small
// web application, 15 to 20 ms from SIGTERM to the end of the port, 0.6 to 0.7 ms
// for a request to a page that reads and writes one attribute, wire and wake-ups
// included, with a 99th percentile of 4.9 ms on cores that both nodes and the
// client share.
var DefaultTiming = Timing{
	JVMStart:       720 * time.Millisecond,
	JVMStartSpread: 200 * time.Millisecond,
	JVMStop:        15 * time.Millisecond,
	Service: appnode.Service{
		Time:    300 * time.Microsecond,
		Spread:  300 * time.Microsecond,
		First:   35 * time.Millisecond,
		Stalled: 0.03,
		Stall:   4 * time.Millisecond,
	},
}

// boundAfter is the share of a JVM's start, in percent, after which the
// connector's port is bound. From then on the kernel takes connections, which
// wait for the end of the start. Measured with Tomcat 10.1.52: 0.57 to 0.70 s
// of 1.10 to 1.25 s. Source: Tomcat AbstractEndpoint.java, bindOnInit.
const boundAfter = 50

// start is how long a host's process takes, the nth on its machine.
func (t Timing) start(h world.Host, nth int) time.Duration {
	draw := h.Key("jvm start").Str(h.Name()).Int(uint64(nth))
	return t.JVMStart + time.Duration(draw.Float()*float64(t.JVMStartSpread))
}

func (t Timing) withDefaults() Timing {
	if t.JVMStart == 0 && t.JVMStartSpread == 0 {
		t.JVMStart, t.JVMStartSpread = DefaultTiming.JVMStart, DefaultTiming.JVMStartSpread
	}
	if t.JVMStop == 0 {
		t.JVMStop = DefaultTiming.JVMStop
	}
	if t.Service == (appnode.Service{}) {
		t.Service = DefaultTiming.Service
	}
	return t
}
