package wire

import (
	"bufio"
	"io"
)

// lengthBody is a body of known length.
type lengthBody struct {
	in   *bufio.Reader
	left int64
}

func (b *lengthBody) Close() error { return nil }

func (b *lengthBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.in.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, early(err)
}

// Discard implements world.BodyDiscarder.
func (b *lengthBody) Discard() error {
	n, err := b.in.Discard(int(min(b.left, int64(b.in.Buffered()))))
	b.left -= int64(n)
	return err
}

// early is the error of input that should have gone on.
func early(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
