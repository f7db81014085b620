package tribes

import "slices"

// Status is a channel at one moment, for tables.
type Status struct {
	Local    Member
	Members  []Member // longest alive first
	Suspects []Member // of them, those that seemed gone

	Queued          int   // messages that wait for a dispatcher thread
	QueuedBytes     int64 // of their bodies and those being sent
	DispatchThreads int
	DispatchBusy    int
	SendersInUse    int
	SendersIdle     int
	Connections     map[string]int // of its senders, by the member's "address:port"
	ReceiverThreads int
	ReceiverBusy    int // threads that read or process messages
	ReceiverWaiting int // connections with messages that wait for a receiver thread

	Sent       int // messages handed to all their destinations
	Received   int
	Heartbeats int // sent

	counts [lastEventKind + 1]int
}

// Count is how often something has happened since the channel was made.
func (s Status) Count(k EventKind) int {
	if k > lastEventKind {
		return 0
	}
	return s.counts[k]
}

// Status is the channel now. Its parts are read one after the other.
func (c *Channel) Status() Status {
	s := Status{Local: c.Local(), Members: c.Members()}
	if d := c.detector; d != nil {
		d.mu.Lock()
		for _, e := range d.suspect.list {
			s.Suspects = append(s.Suspects, e.member)
		}
		d.mu.Unlock()
	}
	if d := c.dispatch; d != nil {
		s.DispatchThreads, s.DispatchBusy, s.Queued = d.threads.figures()
		d.mu.Lock()
		s.QueuedBytes = d.queued
		d.mu.Unlock()
	}
	p := c.coord.pool
	p.mu.Lock()
	s.SendersInUse, s.SendersIdle = len(p.inUse), len(p.idle)
	senders := slices.Concat(p.idle, p.inUse)
	p.mu.Unlock()
	s.Connections = map[string]int{}
	for _, from := range senders {
		from.connected(s.Connections)
	}
	r := c.coord.receiver
	now := c.host.Elapsed()
	r.mu.Lock()
	s.ReceiverThreads, s.ReceiverBusy = r.threads.count(now), r.threads.busy
	s.ReceiverWaiting = r.selected
	r.mu.Unlock()
	w := c.watch
	w.mu.Lock()
	s.Sent, s.Received, s.Heartbeats, s.counts = w.sent, w.received, w.heartbeats, w.counts
	w.mu.Unlock()
	return s
}
