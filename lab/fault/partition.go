package fault

import "slices"

// partitions are pairs of sides: neither machine of one side reaches a machine
// of the other. A machine always reaches itself.
type partitions [][2][]string

func (p partitions) cut(from, to string) bool {
	if from == to {
		return false
	}
	for _, sides := range p {
		if slices.Contains(sides[0], from) && slices.Contains(sides[1], to) ||
			slices.Contains(sides[1], from) && slices.Contains(sides[0], to) {
			return true
		}
	}
	return false
}

// Partition makes the machines of one side unreachable for those of the other,
// both ways. Partitions add up until Heal.
func (t *Table) Partition(one, other []string) {
	t.mu.Lock()
	t.partitions = append(t.partitions, [2][]string{slices.Clone(one), slices.Clone(other)})
	t.look()
	t.mu.Unlock()
	t.notify()
}

// Heal ends all partitions.
func (t *Table) Heal() {
	t.mu.Lock()
	t.partitions = nil
	t.look()
	t.mu.Unlock()
	t.notify()
}

// Reachable reports whether a message could pass between two machines, as far
// as partitions go.
func (t *Table) Reachable(from, to string) bool {
	if !t.parted.Load() {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.partitions.cut(from, to)
}

// CutHits is how many messages and connects have met a partition so far.
func (t *Table) CutHits() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cutHits
}

// MeetCut counts a connect that met a partition.
func (t *Table) MeetCut() {
	t.mu.Lock()
	t.cutHits++
	t.mu.Unlock()
}
