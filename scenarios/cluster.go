package scenarios

import (
	"regexp"
	"slices"
	"time"

	"sessionlab/appnode"
	"sessionlab/lab"
	"sessionlab/scenarios/script"
	"sessionlab/sessions"
	"sessionlab/sessions/delta"
	"sessionlab/sessions/tribes"
)

// managerPlan reads the nouns that make up a node's session manager: manager,
// cluster, membership, sender, receiver, interceptor, valve, app, network.
func managerPlan(sc *script.Scenario) lab.ManagerPlan {
	o, app := sc.Noun("manager").Options, sc.Noun("app").Options
	m := lab.ManagerPlan{
		Class:            sc.Noun("manager").Class,
		NotDistributable: !app.Bool("distributable", true),
		Base: sessions.Config{
			MaxActiveSessions:       maxActiveSessions(o),
			ProcessExpiresFrequency: o.Int("processExpiresFrequency", 0),
			SessionIDLength:         o.Int("sessionIdLength", 0),
			Listeners:               app.Bool("listeners", false),
		},
	}
	// Both mean never where they are 0. Source: Tomcat StandardContext.java
	// (setSessionTimeout), StandardSession.java (isValidInternal).
	for _, timeout := range []struct {
		of   script.Options
		name string
	}{{app, "sessionTimeout"}, {o, "maxInactiveInterval"}} {
		if timeout.of.Has(timeout.name) {
			m.Base.MaxInactiveInterval = none(timeout.of.Duration(timeout.name, 0), script.Never)
		}
	}
	if m.Class == "" && declaresCluster(sc) {
		m.Class = "DeltaManager"
	}
	if filter := o.String("sessionAttributeNameFilter", ""); filter != "" {
		m.Base.SessionAttributeNameFilter = regexp.MustCompile("^(?:" + filter + ")$") // the parser has checked it
	}
	m.PersistAuthentication = m.Class == "StandardManager" && o.Bool("persistAuthentication", false)
	if m.Class == "StandardManager" && o.Has("pathname") {
		path := o.String("pathname", "")
		m.Pathname = &path
	}
	for _, v := range sc.All("valve") {
		switch v.Class {
		case "ReplicationValve":
			m.Replication = appnode.ReplicationConfig{
				Filter:               v.Options.String("filter", ""),
				PrimaryIndicator:     v.Options.Bool("primaryIndicator", false),
				PrimaryIndicatorName: v.Options.String("primaryIndicatorName", ""),
				Statistics:           v.Options.Bool("statistics", false),
			}
		case "JvmRouteBinderValve":
			m.NoBinder = !v.Options.Bool("enabled", true)
			m.Binder.SessionIDAttribute = v.Options.String("sessionIdAttribute", "")
			m.Binder.NoSessionIDAttribute = v.Options.Has("sessionIdAttribute") && m.Binder.SessionIDAttribute == ""
		}
	}
	m.Delta = deltaPlan(o)
	m.Delta.SendOptions = tribes.Options(sc.Noun("cluster").Options.Int("channelSendOptions", 0))
	m.Delta.Tribes = channelPlan(sc)
	m.StaticMembers = sc.Noun("membership").Class == "StaticMembershipService"
	return m
}

// maxActiveSessions is a limit from 0 on in Tomcat, so that 0 allows no session
// at all. Source: Tomcat ManagerBase.java, createSession.
func maxActiveSessions(o script.Options) int {
	switch n := o.Int("maxActiveSessions", -1); n {
	case -1:
		return 0
	case 0:
		return sessions.NoSessions
	default:
		return n
	}
}

// ofCluster are the nouns within Tomcat's Cluster element.
var ofCluster = []string{"cluster", "membership", "sender", "receiver", "interceptor"}

// declaresCluster reports whether there is a Cluster: its managers are
// DeltaManagers unless they are said to be others. Source: Tomcat
// SimpleTcpCluster.java, managerTemplate.
func declaresCluster(sc *script.Scenario) bool {
	return slices.ContainsFunc(ofCluster, func(noun string) bool { return len(sc.All(noun)) > 0 })
}

// flag is a DeltaManager attribute whose default is true.
func flag(o script.Options, name string) delta.Flag {
	if o.Bool(name, true) {
		return delta.True
	}
	return delta.False
}

// none turns an explicit zero into the value that stands for "none at all" in a
// configuration whose zero is the default.
func none[N int | time.Duration](n, none N) N {
	if n == 0 {
		return none
	}
	return n
}

// forEver is a wait that no run outlasts.
const forEver = 10 * 365 * 24 * time.Hour

func deltaPlan(o script.Options) delta.Config {
	d := delta.Config{
		ExpireSessionsOnShutdown:              o.Bool("expireSessionsOnShutdown", false),
		NotifyListenersOnReplication:          flag(o, "notifyListenersOnReplication"),
		NotifySessionListenersOnReplication:   flag(o, "notifySessionListenersOnReplication"),
		NotifyContainerListenersOnReplication: flag(o, "notifyContainerListenersOnReplication"),
		EnableStatistics:                      flag(o, "enableStatistics"),
		SendAllSessions:                       flag(o, "sendAllSessions"),
		SendAllSessionsSize:                   o.Int("sendAllSessionsSize", 0),
		StateTimestampDrop:                    flag(o, "stateTimestampDrop"),
		RecordAllActions:                      o.Bool("recordAllActions", false),
	}
	if o.Has("stateTransferTimeout") {
		d.StateTransferTimeout = none(o.Duration("stateTransferTimeout", 0), delta.DoNotWait)
		if o.Duration("stateTransferTimeout", 0) == script.Never {
			d.StateTransferTimeout = delta.WaitForEver
		}
	}
	if o.Has("sendAllSessionsWaitTime") {
		d.SendAllSessionsWaitTime = none(o.Duration("sendAllSessionsWaitTime", 0), -1)
	}
	return d
}

// channelPlan reads the nouns of the Channel element.
func channelPlan(sc *script.Scenario) tribes.Config {
	cluster := sc.Noun("cluster").Options
	c := tribes.Config{
		StartOptions:       tribes.StartOptions(cluster.Int("channelStartOptions", 0)),
		HeartbeatSleeptime: cluster.Duration("heartbeatSleeptime", 0),
		Sender:             senderPlan(sc.Noun("sender").Options),
		Receiver:           receiverPlan(sc.Noun("receiver").Options),
	}
	if m := sc.Noun("membership"); m.Class == "StaticMembershipService" {
		c.Static = &tribes.StaticConfig{
			ConnectTimeout: m.Options.Duration("connectTimeout", 0),
			ExpirationTime: m.Options.Duration("expirationTime", 0),
			RpcTimeout:     m.Options.Duration("rpcTimeout", 0),
			PingInterval:   m.Options.Duration("pingInterval", 0),
			UseThread:      m.Options.Bool("useThread", false),
		}
	} else {
		c.Membership = tribes.McastConfig{
			Address:   m.Options.String("address", ""),
			Port:      m.Options.Int("port", 0),
			Frequency: m.Options.Duration("frequency", 0),
			DropTime:  m.Options.Duration("dropTime", 0),
			SoTimeout: m.Options.Duration("soTimeout", 0),
		}
	}
	for _, i := range sc.All("interceptor") {
		addInterceptor(&c, i)
	}
	if n := sc.Noun("network").Options; n.Has("dispatch") {
		c.Pickup = none(n.Duration("dispatch", 0), -1)
	}
	return c
}

func senderPlan(o script.Options) tribes.SenderConfig {
	s := tribes.SenderConfig{
		PoolSize: o.Int("poolSize", 0), MaxWait: o.Duration("maxWait", 0), Timeout: o.Duration("timeout", 0),
		MaxRetryAttempts:   o.Int("maxRetryAttempts", 0),
		NoThrowOnFailedAck: !o.Bool("throwOnFailedAck", true),
		// A connection is closed when it has served more than keepAliveCount
		// messages. Source: Tomcat AbstractSender.java, keepalive.
		KeepAliveCount: o.Int("keepAliveCount", -1) + 1,
	}
	if o.Has("maxWait") {
		s.MaxWait = none(o.Duration("maxWait", 0), forEver) // Source: Tomcat PooledSender.java, getSender
	}
	if t := o.Duration("keepAliveTime", script.Never); t != script.Never {
		s.KeepAliveTime = max(t, time.Millisecond) // Tomcat counts in them
	}
	if o.Has("maxRetryAttempts") && s.MaxRetryAttempts == 0 {
		s.MaxRetryAttempts = -1
	}
	return s
}

func receiverPlan(o script.Options) tribes.ReceiverConfig {
	return tribes.ReceiverConfig{
		Port: o.Int("port", 0), AutoBind: max(1, o.Int("autoBind", 100)), // Source: Tomcat ReceiverBase.java, setAutoBind
		MaxThreads:      o.Int("maxThreads", 0),
		MinThreads:      o.Int("minThreads", 0),
		MaxIdleTime:     o.Duration("maxIdleTime", 0),
		Timeout:         o.Duration("timeout", 0),
		SelectorTimeout: o.Duration("selectorTimeout", 0),
		RxBufSize:       o.Int("rxBufSize", 0),
	}
}

// addInterceptor puts an interceptor behind the others of a channel.
func addInterceptor(c *tribes.Config, line script.Noun) {
	c.Interceptors = append(c.Interceptors, line.Class)
	o := line.Options
	switch line.Class {
	case tribes.TcpFailureDetector:
		c.FailureDetector = tribes.FailureDetectorConfig{
			ConnectTimeout:  o.Duration("connectTimeout", 0),
			NoSendTest:      !o.Bool("performSendTest", true),
			PerformReadTest: o.Bool("performReadTest", false),
			ReadTestTimeout: o.Duration("readTestTimeout", 0),
		}
		if o.Has("removeSuspectsTimeout") { // Source: Tomcat TcpFailureDetector.java, performForcedCheck
			c.FailureDetector.RemoveSuspectsTimeout = none(o.Duration("removeSuspectsTimeout", 0), forEver)
		}
	case tribes.MessageDispatchInterceptor, tribes.MessageDispatch15Interceptor:
		c.Dispatch = tribes.DispatchConfig{
			NoAlwaysSend:    !o.Bool("alwaysSend", true),
			MaxThreads:      o.Int("maxThreads", 0),
			MaxSpareThreads: o.Int("maxSpareThreads", 0),
		}
		if o.Has("maxQueueSize") {
			c.Dispatch.MaxQueueSize = int64(none(o.Int("maxQueueSize", 0), -1)) // nothing fits
		}
		if o.Has("keepAliveTime") {
			c.Dispatch.KeepAliveTime = none(o.Duration("keepAliveTime", 0), time.Nanosecond)
		}
	}
}
