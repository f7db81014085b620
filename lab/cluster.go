package lab

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"sessionlab/appnode"
	"sessionlab/lab/world"
	"sessionlab/sessions"
	"sessionlab/sessions/delta"
	"sessionlab/sessions/tribes"
)

// ManagerPlan chooses and configures the session manager.
type ManagerPlan struct {
	// Class is Tomcat's name: "StandardManager" (or "") or "DeltaManager".
	Class string
	// Base is common to all; its JvmRoute is the node's.
	Base sessions.Config
	// Pathname overrides the release's default of StandardManager.
	Pathname *string
	// PersistAuthentication is StandardManager's.
	PersistAuthentication bool
	// NotDistributable is an application without <distributable/>: it gets a
	// StandardManager whatever Class says, and nobody is told.
	// Source: Tomcat StandardContext.java, startInternal.
	NotDistributable bool
	// Delta configures DeltaManager and its cluster. What belongs to a node
	// (Config, Release, Formed, Trace, and the members) is the lab's to set.
	Delta delta.Config
	// StaticMembers has StaticMembershipService list all nodes; Delta.Tribes.Static
	// holds its settings.
	StaticMembers bool
	// Replication configures ReplicationValve; its Told is the lab's to set.
	Replication appnode.ReplicationConfig
	// Binder configures JvmRouteBinderValve, and NoBinder leaves it out
	// (enabled="false").
	Binder   appnode.JvmRouteBinderValve
	NoBinder bool
}

func (p *ManagerPlan) clustered() bool { return p.Class == "DeltaManager" && !p.NotDistributable }

// equip gives a node its session manager and the valves that come with it.
func (l *Lab) equip(h world.Host, n *node, cfg *appnode.Config, formed bool, deploy time.Duration) error {
	p := &l.plan.Manager
	base := p.Base
	base.JvmRoute = n.plan.Route
	base.RedrawIDs = l.plan.Tomcat.RedrawsIDs
	switch {
	case p.clustered():
		return l.equipDelta(h, n, cfg, base, formed, deploy)
	case p.Class == "" || p.Class == "StandardManager" || p.NotDistributable:
		std := sessions.StandardConfig{Config: base, Pathname: l.plan.Tomcat.Pathname, PersistAuthentication: p.PersistAuthentication}
		if p.Pathname != nil {
			std.Pathname = *p.Pathname
		}
		cfg.Manager = deployed{sessions.NewStandardManager(h, std), h, deploy}
		n.setDelta(nil)
		return nil
	}
	return fmt.Errorf("unknown session manager %q", p.Class)
}

// deployed is a manager whose web application takes its time to come up.
type deployed struct {
	*sessions.StandardManager
	host world.Host
	time time.Duration
}

func (d deployed) Start(ctx context.Context) error {
	if err := d.host.Sleep(ctx, d.time); err != nil {
		return err
	}
	return d.StandardManager.Start(ctx)
}

func (l *Lab) equipDelta(h world.Host, n *node, cfg *appnode.Config, base sessions.Config, formed bool, deploy time.Duration) error {
	p := &l.plan.Manager
	d := p.Delta
	d.Config, d.Release, d.Formed, d.DeployTime = base, l.plan.Tomcat, formed, deploy
	d.Trace = l.deltaTraced
	d.Tribes.Trace = func(e tribes.Event) { l.channelTraced(n.plan.Name, e) }
	if formed {
		d.Tribes.Formed = l.formed
	}
	if p.StaticMembers {
		static := tribes.StaticConfig{}
		if d.Tribes.Static != nil {
			static = *d.Tribes.Static
		}
		for _, name := range l.names {
			static.Members = append(static.Members, tribes.StaticMember(l.nodes[name].plan.Addr, l.receiverPort()))
		}
		d.Tribes.Static = &static
	}
	m := delta.NewManager(h, d)
	cfg.Manager = m
	n.setDelta(m)
	valve := p.Replication
	valve.Told = func(s appnode.ReplicationStatistics) { l.replicationTold(n.plan.Name, s) }
	replication, err := appnode.NewReplicationValve(valve)
	if err != nil {
		return err
	}
	// The order in which Tomcat adds them. Source: SimpleTcpCluster.java, checkDefaults.
	if !p.NoBinder {
		cfg.Valves = append(cfg.Valves, p.Binder)
	}
	cfg.Valves = append(cfg.Valves, replication)
	return nil
}

// replicationTold puts the statistics of a node's ReplicationValve into the
// timeline.
func (l *Lab) replicationTold(name string, s appnode.ReplicationStatistics) {
	l.tell(Session, name, "ReplicationValve of %s: %v", name, s)
}

func (l *Lab) receiverPort() int {
	if port := l.plan.Manager.Delta.Tribes.Receiver.Port; port != 0 {
		return port
	}
	return 4000
}

// formedMembers are all nodes that are part of the cluster at time zero.
func (l *Lab) formedMembers() []tribes.Member {
	var all []tribes.Member
	for _, name := range l.names {
		n := l.nodes[name]
		if n.plan.Cold {
			continue
		}
		if l.plan.Manager.StaticMembers {
			all = append(all, tribes.StaticMember(n.plan.Addr, l.receiverPort()))
		} else {
			all = append(all, tribes.LocalMember(n.machine(), l.receiverPort()))
		}
	}
	return all
}

func (n *node) setDelta(m *delta.Manager) {
	n.mu.Lock()
	n.delta = m
	n.mu.Unlock()
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

// Members are the nodes that a node's membership lists, in the plan's order.
func (l *Lab) Members(name string) []string {
	m := l.manager(name)
	if m == nil {
		return nil
	}
	var names []string
	for _, member := range m.Channel().Members() {
		names = append(names, l.nodeOf(member.Host))
	}
	slices.SortFunc(names, func(a, b string) int { return slices.Index(l.names, a) - slices.Index(l.names, b) })
	return names
}

// Sees reports whether a node's membership lists another node.
func (l *Lab) Sees(name, peer string) bool { return slices.Contains(l.Members(name), peer) }

// Quiet reports whether no message between nodes is queued, on its way or being
// processed. Paused nodes cannot be asked and count with what is on its way.
func (l *Lab) Quiet() bool {
	if l.world.InFlight() > 0 {
		return false
	}
	for _, name := range l.names {
		if m := l.manager(name); m != nil && m.Pending() > 0 {
			return false
		}
	}
	return true
}

// nodeOf is the name of the node with an address without port, or the address.
func (l *Lab) nodeOf(addr string) string {
	for _, name := range l.names {
		if l.nodes[name].plan.Addr == addr {
			return name
		}
	}
	return addr
}

// parcel is a message between nodes that some have not processed yet.
type parcel struct {
	from   string
	label  world.Label
	handed time.Duration
	left   int // members that have not processed it
}

// mostParcels bounds what is kept of messages that never arrive.
const mostParcels = 1 << 14

// handed notes that a node has given a message to its channel.
func (l *Lab) handed(name string, e *tribes.Event) {
	now := l.world.Operator().Elapsed()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.parcels) >= mostParcels {
		clear(l.parcels)
	}
	l.parcels[e.ID] = parcel{name, e.Label, now, e.Members}
}

// processed tells how long a message took to be processed on one of its members.
func (l *Lab) processed(name string, e *tribes.Event) {
	l.mu.Lock()
	p, ok := l.parcels[e.ID]
	if p.left--; p.left > 0 {
		l.parcels[e.ID] = p
	} else {
		delete(l.parcels, e.ID)
	}
	l.mu.Unlock()
	if ok {
		l.emit(&Event{Kind: Applies, Host: name, Peer: p.from, Label: p.label, Took: l.world.Operator().Elapsed() - p.handed})
	}
}

// channelTraced turns what a node's channel tells into events.
func (l *Lab) channelTraced(name string, e tribes.Event) {
	switch e.Kind {
	case tribes.Handed:
		l.handed(name, &e)
		return
	case tribes.Processed:
		l.processed(name, &e)
		return
	}
	peer := ""
	if e.Member.Host != "" {
		peer = l.nodeOf(e.Member.Host)
	}
	event := Event{Kind: Broken, Host: name, Peer: peer, Label: e.Label}
	switch e.Kind {
	case tribes.MemberAdded:
		event.Kind = Sees
		if l.running.Load() { // a formed cluster lists its members from the start
			event.Text = fmt.Sprintf("%s lists %s as a member", name, peer)
		}
	case tribes.MemberGone:
		event.Kind = Misses
		event.Text = fmt.Sprintf("%s drops %s from its members", name, peer)
	case tribes.MemberSuspect:
		event.Class = "suspects " + peer
		event.Text = fmt.Sprintf("%s suspects %s, which still accepts connections and so stays a member", name, peer)
	case tribes.SendFailed:
		event.Class = "send failed"
		event.Text = name + " cannot send " + aMessage(e.Label) + " to " + peer + "; the request goes on all the same"
	case tribes.AckTimedOut:
		event.Class = "not acknowledged"
		event.Text = fmt.Sprintf("%s has waited in vain for %s to acknowledge %s; the request goes on all the same", name, peer, aMessage(e.Label))
	case tribes.ReceiverBusy:
		event.Class = e.Kind.String()
		event.Text = fmt.Sprintf("all receiver threads of %s are busy: a message of %s %s", name, peer, e.Detail)
	case tribes.PoolExhausted, tribes.QueueFull:
		event.Class = e.Kind.String()
		event.Text = fmt.Sprintf("%s: %v, %s is not sent", name, e.Kind, aMessage(e.Label))
	case tribes.FrameRefused, tribes.HeartbeatRefused:
		event.Class = e.Kind.String()
		event.Text = fmt.Sprintf("%s: %v", name, e)
	default:
		return
	}
	l.emit(&event)
}

// aMessage names a message in a sentence.
func aMessage(label world.Label) string {
	article := "a "
	if strings.HasPrefix(label.Kind, "A") || strings.HasPrefix(label.Kind, "E") {
		article = "an "
	}
	if label.Key == "" {
		return article + label.Kind
	}
	return article + label.Kind + " of " + shortID(label.Key)
}

// shortID is enough of a session id to tell sessions apart in a sentence.
func shortID(id string) string {
	base, route := sessions.Base(id), sessions.RouteOf(id)
	if len(base) > 8 {
		base = base[:8]
	}
	if route != "" {
		return base + "." + route
	}
	return base
}

// deltaTraced turns what a DeltaManager tells into events: those that explain
// why somebody will see something unexpected.
func (l *Lab) deltaTraced(e delta.Event) {
	peer := e.Peer
	if host, _, ok := strings.Cut(peer, ":"); ok {
		peer = l.nodeOf(host)
	}
	message := aMessage(world.Label{Kind: e.Message.String(), Key: e.Session})
	text, class := "", e.Message.String()+" "+e.Kind.String()
	switch e.Kind {
	case delta.UnknownSession:
		text = fmt.Sprintf("%s drops %s from %s: it holds no such session", e.Node, message, peer)
	case delta.CopyReplaced:
		text = fmt.Sprintf("%s replaces its copy by an empty one: %s from %s", e.Node, message, peer)
	case delta.DeltaErased:
		text = fmt.Sprintf("%s loses its own unsent changes of %s to a DELTA from %s", e.Node, shortID(e.Session), peer)
	case delta.NoManager:
		text = fmt.Sprintf("%s drops %s from %s: its application does not run", e.Node, message, peer)
	case delta.TooOld:
		text = fmt.Sprintf("%s drops %s from %s: older than the sessions it has fetched", e.Node, message, peer)
	case delta.Refused:
		text = fmt.Sprintf("%s drops a message from %s that it cannot read: %s", e.Node, peer, e.Detail)
	case delta.Transferring:
		text = fmt.Sprintf("%s asks %s for all sessions", e.Node, peer)
	case delta.Transferred:
		text = fmt.Sprintf("%s has all sessions of %s, %s", e.Node, peer, e.Detail)
	case delta.NotTransferred, delta.NoContextThere:
		text = fmt.Sprintf("%s: %v", e.Node, e.Kind)
	default:
		return
	}
	l.emit(&Event{Kind: Session, Host: e.Node, Peer: peer, Text: text, Class: class})
}
