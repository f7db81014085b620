package proxy

// nameSet is a set of header names in their canonical form. Most names that are
// asked for are not in it, and their length alone says so.
type nameSet struct {
	lengths uint64 // a bit for each length, modulo 64
	names   map[string]bool
}

func namesOf(names ...string) nameSet {
	s := nameSet{names: map[string]bool{}}
	for _, name := range names {
		s.add(name)
	}
	return s
}

func (s *nameSet) add(name string) {
	s.lengths |= 1 << (len(name) % 64)
	s.names[name] = true
}

func (s *nameSet) remove(name string) { delete(s.names, name) }

func (s *nameSet) has(name string) bool {
	return s.lengths&(1<<(len(name)%64)) != 0 && s.names[name]
}
