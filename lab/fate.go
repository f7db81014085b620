package lab

import "sessionlab/sessions/delta"

// Fate is what became of a message about a session, or of changes that were to
// be sent.
type Fate string

const (
	Applied        Fate = "applied"         // the receiver did what it says
	UnknownSession Fate = "unknown_session" // the receiver holds no such session and dropped it
	CopyReplaced   Fate = "copy_replaced"   // it put an empty copy in the place of the receiver's
	NoManager      Fate = "no_manager"      // the receiver's application did not run
	TooOld         Fate = "too_old"         // it waited for the state of another node and is older than that
	SendFailed     Fate = "send_failed"     // the sender gave it up, and the request went on
	Dropped        Fate = "dropped"         // it was lost on its way
	Erased         Fate = "erased"          // the receiver's own unsent changes went with it
	Discarded      Fate = "discarded"       // the changes were forgotten before they were sent
	Alone          Fate = "alone"           // it was not sent: the node lists no members
)

// fates are those of what a DeltaManager tells; a kind that is not among them
// decides nothing about a message.
var fates = map[delta.EventKind]Fate{
	delta.UnknownSession: UnknownSession, delta.CopyReplaced: CopyReplaced, delta.NoManager: NoManager, delta.TooOld: TooOld,
	delta.DeltaErased: Erased, delta.DeltaDiscarded: Discarded, delta.Alone: Alone,
}
