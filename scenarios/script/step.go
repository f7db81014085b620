package script

import (
	"slices"
	"strings"
)

// stepOrder is the hint on the words of a step.
const stepOrder = "order: USER METHOD TARGET on NODE 3 times as LABEL timeout=2s"

// step reads a user's request; w is the word that the line begins with.
func (c *cursor) step(s *scope, w string, at int) (Act, error) {
	st := Step{Count: 1}
	if w == "meanwhile" {
		st.Meanwhile = true
		w, at = c.word()
		if slices.Contains(scriptWords, w) {
			return nil, c.fail(at, "meanwhile is for a user's request; all else waits for nobody anyway", "%s cannot stand behind meanwhile", w)
		}
	}
	if _, declared := s.users[w]; !declared {
		return nil, c.unknownWord(s, w, at)
	}
	st.User = w
	var err error
	if st.Method, err = c.httpMethod(); err != nil {
		return nil, err
	}
	if st.Target, err = c.target(); err != nil {
		return nil, err
	}
	if c.accept("on") {
		if st.On, err = c.node(s, "on"); err != nil {
			return nil, err
		}
	}
	n, err := c.count()
	if err != nil {
		return nil, err
	}
	st.Count = max(1, n)
	if c.accept("as") {
		var labelAt int
		if st.Label, labelAt, err = c.name("a label", false); err != nil {
			return nil, err
		}
		key := st.User + "." + st.Label
		if s.labels[key] {
			return nil, c.fail(labelAt, "", "label %q is used twice by %s", st.Label, st.User)
		}
		s.labels[key] = true
	}
	if !c.done() && !c.isOption() {
		w, at := c.word()
		return nil, c.fail(at, stepOrder, "unexpected %q", w)
	}
	from := c.at
	if st.Options, err = c.options(elementOf("step", "")); err != nil {
		return st, err
	}
	return st, c.cookie(s, st.Options, from)
}

// NoCookie is the cookie option of a step that presents none.
const NoCookie = "none"

// cookie checks the cookie option of a step; from is where the options begin.
func (c *cursor) cookie(s *scope, o Options, from int) error {
	if !o.Has("cookie") {
		return nil
	}
	at := from + strings.Index(c.text[from:c.end], "cookie=") + len("cookie=")
	who := o.String("cookie", "")
	known := append([]string{NoCookie}, s.userList...)
	for name, t := range s.remembered {
		if t == Text {
			known = append(known, name)
		}
	}
	slices.Sort(known[1:])
	switch {
	case strings.Contains(who, "="):
		if i := strings.IndexFunc(who, func(r rune) bool { return r < ' ' || r >= 0x7f }); i >= 0 {
			return c.fail(at, "", "a cookie cannot have the character %q", []rune(who[i:])[0])
		}
		return nil
	case slices.Contains(known, who), s.isUser(who):
		return nil
	case s.remembered[who] != 0:
		return c.fail(at, "remember NAME = USER.last.session", "%q is %v and no session id", who, s.remembered[who])
	}
	hint := didYouMean(who, known)
	if hint == "" {
		hint = `none, the name of a user or of a remembered session id, or "JSESSIONID=..."`
	}
	return c.fail(at, hint, "%q is no cookie", who)
}

// unknownWord is the error for a line that begins with no word of the language
// and no user.
func (c *cursor) unknownWord(s *scope, w string, at int) error {
	switch {
	case w == "":
		return c.fail(at, "", "nothing to do")
	case slices.Contains(nounWords, w):
		return c.fail(at, "nouns stand at the start of a file", "%q declares something and cannot be done", w)
	case s.inCrowd(w):
		return c.fail(at, "declare one who does what the script says: user alice", "%s goes a way of its own", w)
	}
	next := c.peek()
	if slices.Contains(Methods, strings.ToUpper(next)) {
		return c.fail(at, s.userHint(w), "unknown user %q", w)
	}
	hint := didYouMean(w, slices.Concat(scriptWords, s.userList, nounWords))
	if slices.Contains(Methods, w) {
		hint = "say who: alice " + w + " /"
	}
	return c.fail(at, hint, "unknown word %q", w)
}

func (c *cursor) httpMethod() (string, error) {
	w, at := c.word()
	if slices.Contains(Methods, w) {
		return w, nil
	}
	if w == "" {
		return "", c.fail(at, "such as: GET /counter", "the method is missing")
	}
	return "", c.fail(at, wordHint(w, Methods), "unknown method %q", w)
}

func (c *cursor) target() (string, error) {
	w, at := c.word()
	switch {
	case w == "":
		return "", c.fail(at, "such as /counter", "the path is missing")
	case w[0] != '/':
		return "", c.fail(at, "such as /counter", "%q is no path: it does not begin with /", w)
	}
	for i := range len(w) {
		if w[i] <= ' ' || w[i] >= 0x7f || strings.IndexByte("\"#<>\\^`{|}", w[i]) >= 0 {
			return "", c.fail(at+i, "write it as %XX", "a path cannot have this character")
		}
		if w[i] == '%' && (i+2 >= len(w) || !isHex(w[i+1]) || !isHex(w[i+2])) {
			return "", c.fail(at+i, "a per cent sign itself is %25", "%% is not followed by two hexadecimal digits")
		}
	}
	return w, nil
}

func isHex(b byte) bool {
	return isDigit(b) || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F'
}
