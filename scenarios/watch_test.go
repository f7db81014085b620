package scenarios_test

import (
	"strings"
	"testing"

	"sessionlab/scenarios"
	"sessionlab/scenarios/history"
	"sessionlab/scenarios/script"
)

func TestAWheneverThatCausesItsOwnEventEndsTheRun(t *testing.T) {
	sc, err := script.Parse("endless", []byte(`
nodes    1
user     alice
whenever tomcat1 is down  together start tomcat1; kill tomcat1
kill     tomcat1
alice    GET /session  100 times think=1s
end      1h
`))
	if err != nil {
		t.Fatal(err)
	}
	w, err := inSim(sc)
	if err != nil {
		t.Fatal(err)
	}
	requests := 0
	_, err = scenarios.Run(sc, scenarios.Options{World: w, Answered: func(*history.Record) { requests++ }})
	if want := "endless:4:1: it has fired 10000 times"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error = %v, want one that begins with %q", err, want)
	}
	if requests != 0 {
		t.Errorf("%d requests were sent after the mistake, want none", requests)
	}
}

func TestAStrikeThatHitNobodyIsNoStrike(t *testing.T) {
	r := run(t, "strike", []byte(`
nodes    2
proxy    round_robin
user     alice
every    100ms  kill tomcat2
alice    GET /session  2 times think=150ms
end      350ms
`), "sim", inSim)
	want := "line 5 did nothing: kill tomcat2: it is down (2 times)"
	if len(r.Reasons) != 1 || r.Reasons[0] != want {
		t.Errorf("reasons: got %q, want %q alone", r.Reasons, want)
	}
	told := 0
	for _, e := range r.Timeline {
		if strings.Contains(e.Text, "did nothing") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("the timeline tells %d times that a kill did nothing, want once", told)
	}
}

func TestWheneverQuietFiresOnceForEachCalm(t *testing.T) {
	passes(t, `
nodes    2
manager  DeltaManager
cluster  channelSendOptions=8
user     alice
user     bob
whenever quiet  bob GET /session
wait     20ms
expect   bob.requests == 1
hold     DELTA
alice    POST /counter
wait     20ms
release  DELTA
wait     20ms
expect   bob.requests == 2
end      1s
`)
}
