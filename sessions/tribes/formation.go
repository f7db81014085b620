package tribes

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Formation is a cluster that is found up. A channel whose Config names one waits
// for nobody at its start and knows nobody until Complete. The zero value is
// ready; it serves one start of a cluster.
type Formation struct {
	// JVMStart is how long a JVM takes from its start to that of the session
	// manager: each node is a member for longer than the next by this and what the
	// membership takes.
	JVMStart time.Duration
	// Deploy is the least time from the start of a channel, beside what the membership
	// takes, to that of the session manager.
	Deploy time.Duration
	// Delay is what a message is on the wire, and Spread up to how much more.
	Delay, Spread time.Duration
	// Ask are the options of the message with which a node that starts asks the
	// longest alive for its state, and Answer those of the messages of the answer, one
	// after another. Without an Answer nobody asks.
	Ask    Options
	Answer []Options

	mu       sync.Mutex // guards memory only
	channels []*Channel // in the order of their starts
}

func (f *Formation) join(c *Channel) {
	f.mu.Lock()
	f.channels = append(f.channels, c)
	f.mu.Unlock()
}

// Complete makes the channels that have started know each other as if each had
// started when those before it were up and had settled. It sends nothing, and takes
// the time of one connect. The tests hold it against clusters that start cold.
func (f *Formation) Complete(ctx context.Context) {
	f.mu.Lock()
	channels := f.channels
	f.channels = nil
	f.mu.Unlock()
	locals := make([]Member, len(channels))
	for i, c := range channels {
		c.coord.backdate(time.Duration(len(channels)-1-i) * (f.JVMStart + c.cfg.membershipStart()))
		locals[i] = c.Local()
	}
	for i, c := range channels {
		var heard, listed, absent, suspect []Member
		for j, m := range locals {
			if i == j {
				continue
			}
			switch knows := f.knows(&c.cfg, locals[i].Port, m.Port, len(locals)); {
			case knows.listed:
				heard, listed = append(heard, m), append(listed, m)
				if i == 0 && knows.kept && f.suspects(&c.cfg) { // the longest alive is asked for the state
					suspect = append(suspect, m)
				}
			case knows.heard:
				heard, absent = append(heard, m), append(absent, m)
			}
		}
		c.coord.known.Store(&locals)
		c.coord.service.enter(heard)
		if c.detector != nil {
			c.detector.enter(listed, suspect, absent)
		}
		for _, m := range listed {
			c.memberAdded(ctx, m)
		}
	}
	f.connect(ctx, channels)
}

// acquaintance is what a node of a cluster that has settled knows of another.
// What comes and goes, or depends on the luck of the draw, is not known.
type acquaintance struct {
	talks  bool // a static membership sends to it, and again and again
	heard  bool // its membership has an entry
	kept   bool // which never expires: what it hears is no news
	listed bool // it is a member for whoever sends
}

// threadsLate bounds what threads that have yet to run may add to an answer, in
// Config.Pickup.
const threadsLate = 100

// knows says what a node whose receiver listens on own knows of one whose receiver
// listens on port, in a cluster of that many nodes. All have the same
// configuration, with its defaults.
func (f *Formation) knows(c *Config, own, port, nodes int) acquaintance {
	services := c.StartOptions
	if services&membership != membership || services&ReceiveMessages == 0 {
		return acquaintance{}
	}
	connect, answer := f.connectTime(), f.answerTime(c)
	// kept: the entry never expires meanwhile.
	kept := c.Membership.DropTime > c.Membership.Frequency+f.Spread
	if s := c.Static; s != nil {
		// server.xml lists the port that autoBind begins at: one of the two must
		// listen there to be asked, and tells the other its own.
		asked := port == c.Receiver.Port
		if connect >= s.ConnectTimeout || !asked && own != c.Receiver.Port {
			return acquaintance{}
		}
		if answer >= c.Sender.Timeout && !slices.ContainsFunc(c.Interceptors, dispatches) {
			return acquaintance{}
		}
		// Each ping of a node has an answer, and is heard by the others.
		period := c.HeartbeatSleeptime
		if s.UseThread {
			period = s.PingInterval
		}
		ping := time.Duration(len(s.Members))*connect + s.RpcTimeout
		kept = asked && answer < s.RpcTimeout || s.ExpirationTime > period+ping+f.Spread
	}
	if !slices.Contains(c.Interceptors, TcpFailureDetector) {
		return acquaintance{c.Static != nil, kept, kept, kept}
	}
	// The detector keeps whom it can connect to, as a suspect if need be.
	d := &c.FailureDetector
	connects := connect < d.ConnectTimeout && (!c.readTest() || answer < d.ReadTestTimeout)
	if !kept && c.Static == nil && time.Duration(nodes)*f.checkTime(c) >= c.Membership.Frequency {
		connects = false // it checks one after the other, and may never get to the last
	}
	return acquaintance{c.Static != nil, true, kept, connects}
}

// connectTime is what a connect takes: as long as the slowest of its two packets may.
func (f *Formation) connectTime() time.Duration { return 2*f.Delay + f.Spread }

// answerTime is the most that an answer on a connection takes.
func (f *Formation) answerTime(c *Config) time.Duration {
	return 2*(f.Delay+f.Spread) + max(0, c.Pickup)*threadsLate
}

// checkTime is the most that the failure detector takes to check one member.
func (f *Formation) checkTime(c *Config) time.Duration {
	switch {
	case !slices.Contains(c.Interceptors, TcpFailureDetector):
		return 0
	case c.readTest():
		return f.connectTime() + f.answerTime(c)
	}
	return f.connectTime()
}

// readTest reports whether the failure detector waits for an answer.
func (c *Config) readTest() bool {
	return c.FailureDetector.PerformReadTest && !c.FailureDetector.NoSendTest
}

// suspects says that who sends the state surely takes the other for gone, and then
// finds its port open: the connection that is made for it takes longer than a send
// may. A static membership has made one before.
func (f *Formation) suspects(c *Config) bool {
	acked := slices.ContainsFunc(f.Answer, func(o Options) bool { return o&UseAck != 0 && o&Asynchronous == 0 })
	return acked && c.Static == nil && c.StartOptions&SendMessages != 0 && 2*f.Delay >= c.Sender.Timeout &&
		c.FailureDetector.RemoveSuspectsTimeout > settled
}

// settled is the time after which a cluster has settled.
const settled = 30 * time.Second

// membershipStart is what the start of a membership takes, about.
// Source: Tomcat McastServiceImpl.java, waitForMembers.
func (c *Config) membershipStart() time.Duration {
	if c.Static != nil {
		return 0
	}
	return 4 * c.Membership.Frequency
}

func dispatches(interceptor string) bool {
	return interceptor == MessageDispatchInterceptor || interceptor == MessageDispatch15Interceptor
}
