package delta

// Counts are what a manager has sent, received and run into since it was made.
// A message to several members is sent once. They stay zero without
// EnableStatistics.
type Counts struct {
	Sent, Received [kinds]int      // by Kind
	Events         [eventKinds]int // by EventKind
}

// count adds one to a count of m.counts.
func (m *Manager) count(n *int) {
	if m.cfg.EnableStatistics == False {
		return
	}
	m.mu.Lock()
	*n++
	m.mu.Unlock()
}

// Counts are the counts so far.
func (m *Manager) Counts() Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts
}
