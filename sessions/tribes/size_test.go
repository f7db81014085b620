package tribes

import (
	"bytes"
	"testing"
)

// The overhead is that of a frame of Tomcat 10.1.60: 58 bytes and the member.
func TestFrameIsAsLongAsTomcats(t *testing.T) {
	m := &Message{From: StaticMember("172.16.12.101", 4000), Body: []byte("hi")}
	if got, want := len(messageFrame(m)), 137; got != want {
		t.Errorf("frame with a body of 2 bytes = %d bytes, want %d", got, want)
	}
	m.Size = 655
	frame := messageFrame(m)
	if got, want := len(frame), 790; got != want {
		t.Errorf("frame with a body that stands for 655 bytes = %d bytes, want %d", got, want)
	}
	var in frames
	in.add(frame)
	content, _, err := in.take()
	if err != nil {
		t.Fatal(err)
	}
	var got Message
	if err := got.decode(content); err != nil || len(got.Body) != 655 || !bytes.HasPrefix(got.Body, []byte("hi\x00")) {
		t.Errorf("received %d bytes %q, %v, want 655, hi first", len(got.Body), got.Body[:min(3, len(got.Body))], err)
	}
}

// The sizes are those of XByteBuffer.serialize of Tomcat 10.1.60 with a membership
// of this name.
func TestStaticMembershipIsAsLongAsTomcats(t *testing.T) {
	local := StaticMember("127.0.0.1", 4000)
	bye := local
	bye.Command = []byte(shutdownCommand)
	for _, c := range []struct {
		m    staticMessage
		want int
	}{
		{staticMessage{kind: staticStart, member: local}, 569},
		{staticMessage{kind: staticPing, reply: true, member: local}, 569},
		{staticMessage{kind: staticStart, reply: true, nobody: true, member: local}, 200},
		{staticMessage{kind: staticStop, member: bye}, 457},
	} {
		m := c.m.message(0)
		if m.Size != c.want {
			t.Errorf("kind %d: %d bytes, want %d", c.m.kind, m.Size, c.want)
		}
		if len(m.Body) > m.Size {
			t.Errorf("kind %d: the lab's own %d bytes do not fit into %d", c.m.kind, len(m.Body), m.Size)
		}
		got, err := decodeStatic(append(m.Body, make([]byte, 50)...))
		if err != nil || got.kind != c.m.kind || got.reply != c.m.reply || got.nobody != c.m.nobody || !got.member.Same(local) {
			t.Errorf("decoded %+v, %v, want %+v", got, err, c.m)
		}
	}
}
