package history

import (
	"fmt"
	"time"
)

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

// String tells it in one sentence: "the DELTA of 7C01A2F4 from tomcat1 is applied
// by tomcat2, 2.1ms after it was sent".
func (p *Passage) String() string {
	what := p.Kind
	if p.Session != "" {
		what += " of " + p.Session[:min(8, len(p.Session))]
	}
	later := ""
	if d := p.At - p.Sent; d > 0 {
		later = fmt.Sprintf(", %v after it was sent", d.Round(time.Microsecond))
	}
	switch p.Fate {
	case Applied:
		return fmt.Sprintf("the %s from %s is applied by %s%s", what, p.From, p.To, later)
	case UnknownSession:
		return fmt.Sprintf("the %s from %s is dropped by %s, which holds no such session%s", what, p.From, p.To, later)
	case CopyReplaced:
		return fmt.Sprintf("the %s from %s puts an empty copy in the place of that of %s%s", what, p.From, p.To, later)
	case NoManager:
		return fmt.Sprintf("the %s from %s is dropped by %s, whose application does not run%s", what, p.From, p.To, later)
	case TooOld:
		return fmt.Sprintf("the %s from %s is dropped by %s as older than the sessions it has fetched%s", what, p.From, p.To, later)
	case SendFailed:
		return fmt.Sprintf("the %s cannot be sent by %s to %s", what, p.From, p.To)
	case Dropped:
		return fmt.Sprintf("the %s from %s to %s is lost on its way", what, p.From, p.To)
	case Erased:
		return fmt.Sprintf("the %s from %s erases what %s has not sent yet", what, p.From, p.To)
	case Discarded:
		return fmt.Sprintf("%s forgets its unsent changes of %s", p.To, p.Session[:min(8, len(p.Session))])
	case Alone:
		return fmt.Sprintf("the %s is not sent: %s lists no members", what, p.To)
	}
	return fmt.Sprintf("the %s from %s to %s: %s", what, p.From, p.To, p.Fate)
}
