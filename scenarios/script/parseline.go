package script

import (
	"slices"
	"strings"
)

// ParseLine reads one line typed at a prompt: everything but nouns, at and
// end. The scenario gives the names of nodes and users; pass what a line gave to
// its Append, and later lines know the names that it remembers. The statement's
// step number is 0. The error is an *Error.
func ParseLine(text string, decl *Scenario) (Statement, error) {
	p := &parser{}
	if err := p.checkText([]byte(text)); err != nil {
		return Statement{}, err
	}
	l := &line{number: 1, text: text}
	c := newCursor(l)
	if err := p.checkLine(l); err != nil {
		return Statement{}, err
	}
	if strings.ContainsAny(text, "\r\n") {
		return Statement{}, c.fail(c.at, "", "more than one line")
	}
	s := promptScope(decl)
	switch w := c.peek(); {
	case w == "":
		return Statement{}, c.fail(c.at, "", "nothing to do")
	case w == "end":
		return Statement{}, c.fail(c.at, "", "end belongs in a file")
	case slices.Contains(nounWords, w):
		return Statement{}, c.fail(c.at, "", "%q declares something: that belongs in a file", w)
	}
	return c.statement(s)
}

// promptScope knows what a scenario has declared and remembered.
func promptScope(decl *Scenario) *scope {
	s := newScope()
	s.prompt = true
	for _, n := range decl.Nodes() {
		s.addNode(n)
	}
	for _, u := range decl.All("user") {
		s.users[u.Name] = u.Pos
		s.userList = append(s.userList, u.Name)
	}
	s.crowd = decl.Noun("users").N
	for _, st := range decl.Script {
		acts := []Act{st.Act}
		if t, ok := st.Act.(Together); ok {
			acts = t.Acts
		}
		for _, a := range acts {
			switch a := a.(type) {
			case Remember:
				s.remembered[a.Name] = a.Sum.Type()
			case Step:
				if a.Label != "" {
					s.labels[a.User+"."+a.Label] = true
				}
			}
		}
	}
	return s
}
