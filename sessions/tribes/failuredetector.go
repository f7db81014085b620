package tribes

import (
	"context"
	"slices"
	"sync"
	"time"

	"sessionlab/lab/world"
)

// failureDetector has its own opinion of who is a member: who is said to have
// disappeared, or could not be sent to, is connected to first.
// Source: Tomcat TcpFailureDetector.java.
type failureDetector struct {
	passing
	channel *Channel
	host    world.Host
	cfg     FailureDetectorConfig
	static  bool // members are configured: who is removed is looked for

	// checking is held while members are verified, connects included.
	checking *world.Mutex

	mu      sync.Mutex // guards memory only
	table   *Membership
	suspect suspects // members that stay although they seemed gone
	absent  suspects // not members, but may come
}

func newFailureDetector(c *Channel) *failureDetector {
	return &failureDetector{
		channel: c, host: c.host, cfg: c.cfg.FailureDetector, static: c.cfg.Static != nil,
		checking: world.NewMutex(c.host),
		table:    NewMembership(localOf(c)),
	}
}

// enter takes members over unverified, those of them that are suspects, and those
// that could not be connected to.
func (d *failureDetector) enter(members, suspect, absent []Member) {
	now := d.host.Now()
	d.mu.Lock()
	d.table.Enter(now, members)
	for _, m := range suspect {
		d.suspect.add(m, now)
	}
	for _, m := range absent {
		if d.static {
			d.absent.add(m, now)
		}
	}
	d.mu.Unlock()
}

// sendMessage reports the members that a message could not be sent to as
// disappeared. Who answered that it could not process it is there.
func (d *failureDetector) sendMessage(ctx context.Context, to []Member, m *Message) error {
	err := d.next.sendMessage(ctx, to, m)
	failed, ok := err.(*ChannelError)
	if !ok {
		return err
	}
	for _, f := range failed.Faulty {
		if f.Err != ErrRemoteProcess {
			d.memberDisappeared(ctx, f.Member)
		}
	}
	return err
}

// messageReceived swallows probes.
func (d *failureDetector) messageReceived(ctx context.Context, m *Message) {
	if string(m.Body) != probeBody {
		d.previous.messageReceived(ctx, m)
	}
}

func (d *failureDetector) memberAdded(ctx context.Context, m Member) {
	if d.checking.Lock(ctx) != nil {
		return
	}
	added := d.verifyAdded(ctx, m)
	d.checking.Unlock()
	if added {
		d.previous.memberAdded(ctx, m)
	}
}

func (d *failureDetector) verifyAdded(ctx context.Context, m Member) bool {
	d.mu.Lock()
	known := d.suspect.remove(m) || d.table.Contains(m)
	d.mu.Unlock()
	if known {
		return false
	}
	alive := d.memberAlive(ctx, m)
	now := d.host.Now()
	d.mu.Lock()
	if alive {
		d.table.Alive(now, m)
		d.absent.remove(m)
	} else if d.static {
		d.absent.add(m, now)
	}
	d.mu.Unlock()
	if !alive {
		d.channel.watch.event(Event{Kind: MemberNotAdded, Member: m})
	}
	return alive
}

func (d *failureDetector) memberDisappeared(ctx context.Context, m Member) {
	if d.checking.Lock(ctx) != nil {
		return
	}
	gone := d.verifyDisappeared(ctx, m)
	d.checking.Unlock()
	if gone {
		d.previous.memberDisappeared(ctx, m)
	}
}

func (d *failureDetector) verifyDisappeared(ctx context.Context, m Member) bool {
	d.mu.Lock()
	known := d.table.Contains(m)
	d.mu.Unlock()
	if !known {
		return false
	}
	alive := d.memberAlive(ctx, m)
	if ctx.Err() != nil {
		return false
	}
	now := d.host.Now()
	d.mu.Lock()
	if alive {
		d.suspect.add(m, now)
	} else {
		d.remove(m, now)
	}
	d.mu.Unlock()
	if alive {
		d.channel.watch.event(Event{Kind: MemberSuspect, Member: m})
	}
	return !alive
}

// remove takes a member out; d.mu is held.
func (d *failureDetector) remove(m Member, now time.Time) {
	d.table.Remove(m)
	d.suspect.remove(m)
	if d.static {
		d.absent.add(m, now)
	}
}

func (d *failureDetector) members() []Member {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.table.Members()
}

// heartbeat looks at everybody again. The listeners hear of changes afterwards:
// one of them may send, and come back here with a failure.
func (d *failureDetector) heartbeat(ctx context.Context) {
	d.next.heartbeat(ctx)
	if d.checking.Lock(ctx) != nil {
		return
	}
	added := d.checkListed(ctx)
	gone := d.checkSuspects(ctx)
	added = append(added, d.checkAbsent(ctx)...)
	d.checking.Unlock()
	for _, m := range gone {
		d.previous.memberDisappeared(ctx, m)
	}
	for _, m := range added {
		d.previous.memberAdded(ctx, m)
	}
}

// checkListed takes over the alive times of the membership below, and who is a
// member there and not here. Source: TcpFailureDetector.java, performBasicCheck.
func (d *failureDetector) checkListed(ctx context.Context) (added []Member) {
	for _, m := range d.next.members() {
		now := d.host.Now()
		d.mu.Lock()
		waits := d.absent.contains(m) && !d.table.Contains(m)
		fresh := !waits && d.table.Alive(now, m)
		d.mu.Unlock()
		if !fresh {
			continue
		}
		if d.memberAlive(ctx, m) {
			added = append(added, m)
			continue
		}
		d.mu.Lock()
		d.table.Remove(m)
		d.mu.Unlock()
	}
	return added
}

// checkSuspects removes the suspects that are dead, and forgets suspicions that
// are old enough.
func (d *failureDetector) checkSuspects(ctx context.Context) (gone []Member) {
	d.mu.Lock()
	suspects := slices.Clone(d.suspect.list)
	d.mu.Unlock()
	for _, s := range suspects {
		d.mu.Lock()
		listed := d.table.Contains(s.member)
		d.mu.Unlock()
		dead := listed && !d.memberAlive(ctx, s.member) && ctx.Err() == nil
		now := d.host.Now()
		d.mu.Lock()
		if dead {
			d.remove(s.member, now)
			gone = append(gone, s.member)
		}
		if dead || now.Sub(s.since) > d.cfg.RemoveSuspectsTimeout {
			d.suspect.remove(s.member)
		}
		d.mu.Unlock()
	}
	return gone
}

// checkAbsent adds those that are there now.
func (d *failureDetector) checkAbsent(ctx context.Context) (added []Member) {
	d.mu.Lock()
	absent := slices.Clone(d.absent.list)
	d.mu.Unlock()
	for _, s := range absent {
		d.mu.Lock()
		listed := d.table.Contains(s.member)
		d.mu.Unlock()
		if listed || !d.memberAlive(ctx, s.member) {
			continue
		}
		now := d.host.Now()
		d.mu.Lock()
		d.table.Alive(now, s.member)
		d.absent.remove(s.member)
		d.mu.Unlock()
		added = append(added, s.member)
	}
	return added
}

// probeBody is the content of a probe.
// Source: Tomcat TcpFailureDetector.java, TCP_FAIL_DETECT.
var probeBody = string([]byte{
	79, 167, 115, 72, 121, 130, 67, 201, 159, 111, 137, 128, 161, 91, 7, 20,
	125, 217, 82, 91, 235, 241, 67, 154, 183, 126, 190, 143, 129, 103, 30, 182,
	55, 21, 190, 135, 69, 126, 76, 168, 191, 10, 77, 19, 83, 56, 21, 50,
	85, 246, 148, 183, 58, 250, 64, 120, 145, 4, 125, 215, 114, 132, 192, 213,
})

// memberAlive connects to a member and, unless told otherwise, writes a probe.
// A kernel accepts both for a process that is frozen; only the read test waits
// for an answer.
func (d *failureDetector) memberAlive(ctx context.Context, m Member) bool {
	if m.ShuttingDown() {
		return false
	}
	dialing, cancel := d.host.WithTimeout(ctx, d.cfg.ConnectTimeout)
	stream, err := d.host.Dial(dialing, m.Addr())
	cancel()
	if err != nil {
		return false
	}
	defer stream.Close()
	if d.cfg.NoSendTest {
		return true
	}
	probe := &Message{Label: world.Label{Kind: "PROBE", Key: m.Host}, Body: []byte(probeBody), Options: ByteMessage}
	if d.cfg.PerformReadTest {
		probe.Options |= UseAck
	}
	d.channel.stamp(probe)
	if stream.Write(ctx, probe.Label, messageFrame(probe)) != nil {
		return false
	}
	if !d.cfg.PerformReadTest {
		return true
	}
	reading, cancel := d.host.WithTimeout(ctx, d.cfg.ReadTestTimeout)
	defer cancel()
	n, err := stream.Read(reading, make([]byte, 64))
	return err == nil && n > 0
}

// suspects is a list of members with the time at which each was entered.
type suspects struct{ list []suspicion }

type suspicion struct {
	member Member
	since  time.Time
}

func (s *suspects) index(m Member) int {
	return slices.IndexFunc(s.list, func(e suspicion) bool { return e.member.Same(m) })
}

func (s *suspects) contains(m Member) bool { return s.index(m) >= 0 }

// add enters a member, or enters it anew.
func (s *suspects) add(m Member, now time.Time) {
	if i := s.index(m); i >= 0 {
		s.list[i].since = now
		return
	}
	s.list = append(s.list, suspicion{m, now})
}

func (s *suspects) remove(m Member) bool {
	i := s.index(m)
	if i < 0 {
		return false
	}
	s.list = slices.Delete(s.list, i, i+1)
	return true
}
