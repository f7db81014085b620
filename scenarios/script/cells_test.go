package script

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestWithoutVariablesTheOnlyCellIsTheScenario(t *testing.T) {
	s := mustParse(t, "nodes 2\nend 2s\n")
	if got := s.Cells(); len(got) != 1 || got[0].Scenario != s || got[0].Label != "" {
		t.Errorf("Cells = %+v, want the scenario itself", got)
	}
}

func TestCellsAreTheProductOfAllVariables(t *testing.T) {
	s := mustParse(t, `nodes 2
vary mode: async = cluster channelSendOptions=8 | sync = cluster channelSendOptions=6
sweep gap = 0s..4s step 2s
wait $gap
end 10s
`)
	var got []string
	for _, c := range s.Cells() {
		got = append(got, fmt.Sprintf("%s: %d, %s", c.Label,
			c.Scenario.Noun("cluster").Options.Int("channelSendOptions", 0), c.Scenario.Script[0].Act.(Wait).For))
	}
	want := []string{
		"mode=async gap=0s: 8, 0s", "mode=async gap=2s: 8, 2s", "mode=async gap=4s: 8, 4s",
		"mode=sync gap=0s: 6, 0s", "mode=sync gap=2s: 6, 2s", "mode=sync gap=4s: 6, 4s",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got, want := s.Cells()[4].Settings, []Assignment{{"mode", "sync"}, {"gap", "2s"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("settings of the fifth cell = %v, want %v", got, want)
	}
}

func TestACellReplacesNounsOfTheirKind(t *testing.T) {
	s := mustParse(t, `nodes 2
manager StandardManager
interceptor TcpFailureDetector
interceptor MessageDispatchInterceptor
node tomcat1 service=1ms
vary set: first = app | second = manager DeltaManager; interceptor TcpFailureDetector performReadTest=yes; node tomcat2 service=2ms; valve ReplicationValve
end 10s
`)
	var got []string
	for _, n := range s.Cells()[1].Scenario.Nouns {
		got = append(got, n.String())
	}
	want := []string{"nodes 2", "manager DeltaManager", "interceptor TcpFailureDetector performReadTest=yes",
		"node tomcat1 service=1ms", "node tomcat2 service=2ms", "valve ReplicationValve"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestValuesStandWhereverAValueMay(t *testing.T) {
	s := mustParse(t, `nodes 2
vary who: tomcat1 | tomcat2
sweep n = 2..3 step 1
sweep share = 5%..10% step 5%
user alice
node tomcat1 maxThreads=$n
alice GET /counter?add=$n on $who $n times
drop DELTA from $who $share
end 10s
expect requests.by_node($who) == $n and availability > $share and alice.last.node == "$who"
`)
	cells := s.Cells()
	c := cells[len(cells)-1].Scenario
	step := c.Script[0].Act.(Step)
	rule := c.Script[1].Act.(Rule)
	rows := []struct {
		what      string
		got, want any
	}{
		{"cells", len(cells), 8},
		{"option", c.Node("tomcat1").Int("maxThreads", 0), 3},
		{"target", step.Target, "/counter?add=3"},
		{"node", step.On, "tomcat2"},
		{"count", step.Count, 3},
		{"percentage", rule.Percent, 10.0},
		{"condition", c.Final[0].String(), `expect requests.by_node(tomcat2) == 3 and availability > 10% and alice.last.node == "tomcat2"`},
		{"template of the file", s.Script[1].String(), "drop DELTA from $who $share"},
	}
	for _, r := range rows {
		if !reflect.DeepEqual(r.got, r.want) {
			t.Errorf("%s = %v, want %v", r.what, r.got, r.want)
		}
	}
}

func TestExpectationsCountInTheirCellsOnly(t *testing.T) {
	s := mustParse(t, `nodes 2
vary mode: async = cluster channelSendOptions=8 | sync = cluster channelSendOptions=6
vary front: rr = proxy | ip = proxy ip_hash
heal
expect [sync] requests.total >= 1
together heal; expect [ip] requests.total >= 2
end 10s
expect [async, rr] sessions.total == 1
expect [async, sync] sessions.total == 2
expect [mode=sync, front=ip] sessions.total == 3
`)
	want := map[string]string{
		"mode=async front=rr": "1 heal, 3 heal, 4 expect sessions.total == 1, 5 expect sessions.total == 2",
		"mode=async front=ip": "1 heal, 3 together heal; expect requests.total >= 2, 5 expect sessions.total == 2",
		"mode=sync front=rr":  "1 heal, 2 expect requests.total >= 1, 3 heal, 5 expect sessions.total == 2",
		"mode=sync front=ip": "1 heal, 2 expect requests.total >= 1, 3 together heal; expect requests.total >= 2, " +
			"5 expect sessions.total == 2, 6 expect sessions.total == 3",
	}
	for _, c := range s.Cells() {
		var got []string
		for _, st := range append(c.Scenario.Script, c.Scenario.Final...) {
			got = append(got, fmt.Sprint(st.Step, " ", st))
		}
		if strings.Join(got, ", ") != want[c.Label] {
			t.Errorf("%s\n got %s\nwant %s", c.Label, strings.Join(got, ", "), want[c.Label])
		}
	}
}

func TestNamesMayDifferFromCellToCell(t *testing.T) {
	s := mustParse(t, `vary size: two = nodes 2 | three = nodes 3
heal
end 10s
expect [three] requests.by_node(tomcat3) > 0
`)
	if got := len(s.Cells()[1].Scenario.Final); got != 1 {
		t.Errorf("the cell of three nodes has %d expectations, want 1", got)
	}
}

func TestASweepStopsAtItsEnd(t *testing.T) {
	s := mustParse(t, "nodes 2\nsweep gap = 1s..6s step 2s\nwait $gap\nend 10s\n")
	var got []time.Duration
	for _, c := range s.Cells() {
		got = append(got, c.Scenario.Script[0].Act.(Wait).For)
	}
	if want := []time.Duration{time.Second, 3 * time.Second, 5 * time.Second}; !reflect.DeepEqual(got, want) {
		t.Errorf("values %v, want %v", got, want)
	}
}

func TestTheTitleOfAllCellsIsThatOfNone(t *testing.T) {
	s := mustParse(t, "title \"How long is $gap?\" \nnodes 1\nsweep gap = 1s..2s step 1s\nwait $gap\nend 3s\n")
	if got, want := s.Title(), "How long is $gap?"; got != want {
		t.Errorf("title of the file = %q, want %q", got, want)
	}
	if got, want := s.Cells()[1].Scenario.Title(), "How long is 2s?"; got != want {
		t.Errorf("title of a cell = %q, want %q", got, want)
	}
}
