package delta

import (
	"context"
	"fmt"

	"sessionlab/sessions/tribes"
)

// Channel is the group communication that a Manager needs. tribes.Channel is
// one.
type Channel interface {
	// OnMessage sets the function that the channel calls with every message, in a
	// receiver's task; a synchronised acknowledgement follows its return. The
	// manager calls OnMessage once, before Start.
	OnMessage(f func(ctx context.Context, m *tribes.Message))
	// Start returns when messages come in and the members are known.
	Start(ctx context.Context) error
	// Stop leaves the group; what is still queued is discarded.
	Stop(ctx context.Context) error
	// Send sends a message, which the channel owns from then on, as its options
	// say. The error names who did not get it.
	Send(ctx context.Context, to []tribes.Member, m *tribes.Message) error
	// Members are the others, longest alive first; the slice must not be changed.
	Members() []tribes.Member
	// Pending is how many messages are queued, being sent or being processed.
	Pending() int
	// Status is the channel's state, for tables.
	Status() tribes.Status
}

// nameOf is what a trace calls a member.
func nameOf(m tribes.Member) string {
	if m.Name != "" {
		return m.Name
	}
	return fmt.Sprintf("%s:%d", m.Host, m.Port)
}
