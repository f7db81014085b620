package scenarios_test

import (
	"strings"
	"testing"

	"sessionlab/lab/world"
	"sessionlab/scenarios/report"
	"sessionlab/scenarios/script"
)

// skipping is a scenario that expects what is false; the location /app/ of its
// nginx.conf has one more line.
func skipping(script, line string) []byte {
	return []byte(`nodes 1
manager StandardManager
user alice
` + script + `
end 200ms
expect alice.ok == 7
-- nginx.conf --
events {}
http {
	server {
		location / { proxy_pass http://tomcat1:8080; }
		location /app/ {
			` + line + `
			proxy_pass http://tomcat1:8080/;
		}
	}
}
`)
}

func TestARequestThatPassesASkippedLineMakesTheRunVoid(t *testing.T) {
	for _, row := range []struct {
		script, line string
		verdict      report.Verdict
		void, notes  string
	}{
		{"alice GET /app/session", "deny all;", report.Inconclusive,
			"c:13:4: deny is not simulated, and 1 request passed it: nginx answers 403 to addresses that are shut out", ""},
		{"alice GET /app/session 3 times", "auth_basic x;", report.Inconclusive,
			"c:13:4: auth_basic is not simulated, and 3 requests passed it: nginx answers 401 without name and password", ""},
		{"alice GET /session", "deny all;", report.Fail, "", "c:13:4: deny is not simulated; no request that it concerns came"},
		{"alice GET /app/session", "expires 1h;", report.Fail, "", ""},
		{"alice GET /app/session", "auth_basic off;", report.Fail, "", ""},
	} {
		for kind, newWorld := range map[string]func(*script.Scenario) (world.World, error){"sim": inSim, "loopback": onLoopback} {
			r := run(t, "c", skipping(row.script, row.line), kind, newWorld)
			if r.Verdict != row.verdict {
				t.Errorf("%s: %q before %q: verdict %q, want %q", kind, row.script, row.line, r.Verdict, row.verdict)
			}
			if got := strings.Join(r.Void, "; "); got != row.void {
				t.Errorf("%s: %q before %q: void because %q, want %q", kind, row.script, row.line, got, row.void)
			}
			if got := strings.Join(r.Notes, "; "); got != row.notes {
				t.Errorf("%s: %q before %q: notes %q, want %q", kind, row.script, row.line, got, row.notes)
			}
			if told := strings.Contains(textOf(t, r), "a request passes "); told != (row.void != "") {
				t.Errorf("%s: %q before %q: the timeline tells that a request has passed: %v", kind, row.script, row.line, told)
			}
		}
	}
}
