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
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"sessionlab/lab/world"
	"sessionlab/proxy"
	"sessionlab/sessions"
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
	byHost map[string]*node // by address
	front  *proxy.Proxy
	// proxyHost is the front's machine, and proxyGone says that it was killed.
	proxyHost world.Host
	proxyGone atomic.Bool
	formation *tribes.Formation // the cluster at time zero
	running   atomic.Bool       // time zero has passed

	mu         sync.Mutex          // guards memory only
	trails     map[string]*Trail   // by the identity of the request
	out        map[string]bool     // servers out of service, by group and address
	parcels    map[[16]byte]parcel // by the message's unique id
	spare      []*Trail            // to be used again
	proxyAhead time.Duration       // skew of the proxy's clock
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
		nodes: map[string]*node{}, byAddr: map[string]*node{}, byHost: map[string]*node{},
		trails: map[string]*Trail{}, out: map[string]bool{}, parcels: map[[16]byte]parcel{},
	}
	for i, np := range p.Nodes {
		if np.Addr == "" {
			np.Addr = DefaultNodeAddr(i)
		}
		if np.Connector.Port == 0 {
			np.Connector.Port = DefaultNodePort
		}
		n := &node{plan: np, number: i + 1}
		l.nodes[np.Name] = n
		l.names = append(l.names, np.Name)
		l.byAddr[l.NodeAddr(np.Name)] = n
		l.byHost[np.Addr] = n
	}
	w.Observe(func(e world.Event) { l.seam(&e) })
	return l, nil
}

// Start brings the lab up: the nodes of a formed, empty cluster, then the
// proxy. It returns when all answer; the lab's time zero is then. Cold nodes
// only begin to start.
func (l *Lab) Start(ctx context.Context) error {
	op := l.world.Operator()
	manager := l.plan.Manager.Delta
	manager.Release = l.plan.Tomcat
	ask, answer := manager.Transfer()
	l.formation = &tribes.Formation{
		JVMStart: l.timing.JVMStart + l.timing.JVMStartSpread/2,
		Deploy:   l.shortestDeploy(),
		Delay:    l.plan.Delay, Spread: l.plan.Spread,
		Ask: ask, Answer: answer,
	}
	for _, name := range l.names {
		if n := l.nodes[name]; !n.plan.Cold {
			h, err := l.bootHost(n)
			if err != nil {
				return err
			}
			app, err := l.load(n, h, true, 0)
			if err != nil {
				return err
			}
			if err := l.launch(ctx, n, app, true); err != nil {
				return err
			}
		}
	}
	l.formation.Complete(ctx)
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

// shortestDeploy is what the web application of any node takes at least to come up.
func (l *Lab) shortestDeploy() time.Duration {
	shortest := l.timing.JVMStart
	for _, n := range l.plan.Nodes {
		if n.JVMStart > 0 {
			shortest = min(shortest, n.JVMStart)
		}
	}
	return shortest - shortest*boundAfter/100
}

// Zero is the operator's elapsed time at the lab's time zero.
func (l *Lab) Zero() time.Duration { return l.zero }

// Front is the proxy's logical "address:port".
func (l *Lab) Front() string {
	port := DefaultProxyPort
	if s := l.plan.Proxy.Servers; len(s) > 0 {
		port = 80 // of a server without listen
		if len(s[0].Listen) > 0 {
			port = s[0].Listen[0]
		}
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
