package lab

import (
	"time"

	"sessionlab/lab/world"
	"sessionlab/sessions/tribes"
)

// parcel is a message between nodes that some have not processed yet.
type parcel struct {
	from   string
	label  world.Label
	handed time.Duration
	left   int // members that have not processed it
}

// mostParcels bounds what is kept of messages that never arrive.
const mostParcels = 1 << 14

// handed notes that a node has given a message to its channel.
func (l *Lab) handed(name string, e *tribes.Event) {
	now := l.world.Operator().Elapsed()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.parcels) >= mostParcels {
		clear(l.parcels)
	}
	l.parcels[e.ID] = parcel{name, e.Label, now, e.Members}
}

// processed tells how long a message took to be processed on one of its members.
func (l *Lab) processed(name string, e *tribes.Event) {
	l.mu.Lock()
	p, ok := l.parcels[e.ID]
	if p.left--; p.left > 0 {
		l.parcels[e.ID] = p
	} else {
		delete(l.parcels, e.ID)
	}
	l.mu.Unlock()
	if ok {
		l.emit(&Event{Kind: Applies, Host: name, Peer: p.from, Label: p.label, Took: l.world.Operator().Elapsed() - p.handed})
	}
}
