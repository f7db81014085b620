package scenarios

import (
	"sessionlab/scenarios/history"
	"sessionlab/scenarios/script"
)

func (r *run) nextWrite() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes++
	return r.writes
}

func (r *run) attempts(request string) []history.Attempt {
	tried := r.lab.TakeAttempts(request)
	if tried == nil {
		return nil
	}
	out := r.rec.Attempts(len(tried))
	for i, a := range tried {
		out[i] = history.Attempt{Node: a.Node, Outcome: a.Outcome}
	}
	return out
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
	if rec.Logout() && rec.Acknowledged() && rec.Sent != "" {
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
