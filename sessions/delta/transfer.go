package delta

import (
	"context"
	"fmt"
	"time"

	"sessionlab/sessions"
	"sessionlab/sessions/tribes"
)

// transferPoll is how often a start looks whether the state has come.
// Source: Tomcat DeltaManager.java, waitForSendAllSessions.
const transferPoll = 100 * time.Millisecond

// transfer is where the fetching of the state stands.
type transfer struct {
	waiting   bool
	queue     []received
	complete  bool
	noContext bool
	// reference is the time that what waited must not be older than: of the
	// asking by this node's clock, and once the state has come of its snapshot by
	// the master's.
	reference int64
}

// received is a message and who sent it.
type received struct {
	message
	from tribes.Member
}

// fetchState asks the member that is alive for longest, and only that one, for
// all sessions, and waits. Meanwhile messages about sessions are queued. If no
// state has come in time the node starts with what it has.
// Source: Tomcat DeltaManager.java, getAllClusterSessions.
func (m *Manager) fetchState(ctx context.Context) error {
	members := m.channel.Members()
	if len(members) == 0 {
		m.trace(NothingToFetch, nil, nil, "")
		return nil
	}
	master := members[0]
	began := m.now()
	m.mu.Lock()
	m.transfer = transfer{waiting: true, reference: began}
	m.mu.Unlock()

	ask := &message{kind: GetAll, timestamp: began}
	options, _ := m.cfg.Transfer()
	m.trace(Transferring, ask, &master, "")
	m.send(ctx, members[:1], ask, options)
	if err := m.awaitState(ctx, began, master); err != nil {
		return fmt.Errorf("wait for the state of %s: %w", nameOf(master), err)
	}
	m.replay(ctx)
	return nil
}

// awaitState waits until the state, or the answer that there is none, has come,
// or the time is over. The time is by the wall clock.
func (m *Manager) awaitState(ctx context.Context, began int64, master tribes.Member) error {
	start, timeout := m.now(), m.cfg.StateTransferTimeout
	var done, noContext, late bool
	for timeout > 0 || timeout == WaitForEver {
		if err := m.host.Sleep(ctx, transferPoll); err != nil {
			return err
		}
		m.mu.Lock()
		done, noContext = m.transfer.complete, m.transfer.noContext
		m.mu.Unlock()
		late = timeout > 0 && m.now()-start > timeout.Milliseconds()
		if done || noContext || late {
			break
		}
	}
	took := fmt.Sprintf("after %d ms", m.now()-began)
	switch {
	case late:
		m.trace(NotTransferred, nil, &master, took)
	case noContext:
		m.trace(NoContextThere, nil, &master, took)
	case done:
		m.trace(Transferred, nil, &master, took)
	}
	return nil
}

// replay handles what was queued. With stateTimestampDrop, what is older than
// the state is dropped, and so is every GET_ALL: two nodes that have asked each
// other both get no answer.
func (m *Manager) replay(ctx context.Context) {
	m.mu.Lock()
	waited, reference := m.transfer.queue, m.transfer.reference
	m.transfer.queue = nil
	m.mu.Unlock()
	for i := range waited {
		r := &waited[i]
		if m.cfg.StateTimestampDrop == True && (r.kind == GetAll || r.timestamp < reference) {
			m.trace(TooOld, &r.message, &r.from, fmt.Sprintf("sent %d ms before the state", reference-r.timestamp))
			continue
		}
		m.handle(ctx, &r.message, r.from)
	}
	// What came during the replay comes after it.
	for {
		m.mu.Lock()
		waited = m.transfer.queue
		m.transfer.queue = nil
		m.transfer.waiting = len(waited) > 0
		m.mu.Unlock()
		if len(waited) == 0 {
			return
		}
		for i := range waited {
			m.handle(ctx, &waited[i].message, waited[i].from)
		}
	}
}

// transferEnded notes that the master has sent everything, or has nothing.
func (m *Manager) transferEnded(msg *message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if msg.kind == NoContextManager {
		m.transfer.noContext = true
		return
	}
	m.transfer.complete, m.transfer.reference = true, msg.timestamp
}

// sendState answers a GET_ALL with everything that is held. Sessions are sent
// with acknowledgement after processing; that it is all, as the cluster's
// options say.
// Source: Tomcat DeltaManager.java, handleGET_ALL_SESSIONS.
func (m *Manager) sendState(ctx context.Context, to tribes.Member) {
	all, snapshot := m.Sessions(), m.now()
	target := []tribes.Member{to}
	size := m.cfg.SendAllSessionsSize
	if m.cfg.SendAllSessions == True {
		size = max(1, len(all))
	}
	for i := 0; i < len(all) || i == 0 && m.cfg.SendAllSessions == True; i += size {
		block := all[i:min(i+size, len(all))]
		states := make([]sessions.State, len(block))
		for j, s := range block {
			s.State(&states[j])
			m.cfg.Distributable(&states[j])
		}
		m.send(ctx, target, &message{kind: State, timestamp: snapshot, states: states},
			stateOptions)
		if pause := m.cfg.SendAllSessionsWaitTime; pause > 0 && i+size < len(all) {
			if m.host.Sleep(ctx, pause) != nil {
				return
			}
		}
	}
	m.send(ctx, target, &message{kind: TransferComplete, timestamp: snapshot}, m.cfg.SendOptions)
}

// load holds the sessions of a state, in the place of those held under the same
// ids.
// Source: Tomcat DeltaManager.java, deserializeSessions.
func (m *Manager) load(msg *message, from tribes.Member) {
	for _, st := range msg.states {
		st.Valid = true
		st.ThisAccessed = m.now()
		s := sessions.Restore(st, m.Config().Access)
		m.Listen(s)
		m.watch(s, false)
		m.hold(s, msg, from)
	}
}
