package tribes

import "encoding/binary"

// input is what is left of bytes being read. Reading beyond the end answers
// zeros and sets short.
type input struct {
	rest  []byte
	short bool
}

func (in *input) take(n int) []byte {
	if in.short || n < 0 || n > len(in.rest) {
		in.short = true
		return nil
	}
	b := in.rest[:n:n]
	in.rest = in.rest[n:]
	return b
}

func (in *input) byte() byte {
	if b := in.take(1); b != nil {
		return b[0]
	}
	return 0
}

// int32 reads a signed big-endian int, as Java writes it.
func (in *input) int32() int {
	if b := in.take(4); b != nil {
		return int(int32(binary.BigEndian.Uint32(b)))
	}
	return 0
}

func (in *input) int64() int64 {
	if b := in.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// bytes reads a length and as many bytes; none is nil.
func (in *input) bytes() []byte {
	if b := in.take(in.int32()); len(b) > 0 {
		return b
	}
	return nil
}

// appendBytes writes what input.bytes reads.
func appendBytes(b, part []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
}
