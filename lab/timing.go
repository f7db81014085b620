package lab

import "time"

// Timing is how long things take that a simulator cannot take from the real
// machine. The zero value of a field is the table's.
type Timing struct {
	// JVMStart is from the start of the process to the moment at which the
	// session manager starts.
	JVMStart time.Duration
	// Service and ServiceSpread are what a request takes on its thread: at least
	// Service, up to ServiceSpread more.
	Service, ServiceSpread time.Duration
}

// DefaultTiming is the table, from measurements of Tomcat 10.1 and nginx 1.22
// on two cores over loopback: 0.8 to 1.0 s from exec to the first answer of a
// small web application, 0.6 to 0.7 ms for a request to a page that reads and
// writes one attribute, wire and wake-ups included.
var DefaultTiming = Timing{
	JVMStart:      800 * time.Millisecond,
	Service:       300 * time.Microsecond,
	ServiceSpread: 300 * time.Microsecond,
}

func (t Timing) withDefaults() Timing {
	if t.JVMStart == 0 {
		t.JVMStart = DefaultTiming.JVMStart
	}
	if t.Service == 0 && t.ServiceSpread == 0 {
		t.Service, t.ServiceSpread = DefaultTiming.Service, DefaultTiming.ServiceSpread
	}
	return t
}
