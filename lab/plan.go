package lab

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"sessionlab/appnode"
	"sessionlab/proxy"
	"sessionlab/sessions"
	"sessionlab/sessions/tribes"
)

// ProxyName is the front proxy's name as a machine.
const ProxyName = "proxy"

// Addresses of a lab that names none, as in the write-up that it grew from.
const (
	DefaultProxyAddr = "172.16.12.1"
	DefaultProxyPort = 8080
	DefaultNodePort  = 8080
)

// DefaultNodeAddr is the address of the i-th node, from 0 on: 172.16.12.101,
// 172.16.12.102 and so on, into 172.16.13.x where there are many.
func DefaultNodeAddr(i int) string {
	if i < 150 {
		return fmt.Sprintf("172.16.12.%d", 101+i)
	}
	i -= 150
	return fmt.Sprintf("172.16.%d.%d", 13+i/250, 1+i%250)
}

// DefaultUserAddr is the address of the i-th user, from 0 on. Each sits in a
// network of its own: ip_hash looks at the first three octets only.
func DefaultUserAddr(i int) string {
	n := i + 1
	return fmt.Sprintf("10.%d.%d.7", n/250, n%250)
}

// Plan is what a lab consists of: the topology, before anything runs.
type Plan struct {
	// Tomcat is whose behaviour the nodes have; zero is the default release.
	Tomcat sessions.Release
	Nodes  []NodePlan
	// Manager makes the session manager of every node.
	Manager ManagerPlan
	// Proxy is the front's configuration; RouteOf and Trace are the lab's to set.
	Proxy     proxy.Config
	ProxyAddr string // "" is DefaultProxyAddr
	// Delay is what one way takes between two machines, and Spread how much more a
	// message may take. They are the world's to do; who knows whom at time zero
	// hangs on them. Zero is next to nothing.
	Delay, Spread time.Duration
	// KeepReceived has trails tell what nodes have got; it costs memory.
	KeepReceived bool
	Timing       Timing
}

// NodePlan is one node. The zero value of every field but Name is the default.
type NodePlan struct {
	Name string
	Addr string
	// Route is the jvmRoute; "" is none.
	Route string
	// Connector holds what differs from Tomcat's defaults (threads, ports,
	// cookie names); its Manager, Valves, Trace, Number, Release and StopTime are
	// the lab's to set, and Service is Timing's unless it is set here.
	Connector appnode.Config
	JVMStart  time.Duration // overrides Timing.JVMStart
	Skew      time.Duration // of its wall clock
	// Cold nodes are started at time zero as by "start", instead of being found
	// up as members of a formed cluster.
	Cold bool
}

// Check finds what New and Start would refuse, without a world.
func (p Plan) Check() error {
	if len(p.Nodes) == 0 {
		return errors.New("a lab needs a node")
	}
	taken := map[string]bool{ProxyName: true}
	for i, n := range p.Nodes {
		if n.Name == "" {
			return fmt.Errorf("node %d has no name", i+1)
		}
		if taken[n.Name] {
			return fmt.Errorf("node %s: the name is taken", n.Name)
		}
		taken[n.Name] = true
	}
	p.Proxy.RouteOf = sessions.RouteOf
	if err := p.Proxy.Check(); err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	if err := p.Manager.check(); err != nil {
		return err
	}
	return p.receiversBind()
}

// receiversBind finds the node whose receiver would find no free port: its
// connector, which is bound first, has the only one.
func (p Plan) receiversBind() error {
	t := &p.Manager.Delta.Tribes
	if !p.Manager.clustered() || t.Receiver.AutoBind != 1 || t.StartOptions != 0 && t.StartOptions&tribes.ReceiveMessages == 0 {
		return nil
	}
	for _, n := range p.Nodes {
		if cmp.Or(n.Connector.Port, DefaultNodePort) == p.Manager.receiverPort() {
			return fmt.Errorf("node %s: the receiver finds no free port: the connector has %d, and autoBind is 1", n.Name, p.Manager.receiverPort())
		}
	}
	return nil
}
