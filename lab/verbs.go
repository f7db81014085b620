package lab

import (
	"context"
	"fmt"
	"time"

	"sessionlab/lab/fault"
)

func (l *Lab) known(verb, name string) (*node, error) {
	if n := l.nodes[name]; n != nil {
		return n, nil
	}
	return nil, fmt.Errorf("%s %s: no such node", verb, name)
}

// Kill ends a node, or the proxy, as kill -9 does.
func (l *Lab) Kill(name string) error {
	if !l.world.Up(name) {
		return fmt.Errorf("kill %s: it is down", name)
	}
	l.did(l.now(), "kill", name, "%s is killed", name)
	if n := l.nodes[name]; n != nil {
		n.gone()
	} else if name == ProxyName {
		l.nobodyTries()
	}
	err := l.world.Kill(name)
	l.emit(&Event{Kind: Down, Host: name})
	return err
}

// Stop begins a graceful stop of a node; it is down when its sessions are
// saved and its cluster has been told.
func (l *Lab) Stop(name string) error { return l.stop("stop", name) }

func (l *Lab) stop(verb, name string) error {
	n, err := l.known(verb, name)
	if err != nil {
		return err
	}
	op := l.world.Operator()
	ended := op.NewSignal()
	n.mu.Lock()
	app, h := n.app, n.host
	if app == nil || n.stopping {
		n.mu.Unlock()
		return fmt.Errorf("%s %s: it is not up", verb, name)
	}
	n.stopping, n.ended = true, ended
	n.mu.Unlock()
	l.did(l.now(), "stop", name, "%s is stopped gracefully", name)
	h.Go("stop", func(ctx context.Context) {
		if err := app.Stop(ctx); err != nil {
			l.tell(Broken, name, "the stop of %s: %v", name, err)
		}
		if s := app.Status().Replication; s != nil {
			l.replicationTold(name, *s)
		}
		ended.Set()
	})
	// The process ends from outside: its own tasks could not see to that.
	op.Go("stop "+name, func(ctx context.Context) {
		if ended.Wait(ctx) != nil || n.machine() != h || !l.world.Up(name) {
			return // it was killed in the meantime
		}
		n.gone()
		if l.world.Kill(name) == nil {
			l.tell(Down, name, "%s is down", name)
		}
	})
	return nil
}

// StartNode begins to start a node that is down: the JVM, in its middle the port
// and the cluster's channel, then the state transfer. At last it answers.
func (l *Lab) StartNode(name string) error {
	n, err := l.known("start", name)
	if err != nil {
		return err
	}
	if l.world.Up(name) {
		return fmt.Errorf("start %s: it is up", name)
	}
	l.did(l.now(), "start", name, "%s is started", name)
	return l.boot(n)
}

// Restart begins a graceful stop and starts the node as soon as it is down.
func (l *Lab) Restart(name string) error {
	if err := l.stop("restart", name); err != nil {
		return err
	}
	op := l.world.Operator()
	op.Go("restart "+name, func(ctx context.Context) {
		for l.world.Up(name) {
			if op.Sleep(ctx, time.Millisecond) != nil {
				return
			}
		}
		if err := l.StartNode(name); err != nil {
			l.tell(Broken, name, "%v", err)
		}
	})
	return nil
}

// Pause freezes a node or the proxy, as SIGSTOP does.
func (l *Lab) Pause(name string) error {
	at := l.now()
	if err := l.world.Pause(name); err != nil {
		return err
	}
	l.did(at, "pause", name, "%s is frozen", spoken(name))
	return nil
}

// Resume lets a frozen machine go on.
func (l *Lab) Resume(name string) error {
	at := l.now()
	if err := l.world.Resume(name); err != nil {
		return err
	}
	l.did(at, "resume", name, "%s goes on", spoken(name))
	return nil
}

// Skew sets how far a machine's wall clock is ahead.
func (l *Lab) Skew(name string, ahead time.Duration) error {
	at := l.now()
	if err := l.world.Skew(name, ahead); err != nil {
		return err
	}
	if name == ProxyName {
		l.mu.Lock()
		l.proxyAhead = ahead
		l.mu.Unlock()
	}
	if ahead < 0 {
		l.did(at, "skew", name, "the clock of %s is set %v back", spoken(name), -ahead)
	} else {
		l.did(at, "skew", name, "the clock of %s is set %v ahead", spoken(name), ahead)
	}
	return nil
}

// Answer makes a node answer in a certain way; see appnode.Node.Answer.
func (l *Lab) Answer(name, kind string, count int, cookies ...string) error {
	n, err := l.known("answer", name)
	if err != nil {
		return err
	}
	n.mu.Lock()
	app := n.app
	n.mu.Unlock()
	if app == nil {
		return fmt.Errorf("answer %s: it is not up", name)
	}
	if kind == "ok" {
		l.did(l.now(), "answer_ok", name, "%s answers again as it should", name)
	} else {
		l.did(l.now(), "answer", name, "%s is made to answer %s%s", name, kind, times(count))
	}
	return app.Answer(kind, count, cookies...)
}

func times(n int) string {
	switch n {
	case 0:
		return " from now on"
	case 1:
		return " once"
	}
	return fmt.Sprintf(" %d times", n)
}

// Faults is the table of what happens to messages.
func (l *Lab) Faults() *fault.Table { return l.world.Faults() }

// spoken is a machine's name within a sentence.
func spoken(name string) string {
	if name == ProxyName {
		return "the proxy"
	}
	return name
}
