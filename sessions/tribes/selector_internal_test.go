package tribes

import (
	"slices"
	"testing"

	"sessionlab/lab/world"
)

// The orders are those of a HashSet of objects with these hash codes in Java 17.
func TestSelectionHasTheOrderOfAHashSet(t *testing.T) {
	for _, c := range []struct {
		name   string
		hashes []uint32
		want   []uint32
	}{
		{"by the lowest bits", []uint32{5, 3, 17}, []uint32{17, 3, 5}},
		{"as they came where these are the same", []uint32{19, 3, 35}, []uint32{19, 3, 35}},
		{"by more bits when there are many", []uint32{16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, []uint32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16}},
	} {
		var s selection
		for _, h := range c.hashes {
			s.keys = append(s.keys, &inbound{hash: h})
		}
		var got []uint32
		for _, conn := range s.take(nil) {
			got = append(got, conn.hash)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v in the order %v, want %v", c.name, c.hashes, got, c.want)
		}
		if len(s.keys) > 0 {
			t.Errorf("%s: %d keys are left", c.name, len(s.keys))
		}
	}
}

func TestIdentityHashIsThatOfTheLink(t *testing.T) {
	k := world.NewKey(1).Str("a")
	if one, two := identityHash(k), identityHash(k); one != two {
		t.Errorf("one link has the hashes %d and %d", one, two)
	}
	if one, two := identityHash(k.Int(0)), identityHash(k.Int(1)); one == two {
		t.Errorf("two connections have the hash %d", one)
	}
}
