package scenarios_test

import (
	"testing"

	"sessionlab/scenarios/report"
)

// passes runs a scenario in virtual time; all that it expects must hold.
func passes(t *testing.T, text string) {
	t.Helper()
	if r := run(t, t.Name(), []byte(text), "sim", inSim); r.Verdict != report.Pass {
		t.Errorf("verdict = %s, want pass\n%s", r.Verdict, textOf(t, r))
	}
}

func TestWaitCountsRequestsThatHaveNotBeenSentYet(t *testing.T) {
	passes(t, `
title     A wait stands right behind what it waits for
nodes     1
manager   StandardManager
proxy     round_robin
user      alice
meanwhile alice GET /counter?ms=400 as short
meanwhile alice GET /counter?ms=600 as long
wait      for alice.short
expect    alice.requests == 1
wait      for alice
expect    alice.requests == 2
end       2s
`)
}

// The new name of a session is on its way to a node that has just rewritten the
// request's id to the old one: the page finds neither. Only sends that do not
// wait do this, and only with the valve.
func TestRouteChangeOnEveryHopLosesWholeSessions(t *testing.T) {
	for _, c := range []struct{ name, times, set, want string }{
		{"asynchronous", "2999", "cluster channelSendOptions=8", "alice.new_sessions > 10 and alice.new_sessions < 40"},
		{"synchronous", "599", "cluster channelSendOptions=6", "alice.new_sessions == 1 and alice.last.count == 600"},
		{"without the valve", "599", "cluster channelSendOptions=8\nvalve JvmRouteBinderValve enabled=false", "alice.new_sessions == 1 and alice.last.count < 560"},
	} {
		t.Run(c.name, func(t *testing.T) {
			passes(t, `
title    Round robin, and a user who does not stop to think
nodes    2
manager  DeltaManager
`+c.set+`
proxy    round_robin
user     alice
alice    POST /counter
wait     until quiet
alice    POST /counter  `+c.times+` times
end      4s
expect   `+c.want+`
`)
		})
	}
}
