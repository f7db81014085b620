package scenarios_test

import (
	"strings"
	"testing"

	"sessionlab/scenarios"
	"sessionlab/scenarios/script"
)

// followed is what a run in virtual time tells of one, a line each.
func followed(t *testing.T, text, who string) string {
	t.Helper()
	sc, err := script.Parse(t.Name(), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	w, err := inSim(sc)
	if err != nil {
		t.Fatal(err)
	}
	res, err := scenarios.Run(sc, scenarios.Options{World: w})
	if err != nil {
		t.Fatal(err)
	}
	if who == "" {
		who = res.History.Requests[0].Session
	}
	events, err := res.Follow(who)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range events {
		b.WriteString(e.Text + "\n")
	}
	return b.String()
}

// A login gives a session a new id: what was sent under the old one is its story, too.
func TestASessionIsFollowedThroughItsLogin(t *testing.T) {
	got := followed(t, "nodes a b\nmanager DeltaManager\ncluster channelSendOptions=6\nuser bob\nbob GET /login?user=bob\nend 1s\n", "")
	for _, kind := range []string{"the CREATED of ", "the CHANGE_ID of ", "the DELTA of "} {
		if !strings.Contains(got, kind) {
			t.Errorf("nothing of %q in:\n%s", kind, got)
		}
	}
}

func TestAnAnswerCutShortIsToldAsSuch(t *testing.T) {
	got := followed(t, "nodes a\nmanager StandardManager\nproxy round_robin proxy_http_version=1.1\nuser bob\nmeanwhile bob GET /session?ms=500&flush=1 as x\nwait 100ms\nkill a\nwait for bob.x\nend 1s\n", "bob")
	if want := "-> 200, cut short (cut)"; !strings.Contains(got, want) {
		t.Errorf("told\n%swant %q", got, want)
	}
}
