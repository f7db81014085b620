package scenarios

import (
	"sessionlab/appnode"
	"sessionlab/scenarios/history"
	"sessionlab/scenarios/script"
	"sessionlab/sessions"
)

// copies answers the figures that look into the nodes' memory; mine is false for
// all others. A node that is down holds nothing; a frozen one is not asked, its
// memory is looked at.
func (r *run) copies(f script.Figure) (v script.Value, mine bool) {
	switch f.Name {
	case script.CopiesFigure, script.CopyFigure, script.CopyAttributeFigure:
	default:
		return v, false
	}
	base := sessions.Base(r.users[f.User].Session())
	if f.Name == script.CopiesFigure {
		n := 0
		for _, node := range r.lab.Nodes() {
			if _, held := r.copyOn(node, base); held {
				n++
			}
		}
		return script.CountOf(n), true
	}
	c, held := r.copyOn(f.Arg, base)
	if f.Name == script.CopyFigure {
		word := "none"
		if held {
			word = c.Role.String()
		}
		return script.TextOf(word), true
	}
	for _, a := range c.Attributes {
		if a.Name == f.Attr {
			return script.AttributeOf(a.Text), true
		}
	}
	return script.NoAttribute(), true
}

// copyOn is what a node holds of a session: the primary copy, if it has several
// under different routes.
func (r *run) copyOn(node, base string) (found appnode.Copy, held bool) {
	app := r.lab.Node(node)
	if app == nil || base == "" {
		return found, false
	}
	for _, c := range app.Copies() {
		if sessions.Base(c.ID) == base && (!held || c.Role == appnode.Primary) {
			found, held = c, true
		}
	}
	return found, held
}

// keepCopies answers those figures for the expectations after the end line, while the
// nodes are there and before the last looks of the users change anything.
func (r *run) keepCopies() {
	last := map[script.Figure]script.Value{}
	for _, st := range r.sc.Final {
		e, ok := st.Act.(script.Expect)
		if !ok {
			continue
		}
		for _, f := range e.Cond.Figures() {
			if v, mine := r.copies(f); mine {
				last[f] = v
			}
		}
	}
	r.mu.Lock()
	r.lastCopies = last
	r.mu.Unlock()
}

// inventory is who still holds what, for the record.
func (r *run) inventory() []history.Holding {
	var all []history.Holding
	for _, c := range r.lab.Inventory() {
		h := history.Holding{Host: c.Host, File: c.File, Session: c.ID}
		if c.File == "" {
			h.Role = c.Role.String()
		}
		for _, a := range c.Attributes {
			h.Version += int64(a.Writes)
		}
		all = append(all, h)
	}
	return all
}
