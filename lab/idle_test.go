package lab_test

import (
	"testing"
	"time"

	"sessionlab/lab"
)

func TestANodeIsIdleOnceAllIsAnswered(t *testing.T) {
	run(t, plan("a"), func(r *room) {
		idle := func() bool { return r.WhileIdle("a", func() {}) }
		if !idle() || r.Pending("a") != 0 {
			t.Errorf("idle at first: %v, %d pending, want true, 0", idle(), r.Pending("a"))
		}
		r.meanwhile(r.NodeAddr("a"), "/counter?ms=100")
		r.meanwhile(r.Front(), "/counter?ms=200")
		r.wait(50 * time.Millisecond)
		if idle() || r.Pending("a") != 2 {
			t.Errorf("idle under two requests: %v, %d pending, want false, 2", idle(), r.Pending("a"))
		}
		r.wait(100 * time.Millisecond)
		if idle() || r.Pending("a") != 1 {
			t.Errorf("idle under one request: %v, %d pending, want false, 1", idle(), r.Pending("a"))
		}
		r.wait(100 * time.Millisecond)
		if !idle() {
			t.Errorf("idle when both are answered: false, %d pending", r.Pending("a"))
		}
		r.do(r.Stop("a"))
		if idle() {
			t.Error("a node that stops is idle, want not up")
		}
	})
}

func TestWhatAKilledNodeWasAskedIsForgotten(t *testing.T) {
	run(t, plan("a"), func(r *room) {
		r.meanwhile(r.NodeAddr("a"), "/counter?ms=1000")
		r.wait(50 * time.Millisecond)
		r.do(r.Kill("a"))
		if got := r.Pending("a"); got != 0 {
			t.Errorf("%d requests pending on a dead node, want 0", got)
		}
		r.do(r.StartNode("a"))
		r.wait(500 * time.Millisecond)
		if !r.WhileIdle("a", func() {}) {
			t.Errorf("the new process is not idle: %d requests pending", r.Pending("a"))
		}
	})
}

func TestAttemptsOfADeadProxyAreForgotten(t *testing.T) {
	run(t, plan("a"), func(r *room) {
		r.do(r.Answer("a", "hang", 1))
		r.meanwhile(r.Front(), "/counter")
		r.wait(50 * time.Millisecond)
		r.do(r.Kill(lab.ProxyName))
		r.do(r.Answer("a", "ok", 0))
		r.wait(50 * time.Millisecond)
		if !r.WhileIdle("a", func() {}) {
			t.Errorf("the node is not idle: %d requests pending", r.Pending("a"))
		}
	})
}

func TestIdleIsToldWhenTheLastAnswerHasLeft(t *testing.T) {
	var told []time.Duration
	run(t, plan("a"), func(r *room) {
		r.Watch(func(e lab.Event) {
			if e.Kind == lab.Idle {
				told = append(told, e.At.Round(50*time.Millisecond))
			}
		})
		r.meanwhile(r.NodeAddr("a"), "/counter?ms=100")
		r.meanwhile(r.NodeAddr("a"), "/counter?ms=200")
		r.wait(time.Second)
	})
	if len(told) != 1 || told[0] != 200*time.Millisecond {
		t.Errorf("idle was told at %v, want once at about 200ms", told)
	}
}

// Between the proxy's choice and the request's leaving nothing is on the wire yet.
func TestANodeThatTheProxyHasChosenIsNotIdle(t *testing.T) {
	tries := 0
	run(t, plan("a"), func(r *room) {
		r.Watch(func(e lab.Event) {
			if e.Kind != lab.Tries {
				return
			}
			tries++
			if r.Pending("a") != 0 || r.WhileIdle("a", func() {}) {
				t.Errorf("at the choice %d requests are pending and the node is idle, want none and not idle", r.Pending("a"))
			}
		})
		r.get(r.Front(), "/counter")
	})
	if tries != 1 {
		t.Errorf("the proxy tried %d times, want once", tries)
	}
}
