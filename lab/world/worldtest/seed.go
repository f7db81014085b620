package worldtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sessionlab/lab/fault"
)

// seedRow compares what happens in several worlds. play tells a story in a
// new world with the given seed.
type seedRow struct {
	name    string
	compare func(t *testing.T, play func(seed uint64, story func(r *rig)))
}

// traffic is a story of many messages under a rule that loses 30 percent.
type traffic struct {
	rulesBefore []fault.Rule // other rules, added first
	percent     float64
	noise       bool // another session's messages in between
}

// survivors plays the traffic and returns which messages of session s1 came
// through.
func (m traffic) survivors(play func(seed uint64, story func(r *rig)), seed uint64) string {
	var got string
	play(seed, func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		side, farSide := r.connect(one, two, 4001)
		in := r.collect(two, far)
		r.collect(two, farSide)
		for _, rule := range m.rulesBefore {
			r.w.Faults().Add(rule)
		}
		for range 10 { // before the rule is there
			r.writes(one, s, delta("s1"), "early;")
		}
		r.w.Faults().Add(fault.Rule{Verb: fault.Drop, Kind: "DELTA", From: "tomcat1", Percent: m.percent})
		r.as(one, func(ctx context.Context) {
			for n := range 150 {
				r.write(ctx, s, delta("s1"), fmt.Sprintf("%d;", n))
				if m.noise && n%3 == 0 {
					r.write(ctx, side, delta("s2"), "noise")
				}
			}
			r.write(ctx, s, ack, ".")
		})
		r.eventually("the last message is there", func() bool {
			got = strings.ReplaceAll(in.text(), "early;", "")
			return got != "" && got[len(got)-1] == '.'
		})
	})
	return got
}

var seedRows = []seedRow{
	{"the same seed loses the same messages", func(t *testing.T, play func(uint64, func(*rig))) {
		m := traffic{percent: 30}
		first, again, other := m.survivors(play, 7), m.survivors(play, 7), m.survivors(play, 8)
		if first != again {
			t.Errorf("seed 7 let pass\n\t%s\nthen\n\t%s", first, again)
		}
		if first == other {
			t.Errorf("seeds 7 and 8 let pass the same messages:\n\t%s", first)
		}
	}},
	{"another session's messages change nothing", func(t *testing.T, play func(uint64, func(*rig))) {
		alone, beside := traffic{percent: 30}.survivors(play, 7), traffic{percent: 30, noise: true}.survivors(play, 7)
		if alone != beside {
			t.Errorf("alone passed\n\t%s\nbeside another session\n\t%s", alone, beside)
		}
	}},
	{"another rule changes nothing", func(t *testing.T, play func(uint64, func(*rig))) {
		others := []fault.Rule{{Verb: fault.Delay, Kind: "ACK", Percent: 50}, {Verb: fault.Drop, Kind: "STATE", Percent: 10}}
		alone, beside := traffic{percent: 30}.survivors(play, 7), traffic{percent: 30, rulesBefore: others}.survivors(play, 7)
		if alone != beside {
			t.Errorf("alone passed\n\t%s\nbeside another rule\n\t%s", alone, beside)
		}
	}},
	{"every world loses the same messages", func(t *testing.T, play func(uint64, func(*rig))) {
		// The draw for a rule and the n-th message of its label on a link is that
		// of NewKey(seed).Str("delay").Str(from).Str(to).Str(label.Kind).
		// Str(label.Key).Int(n).Str("fault").Int(rule), n counting from 0 whether
		// or not there are rules.
		const want = "1;2;3;4;5;8;9;12;13;14;15;16;17;19;20;21;26;27;31;32;34;35;38;39;40;"
		if got := (traffic{percent: 30}).survivors(play, 7); !strings.HasPrefix(got, want) {
			t.Errorf("seed 7 let pass\n\t%s\nwant the beginning\n\t%s", got, want)
		}
	}},
	{"a higher percentage loses the same and more", func(t *testing.T, play func(uint64, func(*rig))) {
		few, many := traffic{percent: 60}.survivors(play, 7), traffic{percent: 20}.survivors(play, 7)
		passed := strings.Split(many, ";")
		for _, message := range strings.Split(few, ";") {
			if !slices.Contains(passed, message) {
				t.Errorf("message %s passed at 60 percent and was lost at 20", message)
			}
		}
		if len(few) >= len(many) {
			t.Errorf("no fewer messages passed at 60 percent than at 20:\n\t%s\n\t%s", few, many)
		}
	}},
	{"draws differ by seed", func(t *testing.T, play func(uint64, func(*rig))) {
		var got [3][]uint64
		for i, seed := range []uint64{7, 7, 8} {
			play(seed, func(r *rig) { got[i] = draws(r.boot("tomcat1"), "think", "alice", 1) })
		}
		if !slices.Equal(got[0], got[1]) {
			t.Errorf("seed 7 draws %v, then %v", got[0], got[1])
		}
		if slices.Equal(got[0], got[2]) {
			t.Errorf("seeds 7 and 8 draw the same %v", got[0])
		}
	}},
}
