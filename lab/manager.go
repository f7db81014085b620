package lab

import (
	"cmp"
	"context"
	"fmt"
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
	// StandardManager whatever Class says, without an error or an event.
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

// check finds what equip would refuse.
func (p *ManagerPlan) check() error {
	if p.clustered() {
		if _, err := appnode.NewReplicationValve(p.Replication); err != nil {
			return err
		}
		if err := p.Delta.Tribes.Check(); err != nil {
			return fmt.Errorf("cluster: %w", err)
		}
		return nil
	}
	if p.Class != "" && p.Class != "StandardManager" && !p.NotDistributable {
		return fmt.Errorf("unknown session manager %q", p.Class)
	}
	return nil
}

// equip gives a node its session manager and the valves that come with it.
func (l *Lab) equip(h world.Host, n *node, cfg *appnode.Config, formed bool, deploy time.Duration) error {
	p := &l.plan.Manager
	base := p.Base
	base.JvmRoute = n.plan.Route
	base.RedrawIDs = l.plan.Tomcat.RedrawsIDs
	if p.clustered() {
		return l.equipDelta(h, n, cfg, base, formed, deploy)
	}
	std := sessions.StandardConfig{Config: base, Pathname: l.sessionFile(), PersistAuthentication: p.PersistAuthentication}
	cfg.Manager = deployed{sessions.NewStandardManager(h, std), h, deploy}
	return nil
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
		d.Tribes.Formation = l.formation
	}
	if p.StaticMembers {
		static := tribes.StaticConfig{}
		if d.Tribes.Static != nil {
			static = *d.Tribes.Static
		}
		for _, name := range l.names {
			static.Members = append(static.Members, tribes.StaticMember(l.nodes[name].plan.Addr, p.receiverPort()))
		}
		d.Tribes.Static = &static
	}
	m := delta.NewManager(h, d)
	cfg.Manager = m
	n.mu.Lock()
	n.delta = m
	n.mu.Unlock()
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

// receiverPort is the port that a receiver tries first.
func (p *ManagerPlan) receiverPort() int {
	return cmp.Or(p.Delta.Tribes.Receiver.Port, tribes.DefaultPort)
}
