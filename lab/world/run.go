package world

import (
	"bytes"
	"io"
)

// BodyWindow is how many bytes of a body may lie unread, in bytes. A Write or
// WriteRun beyond it waits until the reader has made room, and holds whatever
// its task holds meanwhile. It is exact in sim. On loopback it is about the room
// in the kernel's buffers at both ends, and never less.
const BodyWindow = 64 << 10

// MaxSwallow is how much of a body that its handler did not read is read for it,
// in bytes, so that the connection can be used again; more ends the connection.
// Source: Tomcat HTTP connector, maxSwallowSize.
const MaxSwallow = 2 << 20

// Run is a stretch of a body in which one byte repeats. It costs the same
// however long it is. The zero value is no run.
type Run struct {
	Byte   byte
	Length int64 // in bytes
}

// RunWriter is implemented by the http.ResponseWriter of a world in which a run
// travels as such. Use WriteRun, which needs no such writer.
type RunWriter interface {
	WriteRun(Run) (int64, error)
}

// RunReader is implemented by the bodies of a world in which a run travels as
// such. Use ReadRun, which needs no such body.
type RunReader interface {
	ReadRun(p []byte) (n int, run Run, err error)
}

// writeBlock is how much of a run is written at once where runs are bytes.
const writeBlock = 8 << 10

// WriteRun writes a run to w, as a Write of as many bytes would. The result is
// how many bytes were taken.
func WriteRun(w io.Writer, run Run) (int64, error) {
	if run.Length <= 0 {
		return 0, nil
	}
	if runs, ok := w.(RunWriter); ok {
		return runs.WriteRun(run)
	}
	block := bytes.Repeat([]byte{run.Byte}, int(min(run.Length, writeBlock)))
	for done := int64(0); ; {
		n, err := w.Write(block[:min(run.Length-done, int64(len(block)))])
		done += int64(n)
		if err != nil || done == run.Length {
			return done, err
		}
	}
}

// shortestRun is how many equal bytes ReadRun takes for a run.
const shortestRun = 1 << 10

// ReadRun is Read for who can do with a run instead of its bytes: it returns
// either n bytes in p, a run, or an error. Where runs travel as bytes, one that
// fills what was read is recognised.
func ReadRun(r io.Reader, p []byte) (n int, run Run, err error) {
	if runs, ok := r.(RunReader); ok {
		return runs.ReadRun(p)
	}
	for len(p) > 0 && n == 0 && err == nil {
		n, err = r.Read(p)
	}
	if n == 0 {
		return 0, Run{}, err
	}
	if n >= shortestRun && p[0] == p[n-1] && bytes.Equal(p[1:n], p[:n-1]) {
		return 0, Run{Byte: p[0], Length: int64(n)}, nil
	}
	return n, Run{}, nil
}

// Fill writes the beginning of a run into p, and returns how much and the rest.
func (r Run) Fill(p []byte) (n int, rest Run) {
	n = int(min(int64(len(p)), r.Length))
	for i := range p[:n] {
		p[i] = r.Byte
	}
	return n, Run{Byte: r.Byte, Length: r.Length - int64(n)}
}
