package scenarios_test

import (
	"testing"
	"time"

	"sessionlab/scenarios"
	"sessionlab/scenarios/script"
)

func TestConnectorOptionsReachTheNode(t *testing.T) {
	for _, c := range []struct {
		nodes     string
		idle      time.Duration // KeepAliveTimeout; 0 is the node's default, below it never
		perSocket int           // MaxKeepAliveRequests, likewise
	}{
		{"nodes 1", 0, 0},
		{"nodes 1 keepAliveTimeout=5s", 5 * time.Second, 0},
		{"nodes 1 keepAliveTimeout=-1 maxKeepAliveRequests=-1", -1, -1},
		{"nodes 1 maxKeepAliveRequests=1", 0, 1},
		{"nodes 1 maxKeepAliveRequests=0", 0, -1},
		{"nodes 1 keepAliveTimeout=5s\nnode tomcat1 keepAliveTimeout=700ms", 700 * time.Millisecond, 0},
	} {
		sc, err := script.Parse("plan", []byte(c.nodes+"\nend 1s\n"))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := scenarios.PlanOf(sc)
		if err != nil {
			t.Fatal(err)
		}
		got := plan.Nodes[0].Connector
		if got.KeepAliveTimeout != c.idle || got.MaxKeepAliveRequests != c.perSocket {
			t.Errorf("%q: got %v and %d, want %v and %d", c.nodes, got.KeepAliveTimeout, got.MaxKeepAliveRequests, c.idle, c.perSocket)
		}
	}
}

func TestAnAttachedConfigurationMayListenElsewhere(t *testing.T) {
	const head, tail = "nodes a\nend 1s\n-- nginx.conf --\nevents {}\nhttp { server { ", "location / { proxy_pass http://a:8080; } } }\n"
	for _, c := range []struct {
		listen string
		want   bool
	}{{"listen 8080; ", false}, {"listen 8081; ", true}, {"listen 8080; listen 8443; ", true}, {"", true}} {
		sc, err := script.Parse("plan", []byte(head+c.listen+tail))
		if err != nil {
			t.Fatal(err)
		}
		if got := scenarios.ListensElsewhere(sc); got != c.want {
			t.Errorf("%q: got %v, want %v", c.listen, got, c.want)
		}
	}
}
