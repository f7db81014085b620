package script

import (
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"
	"time"
)

// Element is a kind of thing that a line may declare, with all the options it
// knows. Names are Tomcat's and nginx's own, on the element where they belong
// there; the lab's own additions are in lower case too.
type Element struct {
	Noun    string // first word of the line
	Class   string // Tomcat's class or nginx's method; empty where a noun has one kind only
	Doc     string
	Options []Option
	Later   []string // options of the real thing that this release does not have
	Vain    []Vain   // options of the real thing that could change nothing here
}

// Vain are options that stay refused, and why.
type Vain struct {
	Names  []string
	Reason string
}

// whyVain is the reason why an option could change nothing; "" if it is none of
// these.
func (e *Element) whyVain(option string) string {
	for _, v := range e.Vain {
		if slices.Contains(v.Names, option) {
			return v.Reason
		}
	}
	return ""
}

// Options of the Java side that have nothing to act on here.
var (
	socketOptions = Vain{[]string{"txBufSize", "direct", "directBuffer", "tcpNoDelay", "soKeepAlive", "ooBInline",
		"soReuseAddress", "soLingerOn", "soLingerTime", "soTrafficClass", "soTimeout"},
		"the lab's connections have no socket options"}
	udpOptions    = Vain{[]string{"udpPort", "udpRxBufSize", "udpTxBufSize"}, "no message goes by UDP"}
	randomOptions = Vain{[]string{"secureRandomAlgorithm", "secureRandomClass", "secureRandomProvider"},
		"session ids are drawn from the run's seed"}
	dispatchVain = []Vain{
		{[]string{"useDeepClone"}, "a queued message shares nothing with the application"},
		{[]string{"optionFlag"}, "this interceptor acts on asynchronous messages whatever it says"},
	}
)

func (e *Element) title() string {
	if e.Class != "" {
		return e.Noun + " " + e.Class
	}
	return e.Noun
}

const (
	ms  = int64(time.Millisecond)
	sec = int64(time.Second)
)

func duration(name, unit, doc string) Option {
	return Option{Name: name, Type: DurationOption, Unit: unit, Doc: doc}
}

// positive is a duration that may not be 0.
func positive(name, unit, doc string) Option {
	return Option{Name: name, Type: DurationOption, Unit: unit, Min: ms, Doc: doc}
}

// unlimited is a duration that may be -1, for ever.
func unlimited(name, unit, doc string) Option {
	return Option{Name: name, Type: DurationOption, Unit: unit, Never: true, Doc: doc}
}

// seconds is a duration of which the real thing keeps whole seconds only.
func seconds(name, doc string) Option {
	return Option{Name: name, Type: DurationOption, Unit: "s", Whole: true, Doc: doc}
}

// number counts something that costs the lab nothing.
func number(name string, least int64, doc string) Option {
	return Option{Name: name, Type: IntOption, Min: least, Max: math.MaxInt32, Why: "it is kept in 32 bits there", Doc: doc}
}

// upTo bounds a number of what the lab has to make or keep, and says why.
func (o Option) upTo(most int64, why string) Option {
	o.Max, o.Why = most, why
	return o
}

// Why there are bounds.
const (
	threadsCost     = "each of them can be a task of the lab at the same time"
	connectionsCost = "each of them can be an open connection of the lab"
	onlyPorts       = "a machine has no more ports"
)

// inFolder refuses a path that leads out of a node's own folder.
func inFolder(path string) error {
	switch {
	case path == "":
	case !fs.ValidPath(path) || path == "." || strings.ContainsAny(path, `\:`):
		return fmt.Errorf("%q is no file in the node's own folder: write a path without / before it and without . or .. in it", path)
	case len(path) > maxPath:
		return fmt.Errorf("the path has %d bytes: at most %d", len(path), maxPath)
	}
	return nil
}

// maxPath is how long a path may be: what most systems take for one name.
const maxPath = 255

func yesNo(name, doc string) Option   { return Option{Name: name, Type: BoolOption, Doc: doc} }
func text(name, doc string) Option    { return Option{Name: name, Type: StringOption, Doc: doc} }
func address(name, doc string) Option { return Option{Name: name, Type: AddrOption, Doc: doc} }

func port(name, doc string) Option {
	return Option{Name: name, Type: IntOption, Min: 1, Max: 65535, Doc: doc}
}

func oneOf(name, doc string, words ...string) Option {
	return Option{Name: name, Type: EnumOption, Words: words, Doc: doc}
}

func group(lists ...[]Option) []Option {
	var all []Option
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

var nodeOptions = []Option{
	number("maxThreads", 1, "worker threads of the connector; Tomcat: 200").upTo(10_000, threadsCost),
	port("port", "of the connector; Tomcat: 8080"),
	number("acceptCount", 1, "connections that wait while all are busy; Tomcat: 100").upTo(65_535, "the kernel keeps the length of a backlog in 16 bits"),
	{Name: "keepAliveTimeout", Type: DurationOption, Unit: "ms", Min: ms, Never: true, Doc: "idle time after which a connection is closed; -1: never; Tomcat: connectionTimeout, 20s"},
	number("maxKeepAliveRequests", -1, "requests per connection; 1: no keep-alive; -1: no limit; Tomcat: 100"),
	number("maxHttpHeaderSize", 1, "bytes of a request's line and header together, 400 beyond; Tomcat: 8192").upTo(512<<10, "the lab's connections read a head of 1 MiB at most"),
	duration("service", "", "time a request takes on the node"),
	duration("start", "", "time the JVM takes to start"),
	{Name: "skew", Type: DurationOption, Signed: true, Doc: "how far the node's clock is ahead, or behind (-2s)"},
}

// Source: Tomcat ManagerBase.java, StandardEngine.java (backgroundProcessorDelay).
var managerOptions = []Option{
	{Name: "maxInactiveInterval", Type: DurationOption, Unit: "s", Whole: true, Never: true, Doc: "idle time after which a session expires; -1: never"},
	number("maxActiveSessions", -1, "sessions at most; 0: none; -1: no limit"),
	number("sessionIdLength", 2, "random bytes of a session id, each two digits; Tomcat: 16").upTo(1024, "an id must fit into the head of a request, which has 8 KiB"),
	text("sessionAttributeNameFilter", "attributes that may leave the node: one regular expression over the name; Tomcat: all"),
	number("processExpiresFrequency", 1, "background runs per expiry scan; Tomcat: 6"),
	{Name: "backgroundProcessorDelay", Type: DurationOption, Unit: "s", Whole: true, Min: sec, Doc: "time between background runs; Tomcat: 10s"},
}

var pooledThreads = []Option{
	{Name: "maxQueueSize", Type: SizeOption, Max: 1 << 30, Why: "the lab keeps in memory what waits", Doc: "bytes that may wait; Tomcat: 64MiB"},
	yesNo("alwaysSend", "a full queue makes the request's own thread send; Tomcat: yes"),
	number("maxThreads", 1, "sending threads at most; Tomcat: 10").upTo(1000, threadsCost),
	number("maxSpareThreads", 1, "sending threads kept; Tomcat: 2").upTo(1000, threadsCost),
	duration("keepAliveTime", "ms", "idle time after which a thread ends; Tomcat: 5s"),
}

// Source: nginx ngx_http_upstream_module, ngx_http_proxy_module.
var (
	healthOptions = []Option{
		number("max_fails", 0, "failures that exclude a server; 0: never; nginx: 1"),
		seconds("fail_timeout", "how long it is excluded; nginx: 10s"),
		number("max_conns", 0, "requests in flight at most; 0: no limit"),
	}
	proxyOptions = group([]Option{
		oneOf("sticky", "follow the session cookie's route, or a cookie of the proxy's own", "route", "cookie"),
		text("cookie", "name of that cookie; JSESSIONID for route, srv_id for cookie"),
	}, healthOptions, []Option{
		{Name: "proxy_next_upstream", Type: WordsOption, Words: []string{"error", "timeout", "invalid_header", "http_500",
			"http_502", "http_503", "http_504", "http_403", "http_404", "http_429", "non_idempotent", "off"},
			Doc: "what makes a request try the next server; nginx: error timeout"},
		number("proxy_next_upstream_tries", 0, "tries per request; 0: as many as servers"),
		duration("proxy_next_upstream_timeout", "s", "no further try after this time; 0s: no limit"),
		positive("proxy_connect_timeout", "s", "nginx: 60s"),
		positive("proxy_read_timeout", "s", "between two reads; nginx: 60s"),
		positive("proxy_send_timeout", "s", "between two writes; nginx: 60s"),
		oneOf("proxy_http_version", "protocol spoken to the nodes", "1.0", "1.1"),
		yesNo("proxy_intercept_errors", "error_page replaces the nodes' own errors too; nginx: no"),
		number("keepalive", 0, "idle connections kept to the nodes; 0: none").upTo(65_535, onlyPorts),
		number("keepalive_requests", 1, "requests per kept connection; nginx: 1000"),
		positive("keepalive_timeout", "s", "idle time of a kept connection; nginx: 60s"),
		text("error_page", `as in nginx: "502 504 /down.html"`),
		port("port", "of the proxy; 8080"),
		address("addr", "of the proxy, an IPv4 address"),
	})
	proxyLater = []string{"proxy_cache", "zone", "worker_processes", "slow_start", "queue", "proxy_buffering"}
)

var userOptions = []Option{
	yesNo("cookies", "keep cookies, as a browser does; yes"),
	yesNo("keepalive", "keep the connection between requests; yes"),
	positive("timeout", "", "how long an answer is waited for"),
}

// Elements is the table of everything that a noun line may declare. The first
// element of a noun is the default where the class may be left out.
var Elements = []Element{
	{Noun: "nodes", Doc: "how many nodes (tomcat1, tomcat2, ...), or their names", Options: group([]Option{
		yesNo("cold", "start them at 0s, instead of finding them started"),
		oneOf("jvmRoute", "each node's name ends its session ids, or nothing does", "name", "none"),
	}, nodeOptions)},
	{Noun: "node", Doc: "what differs on one node", Options: group([]Option{
		text("jvmRoute", "end of the node's session ids; none: no route; the node's name"),
		address("addr", "an IPv4 address"),
	}, nodeOptions)},

	{Noun: "manager", Class: "StandardManager", Doc: "sessions in the memory of one node",
		Options: group(managerOptions, []Option{
			{Name: "pathname", Type: StringOption, Check: inFolder, Doc: `file that keeps sessions over a stop; "": none`},
			yesNo("persistAuthentication", "the file keeps who is logged in; Tomcat: no"),
		}),
		Vain: []Vain{randomOptions}},
	{Noun: "manager", Class: "DeltaManager", Doc: "every node holds every session", Options: group(managerOptions, []Option{
		yesNo("expireSessionsOnShutdown", "a stopping node expires its sessions everywhere; Tomcat: no"),
		unlimited("stateTransferTimeout", "s", "how long a start waits for the sessions; 0s: not; -1: for ever; Tomcat: 60s"),
		yesNo("sendAllSessions", "the whole state in one message; Tomcat: yes"),
		number("sendAllSessionsSize", 1, "sessions per block; Tomcat: 1000"),
		duration("sendAllSessionsWaitTime", "ms", "pause between blocks; Tomcat: 2s"),
		yesNo("stateTimestampDrop", "drop what is older than the state received; Tomcat: yes"),
		yesNo("recordAllActions", "keep every write of an attribute, not only the last; Tomcat: no"),
		yesNo("notifySessionListenersOnReplication", "session listeners run on receivers; Tomcat: yes"),
		yesNo("notifyListenersOnReplication", "attribute listeners run on receivers; Tomcat: yes"),
		yesNo("notifyContainerListenersOnReplication", "container listeners hear of a new id on receivers; Tomcat: yes"),
		yesNo("enableStatistics", "count the messages sent and received, for the status of up; Tomcat: yes"),
	}), Vain: []Vain{randomOptions}},

	{Noun: "cluster", Doc: "Tomcat's Cluster and Channel; its manager is DeltaManager where no manager line says otherwise", Options: []Option{
		{Name: "channelSendOptions", Type: SendOption, Doc: "8 async; 6 sync; 2, 4, 10, 14; or Tomcat's names; Tomcat: 8"},
		{Name: "channelStartOptions", Type: IntOption, Min: 1, Max: 15, Doc: "1 receive + 2 send + 4 hear members + 8 be heard; Tomcat: 15"},
		positive("heartbeatSleeptime", "ms", "time between channel heartbeats; Tomcat: 5s"),
	}},
	{Noun: "membership", Class: "McastService", Doc: "members find each other by multicast", Options: []Option{
		address("address", "multicast group; Tomcat: 228.0.0.4"),
		port("port", "Tomcat: 45564"),
		positive("frequency", "ms", "time between heartbeats; Tomcat: 500ms"),
		positive("dropTime", "ms", "silence after which a member is dropped; Tomcat: 3s"),
		positive("soTimeout", "ms", "how long the receiver waits for a heartbeat before it looks for who is silent; Tomcat: the frequency"),
	}, Vain: []Vain{
		{[]string{"ttl"}, "there is no router between the nodes"},
		{[]string{"recoveryEnabled", "recoveryCounter", "recoverySleepTime"}, "a socket of the lab does not fail"},
		{[]string{"localLoopbackDisabled"}, "each node is a machine of its own"},
	}},
	{Noun: "membership", Class: "StaticMembershipService", Doc: "members are listed", Options: []Option{
		positive("expirationTime", "ms", "silence after which a member is dropped; Tomcat: 5s"),
		positive("pingInterval", "ms", "time between pings; Tomcat: 1s"),
		positive("connectTimeout", "ms", "Tomcat: 500ms"),
		positive("rpcTimeout", "ms", "Tomcat: 3s"),
		yesNo("useThread", "ping in a thread of its own, not on the channel heartbeat; Tomcat: no"),
	}},
	{Noun: "sender", Class: "PooledParallelSender", Doc: "a pool of connections to all members", Options: []Option{
		number("poolSize", 1, "senders; Tomcat: 25").upTo(1000, connectionsCost),
		duration("maxWait", "ms", "wait for a free sender; Tomcat: 3s"),
		positive("timeout", "ms", "wait for a member; Tomcat: 3s"),
		number("maxRetryAttempts", 0, "further attempts after an I/O error; Tomcat: 1"),
		yesNo("throwOnFailedAck", "a negative acknowledgement is a failure; Tomcat: yes"),
		number("keepAliveCount", -1, "messages per connection; -1: no limit"),
		unlimited("keepAliveTime", "ms", "life of a connection; -1: no limit"),
	}, Vain: []Vain{socketOptions, udpOptions,
		{[]string{"rxBufSize"}, "acknowledgements are short"},
	}},
	{Noun: "receiver", Class: "NioReceiver", Doc: "takes messages off the wire", Options: []Option{
		port("port", "Tomcat: 4000"),
		number("autoBind", 0, "ports tried; Tomcat: 100").upTo(65_535, onlyPorts),
		number("maxThreads", 1, "messages processed at a time; Tomcat: 15").upTo(1000, threadsCost),
		number("minThreads", 1, "threads started and kept; no more than maxThreads, or the node does not start; Tomcat: 6").upTo(1000, threadsCost),
		positive("maxIdleTime", "ms", "idle time after which a further thread ends; Tomcat: 60s"),
		positive("timeout", "ms", "a longer wait for a thread is told; Tomcat: 3s"),
		positive("selectorTimeout", "ms", "how often that is looked at; Tomcat: 5s"),
		{Name: "rxBufSize", Type: SizeOption, Min: 1, Max: 1 << 30, Why: "the lab keeps in memory what has arrived", Doc: "what a thread reads from a connection at once; Tomcat: 64KiB, up to 7.0 43800B"},
	}, Vain: []Vain{socketOptions, udpOptions,
		{[]string{"useBufferPool", "minTasks", "maxTasks"}, "Tomcat's receiver does not look at it either"},
		{[]string{"securePort"}, "nobody sends to it"},
	}},
	{Noun: "interceptor", Class: "TcpFailureDetector", Doc: "checks a vanished member by connecting", Options: []Option{
		positive("connectTimeout", "ms", "Tomcat: 1s"),
		yesNo("performSendTest", "also write to it; Tomcat: yes"),
		yesNo("performReadTest", "also wait for an answer; Tomcat: no"),
		positive("readTestTimeout", "ms", "Tomcat: 5s"),
		duration("removeSuspectsTimeout", "s", "how long a suspect is probed; Tomcat: 300s"),
	}},
	{Noun: "interceptor", Class: "MessageDispatchInterceptor", Doc: "the queue of asynchronous messages", Options: pooledThreads,
		Vain: dispatchVain},
	{Noun: "interceptor", Class: "MessageDispatch15Interceptor", Doc: "its name up to Tomcat 8.0", Options: pooledThreads,
		Vain: dispatchVain},
	{Noun: "valve", Class: "ReplicationValve", Doc: "replicates at the end of a request", Options: []Option{
		text("filter", "requests that replicate nothing: one regular expression over the path"),
		yesNo("primaryIndicator", "tell the application, in a request attribute, whether it has the primary copy; Tomcat: no"),
		text("primaryIndicatorName", "of that attribute; Tomcat: org.apache.catalina.ha.tcp.isPrimarySession"),
		yesNo("statistics", "count and time requests, and tell each hundred of them; Tomcat: no"),
	}},
	{Noun: "valve", Class: "JvmRouteBinderValve", Doc: "gives a session that moved the new node's route", Options: []Option{
		yesNo("enabled", "Tomcat: yes"),
		text("sessionIdAttribute", `request attribute with the id before; "": none; Tomcat: org.apache.catalina.ha.session.JvmRouteOriginalSessionID`),
	}},
	{Noun: "app", Doc: "the application, a Tomcat Context", Options: []Option{
		yesNo("distributable", "without it a cluster manager is silently a StandardManager; yes"),
		yesNo("listeners", "it has session, id, attribute and container listeners, and the timeline says what they hear; no"),
		yesNo("cookies", "session ids travel in cookies; without, in URLs only; Tomcat: yes"),
		text("sessionCookieName", "Tomcat: JSESSIONID"),
		text("sessionCookiePath", "browsers send the cookie to what lies below it; Tomcat: that of the application, /"),
		text("sessionCookieDomain", "browsers take the cookie from hosts in it only; Tomcat: none"),
		yesNo("useHttpOnly", "keep scripts in browsers from the cookie; Tomcat: yes"),
		{Name: "sessionTimeout", Type: DurationOption, Unit: "m", Whole: true, Never: true, Doc: "idle time after which a session expires; -1: never; Tomcat: 30m"},
	}, Vain: []Vain{
		{[]string{"changeSessionIdOnAuthentication"}, "it is an authenticator's, and the demo application rotates the id itself"},
	}},
	{Noun: "network", Doc: "how long messages take, where time is virtual", Options: []Option{
		duration("delay", "", "one way"),
		duration("spread", "", "up to so much more, drawn per message"),
		duration("dispatch", "", "mean time that messages between nodes lose to threads; 300us"),
	}},

	{Noun: "proxy", Class: "round_robin", Doc: "in turn, by weight", Options: proxyOptions, Later: proxyLater},
	{Noun: "proxy", Class: "ip_hash", Doc: "by the first three octets of the client's address", Options: proxyOptions, Later: proxyLater},
	{Noun: "proxy", Class: "least_conn", Doc: "fewest requests in flight", Options: proxyOptions, Later: proxyLater},
	{Noun: "proxy", Class: "hash", Doc: "hash KEY [consistent], such as hash $cookie_JSESSIONID", Options: proxyOptions, Later: proxyLater},
	{Noun: "proxy", Class: "random", Doc: "random [two [least_conn]]", Options: proxyOptions, Later: proxyLater},
	{Noun: "server", Doc: "NODE {backup|down|drain}: what differs for one node behind the proxy", Options: group([]Option{
		{Name: "weight", Type: IntOption, Min: 1, Max: 65535, Doc: "share of the requests; nginx: 1"},
	}, healthOptions, []Option{
		text("route", "name that sticky=route looks for; the node's jvmRoute"),
	}), Later: []string{"slow_start", "resolve", "service"}},

	{Noun: "users", Doc: "how many users (user1, user2, ...) go their way by themselves", Options: group([]Option{
		oneOf("journey", "what each of them does, over and over", "browse", "counter", "shop"),
		duration("think", "", "pause after each answer"),
		number("requests", 1, "that each of them sends, and is done; no limit"),
		{Name: "from", Type: BlockOption, Doc: "their addresses, of IPv4 or IPv6"},
	}, userOptions)},
	{Noun: "user", Doc: "NAME [from ADDR]: one user who does what the script says; ADDR is an IPv4 or IPv6 address", Options: userOptions},

	{Noun: "step", Doc: "a user's request in the script", Options: []Option{
		positive("timeout", "", "how long this answer is waited for"),
		duration("think", "", "pause between repetitions"),
		text("cookie", `what this request presents instead of the user's cookies: none, those of another USER, a remembered session id, or "NAME=VALUE; ..."; what its answer sets is not kept`),
		{Name: "header", Type: HeaderOption, Many: true, Doc: `a line of its header, such as "X-Real-IP: 10.0.0.9"; there may be several`},
	}},
}

// laterClasses are real classes and methods that this release does not have.
var laterClasses = map[string][]string{
	"manager":    {"BackupManager", "PersistentManager"},
	"membership": {"CloudMembershipService"},
	"sender":     {"PooledMultiSender", "SimpleTcpReplicationSender"},
	"receiver":   {"BioReceiver", "SocketReplicationListener"},
	"interceptor": {"TcpPingInterceptor", "StaticMembershipInterceptor", "OrderInterceptor", "FragmentationInterceptor",
		"GzipInterceptor", "ThroughputInterceptor", "DomainFilterInterceptor", "NonBlockingCoordinator",
		"SimpleCoordinator", "TwoPhaseCommitInterceptor", "EncryptInterceptor"},
	"valve": {"PersistentValve", "LoadBalancerDrainingValve", "ClusterSingleSignOn", "AccessLogValve", "RemoteIpValve"},
	"proxy": {"least_time", "byrequests", "bytraffic", "bybusyness", "roundrobin"},
}

// optionTypes are the types that each option name has on one element or another.
var optionTypes = func() map[string][]OptionType {
	types := map[string][]OptionType{}
	for _, e := range Elements {
		for _, o := range e.Options {
			if !slices.Contains(types[o.Name], o.Type) {
				types[o.Name] = append(types[o.Name], o.Type)
			}
		}
	}
	return types
}()

// elementOf finds an element; an empty class gives the noun's first.
func elementOf(noun, class string) *Element {
	for i := range Elements {
		if e := &Elements[i]; e.Noun == noun && (class == "" || e.Class == class) {
			return e
		}
	}
	return nil
}

// ownerOf finds the first element that knows an option.
func ownerOf(option string) *Element {
	for i := range Elements {
		for _, o := range Elements[i].Options {
			if o.Name == option {
				return &Elements[i]
			}
		}
	}
	return nil
}

// classesOf lists the classes of a noun.
func classesOf(noun string) []string {
	var names []string
	for _, e := range Elements {
		if e.Noun == noun && e.Class != "" {
			names = append(names, e.Class)
		}
	}
	return names
}
