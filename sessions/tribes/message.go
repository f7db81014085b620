package tribes

import (
	"encoding/binary"
	"errors"
	"fmt"

	"sessionlab/lab/world"
)

// Message is one message between members.
type Message struct {
	// Label says what the message is (CREATED, DELTA) and about which session.
	// It belongs to the sender: the fault table and the draws go by it. It is
	// not in the bytes, so a received message has none.
	Label world.Label
	// Body is the content. The channel owns it from Send on; the receiver's is
	// the connection's and changes after OnMessage's function has returned.
	Body []byte
	// Size is how many bytes the content takes where Tomcat serialises it: zeros
	// follow a shorter Body on the wire, and are in the receiver's. Zero: no more
	// than Body.
	Size    int
	Options Options
	// Timestamp is milliseconds of the sender's wall clock. Zero: Send sets it.
	Timestamp int64
	// UniqueID tells messages apart. Zero: Send sets it.
	UniqueID [16]byte
	// From is the sender; Send sets it.
	From Member

	failed    error
	nth       uint64 // the how-manieth of its label that this channel sends
	newThread bool   // it is sent by a thread of the dispatcher that has just been started
}

// Fail says that the receiver could not process the message: a synchronized
// acknowledgement is then negative. Others do not hear of it.
// Source: Tomcat NioReplicationTask.java, FAIL_ACK_COMMAND.
func (m *Message) Fail(err error) { m.failed = err }

// size is how many bytes of content travel.
func (m *Message) size() int { return max(len(m.Body), m.Size) }

var errMessage = errors.New("malformed message")

// appendMessage appends the message as it travels in a frame: options,
// timestamp, unique id, the sender's member packet, body: 58 bytes with the frame,
// beside the packet and the body.
// Source: Tomcat ChannelData.java, getDataPackage.
func appendMessage(b []byte, m *Message) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(m.Options))
	b = binary.BigEndian.AppendUint64(b, uint64(m.Timestamp))
	b = appendBytes(b, m.UniqueID[:])
	at := len(b)
	b = AppendMember(append(b, 0, 0, 0, 0), m.From)
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	b = binary.BigEndian.AppendUint32(b, uint32(m.size()))
	b = append(b, m.Body...)
	return append(b, make([]byte, m.size()-len(m.Body))...)
}

// decode reads what appendMessage wrote into a message that may be an earlier
// one: what it holds is replaced. Its body lies in b.
func (m *Message) decode(b []byte) error {
	in := input{rest: b}
	*m = Message{From: m.From}
	m.From.Name = ""
	m.Options = Options(in.int32())
	m.Timestamp = in.int64()
	id := in.bytes()
	from := in.bytes()
	m.Body = in.bytes()
	switch {
	case in.short || len(in.rest) > 0:
		return fmt.Errorf("%w: its parts do not fill it", errMessage)
	case len(id) != len(m.UniqueID):
		return fmt.Errorf("%w: unique id of %d bytes", errMessage, len(id))
	}
	copy(m.UniqueID[:], id)
	if err := m.From.decode(from); err != nil {
		return fmt.Errorf("%w: sender: %w", errMessage, err)
	}
	return nil
}
