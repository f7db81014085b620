package proxy

import "slices"

// nameSet is a set of a few header names in their canonical form. Most names that
// are asked for are not in it, and their length alone says so.
type nameSet struct {
	lengths uint64 // a bit for each length, modulo 64
	names   []string
}

func namesOf(names ...string) nameSet {
	var s nameSet
	for _, name := range names {
		s.add(name)
	}
	return s
}

func (s *nameSet) add(name string) {
	if !s.has(name) {
		s.lengths |= 1 << (len(name) % 64)
		s.names = append(s.names, name)
	}
}

func (s *nameSet) remove(name string) {
	s.names = slices.DeleteFunc(s.names, func(n string) bool { return n == name })
}

func (s *nameSet) has(name string) bool {
	return s.lengths&(1<<(len(name)%64)) != 0 && slices.Contains(s.names, name)
}
