package tribes

import (
	"context"
	"sync"
	"time"
)

// connected is a connection that starts one after another always leave open, from the
// i-th node to the j-th, with how many messages it has carried.
type connected struct {
	from, to, sent int
}

// connections are those that nodes, each up before the next, have to each other when
// they have settled. knows says what a node
// knows of another.
func (f *Formation) connections(c *Config, nodes int, knows func(node, other int) acquaintance) []connected {
	if c.StartOptions&SendMessages == 0 {
		return nil
	}
	var all []connected
	if c.Static != nil {
		// Each asks and answers all others, again and again: whatever closes a connection
		// has it come and go.
		open, _ := f.leavesOpen(c, []Options{Asynchronous}, 0)
		if c.Sender.KeepAliveCount > 0 || c.Sender.KeepAliveTime > 0 || open == 0 {
			return nil
		}
		for i := range nodes {
			for j := range nodes {
				if i != j && knows(i, j).talks {
					all = append(all, connected{i, j, 1})
				}
			}
		}
		return all
	}
	if len(f.Answer) == 0 || c.Sender.KeepAliveTime > 0 && c.Sender.KeepAliveTime <= settled {
		return nil
	}
	// An acknowledgement after processing comes when the answer has been given.
	answering := f.connectTime() + time.Duration(len(f.Answer))*f.answerTime(c)
	asked, _ := f.leavesOpen(c, []Options{f.Ask}, answering)
	answered, failed := f.leavesOpen(c, f.Answer, 0)
	for i := 1; i < nodes; i++ {
		if !knows(i, 0).listed || !f.listsInTime(c, i) {
			continue
		}
		if asked > 0 {
			all = append(all, connected{i, 0, asked})
		}
		// What fails for one closes the connections to those before it, too.
		if answered > 0 && (!failed || i == nodes-1) {
			all = append(all, connected{0, i, answered})
		}
	}
	return all
}

// listsInTime says that a node that starts surely lists all others that are up when its
// session manager starts: it has heard of each, and the detector has checked one after
// the other.
func (f *Formation) listsInTime(c *Config, others int) bool {
	heard := c.Membership.Frequency + f.Delay + f.Spread
	return heard+time.Duration(others)*f.checkTime(c) < c.membershipStart()+f.Deploy
}

// leavesOpen is how many messages the connection has carried that is open after
// messages with these options were sent to one member, one after another; 0 if none
// is. Whoever processes one takes that long. It reports whether one has failed, which
// closes all connections of the sender.
func (f *Formation) leavesOpen(c *Config, messages []Options, processing time.Duration) (sent int, failed bool) {
	s := &c.Sender
	for _, o := range messages {
		connect, answer := f.connectTime(), f.answerTime(c)
		if sent > 0 {
			connect = 0
		}
		if o.ackAfterProcessing() {
			answer += processing
		}
		switch {
		case o&UseAck == 0 && connect >= s.patience(s.Timeout),
			o&UseAck != 0 && (connect >= s.Timeout || answer >= s.patience(s.Timeout-connect)):
			sent, failed = 0, true
		case sent+1 == s.KeepAliveCount:
			sent = 0
		default:
			sent++
		}
	}
	return sent, failed
}

// patience is how long a sender waits for something to happen that has so much of its
// Timeout left: it looks at the time after each SelectTimeout.
func (c *SenderConfig) patience(left time.Duration) time.Duration {
	return max(1, (left+c.SelectTimeout-1)/c.SelectTimeout) * c.SelectTimeout
}

// connect opens the connections that the channels would have, all at the same time.
func (f *Formation) connect(ctx context.Context, channels []*Channel) {
	if len(channels) < 2 {
		return
	}
	locals := make([]Member, len(channels))
	for i, c := range channels {
		locals[i] = c.Local()
	}
	cfg := &channels[0].cfg
	all := f.connections(cfg, len(channels), func(i, j int) acquaintance {
		return f.knows(cfg, locals[i].Port, locals[j].Port, len(channels))
	})
	for _, c := range all {
		channels[c.to].coord.receiver.expect()
	}
	first := channels[0].host
	var mu sync.Mutex // guards open and done
	open, done := len(all), first.NewSignal()
	for _, c := range all {
		from, to := channels[c.from], locals[c.to]
		from.host.Go("tribes formation", func(ctx context.Context) {
			from.coord.pool.formed().open(ctx, to, c.sent)
			mu.Lock()
			open--
			last := open == 0
			mu.Unlock()
			if last {
				done.Set()
			}
		})
	}
	if len(all) > 0 {
		_ = done.Wait(ctx) // a lab that is interrupted ends
	}
}
