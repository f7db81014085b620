package tribes

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"

	"sessionlab/lab/world"
)

// DefaultPort is the receiver's port.
// Source: Tomcat ReceiverBase.java, port.
const DefaultPort = 4000

// Member is a node of the cluster. Members are the same when host, port and
// unique id are: a node that comes back after a restart is another member.
// Source: Tomcat MemberImpl.java, equals.
type Member struct {
	// Name is the machine's name where it is known; it is for people and does
	// not travel.
	Name string
	// Host is the logical IPv4 address, and Port the port of the receiver.
	Host     string
	Port     int
	UniqueID [16]byte
	// AliveMs is how long the member has been up, in milliseconds of its own
	// wall clock, as it last said.
	AliveMs int64
	// Command is empty, or what the member announces, such as its shutdown.
	Command []byte
	Domain  []byte
	Payload []byte
}

// shutdownCommand is the command of a member that leaves.
// Source: Tomcat Member.java, SHUTDOWN_PAYLOAD.
const shutdownCommand = "BABY-ALEX"

type identity struct {
	host   string
	port   int
	unique [16]byte
}

func (m Member) identity() identity { return identity{m.Host, m.Port, m.UniqueID} }

// Same reports whether both are the same member.
func (m Member) Same(other Member) bool { return m.same(&other) }

// same is Same without copies; unique ids differ soonest.
func (m *Member) same(other *Member) bool {
	return m.UniqueID == other.UniqueID && m.Port == other.Port && m.Host == other.Host
}

// Addr is the logical "address:port" of the member's receiver.
func (m Member) Addr() string { return m.Host + ":" + strconv.Itoa(m.Port) }

// String is the member's name and address.
func (m Member) String() string {
	if m.Name == "" {
		return "tcp://" + m.Addr()
	}
	return m.Name + " tcp://" + m.Addr()
}

// ShuttingDown reports whether the member has announced its shutdown.
func (m Member) ShuttingDown() bool { return string(m.Command) == shutdownCommand }

// LocalMember is the member that a channel on h with this port (0: DefaultPort)
// is when it is made now. The unique id depends on the machine's name and on
// the time, so that every incarnation of a machine is a member of its own.
func LocalMember(h world.Host, port int) Member {
	m := memberAt(h.Addr(), port)
	m.Name = h.Name()
	m.UniqueID = uniqueID(world.NewKey(0).Str("tribes member").Str(h.Name()).Int(uint64(h.Elapsed())))
	return m
}

// StaticMember is a member of a static membership. Its unique id is written in
// server.xml and outlives restarts; here it depends on the address alone.
// Source: Tomcat StaticMember.java, uniqueId.
func StaticMember(host string, port int) Member {
	m := memberAt(host, port)
	m.UniqueID = uniqueID(world.NewKey(0).Str("tribes static member").Str(host).Int(uint64(m.Port)))
	return m
}

func memberAt(host string, port int) Member {
	if port == 0 {
		port = DefaultPort
	}
	return Member{Host: host, Port: port}
}

func uniqueID(k world.Key) (id [16]byte) {
	var r rand.PCG
	k.Seed(&r)
	binary.BigEndian.PutUint64(id[:8], r.Uint64())
	binary.BigEndian.PutUint64(id[8:], r.Uint64())
	return id
}

// Markers of a member packet. Source: Tomcat MemberImpl.java, TRIBES_MBR_BEGIN
// and TRIBES_MBR_END.
const (
	memberBegin = "TRIBES-B\x01\x00"
	memberEnd   = "TRIBES-E\x01\x00"
)

var errMember = errors.New("malformed member packet")

// AppendMember appends a member as it travels in heartbeats and messages:
// begin marker, length of the body, alive time, port, secure port, UDP port,
// host, command, domain, unique id, payload, end marker; big-endian.
// A host that is no IPv4 address is written as 0.0.0.0.
// Source: Tomcat MemberImpl.java, getData.
func AppendMember(b []byte, m Member) []byte {
	b = append(b, memberBegin...)
	at := len(b)
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, uint64(m.AliveMs))
	b = binary.BigEndian.AppendUint32(b, uint32(m.Port))
	b = binary.BigEndian.AppendUint32(b, noPort) // secure port
	b = binary.BigEndian.AppendUint32(b, noPort) // UDP port
	var host [4]byte
	if ip, err := netip.ParseAddr(m.Host); err == nil && ip.Is4() {
		host = ip.As4()
	}
	b = append(b, byte(len(host)))
	b = append(b, host[:]...)
	b = appendBytes(b, m.Command)
	b = appendBytes(b, m.Domain)
	b = append(b, m.UniqueID[:]...)
	b = appendBytes(b, m.Payload)
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return append(b, memberEnd...)
}

// noPort is -1: the member does not listen there.
const noPort = 1<<32 - 1

// DecodeMember reads what AppendMember wrote. The result shares nothing with b.
func DecodeMember(b []byte) (Member, error) {
	var m Member
	err := m.decode(b)
	return m, err
}

// decode is DecodeMember into a member that may be of an earlier packet: what has
// not changed is kept. After an error the member is of no use.
func (m *Member) decode(b []byte) error {
	body, ok := bytes.CutPrefix(b, []byte(memberBegin))
	if !ok {
		return fmt.Errorf("%w: no begin marker", errMember)
	}
	body, ok = bytes.CutSuffix(body, []byte(memberEnd))
	if !ok {
		return fmt.Errorf("%w: no end marker", errMember)
	}
	in := input{rest: body}
	if n := in.int32(); n != len(in.rest) {
		return fmt.Errorf("%w: length %d of a body of %d bytes", errMember, n, len(in.rest))
	}
	m.AliveMs = in.int64()
	m.Port = in.int32()
	in.int32() // secure port
	in.int32() // UDP port
	host := in.take(int(in.byte()))
	m.Command = bytes.Clone(in.bytes())
	m.Domain = bytes.Clone(in.bytes())
	copy(m.UniqueID[:], in.take(len(m.UniqueID)))
	m.Payload = bytes.Clone(in.bytes())
	ip, isIP := netip.AddrFromSlice(host)
	switch {
	case in.short || len(in.rest) > 0:
		return fmt.Errorf("%w: its parts do not fill it", errMember)
	case !isIP || !ip.Is4():
		return fmt.Errorf("%w: host of %d bytes", errMember, len(host))
	case m.Port < 0 || m.Port > 65535:
		return fmt.Errorf("%w: port %d", errMember, m.Port)
	}
	var room [15]byte
	if text := ip.AppendTo(room[:0]); string(text) != m.Host {
		m.Host = string(text)
	}
	return nil
}
