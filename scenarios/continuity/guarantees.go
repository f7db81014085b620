package continuity

// Guarantees are the four session guarantees of Bayou.
//
// Source: Terry, Demers, Petersen, Spreitzer, Theimer, Welch: Session Guarantees
// for Weakly Consistent Replicated Data, PDIS 1994. There DB(S,t) is the ordered
// set of writes that server S has received by time t, and RelevantWrites(S,t,R)
// are the writes that determine what read R returns there.
//
// Here a session is a user's HTTP session, a server is a node's copy of it, and
// every answer that lists the attributes is a read, that of a write as well.
// DB(S,t) is not visible; what is judged is what the answer shows of it. So a
// write counts as included if the answer shows it or one that may have come
// after it, and for an attribute that is only ever incremented also by the count
// of the writes applied. Overlapping requests have no order in the session.
type Guarantees struct {
	// ReadYourWrites: "If Read R follows Write W in a session and R is performed
	// at server S at time t, then W is included in DB(S,t)."
	ReadYourWrites Guarantee `json:"read_your_writes"`
	// MonotonicReads: "If Read R1 occurs before R2 in a session and R1 accesses
	// server S1 at time t1 and R2 accesses server S2 at time t2, then
	// RelevantWrites(S1,t1,R1) is a subset of DB(S2,t2)."
	MonotonicReads Guarantee `json:"monotonic_reads"`
	// MonotonicWrites: "If Write W1 precedes Write W2 in a session, then, for any
	// server S2, if W2 in DB(S2) then W1 is also in DB(S2) and
	// WriteOrder(W1,W2)."
	MonotonicWrites Guarantee `json:"monotonic_writes"`
	// WritesFollowReads: "If Read R1 precedes Write W2 in a session and R1 is
	// performed at server S1 at time t1, then, for any server S2, if W2 is in
	// DB(S2) then any W1 in RelevantWrites(S1,t1,R1) is also in DB(S2) and
	// WriteOrder(W1,W2)."
	WritesFollowReads Guarantee `json:"writes_follow_reads"`
}

// Guarantee counts the answers for which a guarantee had something to say, and
// those that broke it.
type Guarantee struct {
	Checked    int `json:"checked"`
	Violations int `json:"violations"`
}

func (g *Guarantee) note(applies, broken bool) {
	if applies {
		g.Checked++
		if broken {
			g.Violations++
		}
	}
}

// guarantees checks every answer that lists the session's attributes.
func (t *trial) guarantees() {
	sum := &t.result.Guarantees
	for j, r := range t.readings {
		newest := int32(-1) // the newest write that the answer shows
		for _, a := range t.attrs {
			newest = max(newest, a.looks[j].write)
		}
		applies, broken := t.lacksOwed(j, r, true)
		sum.ReadYourWrites.note(applies, broken)
		applies, broken = t.lacksShown(j, r)
		sum.MonotonicReads.note(applies, broken)
		if newest < 0 {
			continue
		}
		applies, broken = t.lacksOwed(j, newest, false)
		sum.MonotonicWrites.note(applies, broken)
		applies, broken = t.lacksShown(j, newest)
		sum.WritesFollowReads.note(applies, broken)
	}
}

// lacksOwed reports whether reading j lacks a write that was acknowledged
// before request when was sent; applies is false if there is none. With own, an
// acknowledged write of the very request counts as one.
func (t *trial) lacksOwed(j int, when int32, own bool) (applies, lacks bool) {
	r := t.readings[j]
	for _, a := range t.attrs {
		v := a.looks[j]
		w, n := int32(-1), int64(0)
		if own {
			w, n = t.owed(a, when)
		} else {
			w, n = t.foregoing(a, v, when)
		}
		if w < 0 {
			continue
		}
		applies = true
		if t.misses(a, r, v, w) || a.adds && v.writes < n {
			return true, true
		}
	}
	return applies, false
}

// foregoing is the newest acknowledged write that came before write when, -1 if
// none, and the least count with which an answer that shows when, and v of this
// attribute, contains all that came before either.
func (t *trial) foregoing(a *attribute, v look, when int32) (w int32, n int64) {
	known := t.ended(a.acked, when)
	if known == 0 {
		return -1, 0
	}
	n = int64(known)
	if a.adds && v.write >= 0 {
		n = max(n, int64(t.ended(a.acked, v.write))+1)
	}
	return a.newest[known-1], n
}

// lacksShown reports whether reading j lacks a write that an answer has shown
// before request when was sent; applies is false if none has shown any.
func (t *trial) lacksShown(j int, when int32) (applies, lacks bool) {
	k := t.ended(t.answers, when) - 1
	if k < 0 {
		return false, false
	}
	for _, a := range t.attrs {
		w := a.shown[k]
		if w < 0 {
			continue
		}
		applies = true
		if v := a.looks[j]; t.misses(a, t.readings[j], v, w) || a.adds && v.writes < a.shownMost[k] {
			return true, true
		}
	}
	return applies, false
}

// missingSession enters an answer that knew nothing of the session: a read of
// an empty copy.
func (t *trial) missingSession(r int32) {
	sum := &t.result.Guarantees
	var owed, shown bool
	for _, a := range t.attrs {
		owed = owed || t.ended(a.acked, r) > 0
	}
	if k := t.ended(t.answers, r) - 1; k >= 0 {
		for _, a := range t.attrs {
			shown = shown || a.shown[k] >= 0
		}
	}
	sum.ReadYourWrites.note(owed, true)
	sum.MonotonicReads.note(shown, true)
	if w := t.recs[r].Write(); w != nil && t.recs[r].Acknowledged() {
		if _, ok := t.recs[r].Attr(w.Name); ok {
			sum.MonotonicWrites.note(owed, true)
			sum.WritesFollowReads.note(shown, true)
		}
	}
}
