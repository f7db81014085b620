package scenarios_test

import (
	"strings"
	"testing"
	"time"

	"sessionlab/appnode"
	"sessionlab/lab"
	"sessionlab/scenarios"
	"sessionlab/scenarios/script"
	"sessionlab/sessions"
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
