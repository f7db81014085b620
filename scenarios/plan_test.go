package scenarios_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"sessionlab/appnode"
	"sessionlab/lab"
	"sessionlab/proxy"
	"sessionlab/proxy/upstream"
	"sessionlab/scenarios"
	"sessionlab/scenarios/script"
	"sessionlab/sessions"
	"sessionlab/sessions/delta"
	"sessionlab/sessions/tribes"
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

func TestPortsOfTheFrontThatSomebodyWrote(t *testing.T) {
	conf := func(listen string) string {
		return "nodes a\nend 1s\n-- nginx.conf --\nevents {}\nhttp { server { " + listen + "location / { proxy_pass http://a:8080; } } }\n"
	}
	for _, c := range []struct{ text, want string }{
		{"nodes a\nend 1s\n", "[]"},
		{"nodes a port=9090\nend 1s\n", "[]"},
		{"nodes a\nproxy round_robin addr=10.0.0.9\nend 1s\n", "[]"},
		{"nodes a\nproxy round_robin port=8080\nend 1s\n", "[172.16.12.1:8080]"},
		{"nodes a\nproxy round_robin port=81 addr=10.0.0.9\nend 1s\n", "[10.0.0.9:81]"},
		{conf("listen 8080; "), "[172.16.12.1:8080]"},
		{conf("listen 127.0.0.1:8080; "), "[172.16.12.1:8080]"},
		{conf("listen 8081; "), "[172.16.12.1:8081]"},
		{conf("listen 8080; listen 8443; "), "[172.16.12.1:8080 172.16.12.1:8443]"},
		{conf(""), "[172.16.12.1:80]"},
	} {
		sc, err := script.Parse("plan", []byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(scenarios.WrittenPorts(sc)); got != c.want {
			t.Errorf("%q: got %v, want %v", c.text, got, c.want)
		}
	}
}

// planned is the topology of a scenario's nouns.
func planned(t *testing.T, nouns string) (lab.Plan, error) {
	t.Helper()
	sc, err := script.Parse("plan", []byte(nouns))
	if err != nil {
		t.Fatal(err)
	}
	return scenarios.PlanOf(sc)
}

func TestNounsReachThePlan(t *testing.T) {
	server := func(p lab.Plan) upstream.Server { return p.Proxy.Upstreams[0].Servers[0] }
	for _, row := range []struct {
		nouns string
		got   func(lab.Plan) any
		want  any
	}{
		{"nodes 1", func(p lab.Plan) any { return p.Manager.Class }, ""},
		{"nodes 1\ncluster channelSendOptions=6", func(p lab.Plan) any { return p.Manager.Class }, "DeltaManager"},
		{"nodes 1\ninterceptor TcpFailureDetector", func(p lab.Plan) any { return p.Manager.Class }, "DeltaManager"},
		{"nodes 1\nmanager StandardManager\ncluster channelSendOptions=6", func(p lab.Plan) any { return p.Manager.Class }, "StandardManager"},
		{"nodes 1", func(p lab.Plan) any { return p.Manager.Delta.StateTransferTimeout }, time.Duration(0)},
		{"nodes 1\nmanager DeltaManager stateTransferTimeout=0s", func(p lab.Plan) any { return p.Manager.Delta.StateTransferTimeout }, delta.DoNotWait},
		{"nodes 1\nmanager DeltaManager stateTransferTimeout=-1", func(p lab.Plan) any { return p.Manager.Delta.StateTransferTimeout }, delta.WaitForEver},
		{"nodes 1\nmanager DeltaManager stateTransferTimeout=3s", func(p lab.Plan) any { return p.Manager.Delta.StateTransferTimeout }, 3 * time.Second},
		{"nodes 1\nmanager DeltaManager sendAllSessionsWaitTime=0s", func(p lab.Plan) any { return p.Manager.Delta.SendAllSessionsWaitTime }, time.Duration(-1)},
		{"nodes 1\nsender maxRetryAttempts=0", func(p lab.Plan) any { return p.Manager.Delta.Tribes.Sender.MaxRetryAttempts }, -1},
		{"nodes 1\nsender maxRetryAttempts=2", func(p lab.Plan) any { return p.Manager.Delta.Tribes.Sender.MaxRetryAttempts }, 2},
		{"nodes 1\nsender poolSize=2", func(p lab.Plan) any { return p.Manager.Delta.Tribes.Sender.MaxRetryAttempts }, 0},
		{"nodes 1\nnetwork dispatch=0s", func(p lab.Plan) any { return p.Manager.Delta.Tribes.Pickup }, time.Duration(-1)},
		{"nodes 1\nnetwork dispatch=2ms", func(p lab.Plan) any { return p.Manager.Delta.Tribes.Pickup }, 2 * time.Millisecond},
		{"nodes 1", func(p lab.Plan) any { return p.Manager.Delta.Tribes.Pickup }, time.Duration(0)},
		{"nodes 1\nvalve JvmRouteBinderValve enabled=false", func(p lab.Plan) any { return p.Manager.NoBinder }, true},
		{"nodes 1\nmembership StaticMembershipService pingInterval=2s", func(p lab.Plan) any { return p.Manager.Delta.Tribes.Static.PingInterval }, 2 * time.Second},

		{"nodes 1", func(p lab.Plan) any { return p.Nodes[0].Route }, "tomcat1"},
		{"nodes 1 jvmRoute=none", func(p lab.Plan) any { return p.Nodes[0].Route }, ""},
		{"nodes 1\nnode tomcat1 jvmRoute=n1", func(p lab.Plan) any { return p.Nodes[0].Route }, "n1"},
		{"nodes 1 jvmRoute=none\nnode tomcat1 jvmRoute=n1", func(p lab.Plan) any { return p.Nodes[0].Route }, "n1"},
		{"nodes 1\nproxy round_robin", func(p lab.Plan) any { return server(p).Route }, ""},
		{"nodes 1\nproxy round_robin sticky=route\nnginx 1.29.6", func(p lab.Plan) any { return server(p).Route }, "tomcat1"},
		{"nodes 1 jvmRoute=none\nproxy round_robin sticky=route\nnginx 1.29.6", func(p lab.Plan) any { return server(p).Route }, "tomcat1"},
		{"nodes 1\nproxy round_robin sticky=route\nnginx 1.29.6\nserver tomcat1 route=r1", func(p lab.Plan) any { return server(p).Route }, "r1"},
		{"nodes 1\nnode tomcat1 addr=172.16.12.9 port=81", func(p lab.Plan) any { return server(p).Addr }, "172.16.12.9:81"},
		{"nodes 1", func(p lab.Plan) any { return server(p).Addr }, "172.16.12.101:8080"},
		{"nodes 1\nproxy round_robin max_fails=3\nserver tomcat1 weight=2", func(p lab.Plan) any { return []int{server(p).MaxFails, server(p).Weight} }, []int{3, 2}},
		{"nodes 1\nproxy round_robin max_fails=3\nserver tomcat1 max_fails=0", func(p lab.Plan) any { return server(p).MaxFails }, 0},
		{"nodes 1\nproxy hash $uri consistent", func(p lab.Plan) any { return p.Proxy.Upstreams[0].Method }, upstream.ConsistentHash},
		{"nodes 1\nproxy random two", func(p lab.Plan) any { return p.Proxy.Upstreams[0].Method }, upstream.RandomTwo},
		{"nodes 1\nproxy round_robin keepalive=8 proxy_http_version=1.1", func(p lab.Plan) any { return p.Proxy.SetHeaders }, []proxy.Header{{Name: "Connection"}}},
		{"nodes 1\nproxy round_robin keepalive=8 proxy_http_version=1.0", func(p lab.Plan) any { return p.Proxy.SetHeaders }, []proxy.Header(nil)},
		{"nodes 1\nproxy round_robin error_page=\"502 = /down.html\"", func(p lab.Plan) any { return p.Proxy.Servers[0].ErrorPages[0] },
			proxy.ErrorPage{Statuses: []int{502}, Replace: proxy.FromLocation, URI: "/down.html"}},
		{"nodes 1\nproxy round_robin error_page=\"502 504 =200 /down.html\"", func(p lab.Plan) any { return p.Proxy.Servers[0].ErrorPages[0] },
			proxy.ErrorPage{Statuses: []int{502, 504}, Replace: proxy.ReplaceBy, Status: 200, URI: "/down.html"}},
	} {
		p, err := planned(t, row.nouns+"\nend 1s\n")
		if err != nil {
			t.Errorf("%q: %v", row.nouns, err)
		} else if got := row.got(p); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%q: got %+v, want %+v", row.nouns, got, row.want)
		}
	}
}

func TestWhatCannotBePlannedIsTold(t *testing.T) {
	const attached = "end 1s\n-- nginx.conf --\nevents {}\nhttp { server { location / { proxy_pass http://a:8080; } } }\n"
	for _, row := range []struct{ nouns, want string }{
		{"nodes 1\nproxy round_robin error_page=/down.html\nend 1s\n", `plan:2:1: error_page "/down.html": statuses and then a page are needed`},
		{"nodes 1\nproxy round_robin error_page=\"oops /down.html\"\nend 1s\n", `plan:2:1: error_page "oops /down.html": "oops" is no status`},
		{"nodes 1\nproxy round_robin error_page=\"502 =x /down.html\"\nend 1s\n", `plan:2:1: error_page "502 =x /down.html": "=x" is no status`},
		{"nodes b\n" + attached, `plan:5:54: host not found in upstream "a"`},
	} {
		_, err := planned(t, row.nouns)
		got := ""
		if err != nil {
			got, _, _ = strings.Cut(err.Error(), "\n")
		}
		if got != row.want {
			t.Errorf("%q:\ngot  %s\nwant %s", row.nouns, got, row.want)
		}
	}
}

// Zero is the default in a plan, and means something of its own in Tomcat.
func TestAnOptionThatIsZeroIsNotTheDefault(t *testing.T) {
	const long = 365 * 24 * time.Hour
	channel := func(p lab.Plan) tribes.Config { return p.Manager.Delta.Tribes }
	for _, c := range []struct {
		line string
		of   func(lab.Plan) any
		want any
	}{
		{"manager DeltaManager maxInactiveInterval=0s", func(p lab.Plan) any { return p.Manager.Base.MaxInactiveInterval < 0 }, true},
		{"app sessionTimeout=0m", func(p lab.Plan) any { return p.Manager.Base.MaxInactiveInterval < 0 }, true},
		{"manager DeltaManager maxActiveSessions=0", func(p lab.Plan) any { return p.Manager.Base.MaxActiveSessions }, sessions.NoSessions},
		{"manager DeltaManager maxActiveSessions=-1", func(p lab.Plan) any { return p.Manager.Base.MaxActiveSessions }, 0},
		{"sender maxWait=0s", func(p lab.Plan) any { return channel(p).Sender.MaxWait > long }, true},
		{"sender keepAliveCount=0", func(p lab.Plan) any { return channel(p).Sender.KeepAliveCount }, 1},
		{"sender keepAliveCount=5", func(p lab.Plan) any { return channel(p).Sender.KeepAliveCount }, 6},
		{"sender keepAliveCount=-1", func(p lab.Plan) any { return channel(p).Sender.KeepAliveCount }, 0},
		{"sender keepAliveTime=0ms", func(p lab.Plan) any { return channel(p).Sender.KeepAliveTime }, time.Millisecond},
		{"sender keepAliveTime=-1", func(p lab.Plan) any { return channel(p).Sender.KeepAliveTime }, time.Duration(0)},
		{"receiver autoBind=0", func(p lab.Plan) any { return channel(p).Receiver.AutoBind }, 1},
		{"interceptor TcpFailureDetector removeSuspectsTimeout=0s", func(p lab.Plan) any { return channel(p).FailureDetector.RemoveSuspectsTimeout > long }, true},
		{"interceptor MessageDispatchInterceptor maxQueueSize=0B", func(p lab.Plan) any { return channel(p).Dispatch.MaxQueueSize }, int64(-1)},
		{"interceptor MessageDispatchInterceptor keepAliveTime=0s", func(p lab.Plan) any { return channel(p).Dispatch.KeepAliveTime }, time.Nanosecond},
		{"node tomcat1 start=0s", func(p lab.Plan) any { return p.Nodes[0].JVMStart }, time.Nanosecond},
		{"node tomcat1 service=0s", func(p lab.Plan) any { return p.Nodes[0].Connector.Service }, appnode.Service{Time: time.Nanosecond}},
	} {
		sc, err := script.Parse("plan", []byte("nodes 1\n"+c.line+"\nend 1s\n"))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := scenarios.PlanOf(sc)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.of(plan); got != c.want {
			t.Errorf("%q: got %v, want %v", c.line, got, c.want)
		}
	}
}

func TestWhatNginxRefusesIsRefusedAtItsLine(t *testing.T) {
	for _, c := range []struct{ nginx, lines, want string }{
		{"1.22", "proxy sticky=cookie", "plan:3:1: nginx 1.22 does not know sticky cookie"},
		{"1.29.5", "proxy sticky=cookie", "plan:3:1: nginx 1.29.5 does not know sticky cookie"},
		{"1.28", "server tomcat1\nserver tomcat2 drain", "plan:4:1: nginx 1.28 does not know drain"},
		{"1.22", "server tomcat2 route=b", "plan:3:1: nginx 1.22 does not know route="},
		{"1.22", "proxy sticky=route\nserver tomcat2 route=b", ""},
		{"1.29", "proxy sticky=cookie\nserver tomcat2 drain", ""},
		{"1.29.6", "proxy sticky=cookie\nserver tomcat2 drain", ""},
		{"1.31", "server tomcat2 drain", ""},
		{"1.22", "proxy error_page=/50x.html", `plan:3:1: error_page "/50x.html": statuses and then a page are needed`},
		{"1.22", `proxy error_page="200 /50x.html"`, `plan:3:1: error_page "200 /50x.html": 200 is no status for it: 300 to 599, but not 499`},
	} {
		sc, err := script.Parse("plan", []byte("nodes 2\nnginx "+c.nginx+"\n"+c.lines+"\nend 1s\n"))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := scenarios.Check(sc); err != nil {
			got, _, _ = strings.Cut(err.Error(), "\n")
		}
		if got != c.want {
			t.Errorf("nginx %s, %q: got %q, want %q", c.nginx, c.lines, got, c.want)
		}
	}
}
