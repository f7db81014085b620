package continuity

// Mechanism is what led to an anomaly, as far as the passages of messages, the
// notes of the nodes and the timeline tell it: one of Mechanisms.
type Mechanism string

const (
	Unknown             Mechanism = "unknown"
	NotReplicated       Mechanism = "not_replicated"
	CopyDied            Mechanism = "copy_died"
	NoCopyLeft          Mechanism = "no_copy_left"
	CreatedLate         Mechanism = "created_late"
	IDChangeLate        Mechanism = "id_change_late"
	IDChangeLost        Mechanism = "id_change_lost"
	IDChangedByPeer     Mechanism = "id_changed_by_peer"
	DeltaLate           Mechanism = "delta_late"
	ExpiredLate         Mechanism = "expired_late"
	ExpiredByPeer       Mechanism = "expired_by_peer"
	DeltaUnknownSession Mechanism = "delta_unknown_session"
	DeltaErasedPending  Mechanism = "delta_erased_pending"
	DeltaDiscarded      Mechanism = "delta_discarded"
	CopyWasReplaced     Mechanism = "copy_replaced"
	NoApplication       Mechanism = "no_application"
	OlderThanState      Mechanism = "older_than_state"
	MessageNotSent      Mechanism = "send_failed"
	MessageLost         Mechanism = "message_lost"
	NoMembers           Mechanism = "no_members"
	NeverSent           Mechanism = "never_sent"
	MutatedInPlace      Mechanism = "mutated_in_place"
	OverwrittenByDelta  Mechanism = "overwritten_by_delta"
	LostUpdate          Mechanism = "lost_update"
	RepeatedByProxy     Mechanism = "repeated_by_proxy"
	NoAnswer            Mechanism = "no_answer"
	ForeignCookie       Mechanism = "foreign_cookie"
	CookieWithheld      Mechanism = "cookie_withheld"
)

// Mechanisms is the list of them, with what each means.
var Mechanisms = []struct {
	Name Mechanism
	Doc  string
}{
	{NotReplicated, "no message about the session ever went to the node: the sessions of its manager stay where they are"},
	{CopyDied, "the copy was in the memory of a node that ended"},
	{NoCopyLeft, "no machine and no store holds the session any more"},
	{CreatedLate, "the message that makes the copy came after the request"},
	{IDChangeLate, "the message with the new id came after the request"},
	{IDChangeLost, "the message with the new id overtook the one that makes the copy, and was dropped"},
	{IDChangedByPeer, "another node's message had given the copy a new id"},
	{DeltaLate, "the message with the change came after the request"},
	{ExpiredLate, "the message that ends the copy came after the request, or not at all"},
	{ExpiredByPeer, "another node's message had ended the copy"},
	{DeltaUnknownSession, "the message with the change overtook the one that makes the copy, and was dropped"},
	{DeltaErasedPending, "an incoming message erased the change before it had been sent"},
	{DeltaDiscarded, "the change was forgotten before it had been sent"},
	{CopyWasReplaced, "a message put an empty copy in the place of the one that had the change"},
	{NoApplication, "the message came while the node's application did not run"},
	{OlderThanState, "the message waited for the state of another node and was dropped as older"},
	{MessageNotSent, "the sender gave the message up, and its request went on"},
	{MessageLost, "the message was lost on its way"},
	{NoMembers, "the sender listed no members"},
	{NeverSent, "no message with the change was sent to the node: it was no member then, or a filter matched"},
	{MutatedInPlace, "the object was changed without setAttribute, so that nothing was to be sent"},
	{OverwrittenByDelta, "a message with an older value was applied over the change"},
	{LostUpdate, "requests that overlapped read the same value, and the later one wrote over the other"},
	{RepeatedByProxy, "the proxy sent the request again although a node was executing it"},
	{NoAnswer, "no node answered"},
	{CookieWithheld, "the user's browser does not present the session: its cookie did not arrive, or is for other paths or another domain"},
	{ForeignCookie, "the scenario presented somebody else's cookie"},
	{Unknown, "nothing in the record tells"},
}
