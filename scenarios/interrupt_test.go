package scenarios_test

import (
	"slices"
	"strings"
	"testing"

	"sessionlab/scenarios"
	"sessionlab/scenarios/history"
	"sessionlab/scenarios/script"
)

// interrupted runs a scenario in virtual time and interrupts it when
// Options.Interrupted has been called after times.
func interrupted(t *testing.T, text string, after int) *scenarios.Result {
	t.Helper()
	sc, err := script.Parse(t.Name(), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	w, err := inSim(sc)
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	res, err := scenarios.Run(sc, scenarios.Options{World: w, Interrupted: func() bool { asked++; return asked > after }})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func audits(res *scenarios.Result) (read, answered int) {
	for _, r := range res.History.Requests {
		if r.Audit {
			read++
			if r.Answered() {
				answered++
			}
		}
	}
	return read, answered
}

const threeUsers = `
nodes    2
manager  StandardManager
proxy    round_robin sticky=route
users    3 think=20ms
`

func TestAnInterruptedRunIsAuditedAllTheSame(t *testing.T) {
	res := interrupted(t, threeUsers+"end 1h\n", 20)
	if read, answered := audits(res); read != 3 || answered != 3 {
		t.Errorf("last looks: got %d readings, %d answered, want 3 of each", read, answered)
	}
	if want := "it was interrupted after 1.05s of 1h0m0s"; len(res.Reasons) != 1 || res.Reasons[0] != want {
		t.Errorf("reasons: got %q, want %q alone", res.Reasons, want)
	}
}

func TestAnInterruptedRunDoesNotJudgeWhatTheEndDecides(t *testing.T) {
	res := interrupted(t, threeUsers+"expect requests.failed == 0\nend 1h\nexpect requests.failed == 0\nexpect requests.failed > 0\n", 20)
	var got []script.Outcome
	for _, e := range res.Expectations {
		got = append(got, e.Outcome)
	}
	if want := []script.Outcome{script.Holds, script.NoData, script.NoData}; !slices.Equal(got, want) {
		t.Errorf("outcomes: got %v, want %v: only the first stands before the end", got, want)
	}
}

func TestTheAuditOfAnInterruptedRunDoesNotWaitForEver(t *testing.T) {
	res := interrupted(t, threeUsers+"wait 500ms\npause tomcat1 tomcat2\nend 1h\n", 20)
	if read, answered := audits(res); read != 1 || answered != 0 {
		t.Errorf("last looks at frozen nodes: got %d readings, %d answered, want one without an answer", read, answered)
	}
	want := "the last look was cut short: 2 of 3 readings missing"
	if all := strings.Join(res.Reasons, "\n"); !strings.Contains(all, want) {
		t.Errorf("reasons: got %q, want %q among them", res.Reasons, want)
	}
	if res.Took.Seconds() > 6 {
		t.Errorf("it took %v of the lab's time after an interruption at 1 s", res.Took)
	}
}

func TestThoseWithoutAnAnswerAreToldInOneLine(t *testing.T) {
	r := run(t, "waiting", []byte(`
nodes    1 maxThreads=1
users    9 think=1ms
answer   tomcat1 hang
end      100ms
`), "sim", inSim)
	want := "no answer had come at the end to requests of user1, user2, user3, user4, user5 and 4 more users"
	if len(r.Reasons) != 1 || r.Reasons[0] != want {
		t.Errorf("reasons: got %q, want %q alone", r.Reasons, want)
	}
}

// The end of a run is no reason why a node did not start.
func TestANodeThatIsStartingAtTheEndIsNotBlamed(t *testing.T) {
	t.Parallel()
	r := run(t, t.Name(), []byte(`
nodes    1 cold=yes start=800ms
manager  DeltaManager
end      600ms
`), "loopback", onLoopback)
	for _, e := range r.Timeline {
		if strings.Contains(e.Text, "did not start") {
			t.Errorf("the timeline says %q", e.Text)
		}
	}
}

func TestARunWhoseWorldIsInterruptedIsJudgedByWhatThereIs(t *testing.T) {
	sc, err := script.Parse(t.Name(), []byte(threeUsers+"user bob\nbob POST /counter\nend 1h\nexpect requests.failed == 0 and bob.copies == 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := inSim(sc)
	if err != nil {
		t.Fatal(err)
	}
	finished := 0
	res, err := scenarios.Run(sc, scenarios.Options{World: w, Answered: func(*history.Record) {
		if finished++; finished == 100 {
			w.Interrupt()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(res.History.Requests); !res.Interrupted || n < 100 || n > 1000 {
		t.Errorf("got interrupted=%v with %d requests, want an interrupted run with not many more than 100", res.Interrupted, n)
	}
	if read, _ := audits(res); read != 0 {
		t.Errorf("last looks: got %d readings, want none", read)
	}
	if e := res.Expectations[0]; e.Outcome != script.NoData {
		t.Errorf("outcome of an expectation after the end: got %v, want no data", e.Outcome)
	}
	want := "there was no last look"
	if all := strings.Join(res.Reasons, "\n"); !strings.Contains(all, want) {
		t.Errorf("reasons: got %q, want %q among them", res.Reasons, want)
	}
}
