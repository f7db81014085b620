package javaio

// Bytes of the grammar's parts.
const (
	header    = 4         // magic number and version
	object    = 1         // TC_OBJECT, before the class
	null      = 1         // TC_NULL
	reference = 1 + 4     // TC_REFERENCE and a handle
	ended     = 1         // TC_ENDBLOCKDATA
	shortData = 2         // TC_BLOCKDATA and a length below 256
	longData  = 5         // TC_BLOCKDATALONG
	block     = 1024      // primitive data that goes out as one block at most
	longUTF   = 1<<16 - 1 // longest string whose length is written in two bytes
)

// Stream counts what one ObjectOutputStream writes. The zero value is a new one.
type Stream struct {
	written int
	data    int    // primitive data of the block that is open
	classes uint64 // classes that were written
	ints    cache
	longs   cache
	bools   [2]bool
}

// cache says which of the boxed numbers that Java makes once, -128 to 127, were
// written. Source: Java Integer.valueOf, Long.valueOf.
type cache [4]uint64

// again reports whether a number is an object that was written before.
func (c *cache) again(v int64) bool {
	if v < -128 || v > 127 {
		return false
	}
	i := uint(v + 128)
	was := c[i/64]>>(i%64)&1 == 1
	c[i/64] |= 1 << (i % 64)
	return was
}

// Len is the number of bytes once the stream has been flushed.
func (s *Stream) Len() int {
	s.drain()
	return header + s.written
}

// Data is primitive data outside of an object's fields: n bytes.
func (s *Stream) Data(n int) {
	s.data += n
	for s.data > block {
		s.written += longData + block
		s.data -= block
	}
}

// UTF is writeUTF: a length and modified UTF-8, as primitive data.
func (s *Stream) UTF(text string) { s.Data(2 + utfLen(text)) }

// utfLen is how many bytes a text takes in Java's modified UTF-8: a zero takes
// two, and what lies beyond the basic plane six.
func utfLen(text string) int {
	n := len(text)
	for i := range len(text) {
		switch c := text[i]; {
		case c == 0:
			n++
		case c >= 0xF0:
			n += 2
		}
	}
	return n
}

// drain closes the open block.
func (s *Stream) drain() {
	switch {
	case s.data == 0:
		return
	case s.data > 255:
		s.written += longData
	default:
		s.written += shortData
	}
	s.written += s.data
	s.data = 0
}

// Reference is writeObject of an object that was written before.
func (s *Stream) Reference() {
	s.drain()
	s.written += reference
}

// Null is writeObject of null.
func (s *Stream) Null() {
	s.drain()
	s.written += null
}

// String is writeObject of a String that the stream has not met.
func (s *Stream) String(text string) { s.StringOf(utfLen(text)) }

// StringOf is String for a text of n bytes of modified UTF-8.
func (s *Stream) StringOf(n int) {
	s.drain()
	if n > longUTF {
		s.written += 1 + 8 + n
	} else {
		s.written += 1 + 2 + n
	}
}

// Int is writeObject of Integer.valueOf(v).
func (s *Stream) Int(v int64) { s.boxed(&s.ints, integer, v, 4) }

// Long is writeObject of Long.valueOf(v).
func (s *Stream) Long(v int64) { s.boxed(&s.longs, long, v, 8) }

func (s *Stream) boxed(c *cache, class *Class, v int64, size int) {
	if c.again(v) {
		s.Reference()
		return
	}
	s.Object(class, size)
}

// Bool is writeObject of Boolean.valueOf(v).
func (s *Stream) Bool(v bool) {
	i := 0
	if v {
		i = 1
	}
	if s.bools[i] {
		s.Reference()
		return
	}
	s.bools[i] = true
	s.Object(boolean, 1)
}

// Object is the head of writeObject of a new object: its class and the n bytes of
// its primitive fields. The objects in its other fields follow by further calls.
func (s *Stream) Object(c *Class, n int) {
	s.drain()
	s.written += object + s.class(c) + n
}

// End ends what an object has written by itself: an Externalizable, or a
// writeObject method.
func (s *Stream) End() {
	s.drain()
	s.written += ended
}

// Array is the head of writeObject of a new array of n elements of size bytes
// each; elements that are objects follow by further calls.
func (s *Stream) Array(c *Class, n, size int) { s.Object(c, 4+n*size) }

// class counts a class descriptor: whole once, with the classes that it extends,
// and a handle afterwards.
func (s *Stream) class(c *Class) int {
	if c == nil {
		return null
	}
	if s.classes>>c.number&1 == 1 {
		return reference
	}
	s.classes |= 1 << c.number
	return c.size + s.class(c.super)
}
