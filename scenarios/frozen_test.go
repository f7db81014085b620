package scenarios_test

import (
	"testing"

	"sessionlab/lab/world"
	"sessionlab/scenarios/report"
	"sessionlab/scenarios/script"
)

// Whoever stops a frozen node, or ends the way it answers, goes on at once: the
// node does what it was told when it goes on.
func TestTheScriptDoesNotFreezeWithANode(t *testing.T) {
	t.Parallel()
	const text = `
title     A frozen node is stopped, another is told to answer
nodes     tomcat1 tomcat2
manager   StandardManager
proxy     round_robin
user      alice
answer    tomcat2 hang
meanwhile alice GET /session  on tomcat2
wait      20ms
pause     tomcat1 tomcat2
answer    tomcat2 ok
stop      tomcat1
expect    alice.requests == 0
resume    tomcat1 tomcat2
wait      until tomcat1 is down
wait      for alice
expect    alice.ok == 1
end       1s
`
	for kind, newWorld := range map[string]func(*script.Scenario) (world.World, error){"sim": inSim, "loopback": onLoopback} {
		r := run(t, "frozen", []byte(text), kind, newWorld)
		for _, e := range r.Expectations {
			if e.Holds != report.Holds {
				t.Errorf("%s: %s does not hold: %s", kind, e.Expr, e.Actual)
			}
		}
	}
}
