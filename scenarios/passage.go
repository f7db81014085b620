package scenarios

import (
	"sessionlab/lab"
	"sessionlab/scenarios/history"
)

// passage records what an event tells of a message about a session.
func (r *run) passage(e *lab.Event) {
	p := history.Passage{Sent: e.At - e.Took, At: e.At, Kind: e.Label.Kind, Session: e.Label.Key, From: e.Peer, To: e.Host, Fate: history.Fate(e.Fate)}
	switch {
	case e.Label.Key == "":
		return
	case e.Kind == lab.Loses:
		p.From, p.To, p.Fate = e.Host, e.Peer, history.Dropped
	case e.Fate == "":
		return
	case e.Kind == lab.Broken: // the sender tells it
		p.From, p.To = e.Host, e.Peer
	}
	r.rec.AddPassage(p)
}
