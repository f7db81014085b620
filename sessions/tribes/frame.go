package tribes

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Markers around everything that travels on a stream.
// Source: Tomcat XByteBuffer.java, START_DATA and END_DATA.
const (
	frameStart = "FLT2002"
	frameEnd   = "TLF2003"
)

// What a frame with an acknowledgement holds.
// Source: Tomcat transport/Constants.java, ACK_DATA and FAIL_ACK_DATA.
const (
	ackData     = "\x06\x02\x03"
	failAckData = "\x0b\x00\x05"
)

// Frames with an acknowledgement.
var (
	ackFrame     = string(appendFrame(nil, []byte(ackData)))
	failAckFrame = string(appendFrame(nil, []byte(failAckData)))
)

// maxFrame bounds the content of a frame, in bytes. Tomcat has no bound.
const maxFrame = 256 << 20

var errFrame = errors.New("malformed frame")

// appendFrame appends content between the markers.
// Source: Tomcat XByteBuffer.java, createDataPackage.
func appendFrame(b, content []byte) []byte {
	b = append(b, frameStart...)
	b = appendBytes(b, content)
	return append(b, frameEnd...)
}

// messageFrame is a message ready to be written.
func messageFrame(m *Message) []byte { return appendMessageFrame(nil, m) }

// appendMessageFrame appends a message ready to be written.
func appendMessageFrame(b []byte, m *Message) []byte {
	b = slices.Grow(b, 192+m.size())
	b = append(b, frameStart...)
	at := len(b)
	b = appendMessage(append(b, 0, 0, 0, 0), m)
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return append(b, frameEnd...)
}

// frames collects bytes of a stream and cuts them into frames. Bytes that are
// no frame discard all that was collected.
// Source: Tomcat XByteBuffer.java, append and countPackages.
type frames struct {
	buf  []byte
	next int // where the next frame begins in buf
}

// add appends bytes that have arrived.
func (f *frames) add(p []byte) {
	if f.next > 0 {
		f.buf = append(f.buf[:0], f.buf[f.next:]...)
		f.next = 0
	}
	f.buf = append(f.buf, p...)
}

// take returns the content of the next whole frame, or ok=false if there is
// none yet. The content is valid until the next add. After an error nothing is
// collected any more.
func (f *frames) take() (content []byte, ok bool, err error) {
	b := f.buf[f.next:]
	if n := min(len(b), len(frameStart)); string(b[:n]) != frameStart[:n] {
		return nil, false, f.discard("no header")
	}
	head := len(frameStart) + 4
	if len(b) < head {
		return nil, false, nil
	}
	size := binary.BigEndian.Uint32(b[len(frameStart):])
	if size > maxFrame {
		return nil, false, f.discard(fmt.Sprintf("content of %d bytes", size))
	}
	end := head + int(size)
	if len(b) < end+len(frameEnd) {
		return nil, false, nil
	}
	if !bytes.Equal(b[end:end+len(frameEnd)], []byte(frameEnd)) {
		return nil, false, f.discard("no footer")
	}
	f.next += end + len(frameEnd)
	return b[head:end:end], true, nil
}

// nextID is the unique id of the message that comes next once p has been added; of
// one that is cut here, zero. Source: Tomcat ChannelData.java, getDataPackage.
func (f *frames) nextID(p []byte) (id [16]byte) {
	const at = len(frameStart) + 4 + 4 + 8 + 4 // behind length, options, timestamp and the id's length
	if f.next == len(f.buf) && len(p) >= at+len(id) {
		copy(id[:], p[at:])
	}
	return id
}

func (f *frames) discard(why string) error {
	n := len(f.buf) - f.next
	f.buf, f.next = nil, 0
	return fmt.Errorf("%w: %s: %d bytes discarded", errFrame, why, n)
}
