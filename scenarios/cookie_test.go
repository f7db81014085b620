package scenarios_test

import (
	"testing"

	"sessionlab/lab/world"
	"sessionlab/scenarios/report"
	"sessionlab/scenarios/script"
)

// everywhere runs a scenario in both worlds; all that it expects must hold.
func everywhere(t *testing.T, text string) {
	t.Helper()
	t.Parallel()
	for kind, newWorld := range map[string]func(*script.Scenario) (world.World, error){"sim": inSim, "loopback": onLoopback} {
		if r := run(t, t.Name(), []byte(text), kind, newWorld); r.Verdict != report.Pass {
			t.Errorf("%s: verdict = %s, want pass\n%s", kind, r.Verdict, textOf(t, r))
		}
	}
}

const twoPeople = `
nodes    1
proxy    round_robin
user     alice
user     bob
`

func TestARequestPresentsTheCookiesThatItsLineSays(t *testing.T) {
	everywhere(t, twoPeople+`
alice    POST /counter
remember old = alice.last.session
bob      GET /session  cookie=alice
expect   bob.last.count == 1 and bob.last.session == old
bob      GET /session  cookie=old
expect   bob.last.count == 1
bob      GET /session  cookie="JSESSIONID=0123456789ABCDEF; theme=dark"
expect   bob.last.session == "" and bob.last.status == 200
bob      GET /session
expect   bob.last.session == ""
alice    POST /counter  cookie=none
expect   alice.last.count == 1 and alice.last.new == true
alice    POST /counter
expect   alice.last.count == 2
end      1s
expect   sessions.leaked == 1 and sessions.lost == 0 and sessions.kept == 2
`)
}

// An id from before the login leads nowhere, as it should: nobody lost anything.
func TestAnOldIdThatLeadsNowhereIsNoLoss(t *testing.T) {
	everywhere(t, twoPeople+`
alice    POST /counter
remember old = alice.last.session
alice    GET /login?user=alice
alice    GET /session  cookie=old
expect   alice.last.session == ""
alice    POST /counter cookie=old
expect   alice.last.count == 1 and alice.last.new == true
alice    GET /session
end      1s
expect   sessions.lost == 0 and sessions.kept == 2 and alice.last.count == 1
`)
}

func TestAWriteIntoAStolenSessionIsALeakOnBothSides(t *testing.T) {
	everywhere(t, twoPeople+`
alice    POST /counter
bob      POST /counter  cookie=alice
alice    GET /session
end      1s
expect   sessions.leaked == 2 and requests.duplicated == 0 and alice.last.count == 2
`)
}

// One who logs out with another's cookie ends that other's session.
func TestALogoutWithAStolenCookieEndsTheSession(t *testing.T) {
	everywhere(t, twoPeople+`
alice    POST /counter
bob      GET /logout  cookie=alice
alice    GET /session
expect   alice.last.session == ""
end      1s
expect   sessions.lost == 1
`)
}

func TestALineWhoseSessionWasNeverRememberedIsNotSent(t *testing.T) {
	r := run(t, "unsent", []byte(twoPeople+`
alice    GET /session
remember old = alice.last.session
bob      GET /session  cookie=old
end      1s
expect   alice.ok == 1
`), "sim", inSim)
	want := "line 9 was not sent: no session was remembered for it: bob GET /session cookie=old"
	if r.Verdict != report.Inconclusive || len(r.Reasons) != 1 || r.Reasons[0] != want {
		t.Errorf("got %s because of %q, want inconclusive because of %q alone", r.Verdict, r.Reasons, want)
	}
}

// Nobody in the lab speaks https: a browser keeps such a cookie and never sends it.
func TestASecureCookieIsNotSentOverHTTP(t *testing.T) {
	everywhere(t, `
nodes    a
user     bob
bob      POST /counter
bob      POST /counter
expect   bob.last.new == true and bob.last.count == 1
end      1s
expect   sessions.lost == 1
-- nginx.conf --
events {}
http {
    upstream pool { server a:8080; }
    server { listen 80; location / { proxy_cookie_flags ~ secure; proxy_pass http://pool; } }
}
`)
}
