package sim

import (
	"strings"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

// machineAt finds a machine by a logical "address:port".
func (w *World) machineAt(addr string) *machine {
	for i := len(addr) - 1; i >= 0; i-- {
		if addr[i] == ':' {
			return w.byIP[strings.Trim(addr[:i], "[]")]
		}
	}
	return nil
}

// exempt reports whether messages between the two touch no rule.
func (w *World) exempt(h *host, m *machine) bool {
	return h == w.operator || m == w.operator.machine
}

// link is one direction between two machines.
type link struct {
	from, to          *machine
	key               world.Key // of what is sent over it
	request, response world.Key // key with these kinds added
	delay, spread     int64
}

func (w *World) link(from, to *machine) *link {
	if l := from.links[to]; l != nil {
		return l
	}
	l := &link{from: from, to: to, key: w.key.Str("delay").Str(from.name).Str(to.name), delay: w.delay, spread: w.spread}
	l.request, l.response = l.key.Str("REQUEST"), l.key.Str("RESPONSE")
	if from.links == nil {
		from.links = map[*machine]*link{}
	}
	from.links[to] = l
	return l
}

// way is how long a message takes, in ns.
func (l *link) way(k world.Key) int64 {
	if l.spread == 0 {
		return l.delay
	}
	return l.delay + int64(k.Float()*float64(l.spread))
}

// roundTrip is what it takes to connect.
func (w *World) roundTrip() int64 { return 2*w.delay + w.spread }

// messageKey is the identity of a message: its link, its label, and the
// how-manieth of that label it is there. A request's identity is unique already
// and is not counted.
func (w *World) messageKey(l *link, label world.Label) world.Key {
	if label.Key != "" {
		switch label.Kind {
		case "REQUEST":
			return l.request.Str(label.Key)
		case "RESPONSE":
			return l.response.Str(label.Key)
		}
	}
	k := l.key.Str(label.Kind).Str(label.Key)
	n := w.nth[k]
	w.nth[k] = n + 1
	return k.Int(n)
}

// decide asks the fault table about a message.
func (w *World) decide(l *link, label world.Label, k world.Key, by fault.Transport) fault.Action {
	if w.faults.Quick() {
		return fault.Action{}
	}
	return w.faults.Decide(fault.Message{From: l.from.name, To: l.to.name, Kind: label.Kind, By: by},
		func(rule uint64) float64 { return k.Str("fault").Int(rule).Float() })
}
