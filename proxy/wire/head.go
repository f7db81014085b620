package wire

import (
	"bufio"

	"sessionlab/lab/world"
)

// input is where a head is read from, with what has been read of it.
type input struct {
	in   *bufio.Reader
	size int // bytes read
	fits func() error
}

// next reads a byte, if there is room for it.
func (s *input) next() (byte, error) {
	if s.fits != nil {
		if err := s.fits(); err != nil {
			return 0, err
		}
	}
	c, err := s.in.ReadByte()
	if err == nil {
		s.size++
	}
	return c, err
}

// room is what nginx's buffers let the head of a request take. A line that is
// longer than a large buffer is too long, and so is the first one that finds no
// buffer free.
//
// Source: nginx ngx_http_request.c, ngx_http_alloc_large_header_buffer.
type room struct {
	*input
	Buffers
	begun  int // where the line began
	end    int // how far the buffer reaches
	large  int // buffers taken
	status int // of what is too long
}

func (r *room) fits() error {
	if r.size < r.end {
		return nil
	}
	if r.size-r.begun >= r.Large || r.large == r.Count {
		return &world.Malformed{Status: r.status, Why: "too long"}
	}
	r.large++
	r.end = r.begun + r.Large
	return nil
}

// newLine says that a line begins, of what kind.
func (r *room) newLine(tooLong int) { r.begun, r.status = r.size, tooLong }

func bad(why string) error { return &world.Malformed{Status: 400, Why: why} }
