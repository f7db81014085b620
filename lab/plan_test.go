package lab_test

import (
	"strings"
	"testing"
	"time"

	"sessionlab/lab"
	"sessionlab/sessions/tribes"
)

func TestDefaultAddressesGoOnInTheNextNetwork(t *testing.T) {
	for _, row := range []struct {
		of   func(int) string
		i    int
		want string
	}{
		{lab.DefaultNodeAddr, 0, "172.16.12.101"}, {lab.DefaultNodeAddr, 149, "172.16.12.250"},
		{lab.DefaultNodeAddr, 150, "172.16.13.1"}, {lab.DefaultNodeAddr, 399, "172.16.13.250"}, {lab.DefaultNodeAddr, 400, "172.16.14.1"},
		{lab.DefaultUserAddr, 0, "10.0.1.7"}, {lab.DefaultUserAddr, 248, "10.0.249.7"}, {lab.DefaultUserAddr, 249, "10.1.0.7"},
	} {
		if got := row.of(row.i); got != row.want {
			t.Errorf("default address %d = %s, want %s", row.i, got, row.want)
		}
	}
}

func TestCheckFindsWhatCannotRun(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*lab.Plan)
		want   string // "" is nothing
	}{
		{"as it is", func(*lab.Plan) {}, ""},
		{"no node", func(p *lab.Plan) { p.Nodes = nil }, "a lab needs a node"},
		{"a node without a name", func(p *lab.Plan) { p.Nodes[1].Name = "" }, "node 2 has no name"},
		{"two nodes of a name", func(p *lab.Plan) { p.Nodes[1].Name = "a" }, "node a: the name is taken"},
		{"a node with the proxy's name", func(p *lab.Plan) { p.Nodes[1].Name = lab.ProxyName }, "node proxy: the name is taken"},
		{"a manager of the future", func(p *lab.Plan) { p.Manager.Class = "BackupManager" }, `unknown session manager "BackupManager"`},
		{"which nobody asks for", func(p *lab.Plan) { p.Manager.Class, p.Manager.NotDistributable = "BackupManager", true }, ""},
		{"a filter that is none", func(p *lab.Plan) {
			p.Manager.Class, p.Manager.Replication.Filter = "DeltaManager", "("
		}, "filter of ReplicationValve: error parsing regexp"},
		{"an interceptor that is none", func(p *lab.Plan) {
			p.Manager.Class, p.Manager.Delta.Tribes.Interceptors = "DeltaManager", []string{"Sieve"}
		}, "cluster: "},
		{"multicast without a receiver", func(p *lab.Plan) {
			p.Manager.Class, p.Manager.Delta.Tribes.StartOptions = "DeltaManager", 14
		}, "cluster: channelStartOptions 14: McastService needs the receiver's port"},
		{"neither of them", func(p *lab.Plan) {
			p.Manager.Class, p.Manager.Delta.Tribes.StartOptions = "DeltaManager", 2
		}, ""},
		{"static members that nobody can ask", func(p *lab.Plan) {
			p.Manager.Class, p.Manager.Delta.Tribes.StartOptions = "DeltaManager", 13
			p.Manager.Delta.Tribes.Static = &tribes.StaticConfig{}
		}, "cluster: channelStartOptions 13: StaticMembershipService asks"},
		{"a receiver without a port", func(p *lab.Plan) {
			p.Manager.Class, p.Manager.Delta.Tribes.Receiver.AutoBind = "DeltaManager", 1
			p.Nodes[1].Connector.Port = 4000
		}, "node b: the receiver finds no free port: the connector has 4000, and autoBind is 1"},
		{"which tries the next one", func(p *lab.Plan) {
			p.Manager.Class, p.Manager.Delta.Tribes.Receiver.AutoBind = "DeltaManager", 2
			p.Nodes[1].Connector.Port = 4000
		}, ""},
		{"a proxy without servers", func(p *lab.Plan) { p.Proxy.Upstreams[0].Servers = nil }, "proxy: "},
	} {
		p := plan("a", "b")
		row.change(&p)
		err := p.Check()
		if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.HasPrefix(err.Error(), row.want)) {
			t.Errorf("%s: Check = %v, want %q", row.name, err, row.want)
		}
	}
}

func TestColdNodesStartAtTimeZero(t *testing.T) {
	p := plan("a", "b", "c")
	p.Manager.Class = "DeltaManager"
	p.Nodes[2].Cold = true
	run(t, p, func(r *room) {
		if got := strings.Join(r.Members("a"), " "); got != "b" {
			t.Errorf("members that a sees at time zero = %q, want b", got)
		}
		if got := r.state("c"); got != lab.NodeStarting {
			t.Errorf("the cold node is %s, want starting", got)
		}
		r.wait(5 * time.Second)
		if got := strings.Join(r.Members("a"), " "); got != "b c" {
			t.Errorf("members that a sees after 5s = %q, want b c", got)
		}
	})
}

func TestAnApplicationThatIsNotDistributableIsNotReplicated(t *testing.T) {
	p := plan("a", "b")
	p.Manager.Class, p.Manager.NotDistributable = "DeltaManager", true
	run(t, p, func(r *room) {
		if r.Clustered() {
			t.Error("Clustered = true, want false: the application is not distributable")
		}
		r.get(r.NodeAddr("a"), "/counter?add=1")
		r.wait(time.Second)
		if a, b := len(r.Node("a").Copies()), len(r.Node("b").Copies()); a != 1 || b != 0 {
			t.Errorf("sessions on a and b: %d and %d, want 1 and 0", a, b)
		}
		if got := r.Members("a"); got != nil {
			t.Errorf("members that a sees: %v, want none", got)
		}
	})
}
