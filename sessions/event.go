package sessions

// EventKind says what happened to a session on a node.
type EventKind uint8

const (
	Created     EventKind = iota + 1
	Expired               // its interval has passed, or the node has stopped
	Invalidated           // the application has ended it
	Renamed               // its id has changed
	Rejected              // maxActiveSessions kept it from being created
	Loaded                // it was read from a file at start
	Saved                 // it was written to a file at stop
	LoadFailed            // the file could not be read; what it held is lost
	SaveFailed            // the file could not be written

	// With Config.Listeners only.
	AttributeAdded
	AttributeReplaced
	AttributeRemoved // by the application, or with the session
	ContainerRenamed // the container's listeners hear of a new id
)

func (k EventKind) String() string {
	return [...]string{"?", "created", "expired", "invalidated", "renamed",
		"rejected", "loaded", "saved", "load failed", "save failed",
		"attribute added", "attribute replaced", "attribute removed", "changeSessionId"}[k]
}

// Event tells what happened to a session. It explains; nothing is decided by it.
type Event struct {
	Kind EventKind
	// Session is the id it happened to, before the event; "" for an event that
	// is about none.
	Session string
	// NewID is the id after a rename.
	NewID string
	// Attribute is the name of the attribute, for those events.
	Attribute string
	// Detail says why or how, in words; it may be "".
	Detail string
}
