package tribes

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
)

var someone = Member{
	Host: "172.16.12.101", Port: 4000, AliveMs: 1234, Command: []byte(shutdownCommand),
	Domain: []byte("d"), UniqueID: [16]byte{1, 2, 3, 15: 16}, Payload: []byte{7},
}

func TestMemberPacketIsTomcats(t *testing.T) {
	want := strings.Join([]string{
		hex.EncodeToString([]byte("TRIBES-B")), "0100",
		"00000040",                         // length of the body
		"00000000000004d2",                 // alive
		"00000fa0", "ffffffff", "ffffffff", // port, secure port, UDP port
		"04", "ac100c65", // host
		"00000009", hex.EncodeToString([]byte("BABY-ALEX")),
		"00000001", "64", // domain
		"01020300000000000000000000000010", // unique id
		"00000001", "07",                   // payload
		hex.EncodeToString([]byte("TRIBES-E")), "0100",
	}, "")
	if got := hex.EncodeToString(AppendMember(nil, someone)); got != want {
		t.Errorf("packet = %s\nwant     %s", got, want)
	}
}

func TestMemberSurvivesItsPacket(t *testing.T) {
	for _, m := range []Member{someone, {Host: "10.0.0.1", Port: 1}, {Host: "0.0.0.0", AliveMs: -1}} {
		got, err := DecodeMember(AppendMember(nil, m))
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("DecodeMember = %+v, %v, want %+v", got, err, m)
		}
	}
}

func TestMemberPacketThatIsWrongIsRefused(t *testing.T) {
	good := AppendMember(nil, someone)
	change := func(at int, b byte) []byte {
		bad := bytes.Clone(good)
		bad[at] = b
		return bad
	}
	for _, c := range []struct {
		name   string
		packet []byte
	}{
		{"empty", nil},
		{"garbage", []byte("GET / HTTP/1.1\r\n\r\n")},
		{"begin marker", change(0, 'X')},
		{"end marker", change(len(good)-1, 9)},
		{"length of the body", change(13, 0x41)},
		{"host length", change(34, 5)},
		{"command length", change(39, 0xff)},
		{"one byte too few", good[:len(good)-1]},
		{"one byte too many", append(bytes.Clone(good), 0)},
	} {
		if m, err := DecodeMember(c.packet); err == nil {
			t.Errorf("%s: DecodeMember = %+v, want an error", c.name, m)
		}
	}
}

func TestMemberIsHostPortAndUniqueID(t *testing.T) {
	other := someone
	other.AliveMs, other.Command, other.Name = 1, nil, "t1"
	if !someone.Same(other) {
		t.Error("a member that is older is another one")
	}
	for name, change := range map[string]func(*Member){
		"host":      func(m *Member) { m.Host = "172.16.12.102" },
		"port":      func(m *Member) { m.Port++ },
		"unique id": func(m *Member) { m.UniqueID[3]++ },
	} {
		other := someone
		change(&other)
		if someone.Same(other) {
			t.Errorf("the same member with another %s", name)
		}
	}
}

func FuzzDecodeMember(f *testing.F) {
	f.Add(AppendMember(nil, someone))
	f.Add(AppendMember(nil, Member{Host: "10.0.0.1"}))
	f.Add([]byte(memberBegin + "\x7f\xff\xff\xff" + memberEnd))
	f.Fuzz(func(t *testing.T, packet []byte) {
		m, err := DecodeMember(packet)
		if err != nil {
			return
		}
		again, err := DecodeMember(AppendMember(nil, m))
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%+v comes back as %+v, %v", m, again, err)
		}
	})
}
