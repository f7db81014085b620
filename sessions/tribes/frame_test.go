package tribes

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"
)

func TestAckFrameIsTomcats(t *testing.T) {
	want := hex.EncodeToString([]byte("FLT2002")) + "00000003" + "060203" + hex.EncodeToString([]byte("TLF2003"))
	if got := hex.EncodeToString(appendFrame(nil, []byte(ackData))); got != want {
		t.Errorf("frame = %s, want %s", got, want)
	}
}

func TestMessageSurvivesItsFrame(t *testing.T) {
	m := &Message{Body: []byte("body"), Options: 14, Timestamp: 99, UniqueID: [16]byte{5}, From: someone}
	var in frames
	in.add(messageFrame(m))
	content, ok, err := in.take()
	if !ok || err != nil {
		t.Fatalf("take = %v, %v", ok, err)
	}
	got, err := decodeMessage(content)
	if err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("message = %+v, %v, want %+v", got, err, m)
	}
}

func TestFramesComeInPiecesAndTogether(t *testing.T) {
	bytesOfTwo := appendFrame(appendFrame(nil, []byte("first")), []byte("second"))
	for size := 1; size <= len(bytesOfTwo); size++ {
		var in frames
		var got []string
		for rest := bytesOfTwo; len(rest) > 0; {
			n := min(size, len(rest))
			in.add(rest[:n])
			rest = rest[n:]
			for {
				content, ok, err := in.take()
				if err != nil {
					t.Fatalf("pieces of %d: %v", size, err)
				}
				if !ok {
					break
				}
				got = append(got, string(content))
			}
		}
		if want := []string{"first", "second"}; !reflect.DeepEqual(got, want) {
			t.Errorf("pieces of %d: got %q, want %q", size, got, want)
		}
	}
}

func TestGarbageDiscardsTheBuffer(t *testing.T) {
	good := appendFrame(nil, []byte("x"))
	for _, c := range []struct {
		name  string
		bytes []byte
	}{
		{"before a header", append([]byte("junk"), good...)},
		{"in place of a footer", append(bytes.Clone(good[:len(good)-7]), "XXXXXXX"...)},
		{"a length without bounds", []byte("FLT2002\xff\xff\xff\xff")},
	} {
		var in frames
		in.add(c.bytes)
		if content, ok, err := in.take(); ok || !errors.Is(err, errFrame) {
			t.Errorf("%s: take = %q, %v, %v, want an error", c.name, content, ok, err)
		}
		in.add(good)
		if content, ok, err := in.take(); string(content) != "x" || !ok || err != nil {
			t.Errorf("%s: the next frame = %q, %v, %v, want x", c.name, content, ok, err)
		}
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(appendFrame(nil, []byte(ackData)), 3)
	f.Add(messageFrame(&Message{Body: []byte("b"), From: someone}), 7)
	f.Add([]byte("FLT2002\x00\x00\x00\x01xTLF2003junkFLT2002"), 100)
	f.Fuzz(func(t *testing.T, stream []byte, piece int) {
		piece = max(1, min(piece, len(stream)))
		var in frames
		used := Message{Options: 1, Body: []byte("earlier"), From: someone, failed: errFrame, nth: 3}
		for len(stream) > 0 {
			n := min(piece, len(stream))
			in.add(stream[:n])
			stream = stream[n:]
			for {
				content, ok, err := in.take()
				if err != nil && (ok || len(in.buf) > 0) {
					t.Fatalf("after %v: ok=%v, %d bytes kept", err, ok, len(in.buf))
				}
				if !ok {
					break
				}
				if len(content) > maxFrame {
					t.Fatalf("content of %d bytes", len(content))
				}
				m, err := decodeMessage(content)
				if again := used.decode(content); (again == nil) != (err == nil) {
					t.Fatalf("decoding into an earlier message gives %v, want %v", again, err)
				}
				if err != nil {
					continue
				}
				if !reflect.DeepEqual(&used, m) {
					t.Fatalf("an earlier message becomes %+v, want %+v", used, m)
				}
				again, err := decodeMessage(appendMessage(nil, m))
				if err != nil || !reflect.DeepEqual(again, m) {
					t.Fatalf("%+v comes back as %+v, %v", m, again, err)
				}
			}
		}
	})
}

func FuzzDecodeStatic(f *testing.F) {
	f.Add(staticMessage{kind: staticPing, reply: true, call: 3, member: someone}.message(0).Body)
	f.Add([]byte(staticBegin))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := decodeStatic(body)
		if err != nil {
			return
		}
		again, err := decodeStatic(s.message(0).Body)
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Errorf("%+v comes back as %+v, %v", s, again, err)
		}
	})
}

func decodeMessage(b []byte) (*Message, error) {
	m := &Message{}
	return m, m.decode(b)
}
