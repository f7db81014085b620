package delta

// Counts are what a manager has sent, received and run into since it was made.
// A message to several members is sent once.
type Counts struct {
	Sent, Received [kinds]int      // by Kind
	Events         [eventKinds]int // by EventKind
}

// Counts are the counts so far.
func (m *Manager) Counts() Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts
}
