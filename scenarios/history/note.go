package history

import "strings"

// Note is what a node says of one execution of a request: what the request was.
// An execution that a kill ended before it did anything has left none.
type Note struct {
	Node string
	Path string // the page that ran, as the node's application sees it

	Requested string // the session id that the node was presented, "" for none
	Session   string // the id of the session it worked on, "" for none
	Asked     bool   // the page asked for its session: "" above means that there was none
	New       bool   // the session was created for it
	Login     bool   // it logged somebody in, which changes the session's id
	Was       string // with Login, that id before
	Logout    bool   // it was to invalidate the session, whether the node had one or not

	*Write        // what it changed, nil for a read
	Got    []Attr // the attributes in its answer; nil when that lists none, as in a Record

	// Refused is the rule by which the node's connector refused the request, with
	// Status; no page ran then. "" for any other request.
	Refused string
	Status  int
}

// Executed is how often a page ran for the request and changed an attribute.
func (r *Record) Executed() int {
	n := 0
	for i := range r.Notes {
		if r.Notes[i].Write != nil {
			n++
		}
	}
	return n
}

// Write is what the request changed in its first execution that changed anything,
// nil for a read.
func (r *Record) Write() *Write {
	for i := range r.Notes {
		if r.Notes[i].Write != nil {
			return r.Notes[i].Write
		}
	}
	return nil
}

// Wrote is the request's change of one attribute, nil for none.
func (r *Record) Wrote(name string) *Write {
	for i := range r.Notes {
		if n := &r.Notes[i]; n.Write != nil && n.Name == name {
			return n.Write
		}
	}
	return nil
}

// Logout reports whether the request was a logout.
func (r *Record) Logout() bool {
	for i := range r.Notes {
		if r.Notes[i].Logout {
			return true
		}
	}
	return false
}

// Login reports whether the request logged somebody in.
func (r *Record) Login() bool {
	for i := range r.Notes {
		if r.Notes[i].Login {
			return true
		}
	}
	return false
}

// Answering is the note of the execution that the answer comes from, nil when no
// node's answer reached the user: the proxy may have answered by itself.
func (r *Record) Answering() *Note {
	node := r.AnsweredBy()
	if node == "" {
		return nil
	}
	for i := len(r.Notes) - 1; i >= 0; i-- {
		if r.Notes[i].Node == node {
			return &r.Notes[i]
		}
	}
	return nil
}

// AnsweredBy is the node whose answer the user has: the one that the answer names,
// or the one that the proxy had it from; "" if none is known.
func (r *Record) AnsweredBy() string {
	switch {
	case r.Node != "" || !r.Answered():
		return r.Node
	case r.On != "":
		return r.On
	}
	return r.answered()
}

// answered is the node whose answer the proxy had to its last attempt, "" if that
// brought none.
func (r *Record) answered() string {
	if n := len(r.Attempts); n > 0 && isStatus(r.Attempts[n-1].Outcome) {
		return r.Attempts[n-1].Node
	}
	return ""
}

func isStatus(outcome string) bool {
	return len(outcome) == 3 && outcome[0] >= '1' && outcome[0] <= '9'
}

// Refused reports whether the answer is that of a connector that refused the
// request.
func (r *Record) Refused() bool {
	if len(r.Notes) == 0 {
		return false
	}
	n := &r.Notes[len(r.Notes)-1]
	return n.Refused != "" && r.Answered() && r.Status == n.Status
}

// Unnamed reports whether a node may have executed the request without knowing
// which it was: the proxy did not pass on its name, or the number of its write.
// What such a request did cannot be judged.
func (r *Record) Unnamed() bool {
	for _, a := range r.Attempts {
		if a.Unnamed && a.reached() {
			return true
		}
	}
	for i := range r.Notes {
		if r.Notes[i].Write != nil && r.Notes[i].Number == 0 {
			return true
		}
	}
	return false
}

// reached reports whether the attempt may have come to a node.
func (a *Attempt) reached() bool {
	switch a.Outcome {
	case "refused", "connect_timeout":
		return false
	}
	return strings.IndexByte(a.Node, ':') < 0 // an address is no node's name
}
