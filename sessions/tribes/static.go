package tribes

import (
	"context"
	"errors"
	"sync"

	"sessionlab/lab/world"
)

// staticMembership is membership of configured nodes. Each says that it starts
// and stops, and asks all that can be connected to whether they are there.
// Source: Tomcat StaticMembershipProvider.java.
type staticMembership struct {
	coord   *coordinator
	host    world.Host
	cfg     StaticConfig
	ctx     context.Context // ends at stop
	end     context.CancelFunc
	pinging *world.Mutex

	mu      sync.Mutex // guards memory only
	answers bool       // the membership has begun to listen to the others
	table   *Membership
	call    *staticCall // the question that waits for answers; nil for none
	calls   uint64
}

// staticCall is a question to some members.
type staticCall struct {
	id      uint64
	wanted  int
	answers []staticMessage
	done    world.Signal
}

func newStaticMembership(co *coordinator) *staticMembership {
	s := &staticMembership{coord: co, host: co.channel.host, cfg: *co.channel.cfg.Static}
	s.table = NewMembership(co.local)
	s.pinging = world.NewMutex(s.host)
	s.ctx, s.end = s.host.WithCancel(context.Background())
	return s
}

// start asks the members that are there and enters those that answer. In a
// Formation nobody is asked. One that accepts connections and whose senders have not
// started yet never answers: that costs the whole rpcTimeout.
// Source: Tomcat ChannelCoordinator.java, internalStart: receiver, senders, then the
// membership.
func (s *staticMembership) start(ctx context.Context, services StartOptions) error {
	if services&membership != membership {
		return nil
	}
	s.mu.Lock()
	s.answers = true
	s.table = NewMembership(s.coord.localMember())
	s.mu.Unlock()
	first := s.cfg.PingInterval
	if s.coord.channel.cfg.Formation != nil {
		first = s.coord.channel.phase("tribes static", first)
	} else if members := s.reachable(ctx); len(members) > 0 {
		answers, err := s.ask(ctx, staticStart, members)
		if err != nil {
			return err
		}
		if len(answers) == 0 {
			s.coord.channel.watch.event(Event{Kind: NoReplies})
		}
		// Tomcat tells of them from other threads, long before the web
		// applications start; here Start returns when they are known.
		for _, a := range answers {
			if s.alive(a.member) {
				s.coord.previous.memberAdded(ctx, a.member)
			}
		}
	}
	if s.cfg.UseThread {
		s.host.Go("tribes static ping", func(context.Context) {
			for wait := first; s.host.Sleep(s.ctx, wait) == nil; wait = s.cfg.PingInterval {
				s.ping(s.ctx)
			}
		})
	} else {
		s.coord.channel.onHeartbeat = s.ping
	}
	return nil
}

// ping asks the members that can be connected to, then drops those that have
// been silent for too long. Nothing else drops a silent member.
func (s *staticMembership) ping(ctx context.Context) {
	if s.pinging.Lock(ctx) != nil {
		return
	}
	defer s.pinging.Unlock()
	if members := s.reachable(ctx); len(members) > 0 {
		answers, err := s.ask(ctx, staticPing, members)
		if failed, ok := err.(*ChannelError); ok {
			for _, f := range failed.Faulty {
				s.gone(f.Member)
			}
		}
		if err != nil {
			return
		}
		for _, a := range answers {
			s.heard(a)
		}
	}
	now := s.host.Now()
	s.mu.Lock()
	expired := s.table.Expire(now, s.cfg.ExpirationTime)
	s.mu.Unlock()
	s.coord.tell(s.coord.previous.memberDisappeared, expired...)
}

// reachable are the configured members that accept a connection.
// Source: StaticMembershipProvider.java, getAliveMembers.
func (s *staticMembership) reachable(ctx context.Context) []Member {
	local := s.coord.localMember()
	var members []Member
	for _, m := range s.cfg.Members {
		m.UniqueID = StaticMember(m.Host, m.Port).UniqueID
		if m.Same(local) {
			continue
		}
		dialing, cancel := s.host.WithTimeout(ctx, s.cfg.ConnectTimeout)
		stream, err := s.host.Dial(dialing, m.Addr())
		cancel()
		if err == nil {
			stream.Close()
			members = append(members, m)
		}
	}
	return members
}

// ask sends a question to members and collects the answers until all are there
// or rpcTimeout has passed. Source: Tomcat RpcChannel.java, send.
func (s *staticMembership) ask(ctx context.Context, kind byte, members []Member) ([]staticMessage, error) {
	call := &staticCall{wanted: len(members), done: s.host.NewSignal()}
	s.mu.Lock()
	s.calls++
	call.id = s.calls
	s.call = call
	s.mu.Unlock()
	question := staticMessage{kind: kind, call: call.id, member: s.coord.localMember()}
	err := s.coord.channel.Send(ctx, members, question.message(Asynchronous))
	if err == nil {
		waiting, cancel := s.host.WithTimeout(ctx, s.cfg.RpcTimeout)
		err = call.done.Wait(waiting)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			err = nil
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.call = nil
	return call.answers, err
}

// received takes a message of another node's static membership.
func (s *staticMembership) received(ctx context.Context, m *Message) {
	in, err := decodeStatic(m.Body)
	if err != nil {
		s.coord.channel.watch.event(Event{Kind: HeartbeatRefused, Member: m.From, Err: err})
		return
	}
	in.member = s.coord.named(in.member)
	if in.reply {
		s.answered(in)
		return
	}
	s.mu.Lock()
	answers := s.answers
	s.mu.Unlock()
	if !answers {
		s.refuse(ctx, m.From, in)
		return
	}
	s.heard(in)
	if in.kind == staticStop {
		return
	}
	answer := staticMessage{kind: in.kind, reply: true, call: in.call, member: s.coord.localMember()}
	if err := s.coord.channel.Send(ctx, []Member{m.From}, answer.message(0)); err != nil {
		s.coord.channel.watch.event(Event{Kind: SendFailed, Member: m.From, Err: err, Detail: "answer of the membership"})
	}
}

// refuse answers a question that comes before the membership listens: there is
// nobody to answer. A goodbye is not answered.
// Source: Tomcat GroupChannel.java, sendNoRpcChannelReply.
func (s *staticMembership) refuse(ctx context.Context, from Member, in staticMessage) {
	if in.kind == staticStop {
		return
	}
	answer := staticMessage{kind: in.kind, reply: true, nobody: true, call: in.call, member: s.coord.localMember()}
	// The dispatcher traces what fails.
	_ = s.coord.channel.Send(ctx, []Member{from}, answer.message(Asynchronous))
}

// answered adds an answer to the question it belongs to. One that comes too
// late still says that its sender is there.
func (s *staticMembership) answered(in staticMessage) {
	s.mu.Lock()
	call := s.call
	late := call == nil || call.id != in.call
	whole := false
	if !late {
		if in.nobody {
			call.wanted--
		} else {
			call.answers = append(call.answers, in)
		}
		whole = len(call.answers) == call.wanted
	}
	s.mu.Unlock()
	if late && !in.nobody {
		s.heard(in)
	}
	if whole {
		call.done.Set()
	}
}

// heard acts on what a member has said.
func (s *staticMembership) heard(in staticMessage) {
	switch in.kind {
	case staticStart, staticPing:
		if s.alive(in.member) {
			s.coord.tell(s.coord.previous.memberAdded, in.member)
		}
	case staticStop:
		s.gone(in.member)
	}
}

// alive enters a member, and reports whether it is new. One that is still
// listed is not, even if the failure detector above has removed it.
func (s *staticMembership) alive(m Member) bool {
	now := s.host.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table.Alive(now, m)
}

func (s *staticMembership) gone(m Member) {
	s.mu.Lock()
	s.table.Remove(m)
	s.mu.Unlock()
	s.coord.tell(s.coord.previous.memberDisappeared, m)
}

// stop tells the members that this node leaves.
func (s *staticMembership) stop(ctx context.Context) {
	s.end()
	members := s.members()
	if len(members) == 0 {
		return
	}
	local := s.coord.localMember()
	local.Command = []byte(shutdownCommand)
	bye := staticMessage{kind: staticStop, member: local}
	if err := s.coord.channel.Send(ctx, members, bye.message(Asynchronous)); err != nil {
		s.coord.channel.watch.event(Event{Kind: SendFailed, Err: err, Detail: "stop of the membership"})
	}
}

func (s *staticMembership) enter(members []Member) {
	now := s.host.Now()
	s.mu.Lock()
	s.table.Enter(now, members)
	s.mu.Unlock()
}

func (s *staticMembership) members() []Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table.Members()
}
