package delta

// Kind is the type of a message between managers.
type Kind uint8

const (
	Created          Kind = iota + 1 // a session has been created: id and creation time
	Expired                          // a session has ended
	Accessed                         // the sender is the session's primary now
	GetAll                           // send me all sessions
	State                            // sessions, whole
	Delta                            // changes of a session
	TransferComplete                 // that was all, as of the timestamp
	ChangeID                         // a session has a new id
	NoContextManager                 // the answer to GetAll where there is no such application
	SessionID                        // a session has a new id: JvmRouteBinderValve of 7.0
	kinds
)

// kindTable has the byte that stands for a kind, its label, by which rules and
// triggers name it, and the name in Tomcat's logs. The codes are Tomcat's, but
// for SessionID, which has none.
// Source: Tomcat SessionMessage.java; 7.0 SessionIDMessage.java.
var kindTable = [kinds]struct {
	code       byte
	label, log string
}{
	{label: "?", log: "UNKNOWN-EVENT-TYPE"},
	Created:          {1, "CREATED", "SESSION-MODIFIED"},
	Expired:          {2, "EXPIRED", "SESSION-EXPIRED"},
	Accessed:         {3, "ACCESSED", "SESSION-ACCESSED"},
	GetAll:           {4, "GET_ALL", "SESSION-GET-ALL"},
	State:            {12, "STATE", "ALL-SESSION-DATA"},
	Delta:            {13, "DELTA", "SESSION-DELTA"},
	TransferComplete: {14, "TRANSFER_COMPLETE", "SESSION-STATE-TRANSFERRED"},
	ChangeID:         {15, "CHANGE_ID", "SESSION-ID-CHANGED"},
	NoContextManager: {16, "NOCONTEXTMANAGER", "NO-CONTEXT-MANAGER"},
	SessionID:        {17, "CHANGE_ID", "SESSION-ID-MESSAGE"},
}

// String is the label of messages of this kind.
func (k Kind) String() string { return kindTable[k.known()].label }

// LogName is what Tomcat's logs call a message of this kind.
func (k Kind) LogName() string { return kindTable[k.known()].log }

func (k Kind) known() Kind {
	if k >= kinds {
		return 0
	}
	return k
}

// aboutSession reports whether messages of this kind name a session.
func (k Kind) aboutSession() bool {
	switch k {
	case GetAll, State, TransferComplete, NoContextManager:
		return false
	}
	return true
}

// waits reports whether messages of this kind are queued while the state is
// awaited.
// Source: Tomcat DeltaManager.java, messageDataReceived.
func (k Kind) waits() bool {
	switch k {
	case GetAll, Created, Expired, Accessed, Delta, ChangeID:
		return true
	}
	return false
}

func kindOf(code byte) Kind {
	for k := Created; k < kinds; k++ {
		if kindTable[k].code == code {
			return k
		}
	}
	return 0
}
