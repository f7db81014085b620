package lab

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"sessionlab/appnode"
	"sessionlab/lab/world"
	"sessionlab/sessions/delta"
)

// node is one node over all its incarnations.
type node struct {
	plan   NodePlan
	number int
	demand

	mu       sync.Mutex // guards memory only
	host     world.Host
	app      *appnode.Node  // nil unless up
	delta    *delta.Manager // of host, nil if it has another manager
	stopping bool
	starting bool
	boots    int
	ended    world.Signal // set when a graceful stop is over; nil when none is under way
	skewed   bool
}

// bootHost boots a node's machine.
func (l *Lab) bootHost(n *node) (world.Host, error) {
	h, err := l.world.Boot(n.plan.Name, n.plan.Addr)
	if err != nil {
		return nil, err
	}
	n.pending.Store(0)
	if n.plan.Skew != 0 && !n.skewed {
		n.skewed = true // later the clock is the operator's to set
		if err := l.world.Skew(n.plan.Name, n.plan.Skew); err != nil {
			return nil, err
		}
	}
	n.mu.Lock()
	n.host, n.app, n.delta, n.stopping, n.starting = h, nil, nil, false, true
	n.boots++
	n.mu.Unlock()
	return h, nil
}

// boot begins to start a node's process: the JVM, then the server.
func (l *Lab) boot(n *node) error {
	h, err := l.bootHost(n)
	if err != nil {
		return err
	}
	start := n.plan.JVMStart
	if start == 0 {
		n.mu.Lock()
		start = l.timing.start(h, n.boots)
		n.mu.Unlock()
	}
	bound := start * boundAfter / 100
	h.Go("start", func(ctx context.Context) {
		if h.Sleep(ctx, bound) != nil {
			return
		}
		app, err := l.load(n, h, false, start-bound)
		if err == nil {
			err = l.launch(ctx, n, app, false)
		}
		if err != nil && !errors.Is(err, world.ErrHostDown) { // who killed it has been told
			l.tell(Broken, n.plan.Name, "%s did not start: %v", n.plan.Name, err)
			l.exits(n, h)
		}
	})
	return nil
}

// exits ends the process of a server that has failed to start. A process cannot
// end itself here: its own tasks could not see to the rest.
// Source: Tomcat Catalina.java, start, which destroys the server and returns.
func (l *Lab) exits(n *node, h world.Host) {
	op := l.world.Operator()
	op.Go("exit "+n.plan.Name, func(context.Context) {
		if n.machine() != h || !l.world.Up(n.plan.Name) {
			return
		}
		n.gone()
		if l.world.Kill(n.plan.Name) == nil {
			l.tell(Down, n.plan.Name, "%s is down", n.plan.Name)
		}
	})
}

// load makes the server that its host's process runs, and binds its port. The
// web application will take its time to be deployed.
// Source: Tomcat Catalina.java, load.
func (l *Lab) load(n *node, h world.Host, formed bool, deploy time.Duration) (*appnode.Node, error) {
	cfg := n.plan.Connector
	cfg.Release = l.plan.Tomcat
	cfg.Number = n.number
	cfg.Trace = l.nodeTraced
	cfg.Noted = l.noted
	if l.plan.KeepReceived {
		cfg.Received = func(r *http.Request) { l.received(n.plan.Name, r) }
	}
	cfg.StopTime = l.timing.JVMStop
	if cfg.Service == (appnode.Service{}) {
		cfg.Service = l.timing.Service
	}
	if formed {
		cfg.Service.First = 0 // a server that is found up has answered before
	}
	if err := l.equip(h, n, &cfg, formed, deploy); err != nil {
		return nil, err
	}
	app := appnode.New(h, cfg)
	return app, app.Init()
}

// launch runs the server's own start.
func (l *Lab) launch(ctx context.Context, n *node, app *appnode.Node, formed bool) error {
	if err := app.Start(ctx); err != nil {
		return err
	}
	n.mu.Lock()
	n.app, n.starting = app, false
	n.mu.Unlock()
	if formed {
		l.emit(&Event{Kind: Up, Host: n.plan.Name})
	} else {
		l.tell(Up, n.plan.Name, "%s is up", n.plan.Name)
	}
	return nil
}

func (n *node) gone() {
	n.mu.Lock()
	n.app, n.delta, n.stopping, n.starting = nil, nil, false, false
	ended := n.ended
	n.ended = nil
	n.mu.Unlock()
	if ended != nil {
		ended.Set()
	}
	n.pending.Store(0)
}

func (n *node) machine() world.Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.host
}

// manager is the node's DeltaManager, nil while it is down or has another one.
func (l *Lab) manager(name string) *delta.Manager {
	n := l.nodes[name]
	if n == nil || !l.world.Up(name) {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.delta
}
