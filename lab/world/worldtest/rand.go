package worldtest

import (
	"context"
	"slices"

	"sessionlab/lab/world"
)

// draws are the first numbers of a source of h.
func draws(h world.Host, purpose string, identity ...any) []uint64 {
	source := h.Rand(purpose, identity...)
	list := make([]uint64, 8)
	for i := range list {
		list[i] = source.Uint64()
	}
	return list
}

var randRows = []row{
	{"the same identity draws the same", func(r *rig) {
		h := r.boot("tomcat1")
		first := draws(h, "think", "alice", 3)
		other := h.Rand("think", "alice", 4) // drawing elsewhere changes nothing
		other.Uint64()
		if again := draws(h, "think", "alice", 3); !slices.Equal(again, first) {
			r.errorf("draws of one identity: %v, then %v", first, again)
		}
	}},
	{"another identity draws otherwise", func(r *rig) {
		h := r.boot("tomcat1")
		seen := map[uint64]string{}
		for _, identity := range []struct {
			name  string
			draws []uint64
		}{
			{"think alice 3", draws(h, "think", "alice", 3)},
			{"think alice 4", draws(h, "think", "alice", 4)},
			{"think bob 3", draws(h, "think", "bob", 3)},
			{"delay alice 3", draws(h, "delay", "alice", 3)},
			{"think", draws(h, "think")},
			{"think alice", draws(h, "think", "alice")},
		} {
			for _, n := range identity.draws {
				if before, ok := seen[n]; ok {
					r.errorf("%q and %q draw the same %d", before, identity.name, n)
				}
				seen[n] = identity.name
			}
		}
	}},
	{"a source is a function of seed, purpose and identity alone", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		want := draws(one, "route", "s1", 7)
		r.as(two, func(context.Context) {
			if got := draws(two, "route", "s1", 7); !slices.Equal(got, want) {
				r.errorf("another machine draws %v, want %v", got, want)
			}
		})
		r.kill("tomcat1")
		if got := draws(r.boot("tomcat1"), "route", "s1", 7); !slices.Equal(got, want) {
			r.errorf("the next incarnation draws %v, want %v", got, want)
		}
		source := world.NewKey(1).Str("route").Str("s1").Int(7).Rand() // the worlds of this suite have seed 1
		for i, n := range want {
			if k := source.Uint64(); k != n {
				r.errorf("draw %d = %d, want %d as world.Key has it", i, n, k)
			}
		}
	}},
}
