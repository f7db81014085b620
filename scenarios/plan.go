package scenarios

import (
	"strconv"
	"time"

	"sessionlab/appnode"
	"sessionlab/lab"
	"sessionlab/scenarios/script"
	"sessionlab/sessions"
)

// PlanOf turns the nouns of a scenario into a topology. The error says what
// cannot be built, and is the scenario's fault.
func PlanOf(sc *script.Scenario) (lab.Plan, error) {
	var p lab.Plan
	if v := sc.Noun("tomcat"); v.Text != "" {
		release, err := sessions.ReleaseNamed(strconv.Itoa(v.Version.Major) + minorOf(v.Version))
		if err != nil {
			return p, err
		}
		p.Tomcat = release
	}
	p.Nodes = nodePlans(sc)
	p.Manager = managerPlan(sc)
	network := sc.Noun("network").Options
	p.Delay, p.Spread = network.Duration("delay", 0), network.Duration("spread", 0)
	front := proxyPlan
	if _, attached := sc.Attachment(NginxConf); attached {
		front = attachedProxy
	}
	var err error
	if p.Proxy, err = front(sc, p.Nodes); err != nil {
		return p, err
	}
	p.ProxyAddr = sc.Noun("proxy").Options.String("addr", "")
	return p, nil
}

// minorOf is ".5" for 8.5 and ".1" for 10.1, whose lines are named by two numbers.
func minorOf(v script.Version) string {
	if v.Major == 8 || v.Major == 10 {
		return "." + strconv.Itoa(v.Minor)
	}
	return ""
}

// nodePlans are the nodes in their order.
func nodePlans(sc *script.Scenario) []lab.NodePlan {
	var nodes []lab.NodePlan
	for i, name := range sc.Nodes() {
		nodes = append(nodes, nodePlan(sc, name, lab.DefaultNodeAddr(i)))
	}
	return nodes
}

func nodePlan(sc *script.Scenario, name, addr string) lab.NodePlan {
	o, all := sc.Node(name), sc.Noun("nodes").Options
	n := lab.NodePlan{
		Name:  name,
		Addr:  o.String("addr", addr),
		Route: name,
		Skew:  o.Duration("skew", 0),
		Cold:  all.Bool("cold", false),
	}
	if all.String("jvmRoute", "name") == "none" {
		n.Route = ""
	}
	if own := sc.Named("node", name).Options.String("jvmRoute", ""); own == "none" {
		n.Route = ""
	} else if own != "" {
		n.Route = own
	}
	app := sc.Noun("app").Options
	n.Connector = appnode.Config{
		Port:                     o.Int("port", 0),
		MaxThreads:               o.Int("maxThreads", 0),
		AcceptCount:              o.Int("acceptCount", 0),
		KeepAliveTimeout:         o.Duration("keepAliveTimeout", 0),
		MaxKeepAliveRequests:     o.Int("maxKeepAliveRequests", 0),
		MaxHTTPHeaderSize:        o.Int("maxHttpHeaderSize", 0),
		SessionCookieName:        app.String("sessionCookieName", ""),
		SessionCookiePath:        app.String("sessionCookiePath", ""),
		SessionCookieDomain:      app.String("sessionCookieDomain", ""),
		NoHTTPOnly:               !app.Bool("useHttpOnly", true),
		NoCookies:                !app.Bool("cookies", true),
		BackgroundProcessorDelay: sc.Noun("manager").Options.Duration("backgroundProcessorDelay", 0),
	}
	if o.Has("maxKeepAliveRequests") && n.Connector.MaxKeepAliveRequests == 0 {
		n.Connector.MaxKeepAliveRequests = -1 // only above 0 is a limit. Source: Tomcat Http11Processor.java
	}
	if o.Has("start") {
		n.JVMStart = none(o.Duration("start", 0), time.Nanosecond)
	}
	if o.Has("service") {
		n.Connector.Service = appnode.Service{Time: none(o.Duration("service", 0), time.Nanosecond)}
	}
	return n
}
