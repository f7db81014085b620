package lab

import (
	"fmt"
	"time"

	"sessionlab/lab/world"
)

// Event is something that happened in the lab: on the wire, on a node, in the
// proxy, or by the operator's hand. Triggers wait for events, and the timeline
// of a report is made of them.
type Event struct {
	At   time.Duration // since the lab's time zero
	Kind EventKind
	// Host is the machine it is about; Peer is the other one, if there is one:
	// who receives what is sent, who is seen, which node the proxy tries.
	Host, Peer string
	// Label says which message, for Sends, Receives and Loses.
	Label world.Label
	Size  int
	// Took is the time since the message was handed to its sender's channel, for
	// Applies, and for a Session that decides about one.
	Took time.Duration
	// Fate is what became of the message or the changes that Label names, where
	// that is decided: on Applies, Loses, Session and Broken. Applies comes for
	// every message that was processed. If the receiver dropped it, a Session
	// before it has the fate, and that of Applies is "".
	Fate Fate
	// Request is the request's identity, where one is involved.
	Request string
	// Verb is what the operator did, for Told: "kill", "stop" and so on.
	Verb string
	// Text tells it in plain words; "" for what is too frequent to be told.
	Text string
	// Class is set on what may happen very often: a timeline tells the first of
	// a class and host, and counts the others.
	Class string
	// Panic is set on a Broken that is a mistake in the program itself.
	Panic *world.Panic
}

// EventKind is what happened.
type EventKind uint8

const (
	Sends EventKind = iota + 1
	Receives
	Loses
	Up       // the node answers requests
	Down     // the node's process has ended
	Idle     // nobody asks the node anything: all that was sent to it is answered
	Sees     // Host's membership lists Peer
	Misses   // Host's membership does not list Peer any more
	Tries    // the proxy turns to Peer
	Excludes // the proxy takes Peer out of service
	Readmits // the proxy has had an answer from Peer again
	Told     // the operator did something: Verb, and Text says what
	Session  // a node did something to a session; Text says what
	Broken   // something failed that no user may have noticed; Text says what
	Applies  // Host has processed a message of Peer between nodes
	Skips    // a request is the first to pass a line of the configuration that is not simulated
)

func (k EventKind) String() string {
	return [...]string{"?", "sends", "receives", "loses", "up", "down", "idle", "sees", "misses",
		"tries", "excludes", "readmits", "operator", "session", "broken", "applies", "skips"}[k]
}

// Watch sets the function that the lab calls with every event, in the task that
// causes it and before that goes on; f may use the operator's verbs. One watcher; set it before Start. On
// loopback f may be called from several goroutines at once.
func (l *Lab) Watch(f func(Event)) { l.watcher = f }

// emit tells of something that happens now.
func (l *Lab) emit(e *Event) {
	if l.watcher == nil {
		return
	}
	e.At = l.now()
	l.watcher(*e)
}

// now is the lab's time.
func (l *Lab) now() time.Duration { return l.world.Operator().Elapsed() - l.zero }

func (l *Lab) tell(kind EventKind, host, format string, args ...any) {
	l.emit(&Event{Kind: kind, Host: host, Text: fmt.Sprintf(format, args...)})
}

// did tells what the operator has done, and began at a time: what it leads to may
// have been told meanwhile.
func (l *Lab) did(at time.Duration, verb, host, format string, args ...any) {
	if l.watcher != nil {
		l.watcher(Event{At: at, Kind: Told, Host: host, Verb: verb, Text: fmt.Sprintf(format, args...)})
	}
}

// seam turns what the world sees on the wire into events of the lab.
func (l *Lab) seam(e *world.Event) {
	if e.Op == world.Panics {
		l.emit(&Event{Kind: Broken, Host: e.Host, Text: e.Panic.Error(), Panic: e.Panic})
		return
	}
	if e.Op == world.Sends && e.Label.Kind == "REQUEST" {
		l.asked(e.Peer)
	}
	if l.watcher != nil {
		l.watcher(Event{At: e.At - l.zero, Kind: onTheWire[e.Op], Host: e.Host, Peer: e.Peer, Label: e.Label, Size: e.Size})
	}
	if e.Op == world.Sends && e.Label.Kind == "RESPONSE" {
		l.answered(e.Host)
	}
}

var onTheWire = [...]EventKind{world.Sends: Sends, world.Receives: Receives, world.Loses: Loses}
