package tribes

import (
	"time"

	"sessionlab/lab/world"
)

// A thread that is woken runs at once if a core is free, and after about a
// millisecond if it has to wait for one. The draws are a message's own, so that
// nothing else in a run changes them.

// atSender is how long a sender's selector takes to see that it may write.
// Meanwhile the sender is busy, and the next message takes another.
// Source: Tomcat ParallelNioSender.java, doLoop.
func (c Config) atSender(h world.Host, m *Message) time.Duration {
	if c.Pickup < 0 {
		return 0
	}
	r := h.Rand("tribes send", h.Name(), m.Label.Kind, m.Label.Key, m.nth)
	return time.Duration(r.ExpFloat64() * float64(c.Pickup/6))
}

// busyCores is how often a receiver's thread finds no free core.
const busyCores = 0.27

// atReceiver is how long it takes until a thread of the receiver's pool has read
// a message, after the selector's thread has seen it. Connections have threads
// of their own, so messages on different ones overtake each other here.
// Source: Tomcat NioReceiver.java, readDataFromSocket; NioReplicationTask.java.
func (c Config) atReceiver(h world.Host, m *Message) time.Duration {
	if c.Pickup < 0 {
		return 0
	}
	r := h.Rand("tribes receipt", h.Name(), string(m.UniqueID[:]))
	mean := c.Pickup / 8
	if r.Float64() < busyCores {
		mean = c.Pickup * 8 / 3
	}
	return time.Duration(r.ExpFloat64() * float64(mean))
}
