package appnode

import "sessionlab/sessions"

// Copy is one node's copy of a session.
type Copy struct {
	sessions.State
	Role Role
}

// Role is what a copy is to its session.
type Role uint8

const (
	// Sole is the role of a session whose manager does not replicate: whatever
	// other nodes hold under its id is none of its business.
	Sole Role = iota
	// Primary is the copy of the node that answered the session's latest
	// request, as far as this node knows: it alone expires the session.
	// Source: Tomcat DeltaSession.java, isPrimarySession.
	Primary
	// Replica is any other copy.
	Replica
)

// String is the word for the role: sole, primary or replica.
func (r Role) String() string { return [...]string{"sole", "primary", "replica"}[r] }

// PrimaryTeller is a Manager that knows which of its copies are the primary
// ones.
type PrimaryTeller interface {
	// Lookup is the session held under an id, valid or not; nil if there is none.
	Lookup(id string) *sessions.Session
	Primary(s *sessions.Session) bool
}

// Copies are the valid sessions held, in order of their ids, with their roles.
// Looking changes nothing. A replicating manager that is no PrimaryTeller has
// replicas only.
func (n *Node) Copies() []Copy {
	teller, tells := n.manager.(PrimaryTeller)
	_, replicates := n.manager.(Replicator)
	var copies []Copy
	for _, s := range n.manager.Sessions() {
		var c Copy
		if s.State(&c.State); !c.Valid {
			continue
		}
		switch {
		case tells && teller.Primary(s):
			c.Role = Primary
		case tells || replicates:
			c.Role = Replica
		}
		copies = append(copies, c)
	}
	return copies
}
