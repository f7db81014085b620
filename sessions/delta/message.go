package delta

import (
	"encoding/binary"
	"errors"
	"fmt"

	"sessionlab/sessions"
)

// ErrCorrupt is what decoding bytes gives that no manager has written.
var ErrCorrupt = errors.New("corrupt session message")

// message is what managers tell each other.
type message struct {
	kind Kind
	// manager is the name of the manager it is for.
	manager string
	// session is the id, with its route, of the session it is about; "" for the
	// kinds of a state transfer.
	session string
	// timestamp is by the sender's wall clock, in milliseconds: the creation
	// time, the time of sending, or for a state that of the snapshot.
	timestamp int64

	id [16]byte // that the channel gave to a received message; not in the bytes

	newID   string            // of ChangeID and SessionID
	actions []sessions.Action // of Delta
	states  []sessions.State  // of State
}

// body is what a channel sends of the message: the bytes that append makes, with
// their length before them. They stand for what Tomcat serialises, which is longer:
// size says how long.
func (m *message) body() []byte {
	b := m.append(make([]byte, bodyHead, m.room()))
	binary.BigEndian.PutUint32(b, uint32(len(b)-bodyHead))
	return b
}

// bodyHead is the length of the length at the head of a body.
const bodyHead = 4

// decodeBody reads what body has made; what follows is there for its length alone.
// See decode for the rest.
func decodeBody(b []byte, name string) (message, error) {
	if len(b) < bodyHead {
		return message{}, fmt.Errorf("%w: %d bytes", ErrCorrupt, len(b))
	}
	n, rest := binary.BigEndian.Uint32(b), b[bodyHead:]
	if uint64(n) > uint64(len(rest)) {
		return message{}, fmt.Errorf("%w: %d of %d bytes", ErrCorrupt, len(rest), n)
	}
	return decode(rest[:n], name)
}

// room is about how many bytes the body takes.
func (m *message) room() int {
	n := 32 + len(m.manager) + len(m.session) + len(m.newID)
	for i := range m.actions {
		n += 24 + len(m.actions[i].Name) + len(m.actions[i].Value.Text)
	}
	return n
}

// append appends the message to b: its code, the manager's name and the id with
// their lengths before them, the timestamp as a varint, and the payload.
func (m *message) append(b []byte) []byte {
	b = append(b, kindTable[m.kind].code)
	b = appendString(b, m.manager)
	b = appendString(b, m.session)
	b = binary.AppendVarint(b, m.timestamp)
	switch m.kind {
	case ChangeID, SessionID:
		b = append(b, m.newID...)
	case Delta:
		b = sessions.AppendActions(b, m.actions)
	case State:
		b = sessions.AppendList(b, m.states)
	}
	return b
}

// decode reads what append wrote; b must hold nothing else. The name is the one
// that the manager is expected to have. The error is ErrCorrupt.
func decode(b []byte, name string) (message, error) {
	var m message
	if len(b) == 0 {
		return m, fmt.Errorf("%w: empty", ErrCorrupt)
	}
	m.kind = kindOf(b[0])
	if m.kind == 0 {
		return m, fmt.Errorf("%w: unknown code %d", ErrCorrupt, b[0])
	}
	manager, rest, ok := cutBytes(b[1:])
	if m.manager = name; string(manager) != name {
		m.manager = string(manager)
	}
	if ok {
		var session []byte
		session, rest, ok = cutBytes(rest)
		m.session = string(session)
	}
	timestamp, n := binary.Varint(rest)
	if !ok || n <= 0 {
		return m, fmt.Errorf("%w: %v is cut", ErrCorrupt, m.kind)
	}
	m.timestamp = timestamp
	if m.kind.aboutSession() == (m.session == "") {
		return m, fmt.Errorf("%w: %v about session %q", ErrCorrupt, m.kind, m.session)
	}
	return m, m.decodePayload(rest[n:])
}

func (m *message) decodePayload(b []byte) (err error) {
	switch m.kind {
	case ChangeID, SessionID:
		if m.newID = string(b); m.newID == "" {
			err = errors.New("new id is empty")
		}
	case Delta:
		m.actions, err = sessions.DecodeActions(b)
	case State:
		m.states, err = sessions.DecodeList(b)
		for _, st := range m.states {
			if st.ID == "" {
				err = errors.New("a session without an id")
			}
		}
	default:
		if len(b) > 0 {
			err = fmt.Errorf("%d bytes too many", len(b))
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %v: %v", ErrCorrupt, m.kind, err)
	}
	return nil
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func cutBytes(b []byte) (part, rest []byte, ok bool) {
	n, head := binary.Uvarint(b)
	if head <= 0 || n > uint64(len(b)-head) {
		return nil, nil, false
	}
	b = b[head:]
	return b[:n], b[n:], true
}
