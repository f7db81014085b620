package tribes

import (
	"fmt"
	"slices"
	"time"
)

// Config describes a channel. The zero value is Tomcat's default: multicast
// membership, TcpFailureDetector above MessageDispatchInterceptor. A zero field
// is its default; attributes that are true by default have fields that turn
// them off.
type Config struct {
	// Membership is the multicast membership; Static, when it is not nil, is
	// used instead.
	Membership McastConfig
	Static     *StaticConfig

	Receiver        ReceiverConfig
	Sender          SenderConfig
	FailureDetector FailureDetectorConfig
	Dispatch        DispatchConfig

	// Interceptors are names in the order of server.xml: the first is nearest
	// the application. Nil is the documented order, TcpFailureDetector first:
	// what fails in the dispatcher below it stays unknown to it. Tomcat's stack
	// when none is configured is the other way round.
	// Source: Tomcat webapps/docs/cluster-howto.xml; SimpleTcpCluster.java, checkDefaults.
	Interceptors []string

	// StartOptions is channelStartOptions, 15 by default: everything.
	StartOptions StartOptions
	// HeartbeatSleeptime is between two heartbeats of the channel, which check
	// suspects and idle connections; 5 s by default.
	// Source: Tomcat GroupChannel.java, heartbeatSleeptime.
	HeartbeatSleeptime time.Duration

	// Pickup is about the mean time that a message loses to threads which have
	// yet to run, at its sender's selector and in the receiver's pool; by default
	// DefaultPickup, negative for none. It is a property of machine and JVM, not
	// an attribute of Tomcat.
	Pickup time.Duration

	// Formation, if not nil, is the cluster that this node is found up in: the start
	// waits for nobody.
	Formation *Formation

	// Trace, if not nil, is called with what happens, from several tasks. It must
	// not wait.
	Trace func(Event)
}

// DefaultPickup is the pick-up time at which a quarter of the messages sent 0.2 ms
// behind another, on another connection, overtake it, one in twenty of those sent
// 0.6 ms behind, and a quarter are still under way 0.4 ms after they were sent.
// Measured between two Tomcat 10.1 on two cores over loopback: with
// channelSendOptions=8, 10 to 38 % of new sessions are overtaken by their first
// change; of bursts of five writes 0.5 ms apart 0 to 10 % end in another order, 3 %
// on average; 25 to 30 % of immediate reads are stale; with 4, which does not wait
// for the receiver either, 3 to 22 %; a request takes 0.5 ms longer with 6 than
// with 8.
const DefaultPickup = 300 * time.Microsecond

// Names of interceptors, as the className in server.xml ends.
const (
	TcpFailureDetector           = "TcpFailureDetector"
	MessageDispatchInterceptor   = "MessageDispatchInterceptor"
	MessageDispatch15Interceptor = "MessageDispatch15Interceptor" // its name up to Tomcat 8.0
)

// McastConfig is McastService.
// Source: Tomcat McastService.java, McastServiceImpl.java.
type McastConfig struct {
	Address   string        // 228.0.0.4
	Port      int           // 45564
	Frequency time.Duration // between two heartbeats, 500 ms
	DropTime  time.Duration // silence after which a member is gone, 3 s
	// SoTimeout is how long the receiver waits for a heartbeat before it looks for
	// who is silent; Frequency. The sender looks too, once in Frequency.
	SoTimeout time.Duration
}

// StaticConfig is StaticMembershipService.
// Source: Tomcat StaticMembershipService.java, StaticMembershipProvider.java.
type StaticConfig struct {
	// Members are all nodes, or all but the local one; StaticMember makes them.
	// The unique id of each is that of StaticMember, whatever is given; a Name
	// is shown where the member is.
	Members        []Member
	ConnectTimeout time.Duration // to see who is there, 500 ms
	ExpirationTime time.Duration // silence after which a ping drops a member, 5 s
	RpcTimeout     time.Duration // for all answers to a ping, 3 s
	PingInterval   time.Duration // with UseThread, 1 s
	// UseThread pings in a task of its own; otherwise with the channel's heartbeat.
	UseThread bool
}

// ReceiverConfig is NioReceiver.
// Source: Tomcat ReceiverBase.java, NioReceiver.java.
type ReceiverConfig struct {
	Port       int // 4000
	AutoBind   int // how many ports to try from there on, 100
	MaxThreads int // messages processed at a time, 15
	// MinThreads are started with the receiver and kept, 6. A receiver with more
	// of them than MaxThreads does not start.
	MinThreads  int
	MaxIdleTime time.Duration // an idle thread beyond those ends, 60 s
	// RxBufSize is how many bytes a thread reads at once, 64 KiB; it is also the
	// room for what no thread has read. 43,800 up to 7.0.
	RxBufSize int
	// Timeout is how long a message may wait for a thread unnoticed, 3 s. A
	// longer wait is an event ReceiverBusy, if the selector looks meanwhile: each
	// SelectorTimeout, 5 s. Nothing is done about it.
	Timeout, SelectorTimeout time.Duration
}

// SenderConfig is ReplicationTransmitter with PooledParallelSender.
// Source: Tomcat AbstractSender.java, PooledSender.java, ParallelNioSender.java.
type SenderConfig struct {
	PoolSize int           // senders, each with a connection per member, 25
	MaxWait  time.Duration // for a free sender, 3 s
	// Timeout is for one message to all its destinations, 3 s. It is looked at
	// only when something happens or SelectTimeout has passed.
	Timeout time.Duration
	// SelectTimeout is how long a sender waits for something to happen, 5 s.
	// It is fixed in Tomcat; a test may shorten it.
	SelectTimeout time.Duration
	// MaxRetryAttempts after the first one, 1; negative for none.
	MaxRetryAttempts int
	// NoThrowOnFailedAck is throwOnFailedAck="false": a negative acknowledgement
	// is as good as a positive one.
	NoThrowOnFailedAck bool
	// KeepAliveCount is how many messages a connection carries before it is
	// closed, KeepAliveTime how long it lives; zero: no limit.
	KeepAliveCount int
	KeepAliveTime  time.Duration
}

// FailureDetectorConfig is TcpFailureDetector.
// Source: Tomcat TcpFailureDetector.java.
type FailureDetectorConfig struct {
	ConnectTimeout time.Duration // 1 s
	// NoSendTest is performSendTest="false": a connect is enough.
	NoSendTest bool
	// PerformReadTest waits for an answer to the probe: the only test that a
	// frozen process fails.
	PerformReadTest bool
	ReadTestTimeout time.Duration // 5 s
	// RemoveSuspectsTimeout is after how long a suspect that answers is no
	// suspect any more, 300 s.
	RemoveSuspectsTimeout time.Duration
}

// DispatchConfig is MessageDispatchInterceptor.
// Source: Tomcat MessageDispatchInterceptor.java.
type DispatchConfig struct {
	MaxQueueSize int64 // bytes of message bodies, 64 MiB
	// NoAlwaysSend is alwaysSend="false": with a full queue the send fails.
	// Otherwise the sender's own task sends, and waits.
	NoAlwaysSend    bool
	MaxThreads      int           // 10
	MaxSpareThreads int           // threads kept, 2; no more than MaxThreads, or the channel does not start
	KeepAliveTime   time.Duration // an idle thread beyond those ends, 5 s
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	or(&c.Membership.Address, "228.0.0.4")
	or(&c.Membership.Port, 45564)
	or(&c.Membership.Frequency, 500*time.Millisecond)
	or(&c.Membership.DropTime, 3*time.Second)
	or(&c.Membership.SoTimeout, c.Membership.Frequency)
	if c.Static != nil {
		s := *c.Static
		or(&s.ConnectTimeout, 500*time.Millisecond)
		or(&s.ExpirationTime, 5*time.Second)
		or(&s.RpcTimeout, 3*time.Second)
		or(&s.PingInterval, time.Second)
		c.Static = &s
	}
	or(&c.Receiver.Port, DefaultPort)
	or(&c.Receiver.AutoBind, 100)
	or(&c.Receiver.MaxThreads, 15)
	or(&c.Receiver.MinThreads, 6)
	or(&c.Receiver.MaxIdleTime, time.Minute)
	or(&c.Receiver.RxBufSize, 64<<10)
	or(&c.Receiver.Timeout, 3*time.Second)
	or(&c.Receiver.SelectorTimeout, 5*time.Second)
	or(&c.Sender.PoolSize, 25)
	or(&c.Sender.MaxWait, 3*time.Second)
	or(&c.Sender.Timeout, 3*time.Second)
	or(&c.Sender.SelectTimeout, 5*time.Second)
	or(&c.Sender.MaxRetryAttempts, 1)
	or(&c.FailureDetector.ConnectTimeout, time.Second)
	or(&c.FailureDetector.ReadTestTimeout, 5*time.Second)
	or(&c.FailureDetector.RemoveSuspectsTimeout, 300*time.Second)
	or(&c.Dispatch.MaxQueueSize, 64<<20)
	or(&c.Dispatch.MaxThreads, 10)
	or(&c.Dispatch.MaxSpareThreads, 2)
	or(&c.Dispatch.KeepAliveTime, 5*time.Second)
	if c.Interceptors == nil {
		c.Interceptors = []string{TcpFailureDetector, MessageDispatchInterceptor}
	}
	or(&c.StartOptions, startAll)
	or(&c.HeartbeatSleeptime, 5*time.Second)
	or(&c.Pickup, DefaultPickup)
	return c
}

// or gives a field its default.
func or[T comparable](field *T, byDefault T) {
	var zero T
	if *field == zero {
		*field = byDefault
	}
}

// Check finds what keeps a channel from starting: interceptors that are not
// known, services that need others, and thread pools that Java refuses to make.
// Source: Java ThreadPoolExecutor, corePoolSize above maximumPoolSize; Tomcat
// McastService.java, start (tcpListenPort is the receiver's to say);
// StaticMembershipProvider.java, startMembership.
func (c Config) Check() error {
	known := []string{TcpFailureDetector, MessageDispatchInterceptor, MessageDispatch15Interceptor}
	for _, name := range c.Interceptors {
		if !slices.Contains(known, name) {
			return fmt.Errorf("unknown interceptor %q: know %v", name, known)
		}
	}
	c = c.withDefaults()
	switch services := c.StartOptions; {
	case c.Static == nil && services&membership != 0 && services&ReceiveMessages == 0:
		return fmt.Errorf("channelStartOptions %d: McastService needs the receiver's port, so 1 (receive) too", services)
	case c.Static != nil && services&membership == membership && services&ReceiveMessages != 0 && services&SendMessages == 0:
		return fmt.Errorf("channelStartOptions %d: StaticMembershipService asks who is there, so 2 (send) too", services)
	}
	if r := c.Receiver; r.MinThreads > r.MaxThreads {
		return fmt.Errorf("receiver: minThreads %d is more than maxThreads %d", r.MinThreads, r.MaxThreads)
	}
	if d := c.Dispatch; d.MaxSpareThreads > d.MaxThreads {
		return fmt.Errorf("dispatcher: maxSpareThreads %d is more than maxThreads %d", d.MaxSpareThreads, d.MaxThreads)
	}
	return nil
}
