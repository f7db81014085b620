package delta

import (
	"time"

	"sessionlab/sessions"
	"sessionlab/sessions/tribes"
)

// Config configures a Manager. Every zero value is Tomcat's default.
// Source: Tomcat DeltaManager.java; webapps/docs/config/cluster-manager.xml.
type Config struct {
	sessions.Config
	// Release is whose behaviour is meant. The zero value is that of 10.1.
	Release sessions.Release
	// Name is the manager's name: the context's, with "host#" before it when the
	// Cluster element sits in the Engine. Messages for another name find no
	// manager. "" is "localhost#", the root context of conf/server.xml.
	Name string

	// SendOptions is channelSendOptions. Zero is 8, asynchronous.
	SendOptions tribes.Options
	// Formed says that the node belongs to a cluster that has just been formed:
	// there is no state to fetch at the start.
	Formed bool

	// ExpireSessionsOnShutdown has every session that this node holds, which is
	// every session of the cluster, expired on all nodes at a graceful stop.
	ExpireSessionsOnShutdown bool
	// NotifySessionListenersOnReplication makes the observer hear of sessions
	// that a message has created, ended or given a new id here.
	NotifySessionListenersOnReplication Flag
	// NotifyListenersOnReplication makes it hear, with Listeners, of attributes that
	// a DELTA has changed here, and NotifyContainerListenersOnReplication what
	// container listeners hear of a new id.
	NotifyListenersOnReplication          Flag
	NotifyContainerListenersOnReplication Flag
	// StateTransferTimeout is how long a start waits for the sessions of another
	// node. Zero is 60 s; see WaitForEver and DoNotWait.
	StateTransferTimeout time.Duration
	// SendAllSessions sends the whole state in one message.
	SendAllSessions Flag
	// SendAllSessionsSize is how many sessions go into a message otherwise. Zero
	// is 1000.
	SendAllSessionsSize int
	// SendAllSessionsWaitTime lies between two such messages. Zero is 2 s; below
	// zero there is no pause.
	SendAllSessionsWaitTime time.Duration
	// EnableStatistics keeps Counts.
	EnableStatistics Flag
	// StateTimestampDrop drops, after the state has come, what arrived while it
	// was awaited and is older than the state by the clocks of the two senders.
	StateTimestampDrop Flag
	// RecordAllActions sends every change of a request, not only the last of
	// each attribute.
	RecordAllActions bool
	// DeployTime is what a start takes between the start of the channel and that of
	// the manager: the other members list the node, which has no manager for the
	// application yet. Zero: none. A Formed cluster has it behind it.
	// Source: Tomcat ContainerBase.java, startInternal starts the cluster before
	// the hosts.
	DeployTime time.Duration
	// UndeployTime is what a graceful stop takes between the end of the sessions
	// and the end of the channel. What is queued when the channel ends is never
	// sent. Zero is 20 ms; below zero there is none. Measured with Tomcat 10.1.52:
	// the receiver's port closes 22 to 43 ms after SIGTERM. The end of the channel
	// itself takes another 0.1 s as a rule; see tribes.Channel.Stop.
	UndeployTime time.Duration

	// Tribes configures the channel.
	Tribes tribes.Config
	// Trace is called with every event, in the task that causes it. It may be nil.
	Trace func(Event)
}

// Values of Config.StateTransferTimeout that are no time.
const (
	WaitForEver time.Duration = -1 // stateTransferTimeout="-1"
	DoNotWait   time.Duration = -2 // stateTransferTimeout="0"
)

// Flag is an attribute whose default is true.
type Flag uint8

const (
	True Flag = iota
	False
)

func (c Config) withDefaults() Config {
	if c.Release.Name == "" {
		c.Release = sessions.Releases()[0]
	}
	if c.Name == "" {
		c.Name = "localhost#"
	}
	if c.SendOptions == 0 {
		c.SendOptions = tribes.Asynchronous
	}
	if c.StateTransferTimeout == 0 {
		c.StateTransferTimeout = time.Minute
	}
	if c.SendAllSessionsSize <= 0 {
		c.SendAllSessionsSize = 1000
	}
	if c.SendAllSessionsWaitTime == 0 {
		c.SendAllSessionsWaitTime = 2 * time.Second
	}
	if c.UndeployTime == 0 {
		c.UndeployTime = 20 * time.Millisecond
	}
	return c
}

// Transfer are the options of the message that asks for the state, and of those that
// answer it when there are no sessions.
// Source: Tomcat DeltaManager.java, getAllClusterSessions, handleGET_ALL_SESSIONS.
func (c Config) Transfer() (ask tribes.Options, answer []tribes.Options) {
	c = c.withDefaults()
	ask, answer = tribes.Asynchronous, []tribes.Options{stateOptions, c.SendOptions}
	if behaviourOf(c.Release).getAllAsClustered {
		ask = c.SendOptions
	}
	if c.SendAllSessions != True {
		answer = answer[1:]
	}
	return ask, answer
}

// stateOptions are those of a STATE.
const stateOptions = tribes.UseAck | tribes.SynchronizedAck
