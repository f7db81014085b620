package lab

import (
	"slices"
	"time"

	"sessionlab/lab/world"
	"sessionlab/sessions/tribes"
)

// parcel is a message between nodes that some have not processed yet.
type parcel struct {
	from   string
	label  world.Label
	handed time.Duration
	left   int      // members that have not processed it
	other  []string // those by which it was processed, but not applied
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
	l.parcels[e.ID] = parcel{from: name, label: e.Label, handed: now, left: e.Members}
}

// processed tells how long a message took to be processed on one of its members.
func (l *Lab) processed(name string, e *tribes.Event) {
	l.mu.Lock()
	p, ok := l.parcels[e.ID]
	fate := Applied
	if slices.Contains(p.other, name) {
		fate = ""
	}
	if p.left--; p.left > 0 {
		l.parcels[e.ID] = p
	} else {
		delete(l.parcels, e.ID)
	}
	l.mu.Unlock()
	if ok {
		l.emit(&Event{Kind: Applies, Host: name, Peer: p.from, Label: p.label, Fate: fate, Took: l.world.Operator().Elapsed() - p.handed})
	}
}

// decided notes that a node has not applied a message, and returns how long ago
// that was handed to its sender's channel.
func (l *Lab) decided(name string, id [16]byte) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := l.parcels[id]
	if !ok {
		return 0
	}
	p.other = append(p.other, name)
	l.parcels[id] = p
	return l.world.Operator().Elapsed() - p.handed
}
