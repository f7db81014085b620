package continuity

import (
	"cmp"
	"slices"
	"strings"

	"sessionlab/scenarios/history"
)

// part is what a request had to do with a session.
type part uint8

const (
	alive    part = iota // the answer speaks of this session
	touched              // answered without a word about any session
	open                 // no node's answer arrived: what it did is unknown to its user
	none                 // presented this session, and the answer knows no session
	replaced             // presented this session, and was given another one
	logout               // was to end this session
)

// session collects the requests of one session.
type session struct {
	id        string // the first one
	items     []item // by start
	idChanges int
	ids       []string // all that it has had, without route
}

// known reports whether the session has had an id.
func (s *session) known(id string) bool { return id != "" && slices.Contains(s.ids, base(id)) }

// called enters an id of the session, and the one that a login took from it.
func (s *session) called(id string, r *history.Record) {
	if !s.known(id) {
		s.ids = append(s.ids, base(id))
	}
	for i := range r.Notes {
		if n := &r.Notes[i]; n.Was != "" && base(n.Session) == base(id) && !s.known(n.Was) {
			s.ids = append(s.ids, base(n.Was))
		}
	}
}

type item struct {
	req  int32
	part part
}

// person is one user with all of that user's requests.
type person struct {
	name  string
	reqs  []int32 // by start
	byEnd []int32 // the same by end

	sessions    int
	idChanges   int
	staleReads  int
	duplicated  int
	newSessions int
	setCookies  int
}

func (c *checker) peopleByName() []*person {
	var list []*person
	for i, r := range c.recs {
		p := c.result.people[r.User]
		if p == nil {
			p = &person{name: r.User}
			c.result.people[r.User] = p
			list = append(list, p)
		}
		p.reqs = append(p.reqs, int32(i))
	}
	for _, p := range list {
		p.byEnd = p.reqs
		if !slices.IsSortedFunc(p.byEnd, c.compareEnds) {
			p.byEnd = slices.Clone(p.reqs)
			slices.SortFunc(p.byEnd, c.compareEnds)
		}
	}
	slices.SortFunc(list, func(a, b *person) int { return strings.Compare(a.name, b.name) })
	return list
}

// base is a session id without the route: what survives JvmRouteBinderValve.
func base(id string) string {
	if i := strings.IndexByte(id, '.'); i >= 0 {
		return id[:i]
	}
	return id
}

// indexOwners finds whose session an id is: the user's who saw it first.
func (c *checker) indexOwners(ended []int32) {
	c.owner = map[string]int32{}
	last := map[string]string{} // by user: nearly every answer repeats the id before it
	for _, i := range ended {
		r := c.recs[i]
		id := cmp.Or(r.Session, r.SetCookie)
		if id == "" || last[r.User] == id {
			continue
		}
		last[r.User] = id
		if _, ok := c.owner[base(id)]; !ok {
			c.owner[base(id)] = i
		}
	}
}

// identity is the session id that an answer gives its user, "" if none, and
// whether that session is another one than the request presented. The answer's
// word for new is not enough: isNew is replicated, so that a copy may still say
// so when its user comes for the second time. An answer that is cut still sets a
// cookie. Of a page that says nothing, the node's note says which session it was.
func identity(r *history.Record) (id string, fresh bool) {
	if r.Answered() && r.Session != "" {
		return r.Session, r.NewSession && base(r.Session) != base(r.Sent)
	}
	if r.SetCookie != "" {
		return r.SetCookie, base(r.SetCookie) != base(r.Sent) && (r.NewSession || !r.Login())
	}
	if n := r.Answering(); n != nil && r.Acknowledged() && r.Got == nil {
		return n.Session, n.New
	}
	return "", false
}

// carriedOver reports whether the answer to a login shows a session that goes on
// under its new id although it says that it is new: it shows a write of that
// session, or there was none to show.
func carriedOver(recs []*history.Record, items []item, r *history.Record) bool {
	if !r.Login() {
		return false
	}
	wrote := false
	for _, it := range items {
		w := recs[it.req].Write()
		if w == nil {
			continue
		}
		wrote = wrote || recs[it.req].Acknowledged()
		for _, g := range r.Got {
			if g.Write == w.Number && g.Name == w.Name {
				return true
			}
		}
	}
	return !wrote
}

// sessionsOf sorts a user's requests into sessions. It follows the order in
// which the answers arrived, since that is how ids become known.
func (c *checker) sessionsOf(p *person) []*session {
	var list []*session
	byID := map[string]*session{}
	var withheld *session // of the latest answer whose session the user cannot present
	from := int32(-1)     // its request
	missed := func(i int32, what part) {
		if r := c.recs[i]; withheld != nil && r.Sent == "" && !r.Foreign && c.before(from, i) {
			withheld.add(i, what)
			withheld = nil
		}
	}
	find := func(id string) *session {
		if id == "" {
			return nil
		}
		return byID[base(id)]
	}
	for _, i := range p.byEnd {
		r := c.recs[i]
		sent := find(r.Sent)
		if r.Logout() {
			if sent != nil {
				sent.add(i, logout)
			}
			continue
		}
		id, fresh := identity(r)
		if id == "" {
			switch {
			case sent == nil:
				if silent(r) == none {
					missed(i, none)
				}
			case r.Foreign && silent(r) == none:
				sent.add(i, touched) // nobody promised that the session has this id still
			default:
				sent.add(i, silent(r))
			}
			continue
		}
		if fresh && sent != nil && carriedOver(c.recs, sent.items, r) {
			fresh = false
		}
		s := find(id)
		if sent != nil && (fresh || s != nil && s != sent) && !r.Foreign {
			sent.add(i, replaced)
		}
		if fresh {
			missed(i, replaced)
		}
		switch {
		case fresh, s == nil && sent == nil:
			s = &session{id: id}
			list = append(list, s)
		case s == nil:
			s = sent // the id has changed
		}
		byID[base(id)] = s
		s.called(id, r)
		if fresh && !r.Audit {
			p.newSessions++
		}
		if s == sent && id != r.Sent && !r.Audit {
			s.idChanges++
			p.idChanges++
		}
		s.add(i, alive)
		if r.Withheld {
			withheld, from = s, i
		}
	}
	for _, s := range list {
		slices.SortFunc(s.items, func(a, b item) int { return int(a.req) - int(b.req) })
	}
	p.sessions = len(list)
	return list
}

// silent is what an answer that gives no session id means for the session that
// its request presented.
func silent(r *history.Record) part {
	n := r.Answering()
	switch {
	case !r.Answered():
		return open
	case r.Unnamed():
		return touched // nobody can tell what it was
	case n == nil:
		return open // the proxy has answered by itself
	case r.Acknowledged() && (r.Got != nil || n.Asked):
		return none
	}
	return touched
}

func (s *session) add(i int32, what part) { s.items = append(s.items, item{i, what}) }
