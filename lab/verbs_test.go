package lab_test

import (
	"strings"
	"testing"
	"time"

	"sessionlab/appnode"
	"sessionlab/lab"
)

func TestAVerbThatCannotBeDoneSaysWhy(t *testing.T) {
	run(t, plan("a", "b"), func(r *room) {
		r.do(r.Kill("a"))
		r.do(r.Stop("b")) // takes its time
		for _, row := range []struct {
			err  error
			want string
		}{
			{r.Kill("a"), "kill a: it is down"},
			{r.Stop("a"), "stop a: it is not up"},
			{r.Restart("a"), "restart a: it is not up"},
			{r.Answer("a", "404", 1), "answer a: it is not up"},
			{r.Stop("b"), "stop b: it is not up"},
			{r.StartNode("b"), "start b: it is up"},
			{r.Kill("c"), "kill c: it is down"},
			{r.Stop("c"), "stop c: no such node"},
			{r.StartNode("c"), "start c: no such node"},
			{r.Restart(lab.ProxyName), "restart proxy: no such node"},
			{r.Answer("c", "404", 1), "answer c: no such node"},
			{r.Pause("a"), "pause a: it is down"},
			{r.Resume("b"), "resume b: it is not paused"},
			{r.Skew("c", time.Second), "skew c: no such machine"},
		} {
			if row.err == nil || row.err.Error() != row.want {
				t.Errorf("error = %v, want %s", row.err, row.want)
			}
		}
	})
}

func TestAVerbThatFailsIsNotTold(t *testing.T) {
	var told []string
	run(t, plan("a"), func(r *room) {
		r.Watch(func(e lab.Event) {
			if e.Text != "" {
				told = append(told, e.Text)
			}
		})
		for _, err := range []error{r.Skew("nobody", time.Second), r.Pause("nobody"), r.Kill("nobody"), r.Stop("nobody")} {
			if err == nil {
				t.Error("a verb on nobody did something")
			}
		}
		r.do(r.Skew("a", -time.Second))
		r.do(r.Skew("a", time.Second))
		r.do(r.Pause(lab.ProxyName))
		r.do(r.Resume(lab.ProxyName))
		r.do(r.Answer("a", "404", 2))
		r.do(r.Answer("a", "ok", 0))
	})
	want := []string{
		"the clock of a is set 1s back", "the clock of a is set 1s ahead", "the proxy is frozen", "the proxy goes on",
		"a is made to answer 404 2 times", "a answers again as it should",
	}
	if got := strings.Join(told, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("told:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

func TestANodeThatStopsIsNeitherUpNorDown(t *testing.T) {
	run(t, plan("a"), func(r *room) {
		seen := func() string {
			s := string(r.state("a"))
			if r.Up("a") {
				s += " Up"
			}
			if r.Down("a") {
				s += " Down"
			}
			if r.Node("a") != nil {
				s += " Node"
			}
			return s
		}
		is := func(want string) {
			t.Helper()
			if got := seen(); got != want {
				t.Errorf("the node is %q, want %q", got, want)
			}
		}
		is("up Up Node")
		r.do(r.Stop("a"))
		is("stopping Node")
		r.wait(100 * time.Millisecond)
		is("down Down")
		r.do(r.StartNode("a"))
		is("starting")
		r.wait(200 * time.Millisecond)
		is("up Up Node")
	})
}

// The end of a stop takes the process down from outside; it must be that process.
func TestTheStopOfAProcessThatWasKilledLeavesTheNextOneAlone(t *testing.T) {
	run(t, plan("a"), func(r *room) {
		r.do(r.Stop("a"))
		r.do(r.Kill("a"))
		r.do(r.StartNode("a"))
		r.wait(time.Second)
		if !r.Up("a") {
			t.Errorf("a is %s a second after its start, want up", r.state("a"))
		}
	})
}

func TestARestartStopsAndStarts(t *testing.T) {
	run(t, plan("a"), func(r *room) {
		r.do(r.Restart("a"))
		if got := r.state("a"); got != lab.NodeStopping {
			t.Errorf("a is %s, want stopping", got)
		}
		r.wait(time.Second)
		if !r.Up("a") {
			t.Errorf("a is %s, want up", r.state("a"))
		}
	})
}

// A clock that the plan sets wrong is the operator's from then on, restarts
// included.
func TestAPlannedSkewIsMadeOnce(t *testing.T) {
	p := plan("a")
	p.Nodes[0].Skew = time.Hour
	run(t, p, func(r *room) {
		ahead := func() time.Duration {
			t.Helper()
			var a appnode.Answer
			if err := appnode.ParseAnswer([]byte(r.get(r.NodeAddr("a"), "/counter")), &a); err != nil {
				t.Fatal(err)
			}
			return time.UnixMilli(a.Created).Sub(r.op.Now()).Round(time.Minute)
		}
		if got := ahead(); got != time.Hour {
			t.Errorf("the clock is %v ahead, want 1h as planned", got)
		}
		r.do(r.Skew("a", 2*time.Hour))
		r.do(r.Kill("a"))
		r.do(r.StartNode("a"))
		r.wait(time.Second)
		if got := ahead(); got != 2*time.Hour {
			t.Errorf("the clock is %v ahead after a restart, want the operator's 2h", got)
		}
	})
}
