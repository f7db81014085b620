// Package lab turns a topology into a running lab: a front proxy and its
// Tomcat-like nodes, brought up on the machines of a world, with the operator's
// verbs (kill, stop, start, restart, pause, resume, skew, partition, heal).
//
// Start with Plan, which says what there is, and Lab, which runs it. The same
// lab runs in every world of package world.
//
// It leaves out users, scripts and verdicts: those are package scenarios.
package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"sessionlab/appnode"
	"sessionlab/lab/fault"
	"sessionlab/lab/world"
	"sessionlab/proxy"
	"sessionlab/sessions"
	"sessionlab/sessions/delta"
	"sessionlab/sessions/tribes"
)

// Lab is a running lab. Make it with New, then Start it from a task of the
// world's operator. The verbs may be called from any task; they take effect at
// once and wait for nobody.
type Lab struct {
	world   world.World
	plan    Plan
	timing  Timing
	zero    time.Duration
	watcher func(Event)

	names  []string // of the nodes, in the plan's order
	nodes  map[string]*node
	byAddr map[string]*node // by "address:port"
	front  *proxy.Proxy
	// proxyHost is the front's machine, and proxyGone says that it was killed.
	proxyHost world.Host
	proxyGone atomic.Bool
	formed    []tribes.Member // of the cluster at time zero
	running   atomic.Bool     // time zero has passed

	mu         sync.Mutex // guards memory only
	attempts   map[string][]Attempt
	parcels    map[[16]byte]parcel // by the message's unique id
	room       []Attempt           // for the first attempts of many requests
	proxyAhead time.Duration       // skew of the proxy's clock
}

// Attempt is one try of the proxy for a request.
type Attempt struct {
	Node    string
	Outcome string // a status such as "200", or an outcome on the wire
}

// node is one node over all its incarnations.
type node struct {
	plan   NodePlan
	number int
	load

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

// Check finds what New and Start would refuse, without a world.
func (p Plan) Check() error {
	if len(p.Nodes) == 0 {
		return errors.New("a lab needs a node")
	}
	p.Proxy.RouteOf = sessions.RouteOf
	if err := p.Proxy.Check(); err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	if p.Manager.clustered() {
		if err := p.Manager.Delta.Tribes.Check(); err != nil {
			return fmt.Errorf("cluster: %w", err)
		}
	}
	return nil
}

// New prepares a lab in a world. Nothing runs yet.
func New(w world.World, p Plan) (*Lab, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if p.Tomcat.Name == "" {
		p.Tomcat = sessions.Releases()[0]
	}
	if p.ProxyAddr == "" {
		p.ProxyAddr = DefaultProxyAddr
	}
	p.Nodes = slices.Clone(p.Nodes)
	l := &Lab{
		world: w, plan: p, timing: p.Timing.withDefaults(),
		nodes: map[string]*node{}, byAddr: map[string]*node{}, attempts: map[string][]Attempt{}, parcels: map[[16]byte]parcel{},
	}
	for i, np := range p.Nodes {
		if np.Addr == "" {
			np.Addr = DefaultNodeAddr(i)
		}
		if np.Connector.Port == 0 {
			np.Connector.Port = DefaultNodePort
		}
		if l.nodes[np.Name] != nil || np.Name == ProxyName || np.Name == "" {
			return nil, fmt.Errorf("node %q: the name is taken", np.Name)
		}
		n := &node{plan: np, number: i + 1}
		l.nodes[np.Name] = n
		l.names = append(l.names, np.Name)
		l.byAddr[l.NodeAddr(np.Name)] = n
	}
	w.Observe(func(e world.Event) { l.seam(&e) })
	return l, nil
}

// Start brings the lab up: the nodes of a formed, empty cluster, then the
// proxy. It returns when all answer; the lab's time zero is then. Cold nodes
// only begin to start.
func (l *Lab) Start(ctx context.Context) error {
	op := l.world.Operator()
	// All machines first: a formed cluster knows all its members.
	for _, name := range l.names {
		if n := l.nodes[name]; !n.plan.Cold {
			if _, err := l.bootHost(n); err != nil {
				return err
			}
		}
	}
	l.formed = l.formedMembers()
	for _, name := range l.names {
		if n := l.nodes[name]; !n.plan.Cold {
			app, err := l.load(n, n.machine(), true, 0)
			if err != nil {
				return err
			}
			if err := l.launch(ctx, n, app, true); err != nil {
				return err
			}
		}
	}
	if err := l.startProxy(ctx); err != nil {
		return err
	}
	l.zero = op.Elapsed()
	l.running.Store(true)
	for _, name := range l.names {
		if l.nodes[name].plan.Cold {
			if err := l.StartNode(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// Zero is the operator's elapsed time at the lab's time zero.
func (l *Lab) Zero() time.Duration { return l.zero }

// Front is the proxy's logical "address:port".
func (l *Lab) Front() string {
	port := DefaultProxyPort
	if s := l.plan.Proxy.Servers; len(s) > 0 && len(s[0].Listen) > 0 {
		port = s[0].Listen[0]
	}
	return l.plan.ProxyAddr + ":" + strconv.Itoa(port)
}

// Nodes are the nodes' names in the plan's order.
func (l *Lab) Nodes() []string { return slices.Clone(l.names) }

// NodeAddr is a node's logical "address:port", "" for no node.
func (l *Lab) NodeAddr(name string) string {
	n := l.nodes[name]
	if n == nil {
		return ""
	}
	return n.plan.Addr + ":" + strconv.Itoa(n.plan.Connector.Port)
}

func (l *Lab) startProxy(ctx context.Context) error {
	h, err := l.world.Boot(ProxyName, l.plan.ProxyAddr)
	if err != nil {
		return err
	}
	cfg := l.plan.Proxy
	cfg.RouteOf = sessions.RouteOf
	cfg.Trace = l.proxyTraced
	p, err := proxy.New(h, cfg)
	if err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	l.front, l.proxyHost = p, h
	return p.Start()
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
		}
	})
	return nil
}

// load makes the server that its host's process runs, and binds its port. The
// web application will take its time to be deployed.
// Source: Tomcat Catalina.java, load.
func (l *Lab) load(n *node, h world.Host, formed bool, deploy time.Duration) (*appnode.Node, error) {
	cfg := n.plan.Connector
	cfg.Release = l.plan.Tomcat
	cfg.Number = n.number
	cfg.Trace = l.nodeTraced
	cfg.StopTime = l.timing.JVMStop
	if cfg.Service == (appnode.Service{}) {
		cfg.Service = l.timing.Service
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
	l.did("kill", name, "%s is killed", name)
	if n := l.nodes[name]; n != nil {
		n.gone()
	} else if name == ProxyName {
		l.nobodyTries()
	}
	err := l.world.Kill(name)
	l.emit(&Event{Kind: Down, Host: name})
	return err
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

// Stop begins a graceful stop of a node; it is down when its sessions are
// saved and its cluster has been told.
func (l *Lab) Stop(name string) error { return l.stop("stop", name) }

func (l *Lab) stop(verb, name string) error {
	n, err := l.known(verb, name)
	if err != nil {
		return err
	}
	n.mu.Lock()
	app, h, stopping := n.app, n.host, n.stopping
	n.stopping = app != nil
	n.mu.Unlock()
	if app == nil || stopping {
		return fmt.Errorf("%s %s: it is not up", verb, name)
	}
	l.did("stop", name, "%s is stopped gracefully", name)
	op := l.world.Operator()
	ended := op.NewSignal()
	n.mu.Lock()
	n.ended = ended
	n.mu.Unlock()
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

// StartNode begins to start a node that is down: the JVM, its membership, the
// state transfer, then the port.
func (l *Lab) StartNode(name string) error {
	n, err := l.known("start", name)
	if err != nil {
		return err
	}
	if l.world.Up(name) {
		return fmt.Errorf("start %s: it is up", name)
	}
	l.did("start", name, "%s is started", name)
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
	if err := l.world.Pause(name); err != nil {
		return err
	}
	l.did("pause", name, "%s is frozen", spoken(name))
	return nil
}

// Resume lets a frozen machine go on.
func (l *Lab) Resume(name string) error {
	if err := l.world.Resume(name); err != nil {
		return err
	}
	l.did("resume", name, "%s goes on", spoken(name))
	return nil
}

// Skew sets how far a machine's wall clock is ahead.
func (l *Lab) Skew(name string, ahead time.Duration) error {
	if ahead < 0 {
		l.did("skew", name, "the clock of %s is set %v back", spoken(name), -ahead)
	} else {
		l.did("skew", name, "the clock of %s is set %v ahead", spoken(name), ahead)
	}
	if err := l.world.Skew(name, ahead); err != nil || name != ProxyName {
		return err
	}
	l.mu.Lock()
	l.proxyAhead = ahead
	l.mu.Unlock()
	return nil
}

// Answer makes a node answer in a certain way; see appnode.Node.Answer.
func (l *Lab) Answer(name, kind string, count int) error {
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
		l.did("answer", name, "%s answers again as it should", name)
	} else {
		l.did("answer", name, "%s is made to answer %s%s", name, kind, times(count))
	}
	return app.Answer(kind, count)
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

// Up reports whether a node's port is open.
func (l *Lab) Up(name string) bool {
	n := l.nodes[name]
	if n == nil {
		return l.world.Up(name)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.app != nil && !n.stopping
}

// Down reports whether a machine's process has ended. A node that is starting
// or stopping is neither up nor down.
func (l *Lab) Down(name string) bool { return !l.world.Up(name) }

// Node is the running node of a name, nil when it is down.
func (l *Lab) Node(name string) *appnode.Node {
	n := l.nodes[name]
	if n == nil {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.app
}

// TakeAttempts returns what the proxy tried for a request, and forgets it. A try
// that has not ended is told as canceled.
func (l *Lab) TakeAttempts(request string) []Attempt {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.attempts[request]
	delete(l.attempts, request)
	return a
}

// tried notes the nth try for a request.
func (l *Lab) tried(request string, n int, a Attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n > 1 {
		l.attempts[request] = append(l.attempts[request], a)
		return
	}
	if len(l.room) == 0 {
		l.room = make([]Attempt, 256)
	}
	first := l.room[:1:1]
	first[0], l.room = a, l.room[1:]
	l.attempts[request] = first
}

// ended notes how the latest try for a request has ended, unless nobody waits
// for the request any more.
func (l *Lab) ended(request, outcome string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if tries := l.attempts[request]; len(tries) > 0 {
		tries[len(tries)-1].Outcome = outcome
	}
}

// proxyTraced turns the proxy's trace into events and attempts.
func (l *Lab) proxyTraced(e proxy.TraceEvent) {
	if e.Kind == proxy.Delivered {
		return // the user's record tells it
	}
	n, name := l.byAddr[e.Addr], e.Addr
	if n != nil {
		name = n.plan.Name
	}
	switch e.Kind {
	case proxy.AttemptBegan:
		if n != nil && !l.proxyGone.Load() {
			l.begins(n)
		}
		if e.Request != "" {
			// How it stands for a user who does not wait for its end.
			l.tried(e.Request, e.Attempt, Attempt{name, world.Canceled.String()})
		}
		l.emit(&Event{Kind: Tries, Host: ProxyName, Peer: name, Request: e.Request})
	case proxy.AttemptEnded:
		outcome := e.Outcome.String()
		if e.Outcome == world.OK {
			outcome = world.StatusText(e.Status)
		}
		l.ended(e.Request, outcome)
		if n != nil && !l.proxyGone.Load() {
			l.ends(n)
		}
	case proxy.ServerDisabled:
		l.emit(&Event{Kind: Excludes, Host: ProxyName, Peer: name, Request: e.Request,
			Text: fmt.Sprintf("the proxy takes %s out of service", name)})
	case proxy.ServerReadmitted:
		l.emit(&Event{Kind: Readmits, Host: ProxyName, Peer: name, Request: e.Request,
			Text: fmt.Sprintf("the proxy has %s in service again", name)})
	case proxy.NoLiveUpstreams:
		l.emit(&Event{Kind: Broken, Host: ProxyName, Request: e.Request,
			Text: "no live upstreams: the proxy answers 502 by itself", Class: "no live upstreams"})
	}
}

func (l *Lab) nodeTraced(e appnode.Event) {
	event := Event{Kind: Session, Host: e.Node}
	if l.plan.Manager.Base.Listeners {
		event.Text, event.Class = heard(e)
	}
	l.emit(&event)
}

// spoken is a machine's name within a sentence.
func spoken(name string) string {
	if name == ProxyName {
		return "the proxy"
	}
	return name
}
