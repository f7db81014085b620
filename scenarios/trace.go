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
	for ; len(s) > 8; s = s[8:] {
		t = t.number(fourOf(s) | fourOf(s[4:])<<32)
	}
	var last uint64
	if len(s) >= 4 {
		last = fourOf(s) | fourOf(s[len(s)-4:])<<32 // they may overlap
	} else {
		for i := range len(s) {
			last = last<<8 | uint64(s[i])
		}
	}
	return t.number(last ^ n<<56)
}

// fourOf are the first four bytes as a number.
func fourOf(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}
