package tribes

import (
	"fmt"

	"sessionlab/lab/world"
)

// EventKind says what happened in a channel.
type EventKind uint8

const (
	MemberAdded      EventKind = iota + 1
	MemberGone                 // it left, or was found dead
	MemberSuspect              // silent, or a send failed, but a connect succeeds: it stays
	MemberNotAdded             // heard of, but a connect fails
	SendFailed                 // for the message and member named
	SendRetried                // after an I/O error, on a new connection
	AckTimedOut                // no acknowledgement in time
	NegativeAck                // the receiver could not process the message
	PoolExhausted              // every sender busy for maxWait
	QueueFull                  // the dispatcher's queue has no room
	Discarded                  // queued when the channel stopped
	ReceiverBusy               // a message waited long for a receiver thread
	FrameRefused               // bytes that are no frame or no message
	HeartbeatRefused           // a datagram that is no heartbeat
	HeartbeatFailed            // a heartbeat could not leave, the first of some
	NoReplies                  // nobody answered the static membership
	Handed                     // a message was given to the channel; see Event.Members
	Processed                  // a message of the member named has been processed
	lastEventKind    = Processed
)

func (k EventKind) String() string {
	if k > lastEventKind {
		return "?"
	}
	return [...]string{"?", "member added", "member gone", "member suspect", "member not added",
		"send failed", "send retried", "ack timed out", "negative ack", "sender pool exhausted",
		"queue full", "discarded", "receiver busy", "frame refused", "heartbeat refused", "heartbeat failed",
		"no replies", "handed", "processed"}[k]
}

// Event tells what happened in a channel. It explains; nothing is decided by it.
type Event struct {
	Kind   EventKind
	Member Member      // whom it is about; zero for nobody
	Label  world.Label // the message it is about; zero for none
	Err    error       // the cause, if there is one
	Detail string
	// ID is the message's, with Handed and Processed, and Members is how many members
	// it goes to, with Handed.
	ID      [16]byte
	Members int
}

// String is the event in a line of text.
func (e Event) String() string {
	s := e.Kind.String()
	if e.Member.Host != "" {
		s += " " + e.Member.String()
	}
	if e.Label.Kind != "" {
		s += " " + e.Label.Kind
	}
	if e.Label.Key != "" {
		s += " " + e.Label.Key
	}
	if e.Detail != "" {
		s += " " + e.Detail
	}
	if e.Err != nil {
		s += fmt.Sprintf(": %v", e.Err)
	}
	return s
}
