package scenarios

import (
	"slices"

	"sessionlab/appnode"
	"sessionlab/lab"
	"sessionlab/scenarios/history"
	"sessionlab/scenarios/script"
	"sessionlab/scenarios/users"
)

// noted enters what proxy and nodes have noted of a request.
func (r *run) noted(rec *history.Record, request string) { enter(r.lab, &r.rec, rec, request) }

func enter(l *lab.Lab, room *history.Recorder, rec *history.Record, request string) {
	t := l.TakeTrail(request)
	if t == nil {
		return
	}
	if len(t.Attempts) > 0 {
		rec.Attempts = room.Attempts(len(t.Attempts))
		for i, a := range t.Attempts {
			rec.Attempts[i] = history.Attempt{Node: a.Node, Outcome: a.Outcome}
		}
	}
	if len(t.Notes) > 0 {
		rec.Notes = room.Notes(len(t.Notes))
		for i := range t.Notes {
			rec.Notes[i] = noteOf(room, &t.Notes[i], rec.Got)
		}
	}
	for _, got := range t.Received {
		rec.Received = append(rec.Received, history.Received(got))
	}
	l.ReturnTrail(t)
}

// noteOf is a node's note in the record. The attributes that the answer has shown
// are shared with it.
func noteOf(room *history.Recorder, n *appnode.Note, shown []history.Attr) history.Note {
	note := history.Note{
		Node: n.Node, Path: n.Path, Refused: n.Refused, Status: n.Status,
		Requested: n.Requested, Asked: n.Asked, Session: n.Session, New: n.New, Login: n.Login, Logout: n.Logout,
	}
	if n.Op != "" {
		note.Write = room.Write()
		*note.Write = history.Write{Name: n.Attribute, Value: n.Value, Number: int64(n.Number), Op: history.Op(n.Op), Writes: int64(n.Writes)}
	}
	if n.Attributes == nil {
		return note
	}
	if shown != nil && slices.EqualFunc(shown, n.Attributes, users.Shows) {
		note.Got = shown
		return note
	}
	note.Got = make([]history.Attr, 0, len(n.Attributes))
	for _, a := range n.Attributes {
		note.Got = append(note.Got, users.AttrOf(a))
	}
	return note
}

// soFar is the history of the run until now. Notes that came after their request
// was answered, or given up on, are in their place.
func (r *run) soFar() *history.History {
	h := r.rec.History()
	late := map[string][]history.Note{}
	r.lab.EachTrailLeft(func(request string, t *lab.Trail) {
		for i := range t.Notes {
			late[request] = append(late[request], noteOf(&r.rec, &t.Notes[i], nil))
		}
	})
	h.AddNotes(late)
	r.mu.Lock()
	h.Inventory, h.Closed = r.held, r.closed
	r.mu.Unlock()
	return h
}

// record takes a finished request.
func (r *run) record(rec *history.Record) {
	r.rec.Add(rec)
	r.mu.Lock()
	if rec.Node != "" && !rec.Audit && !rec.Foreign {
		if rec.Session != "" {
			r.lastNode[rec.User] = rec.Node
		} else {
			delete(r.lastNode, rec.User)
		}
	}
	if rec.Sent != "" && rec.Logout() && rec.Acknowledged() {
		r.loggedOut = append(r.loggedOut, knock{rec.User, rec.Sent})
	}
	r.touches.request(rec)
	r.hash = r.hash.text(rec.User).number(uint64(rec.N)).number(uint64(rec.Started)).number(uint64(rec.Ended)).
		number(uint64(rec.Status)).text(rec.Node).text(rec.Session).text(rec.Err)
	r.mu.Unlock()
	if r.opts.Answered != nil {
		r.opts.Answered(rec)
	}
	r.fire(func(e script.Event) bool { return e.Verb == "is answered" && e.Subject == rec.User })
}
