package sim

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestHeapGivesEventsInOrderWhateverIsDoneToIt compares the heap with a sorted
// list while events are pushed, moved, removed and taken out at random.
func TestHeapGivesEventsInOrderWhateverIsDoneToIt(t *testing.T) {
	for seed := range uint64(200) {
		draw := rand.New(rand.NewPCG(seed, 1))
		w := &World{}
		var list []*event
		order := func(a, b *event) int {
			return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.tie, b.tie), cmp.Compare(a.seq, b.seq))
		}
		for range 400 {
			at, tie := w.now+draw.Int64N(6), draw.Uint32N(3)
			switch op := draw.IntN(10); {
			case op < 4:
				e := newEvent(nil)
				w.schedule(e, at, tie)
				list = append(list, e)
			case op < 5 && len(list) > 0:
				w.schedule(list[draw.IntN(len(list))], at, tie)
			case op < 6 && len(list) > 0:
				i := draw.IntN(len(list))
				w.cancel(list[i])
				list = slices.Delete(list, i, i+1)
			default:
				slices.SortFunc(list, order)
				var want *event
				if len(list) > 0 {
					want, list = list[0], list[1:]
				}
				got := w.heap.pop()
				if got != want {
					t.Fatalf("seed %d: pop = %+v, want %+v", seed, got, want)
				}
				if got != nil {
					w.now = got.at
					if draw.IntN(2) == 0 { // as a timer that is set again
						w.schedule(got, w.now+draw.Int64N(6), tie)
						list = append(list, got)
					}
				}
			}
		}
	}
}
