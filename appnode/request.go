package appnode

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sessionlab/lab/world"
	"sessionlab/sessions"
)

// Headers that a lab's user adds to a request.
const (
	// RequestHeader carries the request's own name, such as "alice/3". Random
	// draws for the request depend on it.
	RequestHeader = world.HeaderRequest
	// WriteHeader carries the number of the write that the request may turn out to
	// be, or Look.
	WriteHeader = "X-Sessionlab-Write"
	// Look, as WriteHeader, has whatever page the request comes to only show the
	// session, as /session does, and change nothing.
	Look = "look"
)

// maxPostSize is how much of a form is read. Source: Tomcat maxPostSize.
const maxPostSize = 2 << 20

// Request is a request on its way through the node, with its answer. It belongs
// to the node and must not be kept after the pipeline has returned.
type Request struct {
	node *Node
	ctx  context.Context
	http *http.Request
	path string
	form string

	identity sessions.Identity
	service  time.Duration // what the request takes
	write    uint64
	look     bool

	requestedID string
	fromCookie  bool
	session     *sessions.Session
	attributes  []attribute

	note Note // of this execution, told already or not
	told bool

	response response
	state    sessions.State // room for what the answer shows
	out      []byte         // room for the answer
}

// Context ends with the host, not with the client.
func (r *Request) Context() context.Context { return r.ctx }

// Path is the decoded and normalised path, without path parameters and query.
func (r *Request) Path() string { return r.path }

// Manager keeps the node's sessions.
func (r *Request) Manager() Manager { return r.node.manager }

// RequestedID is the session id that the client sent, "" for none.
func (r *Request) RequestedID() string { return r.requestedID }

// parse reads what the connector needs from the HTTP request. It returns the rule
// by which the request is answered with 400, "" if there is none.
func (r *Request) parse(n *Node, hr *http.Request) (refused string) {
	r.node, r.ctx, r.http = n, hr.Context(), hr
	r.identity.Request = first(hr.Header[RequestHeader])
	if number := first(hr.Header[WriteHeader]); number != "" {
		r.look = number == Look
		r.write, _ = strconv.ParseUint(number, 10, 64)
	}
	var ok bool
	r.path, r.requestedID, ok = decodeURI(hr.URL, n.sessionParameter)
	return n.rule(hr, ok)
}

// findRequestedID takes the id from the cookies: the first overrides the one in
// the URL, the next ones replace it as long as it is no valid session here.
// Source: Tomcat CoyoteAdapter.java, parseSessionCookiesId.
func (r *Request) findRequestedID() {
	defer func() { r.note.Requested = r.requestedID }()
	if r.node.cfg.NoCookies {
		return
	}
	for _, header := range r.http.Header["Cookie"] {
		for {
			value, rest, ok := nextCookie(header, r.node.cfg.SessionCookieName)
			if !ok {
				break
			}
			header = rest
			if !r.fromCookie || r.Manager().Find(r.ctx, r.requestedID) == nil {
				r.requestedID, r.fromCookie = value, true
			}
		}
	}
}

// readForm reads the body of a posted form, so that its parameters are found.
func (r *Request) readForm() error {
	if r.http.Method != http.MethodPost || r.http.Body == nil || r.http.ContentLength == 0 ||
		!strings.HasPrefix(first(r.http.Header["Content-Type"]), "application/x-www-form-urlencoded") {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.http.Body, maxPostSize))
	r.form = string(body)
	return err
}

// parameter is a parameter of the query, else of the form, "" if there is none.
func (r *Request) parameter(name string) (value string, ok bool) {
	if value, ok = Parameter(r.http.URL.RawQuery, name); !ok && r.form != "" {
		value, ok = Parameter(r.form, name)
	}
	return value, ok
}

// number is a parameter that must be a whole number of zero or more; it is 0 if
// it is not there.
func (r *Request) number(name string) (int, error) {
	value, ok := r.parameter(name)
	if !ok {
		return 0, nil
	}
	n, err := strconv.ParseUint(value, 10, 31) // Java's int
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, errors.New("parameter " + name + " is too large: " + strconv.Quote(value) + ", at most 2147483647")
	case err != nil:
		return 0, errors.New("parameter " + name + " is no number: " + strconv.Quote(value))
	}
	return int(n), nil
}

// errCommitted is Java's IllegalStateException of the same text.
var errCommitted = errors.New("cannot create a session after the response has been committed")

// Session is the request's session: the one with the requested id if it is valid
// here, else a new one if create is set, else nil. The id of a new session is
// always drawn, never the client's.
// Source: Tomcat Request.java, doGetSession.
func (r *Request) Session(create bool) (*sessions.Session, error) {
	r.note.Asked = true
	if r.session != nil {
		if r.session.Valid() {
			return r.session, nil
		}
		r.session = nil
	}
	m := r.Manager()
	if r.requestedID != "" {
		if s := m.Find(r.ctx, r.requestedID); s != nil {
			r.join(s)
			if r.node.cfg.Release.JoinEndsNew {
				s.SetNew(false)
			}
			return s, nil
		}
	}
	if !create {
		return nil, nil
	}
	if r.response.committed {
		return nil, errCommitted
	}
	s, err := m.Create(r.ctx, &r.identity)
	if err != nil {
		return nil, err
	}
	r.join(s)
	r.note.New = true
	if err := r.node.cookie.err; err != nil {
		return nil, err
	}
	r.response.setCookie = r.node.cookie.line(s.ID())
	return s, nil
}

func (r *Request) join(s *sessions.Session) {
	r.session = s
	s.Access(r.node.host.Now())
}

// rotateSessionID gives the request's session a new id.
func (r *Request) rotateSessionID(s *sessions.Session) error {
	newID, err := r.Manager().Rotate(r.ctx, s, &r.identity)
	if err != nil {
		return err
	}
	r.changeSessionID(newID)
	return nil
}

// changeSessionID makes the client use another id. A cookie set after the head
// has left does not reach it.
func (r *Request) changeSessionID(newID string) {
	if r.requestedID != "" {
		r.requestedID = newID
	}
	r.response.setCookie = r.node.cookie.line(newID)
}

// recycle ends the use of the session, after the answer was finished, and makes
// the request ready to be used again.
func (r *Request) recycle() {
	if r.session != nil {
		r.session.EndAccess(r.node.host.Now())
	}
	buf, state, out := r.response.buf[:0], r.state, r.out[:0]
	*r = Request{}
	r.response.buf, r.state, r.out = buf, state, out
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
