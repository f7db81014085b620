package scenarios

import (
	"slices"
	"strings"

	"sessionlab/appnode"
	"sessionlab/lab"
	"sessionlab/scenarios/history"
	"sessionlab/scenarios/script"
	"sessionlab/scenarios/users"
)

// noted enters what proxy and nodes have noted of a request.
func (r *run) noted(rec, before *history.Record, request string) {
	enter(r.lab, &r.rec, rec, before, request)
}

// enter takes what has been noted of a request into its record. Who asks for the
// same again and again is answered the same: such records share it.
func enter(l *lab.Lab, room *history.Recorder, rec, before *history.Record, request string) {
	t := l.TakeTrail(request)
	if t == nil {
		return
	}
	if slices.EqualFunc(before.Attempts, t.Attempts, sameAttempt) {
		rec.Attempts = before.Attempts
	} else {
		rec.Attempts = room.Attempts(len(t.Attempts))
		for i, a := range t.Attempts {
			rec.Attempts[i] = history.Attempt(a)
		}
	}
	if same(before.Notes, t.Notes) {
		rec.Notes = before.Notes
	} else {
		rec.Notes = room.Notes(len(t.Notes))
		for i := range t.Notes {
			fill(&rec.Notes[i], &t.Notes[i], rec.Got, room)
		}
	}
	for _, got := range t.Received {
		rec.Received = append(rec.Received, history.Received(got))
	}
	l.ReturnTrail(t)
}

func sameAttempt(a history.Attempt, b lab.Attempt) bool { return a == history.Attempt(b) }

// same reports whether a record's notes are what nodes say again. What they wrote
// is never the same.
func same(notes []history.Note, again []appnode.Note) bool {
	if len(notes) != len(again) {
		return false
	}
	for i := range notes {
		a, b := &notes[i], &again[i]
		if a.Write != nil || b.Op != "" || a.Node != b.Node || a.Path != b.Path || a.Refused != b.Refused || a.Status != b.Status ||
			a.Requested != b.Requested || a.Asked != b.Asked || a.Session != b.Session || a.New != b.New ||
			a.Login != b.Login || a.Was != b.Was || a.Logout != b.Logout ||
			(a.Got == nil) != (b.Attributes == nil) || !slices.EqualFunc(a.Got, b.Attributes, users.Shows) {
			return false
		}
	}
	return true
}

// fill fills an empty note of the record with a node's. The attributes that the
// answer has shown are shared with it.
func fill(note *history.Note, n *appnode.Note, shown []history.Attr, room *history.Recorder) {
	note.Node, note.Path, note.Refused, note.Status = n.Node, n.Path, n.Refused, n.Status
	note.Requested, note.Asked, note.Session, note.New = n.Requested, n.Asked, n.Session, n.New
	note.Login, note.Was, note.Logout = n.Login, n.Was, n.Logout
	if n.Op != "" {
		note.Write = room.Write()
		*note.Write = history.Write{Name: n.Attribute, Value: n.Value, Number: int64(n.Number), Op: history.Op(n.Op), Writes: int64(n.Writes)}
	}
	if n.Attributes == nil {
		return
	}
	if shown != nil && slices.EqualFunc(shown, n.Attributes, users.Shows) {
		note.Got = shown
		return
	}
	note.Got = make([]history.Attr, 0, len(n.Attributes))
	for _, a := range n.Attributes {
		note.Got = append(note.Got, users.AttrOf(a))
	}
}

// soFar is the history of the run until now. Notes that came after their request
// was answered, or given up on, are in their place.
func (r *run) soFar() *history.History {
	h := r.rec.History()
	late := map[string][]history.Note{}
	var busy []history.Holding // sessions that a request under way may be changing: nobody knows how yet
	r.lab.EachTrailLeft(func(request string, t *lab.Trail) {
		for i := range t.Notes {
			var note history.Note
			fill(&note, &t.Notes[i], nil, &r.rec)
			late[request] = append(late[request], note)
			if user, _, _ := strings.Cut(request, "/"); r.live && note.Requested != "" && r.users[user].UnderWay() > 0 {
				busy = append(busy, history.Holding{Host: note.Node, Session: note.Requested})
			}
		}
	})
	h.AddNotes(late)
	if r.live {
		h.Inventory, h.Closed, h.Taken = append(r.inventory(), busy...), true, r.now()
		return h
	}
	r.mu.Lock()
	h.Inventory, h.Closed, h.Taken = r.held, r.closed, r.taken
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
