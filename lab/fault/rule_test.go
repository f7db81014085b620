package fault

import (
	"testing"
	"time"
)

func TestRuleMatchesKindAndLink(t *testing.T) {
	m := Message{From: "tomcat1", To: "tomcat2", Kind: "DELTA"}
	for _, c := range []struct {
		rule Rule
		want bool
	}{
		{Rule{}, true},
		{Rule{Kind: "ANY"}, true},
		{Rule{Kind: "DELTA"}, true},
		{Rule{Kind: "delta"}, false},
		{Rule{Kind: "ACK"}, false},
		{Rule{From: "tomcat1"}, true},
		{Rule{From: "tomcat2"}, false},
		{Rule{To: "tomcat2"}, true},
		{Rule{To: "tomcat1"}, false},
		{Rule{Kind: "DELTA", From: "tomcat1", To: "tomcat2"}, true},
		{Rule{Kind: "DELTA", From: "tomcat1", To: "tomcat3"}, false},
		{Rule{Kind: "ACK", From: "tomcat1", To: "tomcat2"}, false},
	} {
		if got := c.rule.matches(m); got != c.want {
			t.Errorf("%+v matches %+v = %v, want %v", c.rule, m, got, c.want)
		}
	}
}

func TestRuleReadsAsInAScenario(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		want string
	}{
		{Rule{Verb: Hold}, "hold ANY"},
		{Rule{Verb: Hold, Kind: "DELTA", From: "a", To: "b"}, "hold DELTA from a to b"},
		{Rule{Verb: Drop, Kind: "HEARTBEAT", To: "b", Percent: 2.5}, "drop HEARTBEAT to b 2.5%"},
		{Rule{Verb: Drop, Kind: "DELTA", Count: 1}, "drop DELTA 1 time"},
		{Rule{Verb: Duplicate, Kind: "DELTA", Percent: 10, Count: 3}, "duplicate DELTA 10% 3 times"},
		{Rule{Verb: Delay, Kind: "ACK", By: 500 * time.Millisecond}, "delay ACK by 500ms"},
		{Rule{Verb: Delay, From: "a", By: time.Second, Spread: time.Millisecond}, "delay ANY from a by 1s+1ms"},
	} {
		if got := c.rule.String(); got != c.want {
			t.Errorf("String of %+v = %q, want %q", c.rule, got, c.want)
		}
	}
}

func TestIdentityIsWhatARuleSaysNotItsSettings(t *testing.T) {
	base := Rule{Verb: Drop, Kind: "DELTA", From: "a", To: "b"}
	same := base
	same.Percent, same.Count, same.By, same.Spread = 30, 2, time.Second, time.Minute
	if same.identity(0) != base.identity(0) {
		t.Errorf("settings change the identity of %v", &base)
	}
	if all, none := (&Rule{Verb: Drop, Kind: "ANY"}), (&Rule{Verb: Drop}); all.identity(0) != none.identity(0) {
		t.Errorf("%v and %v say the same and have two identities", all, none)
	}
	seen := map[uint64]string{base.identity(0): base.String()}
	for _, other := range []Rule{
		{Verb: Hold, Kind: "DELTA", From: "a", To: "b"},
		{Verb: Drop, Kind: "ACK", From: "a", To: "b"},
		{Verb: Drop, Kind: "DELTA", From: "b", To: "a"},
		{Verb: Drop, Kind: "DELTA", From: "ab"},
		{Verb: Drop, Kind: "DELTA", To: "ab"},
	} {
		if before, ok := seen[other.identity(0)]; ok {
			t.Errorf("%q and %q have one identity", before, other.String())
		}
		seen[other.identity(0)] = other.String()
	}
	if base.identity(0) == base.identity(1) {
		t.Errorf("the first and the second %v have one identity", &base)
	}
}

func TestARuleThatDuplicatesMeetsNoHTTPMessage(t *testing.T) {
	for _, kind := range []string{"", "ANY"} {
		for message, want := range map[string]int{"DELTA": 1, "REQUEST": 0, "RESPONSE": 0} {
			r := Rule{Verb: Duplicate, Kind: kind}
			var table Table
			added := table.Add(r)
			a := table.Decide(Message{Kind: message}, func(uint64) float64 { return 0 })
			if hits := table.Hits(added); a.Copies != want || hits != want {
				t.Errorf("duplicate %s and a %s: %d copies and %d hits, want %d", kind, message, a.Copies, hits, want)
			}
		}
	}
}
