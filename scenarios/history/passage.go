package history

import "time"

// Passage is what became of a message between nodes about a session, or of a
// session's changes that were to be sent. Passages only explain a judgement.
type Passage struct {
	Sent    time.Duration // when the message was handed to its sender's channel; At, where that is not known
	At      time.Duration // when its fate was decided
	Kind    string        // "DELTA"
	Session string        // the id without its route
	From    string        // the node that sent it; "" if nothing was sent
	To      string        // the node that it was for, or whose changes they were; "" for all
	Fate    Fate
}

// Fate is one of the words below.
type Fate string

const (
	Applied        Fate = "applied"         // the receiver did what the message says
	UnknownSession Fate = "unknown_session" // the receiver held no such session and dropped it
	CopyReplaced   Fate = "copy_replaced"   // it put an empty copy in the place of the receiver's
	NoManager      Fate = "no_manager"      // the receiver's application did not run
	TooOld         Fate = "too_old"         // it waited for the state of another node and was older than that
	SendFailed     Fate = "send_failed"     // the sender gave it up, and the request went on
	Dropped        Fate = "dropped"         // it was lost on its way
	Erased         Fate = "erased"          // To's own unsent changes were lost to it
	Discarded      Fate = "discarded"       // To's changes were forgotten before they were sent
	Alone          Fate = "alone"           // To had no members to send it to
)
