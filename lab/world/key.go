package world

import (
	"fmt"
	"math/rand/v2"
)

// Key is the identity of a random draw: a hash that grows with every part
// added to it. Keys are values; deriving one does not change its parent. The
// same parts give the same draws in every world and on every platform.
type Key uint64

// NewKey starts an identity from a seed.
func NewKey(seed uint64) Key { return Key(mix(seed + 0x9e3779b97f4a7c15)) }

// Str adds a string. The end of the string is part of it: "ab","c" differs
// from "a","bc".
func (k Key) Str(s string) Key {
	h := uint64(k)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 0x100000001b3 // FNV-1a
	}
	return Key(mix(h ^ uint64(len(s))<<56))
}

// Int adds an integer.
func (k Key) Int(n uint64) Key { return Key(mix(uint64(k) ^ mix(n+0x9e3779b97f4a7c15))) }

// Part adds a string or an integer; any other type is a programmer's mistake.
func (k Key) Part(p any) Key {
	switch p := p.(type) {
	case string:
		return k.Str(p)
	case int:
		return k.Int(uint64(p))
	case int64:
		return k.Int(uint64(p))
	case uint64:
		return k.Int(p)
	}
	panic(fmt.Sprintf("world: %T cannot be part of a random identity", p))
}

// Float is a draw from [0,1).
func (k Key) Float() float64 { return float64(mix(uint64(k))>>11) / (1 << 53) }

// Rand is a source of any number of draws.
func (k Key) Rand() *rand.Rand {
	return rand.New(rand.NewPCG(uint64(k), mix(uint64(k))))
}

// Seed has a generator draw what Rand would, so that one can be used again.
func (k Key) Seed(p *rand.PCG) { p.Seed(uint64(k), mix(uint64(k))) }

// mix is the finisher of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
