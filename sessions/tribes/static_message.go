package tribes

import (
	"bytes"
	"encoding/binary"

	"sessionlab/lab/world"
	"sessionlab/sessions/javaio"
)

// Kinds of messages. Source: StaticMembershipProvider.java, MemberMessage.
const (
	staticStart byte = 1
	staticStop  byte = 2
	staticPing  byte = 3
)

// staticMessage is a MemberMessage, inside an RpcMessage unless it says goodbye.
// Tomcat serialises Java objects; the bytes here are the lab's own, with as many
// behind them.
type staticMessage struct {
	kind   byte
	reply  bool
	nobody bool // of a reply: there is no membership that could answer
	call   uint64
	member Member
}

// staticBegin marks the body of such a message.
const staticBegin = "tribes static membership\x00"

func isStaticMessage(m *Message) bool { return bytes.HasPrefix(m.Body, []byte(staticBegin)) }

func (s staticMessage) message(options Options) *Message {
	b := append([]byte(staticBegin), s.kind, 0)
	switch {
	case s.nobody:
		b[len(b)-1] = 2
	case s.reply:
		b[len(b)-1] = 1
	}
	b = binary.BigEndian.AppendUint64(b, s.call)
	at := len(b)
	b = AppendMember(append(b, 0, 0, 0, 0), s.member)
	packet := len(b) - at - 4
	binary.BigEndian.PutUint32(b[at:], uint32(packet))
	return &Message{Label: world.Label{Kind: "HEARTBEAT"}, Body: b, Size: s.size(packet), Options: options}
}

// Classes of what a static membership sends.
// Source: Tomcat RpcMessage.java, MemberImpl.java, StaticMember.java,
// StaticMembershipProvider.java.
var (
	rpcMessage    = javaio.NewClass("org.apache.catalina.tribes.group.RpcMessage", nil)
	noRPCChannel  = javaio.NewClass("org.apache.catalina.tribes.group.RpcMessage$NoRpcChannelReply", rpcMessage)
	memberImpl    = javaio.NewClass("org.apache.catalina.tribes.membership.MemberImpl", nil)
	staticMember  = javaio.NewClass("org.apache.catalina.tribes.membership.StaticMember", memberImpl)
	memberMessage = javaio.NewClass("org.apache.catalina.tribes.membership.StaticMembershipProvider$MemberMessage", nil,
		javaio.Field{Name: "msgtype"},
		javaio.Field{Name: "member", Type: "Lorg/apache/catalina/tribes/Member;"},
		javaio.Field{Name: "membershipId", Type: "[B"})
)

// membershipName is that of a cluster in the Engine of conf/server.xml.
// Source: Tomcat StaticMembershipService.java, getMembershipName.
const membershipName = "Catalina-Channel-StaticMembership"

// size is how many bytes Tomcat serialises the message to, with a member packet of
// packet bytes.
func (s staticMessage) size(packet int) int {
	var out javaio.Stream
	if s.nobody {
		out.Object(noRPCChannel, 0)
		out.Data(4 + 16 + 4 + len(membershipName)) // uuid, rpcId
		out.End()
		return out.Len()
	}
	if s.kind != staticStop {
		out.Object(rpcMessage, 0)
		out.Data(1 + 4 + 16 + 4 + len(membershipName)) // reply, uuid, rpcId
	}
	out.Object(memberMessage, 4)
	out.Object(staticMember, 0)
	out.Data(4 + packet)
	out.End()
	out.Array(javaio.ByteArray, len(membershipName), 1)
	if s.kind != staticStop {
		out.End()
	}
	return out.Len()
}

func decodeStatic(b []byte) (staticMessage, error) {
	in := input{rest: bytes.TrimPrefix(b, []byte(staticBegin))}
	s := staticMessage{kind: in.byte()}
	reply := in.byte()
	s.reply, s.nobody = reply > 0, reply == 2
	s.call = uint64(in.int64())
	packet := in.bytes()
	if in.short || reply > 2 || s.kind < staticStart || s.kind > staticPing {
		return s, errMessage
	}
	var err error
	s.member, err = DecodeMember(packet)
	return s, err
}
