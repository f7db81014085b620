package tribes

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"sessionlab/lab/world"
)

// mcast is membership by heartbeats to a group.
// Source: Tomcat McastServiceImpl.java.
type mcast struct {
	coord *coordinator
	host  world.Host
	cfg   McastConfig
	group string
	conn  world.PacketConn
	ctx   context.Context // ends at stop
	end   context.CancelFunc

	mu    sync.Mutex // guards memory only
	table *Membership
}

func newMcast(co *coordinator) *mcast {
	cfg := co.channel.cfg.Membership
	s := &mcast{coord: co, host: co.channel.host, cfg: cfg, group: cfg.Address + ":" + strconv.Itoa(cfg.Port)}
	s.table = NewMembership(co.local)
	s.ctx, s.end = s.host.WithCancel(context.Background())
	return s
}

// start joins the group, listens for two periods, sends the first heartbeat and
// waits for two periods more: 2 s. In a Formation it waits for nothing.
// Source: Tomcat McastServiceImpl.java, waitForMembers.
func (s *mcast) start(ctx context.Context, services StartOptions) error {
	if services&(ListenMembership|BroadcastMembership) == 0 {
		return nil
	}
	conn, err := s.host.JoinGroup(s.cfg.Address, s.cfg.Port)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.conn = conn
	s.table = NewMembership(s.coord.localMember())
	s.mu.Unlock()
	wait := 2 * s.cfg.Frequency
	if s.coord.channel.cfg.Formation != nil {
		wait = 0
	}
	if services&ListenMembership != 0 {
		s.host.Go("tribes mcast receiver", func(context.Context) { s.listen(conn) })
		if err := s.host.Sleep(ctx, wait); err != nil {
			return err
		}
	}
	if services&BroadcastMembership == 0 {
		return nil
	}
	if wait == 0 {
		phase := s.coord.channel.phase("tribes mcast", s.cfg.Frequency)
		s.host.Go("tribes mcast sender", func(context.Context) {
			if s.host.Sleep(s.ctx, phase) == nil {
				s.broadcast(conn)
			}
		})
		return nil
	}
	// The first one must get out, or the start fails.
	if err := s.send(conn, s.coord.localMember()); err != nil {
		return err
	}
	s.host.Go("tribes mcast sender", func(context.Context) { s.broadcast(conn) })
	return s.host.Sleep(ctx, wait)
}

// Source: Tomcat McastServiceImpl.java, recoveryCounter and recoverySleepTime.
const (
	recoveryCounter   = 10 // heartbeats in a row that fail before the membership is begun anew
	recoverySleepTime = 5 * time.Second
)

// broadcast sends a heartbeat each period and looks for who is silent. A sender
// whose heartbeats fail begins anew.
// Source: McastServiceImpl.java, SenderThread and RecoveryThread.
func (s *mcast) broadcast(conn world.PacketConn) {
	failed := 0
	for {
		if err := s.send(conn, s.coord.localMember()); err == nil {
			failed = 0
			s.checkExpired()
		} else if failed++; failed == 1 {
			s.coord.channel.watch.event(Event{Kind: HeartbeatFailed, Err: err})
		} else if failed == recoveryCounter {
			if conn = s.recover(conn); conn == nil {
				return
			}
			failed = 0
		}
		if s.host.Sleep(s.ctx, s.cfg.Frequency) != nil {
			return
		}
	}
}

// recover leaves the group and joins it again, until a heartbeat gets out. Before
// each further try it stops what the one before has half started: the others, if they
// hear of it, get a goodbye and then a heartbeat. Meanwhile nobody is listened to, and
// nobody expires. It returns nil when the membership has stopped.
func (s *mcast) recover(conn world.PacketConn) world.PacketConn {
	s.leave(conn)
	for tries := 0; ; tries++ {
		again, err := s.host.JoinGroup(s.cfg.Address, s.cfg.Port)
		if err == nil {
			if tries > 0 {
				s.goodbye(again)
			}
			if err = s.send(again, s.coord.localMember()); err != nil {
				again.Close()
			}
		}
		if err == nil {
			s.mu.Lock()
			s.conn = again
			s.mu.Unlock()
			s.host.Go("tribes mcast receiver", func(context.Context) { s.listen(again) })
			return again
		}
		if s.host.Sleep(s.ctx, recoverySleepTime) != nil {
			return nil
		}
	}
}

// leave says goodbye and leaves the group.
func (s *mcast) leave(conn world.PacketConn) {
	s.goodbye(conn)
	conn.Close() // fails only on a host that is down
}

// goodbye is a heartbeat with the shutdown command. Nobody waits for it.
func (s *mcast) goodbye(conn world.PacketConn) {
	local := s.coord.localMember()
	local.Command = []byte(shutdownCommand)
	_ = s.send(conn, local)
}

// send sends one heartbeat. One that is lost is no error; one that cannot leave is.
func (s *mcast) send(conn world.PacketConn, local Member) error {
	err := conn.WriteTo(world.Label{Kind: "HEARTBEAT"}, AppendMember(make([]byte, 0, 128), local), s.group)
	if err == nil {
		w := s.coord.channel.watch
		w.count(&w.heartbeats)
	}
	return err
}

// listen takes heartbeats, and looks for who is silent after each and, in a
// silent group, each soTimeout.
func (s *mcast) listen(conn world.PacketConn) {
	buf := make([]byte, 64<<10)
	for s.ctx.Err() == nil {
		n, from, err := conn.ReadFromWithin(s.ctx, buf, s.cfg.SoTimeout)
		switch {
		case err == nil:
			s.heard(buf[:n], from)
		case !errors.Is(err, context.DeadlineExceeded):
			return
		}
		s.checkExpired()
	}
}

// heard takes one datagram.
func (s *mcast) heard(packet []byte, from string) {
	m, err := DecodeMember(packet)
	if err != nil {
		s.coord.channel.watch.event(Event{Kind: HeartbeatRefused, Err: err, Detail: "from " + from})
		return
	}
	m = s.coord.named(m)
	now := s.host.Now()
	s.mu.Lock()
	var added, gone bool
	if m.ShuttingDown() {
		s.table.Remove(m)
		gone = true // who listens may still list one that has expired here
	} else {
		added = s.table.Alive(now, m)
	}
	s.mu.Unlock()
	if added {
		s.coord.tell(s.coord.previous.memberAdded, m)
	}
	if gone {
		s.coord.tell(s.coord.previous.memberDisappeared, m)
	}
}

func (s *mcast) checkExpired() {
	now := s.host.Now()
	s.mu.Lock()
	expired := s.table.Expire(now, s.cfg.DropTime)
	s.mu.Unlock()
	if len(expired) > 0 {
		s.coord.tell(s.coord.previous.memberDisappeared, expired...)
	}
}

// stop sends a last heartbeat with the shutdown command and leaves the group.
func (s *mcast) stop(context.Context) {
	s.end()
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn == nil {
		return
	}
	s.leave(conn)
}

func (s *mcast) enter(members []Member) {
	now := s.host.Now()
	s.mu.Lock()
	s.table.Enter(now, members)
	s.mu.Unlock()
}

func (s *mcast) members() []Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table.Members()
}
