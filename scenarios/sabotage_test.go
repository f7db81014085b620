package scenarios_test

import (
	"strings"
	"testing"

	"sessionlab/scenarios"
	"sessionlab/scenarios/report"
)

// edit replaces a piece of a scenario's text, which must be there.
type edit struct{ old, new string }

func (e edit) of(tb testing.TB, text string) []byte {
	tb.Helper()
	if !strings.Contains(text, e.old) {
		tb.Fatalf("the scenario has no %q to replace", e.old)
	}
	return []byte(strings.ReplaceAll(text, e.old, e.new))
}

// sabotage breaks one mechanism of a scenario: it must go red. Then it takes
// away what its fault acts on, or the fault's moment: it must not come out green.
// A scenario without a fault has an expectation that never gets data instead.
var sabotage = []struct {
	name    string
	broken  edit // one mechanism
	unfired edit // the fault, or what is measured
}{
	{"load-balancing", edit{"a weight=5", "a weight=2"}, edit{"bob      GET /session  7 times\nend", "end"}},
	{"session-churn", edit{"round_robin", "round_robin sticky=route"}, edit{"expect   alice.last.count == 1", "expect   recovery < 1s"}},
	{"sticky", edit{" sticky=route", ""}, edit{"expect   sessions.lost == 0 and", "expect   recovery < 1s\nexpect   sessions.lost == 0 and"}},
	{"kill", edit{"manager  StandardManager", "manager  DeltaManager\ncluster  channelSendOptions=6"}, edit{"when tomcat1 is idle", "when tomcat1 loses REQUEST"}},
	{"failover", edit{"manager  DeltaManager\ncluster  channelSendOptions=6", "manager  StandardManager"}, edit{"when tomcat1 is idle", "when tomcat1 loses REQUEST"}},
	{"graceful-stop", edit{"tomcat   9", "tomcat   10.1"}, edit{"end      8s", "when tomcat1 loses REQUEST kill tomcat1\nend      8s"}},
	{"rolling-restart", edit{"manager  DeltaManager stateTransferTimeout=15s\ncluster  channelSendOptions=6", "manager  StandardManager"}, edit{"after 2s after $gap", "after 60s after $gap"}},
	{"state-transfer", edit{"channelSendOptions=6", "channelSendOptions=6 channelStartOptions=3"}, edit{"end      12s", "when tomcat1 loses REQUEST kill tomcat1\nend      12s"}},
	{"partition", edit{"alice    POST /set?name=gift&value=rose  on tomcat2\n", ""}, edit{"partition tomcat1 | tomcat2\nwait     until tomcat1 misses tomcat2\nwait     until tomcat2 misses tomcat1", "partition proxy | tomcat2"}},
	{"freeze", edit{"channelSendOptions=6", "channelSendOptions=8"}, edit{"wait     until quiet\nalice", "when tomcat1 misses tomcat2 kill tomcat2\nalice"}},
	{"stale-read", edit{"hold     DELTA", "hold     ACCESSED"}, edit{"end      5s", "hold     STATE\nend      5s"}},
	{"post-retry", edit{"proxy    round_robin", `proxy    round_robin proxy_next_upstream="error timeout non_idempotent"`}, edit{"end      20s", "when tomcat1 loses REQUEST kill tomcat2\nend      20s"}},
	{"all-nodes-down", edit{"proxy    round_robin", "proxy    round_robin max_fails=0"}, edit{"end      20s", "when tomcat1 loses REQUEST kill tomcat2\nend      20s"}},
	{"classic", edit{"channelSendOptions=8", "channelSendOptions=6"}, edit{"end      4s", "when tomcat1 loses REQUEST kill tomcat1\nend      4s"}},
	{"sticky-vs-replicated", edit{"sync = manager DeltaManager; cluster channelSendOptions=6", "sync = manager StandardManager"}, edit{"when tomcat1 is idle", "when tomcat1 loses REQUEST"}},
}

func TestEveryScenarioGoesRedWhenItsMechanismIsBroken(t *testing.T) {
	for _, s := range sabotage {
		t.Run(s.name, func(t *testing.T) {
			r := run(t, s.name, s.broken.of(t, string(source(t, s.name))), "sim", inSim)
			if r.Verdict != report.Fail {
				t.Errorf("verdict with %q instead of %q = %s, want fail\n%s", s.broken.new, s.broken.old, r.Verdict, textOf(t, r))
			}
		})
	}
}

func TestNoScenarioIsGreenWhenItsFaultTouchesNothing(t *testing.T) {
	for _, s := range sabotage {
		t.Run(s.name, func(t *testing.T) {
			r := run(t, s.name, s.unfired.of(t, string(source(t, s.name))), "sim", inSim)
			if r.Verdict == report.Pass {
				t.Errorf("verdict with %q instead of %q = pass, want inconclusive\n%s", s.unfired.new, s.unfired.old, textOf(t, r))
			}
		})
	}
}

func TestEveryScenarioIsSabotaged(t *testing.T) {
	known := map[string]bool{}
	for _, s := range sabotage {
		known[s.name] = true
	}
	for _, name := range scenarios.Names() {
		if !known[name] {
			t.Errorf("scenario %s has no sabotage", name)
		}
	}
}
