package scenarios_test

import (
	"fmt"
	"testing"

	"sessionlab/scenarios/report"
)

// judged runs a scenario in virtual time and shows what became of its
// expectations, and the verdict.
func judged(t *testing.T, text string) string {
	t.Helper()
	r := run(t, t.Name(), []byte(text), "sim", inSim)
	all := ""
	for _, e := range r.Expectations {
		word := map[report.Holding]string{report.Holds: "holds", report.False: "is false", report.NoData: "had no data"}[e.Holds]
		all += fmt.Sprintf("%d: %s: %s\n", e.Line, e.Expr, word)
	}
	return all + string(r.Verdict)
}

func TestOfManyJudgementsTheWorstCounts(t *testing.T) {
	const head = "nodes 1\nuser alice\n"
	for _, c := range []struct{ name, script, want string }{
		{
			"no data at first, then false",
			"every 100ms expect alice.last.status == 201\nwait 150ms\nalice GET /counter\n",
			"3: alice.last.status == 201: is false\nfail",
		},
		{
			"true, then false, then true again",
			"every 100ms expect alice.last.status == 200\nalice GET /counter\nwait 150ms\nalice GET /status/404\nwait 100ms\nalice GET /counter\n",
			"3: alice.last.status == 200: is false\nfail",
		},
		{
			"no data at first, then true",
			"every 100ms expect alice.last.status == 200\nwait 150ms\nalice GET /counter\n",
			"3: alice.last.status == 200: had no data\ninconclusive",
		},
		{
			"true again and again",
			"alice GET /counter\nevery 100ms expect alice.last.status == 200\n",
			"4: alice.last.status == 200: holds\npass",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := judged(t, head+c.script+"end 1s\n"); got != c.want {
				t.Errorf("judged:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

func TestEveryExpectationOfALineIsJudged(t *testing.T) {
	const head = "nodes 1\nuser alice\n"
	for _, c := range []struct{ name, script, want string }{
		{
			"the first false",
			"alice GET /counter\ntogether expect alice.last.status == 201; expect alice.requests == 1\n",
			"4: alice.last.status == 201: is false\n4: alice.requests == 1: holds\nfail",
		},
		{
			"the first without data, the second false",
			"together expect alice.last.status == 200; expect alice.requests == 1\n",
			"3: alice.last.status == 200: had no data\n3: alice.requests == 1: is false\nfail",
		},
		{
			"both true",
			"alice GET /counter\ntogether expect alice.last.status == 200; expect alice.requests == 1\n",
			"4: alice.last.status == 200: holds\n4: alice.requests == 1: holds\npass",
		},
		{
			"never reached",
			"after 2s together expect alice.requests == 0; expect alice.failed == 0\n",
			"3: alice.requests == 0: had no data\n3: alice.failed == 0: had no data\ninconclusive",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := judged(t, head+c.script+"end 1s\n"); got != c.want {
				t.Errorf("judged:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}
