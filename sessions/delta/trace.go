package delta

import (
	"strings"
	"time"

	"sessionlab/sessions/tribes"
)

// EventKind says what a manager did, or left undone.
type EventKind uint8

const (
	UnknownSession EventKind = iota + 1 // a message about a session that is not held was dropped
	CopyReplaced                        // a message put another copy in the place of the one held
	DeltaErased                         // an incoming delta has erased changes that were not sent
	DeltaDiscarded                      // changes were forgotten, without members or by a new id
	TookOver                            // this copy became the primary one
	Alone                               // a message was not sent: there are no members
	SendFailed                          // a send failed; the request does not notice
	Refused                             // a message could not be read
	NoManager                           // a message was for a manager that is not here, or not yet
	Queued                              // a message waits for the state
	TooOld                              // a message that waited was dropped after the state had come
	Transferring                        // the state was asked for
	Transferred                         // the state has come
	NotTransferred                      // no state has come in time
	NoContextThere                      // the master has no such application
	NothingToFetch                      // a start without members
	eventKinds
)

var eventWords = [eventKinds]string{
	"?",
	UnknownSession: "session is not held here, message dropped",
	CopyReplaced:   "copy replaced",
	DeltaErased:    "pending delta erased by an incoming one",
	DeltaDiscarded: "pending delta discarded",
	TookOver:       "copy is primary now",
	Alone:          "no members, message not sent",
	SendFailed:     "send failed, the request goes on",
	Refused:        "message refused",
	NoManager:      "no such manager here, message dropped",
	Queued:         "message waits for the state",
	TooOld:         "message that waited is dropped",
	Transferring:   "requesting session state",
	Transferred:    "session state received",
	NotTransferred: "no session state received, starting with what is here",
	NoContextThere: "no such context at the master, starting with what is here",
	NothingToFetch: "no members, no session state to fetch",
}

func (k EventKind) String() string {
	if k >= eventKinds {
		k = 0
	}
	return eventWords[k]
}

// Event explains what became of a message or a session. Nothing is decided by
// it.
type Event struct {
	At   time.Duration // since the lab's time zero
	Node string
	Kind EventKind
	// Message is the kind of the message, 0 if there is none.
	Message Kind
	// ID is that of a message that came from another member.
	ID [16]byte
	// Session is the id, "" if it is about none.
	Session string
	// Peer is the member that sent the message or was to get it: its name, or
	// its address if no name is known. It is "" if there is none, or all.
	Peer string
	// Detail says more, in words; it may be "".
	Detail string
}

// String is one line, such as "tomcat2: DELTA of AB.tomcat1 from tomcat1: session
// is not held here, message dropped".
func (e Event) String() string {
	var b strings.Builder
	b.WriteString(e.Node)
	b.WriteString(":")
	if e.Message != 0 {
		b.WriteString(" " + e.Message.String())
		if e.Session != "" {
			b.WriteString(" of")
		}
	}
	if e.Session != "" {
		b.WriteString(" " + e.Session)
	}
	if e.Peer != "" {
		switch e.Kind {
		case Transferring, SendFailed:
			b.WriteString(" to " + e.Peer)
		default:
			b.WriteString(" from " + e.Peer)
		}
	}
	if e.Message != 0 || e.Session != "" || e.Peer != "" {
		b.WriteString(":")
	}
	b.WriteString(" " + e.Kind.String())
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	return b.String()
}

// trace tells and counts an event.
func (m *Manager) trace(kind EventKind, msg *message, peer *tribes.Member, detail string) {
	m.count(&m.counts.Events[kind])
	if m.cfg.Trace == nil {
		return
	}
	e := Event{At: m.host.Elapsed(), Node: m.host.Name(), Kind: kind, Detail: detail}
	if msg != nil {
		e.Message, e.Session, e.ID = msg.kind, msg.session, msg.id
	}
	if peer != nil {
		e.Peer = nameOf(*peer)
	}
	m.cfg.Trace(e)
}
