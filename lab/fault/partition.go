package fault

import "slices"

// Cut is one partition: no machine of its one side reaches a machine of the
// other, whichever sends. A machine always reaches itself. It belongs to its
// Table; CutHits says what it has met.
type Cut struct {
	over       Transport
	one, other []string
	hits       int // messages and connects
}

// Transport is how a message travels. The zero value is either way.
type Transport uint8

const (
	TCP      Transport = iota + 1 // connections
	UDP                           // datagrams
	unrouted                      // what one machine sends to groups; see Unroute
)

func (c *Cut) between(from, to string, by Transport) bool {
	return from != to && (c.over == 0 || c.over == by) && (slices.Contains(c.one, from) && slices.Contains(c.other, to) ||
		slices.Contains(c.other, from) && slices.Contains(c.one, to))
}

// Partition makes the machines of one side unreachable for those of the other,
// both ways. Partitions add up until Heal.
func (t *Table) Partition(one, other []string) *Cut { return t.PartitionOver(0, one, other) }

// PartitionOver is Partition for one transport, as a firewall does it that drops
// what is for some ports; zero is all.
func (t *Table) PartitionOver(over Transport, one, other []string) *Cut {
	c := &Cut{over: over, one: slices.Clone(one), other: slices.Clone(other)}
	t.mu.Lock()
	t.cuts = append(t.cuts, c)
	t.look()
	t.mu.Unlock()
	t.notify()
	return c
}

// Unroute takes a machine's route for multicast away: what it sends to a group fails,
// and so does joining one. What others send to a group it is in arrives. Heal gives
// the route back. CutHits counts what has failed.
func (t *Table) Unroute(host string) *Cut { return t.PartitionOver(unrouted, []string{host}, nil) }

// Routed reports whether a machine can send to groups. A no is counted.
func (t *Table) Routed(host string) bool {
	if !t.parted.Load() {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	routed := true
	for _, c := range t.cuts {
		if c.over == unrouted && slices.Contains(c.one, host) {
			c.hits++
			routed = false
		}
	}
	return routed
}

// Heal ends all partitions.
func (t *Table) Heal() {
	t.mu.Lock()
	t.cuts = nil
	t.look()
	t.mu.Unlock()
	t.notify()
}

// Reachable reports whether something on a connection could pass between two
// machines, as far as partitions go.
func (t *Table) Reachable(from, to string) bool {
	if !t.parted.Load() {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return !slices.ContainsFunc(t.cuts, func(c *Cut) bool { return c.between(from, to, TCP) })
}

// CutHits is how many messages and connects have met a partition so far.
func (t *Table) CutHits(c *Cut) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return c.hits
}

// MeetCut counts a connect that the partitions between two machines keep from
// getting through.
func (t *Table) MeetCut(from, to string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.meetCut(from, to, TCP)
}

// meetCut counts what goes from one machine to another for each partition between
// them, and reports whether there is one. t.mu is held.
func (t *Table) meetCut(from, to string, by Transport) (met bool) {
	for _, c := range t.cuts {
		if c.between(from, to, by) {
			c.hits++
			met = true
		}
	}
	return met
}
