package fault

import (
	"slices"
	"testing"
	"time"
)

// message is a replication message between two nodes.
var message = Message{From: "tomcat1", To: "tomcat2", Kind: "DELTA"}

// luck is a draw that always gives the same number.
func luck(n float64) func(uint64) float64 { return func(uint64) float64 { return n } }

// unasked is a draw that must not be needed.
func unasked(t *testing.T) func(uint64) float64 {
	return func(uint64) float64 {
		t.Helper()
		t.Error("a draw was asked for without a percentage or a spread")
		return 0
	}
}

func TestEmptyTableSendsEverything(t *testing.T) {
	var table Table
	if !table.Quick() {
		t.Error("Quick of the zero table = false")
	}
	if a := table.Decide(message, unasked(t)); a != (Action{}) {
		t.Errorf("Decide = %+v, want the zero action", a)
	}
	if !table.Reachable("tomcat1", "tomcat2") {
		t.Error("Reachable in the zero table = false")
	}
}

func TestVerbs(t *testing.T) {
	for _, c := range []struct {
		name  string
		rules []Rule
		want  Action // Hold apart
		held  int    // index of the rule that holds, or -1
		hits  []int
	}{
		{"hold", []Rule{{Verb: Hold}}, Action{}, 0, []int{1}},
		{"drop", []Rule{{Verb: Drop}}, Action{Drop: true}, -1, []int{1}},
		{"delay", []Rule{{Verb: Delay, By: time.Second}}, Action{Delay: time.Second}, -1, []int{1}},
		{"duplicate", []Rule{{Verb: Duplicate}}, Action{Copies: 1}, -1, []int{1}},
		{"another kind", []Rule{{Verb: Drop, Kind: "ACK"}}, Action{}, -1, []int{0}},
		{"the first hold keeps", []Rule{{Verb: Hold, Kind: "DELTA"}, {Verb: Hold}}, Action{}, 0, []int{1, 0}},
		{"delays and copies add up",
			[]Rule{{Verb: Delay, By: time.Second}, {Verb: Duplicate}, {Verb: Delay, By: time.Minute}, {Verb: Duplicate}},
			Action{Delay: time.Minute + time.Second, Copies: 2}, -1, []int{1, 1, 1, 1}},
		{"what is held may be late and doubled too",
			[]Rule{{Verb: Duplicate}, {Verb: Delay, By: time.Second}, {Verb: Hold}},
			Action{Delay: time.Second, Copies: 1}, 2, []int{1, 1, 1}},
		{"what is lost meets nothing else",
			[]Rule{{Verb: Hold}, {Verb: Delay, By: time.Second}, {Verb: Duplicate}, {Verb: Drop}, {Verb: Drop}},
			Action{Drop: true}, -1, []int{0, 0, 0, 1, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var table Table
			var rules []*Rule
			for _, r := range c.rules {
				rules = append(rules, table.Add(r))
			}
			got := table.Decide(message, unasked(t))
			want := c.want
			if c.held >= 0 {
				want.Hold = rules[c.held]
			}
			if got != want {
				t.Errorf("Decide = %+v, want %+v", got, want)
			}
			for i, r := range rules {
				if hits := table.Hits(r); hits != c.hits[i] {
					t.Errorf("hits of rule %d, %v = %d, want %d", i, r, hits, c.hits[i])
				}
			}
		})
	}
}

func TestPercentTakesTheDrawsBelowIt(t *testing.T) {
	for _, c := range []struct {
		percent, draw float64
		want          bool
	}{
		{30, 0, true}, {30, 0.2999, true}, {30, 0.3, false}, {30, 0.9999, false},
		{100, 0.9999999, true}, {0.1, 0.0009, true}, {0.1, 0.001, false},
	} {
		var table Table
		rule := table.Add(Rule{Verb: Drop, Percent: c.percent})
		if got := table.Decide(message, luck(c.draw)).Drop; got != c.want {
			t.Errorf("%v with a draw of %v: dropped %v, want %v", rule, c.draw, got, c.want)
		}
	}
}

func TestCountLimitsHitsNotMatches(t *testing.T) {
	var table Table
	rule := table.Add(Rule{Verb: Drop, Percent: 50, Count: 2})
	var dropped []bool
	for _, draw := range []float64{0.9, 0.1, 0.9, 0.1, 0.1, 0.1} {
		dropped = append(dropped, table.Decide(message, luck(draw)).Drop)
	}
	if want := []bool{false, true, false, true, false, false}; !slices.Equal(dropped, want) {
		t.Errorf("dropped %v, want %v", dropped, want)
	}
	if hits := table.Hits(rule); hits != 2 {
		t.Errorf("hits = %d, want 2", hits)
	}
}

func TestUsedUpHoldStillKeepsItsMessages(t *testing.T) {
	var table Table
	rule := table.Add(Rule{Verb: Hold, Count: 1})
	first, second := table.Decide(message, unasked(t)), table.Decide(message, unasked(t))
	if first.Hold != rule || second.Hold != nil || !table.Held(rule) {
		t.Errorf("holds %v, then %v, held %v; want the rule, then none, held", first.Hold, second.Hold, table.Held(rule))
	}
}

func TestSpreadAddsItsShare(t *testing.T) {
	for _, c := range []struct {
		draw float64
		want time.Duration
	}{{0, 10 * time.Millisecond}, {0.5, 15 * time.Millisecond}, {0.75, 17500 * time.Microsecond}} {
		var table Table
		table.Add(Rule{Verb: Delay, By: 10 * time.Millisecond, Spread: 10 * time.Millisecond})
		if got := table.Decide(message, luck(c.draw)).Delay; got != c.want {
			t.Errorf("delay with a draw of %v = %v, want %v", c.draw, got, c.want)
		}
	}
}

func TestPercentAndSpreadDrawApart(t *testing.T) {
	var table Table
	table.Add(Rule{Verb: Delay, Percent: 50, By: time.Second, Spread: time.Second})
	asked := map[uint64]int{}
	table.Decide(message, func(rule uint64) float64 { asked[rule]++; return 0 })
	if len(asked) != 2 {
		t.Errorf("draws asked for: %v, want two of their own", asked)
	}
}

// drawn are the identities that a table draws for.
func drawn(table *Table) []uint64 {
	var ids []uint64
	table.Decide(message, func(rule uint64) float64 { ids = append(ids, rule); return 0.99 })
	return ids
}

func TestDrawsOfARuleDoNotDependOnOtherRules(t *testing.T) {
	rule := Rule{Verb: Drop, Kind: "DELTA", Percent: 30}
	var alone, beside Table
	alone.Add(rule)
	beside.Add(Rule{Verb: Hold, Kind: "ACK"})
	beside.Add(Rule{Verb: Drop, Kind: "ACK", Percent: 30})
	rule.Percent, rule.Count = 60, 5
	beside.Add(rule)
	if a, b := drawn(&alone), drawn(&beside); !slices.Equal(a, b) {
		t.Errorf("draws alone %v, beside other rules and with other settings %v", a, b)
	}
}

func TestEqualRulesDrawApart(t *testing.T) {
	var table Table
	table.Add(Rule{Verb: Drop, Percent: 30})
	table.Add(Rule{Verb: Drop, Kind: "ANY", Percent: 30})
	if ids := drawn(&table); len(ids) != 2 || ids[0] == ids[1] {
		t.Errorf("draws of two equal rules: %v, want two apart", ids)
	}
}

func TestRelease(t *testing.T) {
	rules := []Rule{
		{Verb: Hold, Kind: "DELTA", From: "a", To: "b"},
		{Verb: Drop, Kind: "DELTA", From: "a", To: "c"},
		{Verb: Hold, Kind: "ACK", From: "b", To: "a"},
		{Verb: Delay},
	}
	for _, c := range []struct {
		kind, from, to string
		want           []int // the rules that end
	}{
		{"", "", "", []int{0, 1, 2, 3}},
		{"ANY", "", "", []int{0, 1, 2, 3}},
		{"DELTA", "", "", []int{0, 1}},
		{"DELTA", "a", "", []int{0, 1}},
		{"DELTA", "a", "c", []int{1}},
		{"ANY", "", "a", []int{2}},
		{"ACK", "a", "", nil},
		{"STATE", "", "", nil},
	} {
		var table Table
		var added, want []*Rule
		for _, r := range rules {
			added = append(added, table.Add(r))
		}
		for _, i := range c.want {
			want = append(want, added[i])
		}
		changes := 0
		table.OnChange(func() { changes++ })
		ended := table.Release(c.kind, c.from, c.to)
		if !slices.Equal(ended, want) {
			t.Errorf("Release(%q, %q, %q) ended %v, want %v", c.kind, c.from, c.to, ended, want)
		}
		if told := changes > 0; told != (len(want) > 0) {
			t.Errorf("Release(%q, %q, %q): watcher told %v", c.kind, c.from, c.to, told)
		}
		for i, r := range added {
			if held := table.Held(r); held == slices.Contains(want, r) {
				t.Errorf("Release(%q, %q, %q): rule %d held %v", c.kind, c.from, c.to, i, held)
			}
		}
	}
}

func TestReleasedRuleMeetsNoMessageAndKeepsItsHits(t *testing.T) {
	var table Table
	rule := table.Add(Rule{Verb: Hold, Kind: "DELTA"})
	table.Decide(message, unasked(t))
	table.Release("DELTA", "", "")
	if a := table.Decide(message, unasked(t)); a != (Action{}) {
		t.Errorf("Decide after release = %+v, want the zero action", a)
	}
	if hits := table.Hits(rule); hits != 1 {
		t.Errorf("hits after release = %d, want 1", hits)
	}
	if !table.Quick() {
		t.Error("Quick after release = false")
	}
}

func TestPartitionCutsTheTwoSides(t *testing.T) {
	var table Table
	cut := table.Partition([]string{"a", "b"}, []string{"c", "d"})
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"a", "c", false}, {"c", "a", false}, {"b", "d", false}, {"d", "b", false},
		{"a", "b", true}, {"c", "d", true}, {"a", "e", true}, {"e", "c", true}, {"a", "a", true},
	} {
		if got := table.Reachable(c.from, c.to); got != c.want {
			t.Errorf("Reachable(%s, %s) = %v, want %v", c.from, c.to, got, c.want)
		}
		if got := table.Decide(Message{From: c.from, To: c.to}, unasked(t)).Cut; got == c.want {
			t.Errorf("a message from %s to %s: cut %v, want %v", c.from, c.to, got, !c.want)
		}
	}
	if got := table.CutHits(cut); got != 4 {
		t.Errorf("CutHits = %d, want 4", got)
	}
	table.MeetCut("d", "a")
	table.MeetCut("d", "c")
	if got := table.CutHits(cut); got != 5 {
		t.Errorf("CutHits after a connect = %d, want 5", got)
	}
}

func TestPartitionsAddUpUntilHeal(t *testing.T) {
	var table Table
	one := []string{"a"}
	table.Partition(one, []string{"b"})
	table.Partition([]string{"b"}, []string{"c"})
	one[0] = "c" // the caller keeps its slice
	if table.Reachable("a", "b") || table.Reachable("b", "c") || !table.Reachable("a", "c") || table.Quick() {
		t.Error("two partitions: want a|b and b|c cut, a and c connected, not Quick")
	}
	table.Heal()
	if !table.Reachable("a", "b") || !table.Reachable("b", "c") || !table.Quick() {
		t.Error("after Heal: want all connected and Quick")
	}
}

func TestEachPartitionCountsWhatItCutsOff(t *testing.T) {
	var table Table
	one := table.Partition([]string{"a"}, []string{"b"})
	other := table.Partition([]string{"b"}, []string{"c"})
	both := table.Partition([]string{"a", "c"}, []string{"b"})
	table.Decide(Message{From: "a", To: "b"}, unasked(t))
	table.MeetCut("b", "a")
	table.MeetCut("c", "b")
	for _, c := range []struct {
		name string
		cut  *Cut
		want int
	}{{"a|b", one, 2}, {"b|c", other, 1}, {"ac|b", both, 3}} {
		if got := table.CutHits(c.cut); got != c.want {
			t.Errorf("CutHits of %s = %d, want %d", c.name, got, c.want)
		}
	}
}

func TestMachineOnBothSidesReachesItself(t *testing.T) {
	var table Table
	table.Partition([]string{"a", "b"}, []string{"b", "c"})
	if !table.Reachable("b", "b") || table.Reachable("a", "b") || table.Reachable("b", "c") {
		t.Error("b on both sides: want it to reach itself and nobody else")
	}
}

func TestPartitionedMessageMeetsItsRulesToo(t *testing.T) {
	var table Table
	cut := table.Partition([]string{"tomcat1"}, []string{"tomcat2"})
	table.Add(Rule{Verb: Delay, By: time.Second})
	if got, want := table.Decide(message, unasked(t)), (Action{Cut: true, Delay: time.Second}); got != want {
		t.Errorf("Decide = %+v, want %+v", got, want)
	}
	table.Add(Rule{Verb: Drop})
	if got, want := table.Decide(message, unasked(t)), (Action{Drop: true}); got != want {
		t.Errorf("Decide with a drop = %+v, want %+v", got, want)
	}
	if got := table.CutHits(cut); got != 1 {
		t.Errorf("CutHits = %d, want 1: what was dropped never came so far", got)
	}
}

func TestClearEndsEverything(t *testing.T) {
	var table Table
	rule := table.Add(Rule{Verb: Hold})
	table.Partition([]string{"tomcat1"}, []string{"tomcat2"})
	table.Clear()
	if table.Held(rule) || !table.Quick() || !table.Reachable("tomcat1", "tomcat2") {
		t.Error("after Clear a rule or a partition is left")
	}
	if table.Held(nil) {
		t.Error("Held(nil) = true")
	}
}

func TestEveryChangeIsTold(t *testing.T) {
	var table Table
	told := 0
	table.OnChange(func() {
		told++
		table.Quick() // a watcher may ask the table
	})
	for i, change := range []func(){
		func() { table.Add(Rule{Verb: Hold}) },
		func() { table.Partition([]string{"a"}, []string{"b"}) },
		func() { table.Heal() },
		func() { table.Release("", "", "") },
		func() { table.Clear() },
	} {
		change()
		if told != i+1 {
			t.Errorf("change %d: told %d times, want %d", i, told, i+1)
		}
	}
	table.Decide(message, unasked(t))
	if told != 5 {
		t.Error("a decision is no change of the table, but was told")
	}
}

func TestRuleWithoutVerbPanics(t *testing.T) {
	for _, v := range []Verb{0, Duplicate + 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Add with verb %d: no panic", v)
				}
			}()
			new(Table).Add(Rule{Verb: v})
		}()
	}
}

// FuzzTable drives a table with random operations and checks what must hold
// of every answer, whatever happened before.
func FuzzTable(f *testing.F) {
	f.Add([]byte("hold\x01decide\x02release"))
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
	f.Fuzz(func(t *testing.T, program []byte) {
		names := []string{"", "a", "b", "c"}
		kinds := []string{"", "ANY", "DELTA", "ACK"}
		var table Table
		var all []*Rule
		for len(program) >= 4 {
			op, x, y, z := program[0]%8, program[1], program[2], program[3]
			program = program[4:]
			kind, from, to := kinds[x%4], names[y%4], names[z%4]
			switch op {
			case 0, 1, 2:
				all = append(all, table.Add(Rule{Verb: Verb(x/4%4) + 1, Kind: kind, From: from, To: to,
					Percent: float64(y / 4), Count: int(z / 4 % 4), By: time.Duration(y), Spread: time.Duration(z)}))
			case 3:
				for _, r := range table.Release(kind, from, to) {
					if table.Held(r) {
						t.Fatalf("released rule %v is held", r)
					}
				}
			case 4:
				table.Partition([]string{from, "x"}, []string{to})
			case 5:
				table.Heal()
			default:
				m := Message{From: names[1+y%3], To: names[1+z%3], Kind: kinds[2+x%2]}
				before := make([]int, len(all))
				for i, r := range all {
					before[i] = table.Hits(r)
				}
				quick := table.Quick()
				a := table.Decide(m, luck(float64(x)/256))
				if quick && a != (Action{}) {
					t.Fatalf("an empty table answers %+v", a)
				}
				if a.Drop && a != (Action{Drop: true}) {
					t.Fatalf("a lost message meets more: %+v", a)
				}
				if !a.Drop && a.Cut == table.Reachable(m.From, m.To) {
					t.Fatalf("cut %v, reachable %v", a.Cut, !a.Cut)
				}
				if a.Hold != nil && !table.Held(a.Hold) {
					t.Fatalf("held by a released rule %v", a.Hold)
				}
				if a.Delay < 0 || a.Copies < 0 {
					t.Fatalf("negative %+v", a)
				}
				hits := map[Verb]int{}
				for i, r := range all {
					n := table.Hits(r) - before[i]
					if n < 0 || n > 1 || n == 1 && (!r.matches(m) || r.released) || r.Count > 0 && table.Hits(r) > r.Count {
						t.Fatalf("%v: %d hits by one message %+v, %d in all", r, n, m, table.Hits(r))
					}
					hits[r.Verb] += n
				}
				if (hits[Drop] == 1) != a.Drop || (hits[Hold] == 1) != (a.Hold != nil) || hits[Duplicate] != a.Copies {
					t.Fatalf("answer %+v with hits %v", a, hits)
				}
			}
			if table.Reachable(from, to) != table.Reachable(to, from) {
				t.Fatalf("%q and %q reach each other one way only", from, to)
			}
		}
		table.Clear()
		for _, r := range all {
			if table.Held(r) {
				t.Fatalf("%v is held after Clear", r)
			}
		}
	})
}

func TestNetworkDelaysEveryMessageAndIsNoFault(t *testing.T) {
	var table Table
	table.Network(2*time.Second, time.Second)
	if table.Quick() {
		t.Error("Quick = true, want false: every message takes its time")
	}
	if a := table.Decide(message, luck(0.5)); a != (Action{Delay: 2500 * time.Millisecond}) {
		t.Errorf("Decide = %+v, want a delay of 2.5s", a)
	}
	lost := table.Add(Rule{Verb: Drop, Count: 1})
	if a := table.Decide(message, luck(0.5)); a != (Action{Drop: true}) {
		t.Errorf("Decide of a lost message = %+v, want it lost and nothing else", a)
	}
	if again := table.Add(*lost); table.Hits(again) != 0 {
		t.Errorf("a rule that is added again begins with %d hits, want 0", table.Hits(again))
	}
	table.Release("", "", "")
	table.Clear()
	if a := table.Decide(message, luck(0)); a != (Action{Delay: 2 * time.Second}) {
		t.Errorf("Decide after Release and Clear = %+v, want a delay of 2s", a)
	}
}
