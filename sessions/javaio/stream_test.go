package javaio

import (
	"strings"
	"testing"
)

// The lengths are those of an ObjectOutputStream of Java 17.
func TestStreamIsAsLongAsJavas(t *testing.T) {
	const id = "0123456789ABCDEF0123456789ABCDEF.tomcat1"
	for _, c := range []struct {
		name  string
		want  int
		write func(s *Stream)
	}{
		{"nothing", 4, func(*Stream) {}},
		{"UTF", 48, func(s *Stream) { s.UTF(id) }},
		{"an Integer after 59 bytes of data", 142, func(s *Stream) { s.Data(59); s.Int(500) }},
		{"one Integer twice", 86, func(s *Stream) { s.Int(1); s.Int(1) }},
		{"an Integer that Java makes anew, twice", 91, func(s *Stream) { s.Int(500); s.Int(500) }},
		{"a Boolean of each value, then one again", 59, func(s *Stream) { s.Bool(true); s.Bool(false); s.Bool(true) }},
		{"a long string", 70_013, func(s *Stream) { s.String(strings.Repeat("x", 70_000)) }},
		{"a string of three blocks", 3021, func(s *Stream) { s.UTF(strings.Repeat("x", 3000)) }},
		{"a string with a zero and an emoji", 4 + 3 + 2 + 6 + 2, func(s *Stream) { s.String("\x00😀é") }},
		{"null", 5, func(s *Stream) { s.Null() }},
		{"bytes", 2027, func(s *Stream) { s.Array(ByteArray, 2000, 1) }},
		{"data of two blocks", 1045, func(s *Stream) { s.Data(1000); s.Data(34) }},
		{"data of one whole block", 1033, func(s *Stream) { s.Data(1024) }},
	} {
		var s Stream
		c.write(&s)
		if got := s.Len(); got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.name, got, c.want)
		}
	}
}
