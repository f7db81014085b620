package proxy

import (
	"errors"
	"fmt"
	"io"

	"sessionlab/lab/world"
)

// store holds a body where nginx has a buffer and a file: bytes and runs, in the
// order in which they came. The zero value is empty.
type store struct {
	pieces []piece
	size   int64 // of all that was put
	bytes  int64 // of it, what is in no run
}

// nothing is a store into which nobody puts.
var nothing store

// piece is bytes or, if there are none, a run.
type piece struct {
	bytes []byte
	run   world.Run
}

func (p piece) length() int64 { return int64(len(p.bytes)) + p.run.Length }

// pieceSize is how many bytes a piece has, about, and how much of a run is taken
// at once.
const pieceSize = 32 << 10

// maxStored is how many bytes a store holds in memory beside runs. More is what a
// full disk is to nginx.
const maxStored = 256 << 20

var errStoreFull = fmt.Errorf("a body of more than %d MiB", maxStored>>20)

// put appends bytes, of which it makes a copy, or a run.
func (s *store) put(p []byte, run world.Run) error {
	last := len(s.pieces) - 1
	switch {
	case len(p) == 0:
	case last >= 0 && continues(s.pieces[last].run, p):
		s.pieces[last].run.Length += int64(len(p))
	case s.bytes+int64(len(p)) > maxStored:
		return errStoreFull
	default:
		if last < 0 || s.pieces[last].bytes == nil || len(s.pieces[last].bytes) >= pieceSize {
			s.pieces = append(s.pieces, piece{})
			last++
		}
		s.pieces[last].bytes = append(s.pieces[last].bytes, p...)
		s.bytes += int64(len(p))
	}
	switch {
	case run.Length == 0:
	case last >= 0 && s.pieces[last].run.Length > 0 && s.pieces[last].run.Byte == run.Byte:
		s.pieces[last].run.Length += run.Length
	default:
		s.pieces = append(s.pieces, piece{run: run})
	}
	s.size += int64(len(p)) + run.Length
	return nil
}

// continues reports whether bytes are more of the same run.
func continues(run world.Run, p []byte) bool {
	if run.Length == 0 {
		return false
	}
	for _, c := range p {
		if c != run.Byte {
			return false
		}
	}
	return true
}

// first takes the first piece out, of a run a part.
func (s *store) first() piece {
	p := s.pieces[0]
	if p.run.Length > pieceSize {
		s.pieces[0].run.Length -= pieceSize
		return piece{run: world.Run{Byte: p.run.Byte, Length: pieceSize}}
	}
	s.pieces[0] = piece{}
	s.pieces = s.pieces[1:]
	s.bytes -= int64(len(p.bytes))
	return p
}

// text is the whole of a store without runs of more than a piece.
func (s *store) text() string {
	text, _ := io.ReadAll(&storeReader{of: s}) // it cannot fail
	return string(text)
}

// storeReader reads a store from its beginning. It implements world.RunReader.
type storeReader struct {
	of   *store
	at   int   // the piece
	done int64 // of it
	// moved is called at every read, with whether it found the end; may be nil.
	moved func(end bool)
}

func (r *storeReader) ReadRun(p []byte) (n int, run world.Run, err error) {
	end := r.at == len(r.of.pieces)
	if r.moved != nil {
		r.moved(end)
	}
	if end {
		return 0, run, io.EOF
	}
	next := r.of.pieces[r.at]
	if next.bytes != nil {
		n = copy(p, next.bytes[r.done:])
	} else {
		run = world.Run{Byte: next.run.Byte, Length: min(next.run.Length-r.done, pieceSize)}
	}
	r.advance(int64(n)+run.Length, next)
	return n, run, nil
}

func (r *storeReader) advance(n int64, in piece) {
	if r.done += n; r.done == in.length() {
		r.at, r.done = r.at+1, 0
	}
}

func (r *storeReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	at, done := r.at, r.done
	n, run, err := r.ReadRun(p)
	if run.Length > int64(len(p)) {
		r.at, r.done = at, done+int64(len(p))
	}
	if run.Length > 0 {
		n, _ = run.Fill(p)
	}
	return n, err
}

func (r *storeReader) Close() error { return nil }

// readInto stores a body, up to limit bytes of it, without limit if that is 0.
// buf is room to read into. The error is errTooLarge above the limit, or else
// the body's or the store's.
func (s *store) readInto(body io.Reader, limit int64, buf []byte) error {
	for {
		n, run, err := world.ReadRun(body, buf)
		if limit > 0 && s.size+int64(n)+run.Length > limit {
			return errTooLarge
		}
		if err := s.put(buf[:n], run); err != nil {
			return err
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

var errTooLarge = errors.New("the body is larger than client_max_body_size")
