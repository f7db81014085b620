package scenarios_test

import (
	"slices"
	"strings"
	"testing"

	"sessionlab/scenarios/report"
)

// A fault that never touched anything must not come out green, and one that did
// is no reason to doubt a result.
func TestAFaultThatTouchedNothingIsAReason(t *testing.T) {
	for _, row := range []struct{ name, script, want string }{
		{"a kill, and a request by way of the proxy", "kill tomcat2\nalice GET /session  2 times\n", ""},
		{"a kill, and a request straight to the node", "kill tomcat2\nalice GET /session  on tomcat2\n", ""},
		{"a kill of the node of a session", "alice POST /counter  on tomcat2\nkill tomcat2\nalice GET /session  on tomcat1\n", ""},
		{"a kill under a request", "meanwhile alice GET /session?ms=100  on tomcat2\nwait 50ms\nkill tomcat2\n", ""},
		{"a kill, and heartbeats only", "kill tomcat2\nalice GET /session  on tomcat1\n",
			"line 6: after the kill of tomcat2 nobody needed it: no request, message or session"},
		{"a kill after the logout from the node", "alice POST /counter  on tomcat2\nalice GET /logout  on tomcat2\nwait until quiet\nkill tomcat2\nalice GET /session  on tomcat1\n",
			"line 9: after the kill of tomcat2 nobody needed it: no request, message or session"},
		{"a partition that a request met", "partition proxy | tomcat2\nalice GET /session  2 times timeout=100ms\n", ""},
		{"a partition that only an earlier one was met", "partition proxy | tomcat2\nalice GET /session  2 times timeout=100ms\nheal\npartition proxy | tomcat2\n",
			"line 9 (partition proxy | tomcat2) cut off no message"},
		{"a rule", "drop DELTA from tomcat1 to tomcat2 50%\n", "line 6 (drop DELTA from tomcat1 to tomcat2 50%) touched no message"},
		{"an event that never came", "when tomcat1 is down  kill tomcat2\n", "line 6: its event never came: when tomcat1 is down kill tomcat2"},
		{"an event that only the last look brings", "alice POST /counter  on tomcat1\nwhen alice is answered  kill tomcat2\n",
			"line 7: its event never came: when alice is answered kill tomcat2"},
		{"a state of a node that is down", "alice GET /session  on tomcat1\nkill tomcat1\nalice GET /session  on tomcat1\nwhen tomcat1 misses tomcat2  alice GET /session  on tomcat1\n",
			"line 9: its event never came: when tomcat1 misses tomcat2 alice GET /session on tomcat1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := run(t, "touch", []byte(`nodes    2
manager  DeltaManager
membership StaticMembershipService
proxy    round_robin
user     alice
`+row.script+"end 5s\nexpect alice.requests >= 0\n"), "sim", inSim)
			reasons := slices.DeleteFunc(slices.Clone(r.Reasons), func(s string) bool { return strings.Contains(s, "was not finished") })
			if got := strings.Join(reasons, "\n"); got != row.want {
				t.Errorf("reasons: %q, want %q", got, row.want)
			}
			if r.Verdict == report.Fail || (r.Verdict == report.Pass) != (len(r.Reasons) == 0) {
				t.Errorf("verdict %v with reasons %q", r.Verdict, r.Reasons)
			}
		})
	}
}

func TestSessionsOnANodeAreThoseThatWereLastSeenThere(t *testing.T) {
	passes(t, `
nodes    2
manager  DeltaManager
cluster  channelSendOptions=6
user     alice
user     bob
alice    POST /counter  on tomcat1
bob      POST /counter  on tomcat1
expect   sessions.on(tomcat1) == 2 and sessions.on(tomcat2) == 0
bob      GET /session  on tomcat2
expect   sessions.on(tomcat1) == 1 and sessions.on(tomcat2) == 1
alice    GET /logout  on tomcat1
expect   sessions.on(tomcat1) == 0 and sessions.on(tomcat2) == 1
bob      GET /session  on tomcat1
end      1s
# The last looks go by way of the proxy: alice meets tomcat1, bob tomcat2.
expect   sessions.on(tomcat1) == 1 and sessions.on(tomcat2) == 0
`)
}

// A heartbeat goes to everybody, and needs nobody.
func TestAHeartbeatThatIsLostOnItsWayToAFrozenNodeIsNoNeedOfIt(t *testing.T) {
	r := run(t, "heartbeat", []byte(`nodes 2
manager  DeltaManager
user     alice
pause    tomcat2
drop     HEARTBEAT to tomcat2
wait     1s
resume   tomcat2
end      2s
`), "sim", inSim)
	want := "line 4: after the pause of tomcat2 nobody needed it: no request, message or session"
	if len(r.Reasons) != 1 || r.Reasons[0] != want {
		t.Errorf("reasons: %q, want %q alone", r.Reasons, want)
	}
}
