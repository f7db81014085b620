package delta

import (
	"slices"
	"strings"

	"sessionlab/sessions"
	"sessionlab/sessions/javaio"
)

// Classes of what DeltaManagers send each other. The names of the fields stand in
// Java's order: primitives first, each by their names.
// Source: Tomcat ClusterMessageBase.java, SessionMessageImpl.java,
// GenericPrincipal.java; 7.0 SessionIDMessage.java.
var (
	clusterMessage = javaio.NewClass("org.apache.catalina.ha.ClusterMessageBase", nil, javaio.Primitives("timestamp")...)

	sessionMessage = javaio.NewClass("org.apache.catalina.ha.session.SessionMessageImpl", clusterMessage, slices.Concat(
		javaio.Primitives("mEvtType serializationTimestamp timestampSet"), []javaio.Field{
			{Name: "mContextName", Type: javaString}, {Name: "mSession", Type: "[B"},
			{Name: "mSessionID", Type: javaString}, {Name: "uniqueId", Type: javaString}})...)

	sessionIDMessage = javaio.NewClass("org.apache.catalina.ha.session.SessionIDMessage", clusterMessage, slices.Concat(
		javaio.Primitives("messageNumber"), []javaio.Field{
			{Name: "backupSessionID", Type: javaString}, {Name: "contextName", Type: javaString},
			{Name: "host", Type: javaString}, {Name: "orignalSessionID", Type: javaString}})...)

	serializablePrincipal = javaio.NewClass("org.apache.catalina.realm.GenericPrincipal$SerializablePrincipal", nil,
		javaio.Field{Name: "attributes", Type: "Ljava/util/Map;"}, javaio.Field{Name: "name", Type: javaString},
		javaio.Field{Name: "principal", Type: "Ljava/security/Principal;"}, javaio.Field{Name: "roles", Type: "[Ljava.lang.String;"})
)

const javaString = "Ljava/lang/String;"

// size is how many bytes Tomcat 10.1 serialises the message to. The messages of
// 7.0 and 8.5 differ by a few bytes.
// Source: Tomcat XByteBuffer.java, serialize.
func (m *message) size() int {
	var s javaio.Stream
	if m.kind == SessionID {
		s.Object(sessionIDMessage, 8+4)
		for _, text := range []string{m.newID, m.manager, "localhost", m.session} {
			s.String(text)
		}
		return s.Len()
	}
	session, unique := m.names()
	s.Object(sessionMessage, 8+4+8+1)
	s.String(m.manager)
	if n := m.payload(); n >= 0 {
		s.Array(javaio.ByteArray, n, 1)
	} else {
		s.Null()
	}
	s.String(session)
	s.StringOf(unique)
	return s.Len()
}

// names are the session id of a message, and how long its unique id is.
// Source: Tomcat DeltaManager.java, where it makes a SessionMessageImpl.
func (m *message) names() (session string, unique int) {
	const now = len("-1700000000000") // System.currentTimeMillis
	switch m.kind {
	case GetAll:
		session = "GET-ALL"
	case State:
		session = "SESSION-STATE"
	case TransferComplete:
		return "SESSION-STATE-TRANSFERRED", len("SESSION-STATE-TRANSFERRED") + len(m.manager)
	case NoContextManager:
		session = "NO-CONTEXT-MANAGER"
	case Expired:
		return m.session, len(m.session) + len("-EXPIRED-MSG")
	default:
		return m.session, len(m.session) + now
	}
	return session, len(session) + len("-") + len(m.manager)
}

// payload is how long the bytes are that a message carries, below zero for none.
func (m *message) payload() int {
	var s javaio.Stream
	switch m.kind {
	case Delta:
		writeRequest(&s, m.session, m.actions)
	case ChangeID:
		s.UTF(m.newID)
	case State:
		s.Int(int64(len(m.states)))
		names := map[string]bool{}
		for i := range m.states {
			writeSession(&s, &m.states[i], names)
		}
	default:
		return -1
	}
	return s.Len()
}

// writeRequest is DeltaRequest.writeExternal.
func writeRequest(s *javaio.Stream, id string, actions []sessions.Action) {
	s.UTF(id)
	s.Data(1 + 4) // recordAllActions, number of actions
	for i := range actions {
		a := &actions[i]
		s.Data(4 + 4) // type, action
		s.UTF(actionName(*a))
		s.Data(1) // has a value
		switch {
		case a.Remove:
		case a.Property == sessions.AttributeProperty:
			writeAttribute(s, a.Value)
		case a.Property == sessions.PrincipalProperty:
			writePrincipal(s, a.Name)
		case a.Property == sessions.NewProperty:
			s.Bool(a.New)
		case a.Property == sessions.MaxInactiveProperty:
			s.Int(int64(a.MaxInactive))
		}
	}
}

// writeSession is DeltaSession.doWriteObject. The names of attributes are constants
// of the application, the same object in each session.
func writeSession(s *javaio.Stream, st *sessions.State, names map[string]bool) {
	s.Long(st.Created)
	s.Long(st.LastAccessed)
	s.Int(int64(st.MaxInactive))
	s.Bool(st.New)
	s.Bool(st.Valid)
	s.Long(st.ThisAccessed)
	s.Long(0) // version
	s.Data(1) // has a principal
	if st.Principal != "" {
		writePrincipal(s, st.Principal)
	}
	s.String(st.ID)
	s.Null() // notes of the authenticator
	s.Null()
	s.Int(int64(len(st.Attributes)))
	for i := range st.Attributes {
		if name := st.Attributes[i].Name; names[name] {
			s.Reference()
		} else {
			names[name] = true
			s.String(name)
		}
		writeAttribute(s, st.Attributes[i].Value)
	}
	s.Int(0) // session listeners
}

// writeAttribute writes an attribute's object: the counter is an Integer, as in the
// usual example of a JSP, all else a String. Who wrote it, and how often, is no part
// of it: the lab knows that, the application does not.
func writeAttribute(s *javaio.Stream, v sessions.Value) {
	if n, ok := integer(v.Text); ok {
		s.Int(n)
		return
	}
	s.String(v.Text)
}

// integer is the int that Java would print as this text.
func integer(text string) (n int64, ok bool) {
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || len(digits) > 10 || digits[0] == '0' && text != "0" {
		return 0, false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(digits[i]-'0')
	}
	if len(digits) < len(text) {
		n = -n
	}
	return n, n == int64(int32(n))
}

// writePrincipal writes a GenericPrincipal without roles and attributes.
func writePrincipal(s *javaio.Stream, name string) {
	s.Object(serializablePrincipal, 0)
	s.Null()
	s.String(name)
	s.Null()
	s.Array(javaio.StringArray, 0, 0)
}
