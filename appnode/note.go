package appnode

import "sessionlab/sessions"

// Note is what a node did for one execution of a request. Config.Noted gets it at
// the instant of doing it, before the answer leaves: an execution that a kill ends
// earlier leaves none and has changed nothing, one that a kill ends later leaves
// one all the same. A request that the proxy repeats has a note for each execution.
type Note struct {
	Node    string
	Request string // the request's identity; "" for one that came without
	Path    string // decoded and normalised, as the application sees it
	// Refused is the rule by which the connector itself refuses the request, with
	// Status; the application never saw it then. "" for any other request.
	Refused string
	Status  int
	Host    string // the Host header of a request that was refused

	Requested string // the session id that the request presented here, "" for none
	Asked     bool   // the page has asked for the session, so that "" below means none
	Session   string // the id of the page's session, "" for none
	New       bool   // created for this request
	Login     bool   // the page logged somebody in, under a new session id
	Was       string // with Login, the session's id before
	Logout    bool   // the page invalidates the session, if there is one

	// What the page wrote; Op is "" if it wrote nothing.
	Op        Op
	Attribute string
	Value     string
	Number    uint64 // that the request gave to its write; 0 if it gave none
	Writes    uint64 // behind the attribute's object, with this one

	// Attributes are those that the answer lists, in order of their names, nil for
	// an answer that lists none. They belong to the node and change when the call
	// has returned.
	Attributes []sessions.Attribute
}

// Op is how a page changes an attribute.
type Op string

const (
	Set    Op = "set"    // setAttribute with a new value
	Add    Op = "add"    // reads the number, adds one, setAttribute
	Mutate Op = "mutate" // changes the object in place, without setAttribute
	Remove Op = "remove" // removeAttribute, whether there is one or not
)

// wrote notes what the page wrote; tell gives it away with the rest.
func (r *Request) wrote(op Op, attribute string, v sessions.Value) {
	n := &r.note
	n.Op, n.Attribute, n.Value, n.Number, n.Writes = op, attribute, v.Text, v.Write, v.Writes
}

// tell tells the note of this execution, once: what is noted later is part of it
// no more.
func (r *Request) tell() {
	if r.told || r.node.cfg.Noted == nil {
		return
	}
	r.told = true
	n := &r.note
	n.Node, n.Request, n.Path = r.node.host.Name(), r.identity.Request, r.path
	if r.session != nil && n.Session == "" && !n.Logout {
		n.Session = r.session.ID()
	}
	r.node.cfg.Noted(n)
}
