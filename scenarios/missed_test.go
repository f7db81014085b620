package scenarios_test

import (
	"slices"
	"strings"
	"testing"

	"sessionlab/scenarios/report"
)

// A fault whose time does not come, and a line that the script does not come to,
// have tested nothing.
func TestWhatTheEndLeavesUndoneIsInconclusive(t *testing.T) {
	for _, c := range []struct{ script, because string }{
		{"after 5s kill tomcat1", "line 4: its time never came: after 5s kill tomcat1"},
		{"wait 2s\nafter 2s kill tomcat1", "line 5: its time never came: after 2s kill tomcat1"},
		{"when alice is answered after 3s kill tomcat1\nalice GET /session", "line 4: its time never came: when alice is answered after 3s kill tomcat1"},
		{"every 4s alice GET /session", "line 4: its time never came: every 4s alice GET /session"},
		{"at 1s after 3s alice GET /session", "line 4: its time never came: at 1s after 3s alice GET /session"},
		{"wait 5s\nalice GET /session", "the end came before line 5: alice GET /session"},
		{"wait 5s\nkill tomcat1\nexpect alice.requests == 0\nat 1s alice GET /session\nstart tomcat1",
			"line 6: alice.requests == 0 was never reached; the end came before line 5: kill tomcat1 (and 1 more)"},
		{"answer tomcat1 500 1 time", "line 4 (answer tomcat1 500 1 time) met no request"},
		{"answer tomcat1 close\nanswer tomcat1 ok\nalice GET /session", "line 4 (answer tomcat1 close) met no request"},
		{"answer tomcat1 close\nanswer tomcat1 503\nalice GET /session", "line 4 (answer tomcat1 close) met no request"},
		{"answer tomcat1 503\nalice GET /session", ""},
		{"whenever alice is answered alice GET /session\nalice GET /session", "line 4 was not finished at the end: whenever alice is answered alice GET /session"},
		{"wait 5s\nwait 2s", ""},
		{"every 2s alice GET /session", ""},
		{"whenever alice is answered after 500ms expect alice.failed == 0\nevery 2s alice GET /session\nat 2900ms alice GET /session", ""},
		{"every 1s when alice is answered expect alice.failed == 0\nevery 1s alice GET /session", ""},
	} {
		r := run(t, t.Name(), []byte("nodes 1\nmanager StandardManager\nuser alice\n"+c.script+"\nend 3s\nexpect alice.requests >= 0\n"), "sim", inSim)
		got := strings.Join(r.Reasons, "; ")
		want := report.Inconclusive
		if c.because == "" {
			want = report.Pass
		}
		if got != c.because || r.Verdict != want {
			t.Errorf("%q: %s because %q, want %s because %q", c.script, r.Verdict, got, want, c.because)
		}
	}
}

func TestALineThatWaitsTwiceForItsEventIsToldOnce(t *testing.T) {
	r := run(t, t.Name(), []byte(`
nodes    1
every 1s when tomcat1 is down start tomcat1
end      4s
`), "sim", inSim)
	if want := []string{"line 3: its event never came: every 1s when tomcat1 is down start tomcat1"}; !slices.Equal(r.Reasons, want) {
		t.Errorf("reasons %q, want %q", r.Reasons, want)
	}
}
