package scenarios

import "math/bits"

// trace is the hash of everything that happened in a run, in its order. Two
// runs with one hash went the same way. It is no identity of random draws and
// may change with the version.
type trace uint64

// number adds an integer.
func (t trace) number(n uint64) trace {
	high, low := bits.Mul64(uint64(t)^n^0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9)
	return trace(high ^ low)
}

// text adds a string, eight bytes at a time, and its length.
func (t trace) text(s string) trace {
	n := uint64(len(s))
	for ; len(s) >= 8; s = s[8:] {
		t = t.number(uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56)
	}
	var rest uint64
	if len(s) >= 4 {
		rest = uint64(s[0])<<24 | uint64(s[1])<<16 | uint64(s[2])<<8 | uint64(s[3])
		s = s[4:]
	}
	for i := range len(s) {
		rest = rest<<8 | uint64(s[i])
	}
	return t.number(rest ^ n<<56)
}
