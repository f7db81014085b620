package appnode

import (
	"context"

	"sessionlab/sessions"
)

// Manager keeps the sessions of the node's application. Calls may wait (for the
// wire, say), and come from several tasks at once.
type Manager interface {
	// Observe sets the function that the manager calls with every event. The node
	// calls Observe once, before Start.
	Observe(f func(sessions.Event))
	// Start makes the manager ready before the node accepts a request.
	Start(ctx context.Context) error
	// Stop gives the sessions up at a graceful stop, when the node accepts no more
	// requests; its port closes after that.
	Stop(ctx context.Context) error

	// JvmRoute is the node's route, "" for none.
	JvmRoute() string
	// Find is the valid session with this id, or nil. A session that has
	// outlived its interval expires here.
	Find(ctx context.Context, id string) *sessions.Session
	// Create creates a session for a request. An error becomes a 500.
	Create(ctx context.Context, who *sessions.Identity) (*sessions.Session, error)
	// Rotate gives a session a new id, and returns it.
	Rotate(ctx context.Context, s *sessions.Session, who *sessions.Identity) (newID string, err error)
	// Invalidate ends a session.
	Invalidate(ctx context.Context, s *sessions.Session) error
	// Background is one tick of the node's background thread.
	Background(ctx context.Context)
	// Sessions are the sessions held, in order of their ids.
	Sessions() []*sessions.Session
	// Figures are the counts so far.
	Figures() sessions.Figures
}

// IDChanger is a Manager whose sessions move between nodes, which is what
// JvmRouteBinderValve works on.
type IDChanger interface {
	// Lookup is the session held under an id, valid or not; nil if there is none.
	Lookup(id string) *sessions.Session
	// ChangeID gives a session the id newID, here and wherever its copies are.
	ChangeID(ctx context.Context, s *sessions.Session, newID string) error
}

// Replicator is a Manager that sends the changes of a request's session at the
// end of the request, which is what ReplicationValve works on.
type Replicator interface {
	// HasMembers reports whether there is another node to send to.
	HasMembers() bool
	// RequestCompleted sends what has changed, and reports whether there was
	// anything to send. It may wait for acknowledgements; it does not fail the
	// request.
	RequestCompleted(ctx context.Context, s *sessions.Session) (sent bool)
	// ResetReplication forgets what has changed: there is no other node to send it to.
	ResetReplication(s *sessions.Session)
}
