package appnode

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sessionlab/sessions"
)

// Answer is what the demo application tells in JSON.
type Answer struct {
	Node string // the node that answered
	// Session is the session's id, "" if there is none; then all that follows
	// is zero.
	Session string
	New     bool
	// Created and Accessed are the session's creation time and the end of the
	// request before this one, on the node's wall clock, in milliseconds since
	// 1970.
	Created, Accessed int64
	// User is who is logged in, "" for nobody.
	User string
	// Attributes are in order of their names.
	Attributes []sessions.Attribute
}

// answer writes the session, or its absence, as JSON.
func (r *Request) answer() error {
	s, err := r.Session(false)
	if err != nil {
		return err
	}
	if s == nil {
		r.state = sessions.State{Attributes: r.state.Attributes[:0]}
	} else {
		s.State(&r.state)
	}
	if !r.told {
		if r.note.Attributes = r.state.Attributes; len(r.state.Attributes) == 0 {
			r.note.Attributes = noAttributes
		}
		r.note.Session = r.state.ID
		r.tell()
	}
	if r.response.contentType == "" {
		r.response.contentType = typeJSON
	}
	r.out = appendAnswer(r.out[:0], r.node.host.Name(), &r.state)
	if r.path == requestPage {
		r.out = appendAttributes(r.out, r.attributes)
	}
	const end = "}\n"
	if size, err := r.number("size"); err != nil {
		return err
	} else if size > len(r.out)+len(end) {
		r.out = append(r.out, beginPadding...)
		return r.writePadded(len(r.out), 'x', `"`+end)
	}
	r.out = append(r.out, end...)
	r.response.write(r.out)
	return nil
}

// writePadded writes r.out, then as much padding that with end the answer has
// the size that was asked for.
func (r *Request) writePadded(length int, pad byte, end string) error {
	size, err := r.number("size")
	if err != nil {
		return err
	}
	r.response.write(r.out)
	if left := size - length - len(end); left > 0 {
		r.response.pad(pad, int64(left))
	}
	r.response.write([]byte(end))
	return nil
}

// noAttributes is the list of an answer that says that there are none.
var noAttributes = []sessions.Attribute{}

// appendAnswer appends all but the closing brace.
func appendAnswer(b []byte, node string, st *sessions.State) []byte {
	b = append(b, `{"node":`...)
	b = appendString(b, node)
	b = append(b, `,"session":`...)
	if st.ID == "" {
		b = append(b, "null"...)
	} else {
		b = appendString(b, st.ID)
	}
	b = append(b, `,"new":`...)
	b = strconv.AppendBool(b, st.New)
	b = append(b, `,"created":`...)
	b = strconv.AppendInt(b, st.Created, 10)
	b = append(b, `,"accessed":`...)
	b = strconv.AppendInt(b, st.LastAccessed, 10)
	if st.Principal != "" {
		b = append(b, `,"user":`...)
		b = appendString(b, st.Principal)
	}
	b = append(b, `,"attributes":{`...)
	for i, a := range st.Attributes {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, a.Name)
		b = append(b, `:{"value":`...)
		b = appendString(b, a.Text)
		b = append(b, `,"write":`...)
		b = strconv.AppendUint(b, a.Write, 10)
		b = append(b, `,"writes":`...)
		b = strconv.AppendUint(b, a.Writes, 10)
		b = append(b, '}')
	}
	return append(b, '}')
}

// appendString appends a JSON string. Bytes that are no UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	plain := 0
	for plain < len(s) && itself[s[plain]] {
		plain++
	}
	b = append(b, s[:plain]...)
	for i := plain; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			const digits = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		case c < utf8.RuneSelf:
			b = append(b, c)
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r)
			i += size
			continue
		}
		i++
	}
	return append(b, '"')
}

// itself are the bytes that stand for themselves in a JSON string.
var itself = func() (set [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		set[c] = c != '"' && c != '\\'
	}
	return set
}()

// ParseAnswer reads an answer of the demo application into a, replacing what is
// there but reusing its room; strings that have not changed are kept. An answer
// in the node's own form is scanned by hand; any other JSON, say with the
// fields in another order, is read by encoding/json. The error is that
// package's.
func ParseAnswer(body []byte, a *Answer) error {
	if scanAnswer(body, a) {
		return nil
	}
	return parseAnyAnswer(body, a)
}

func parseAnyAnswer(body []byte, a *Answer) error {
	var doc struct {
		Node       string
		Session    string
		New        bool
		Created    int64
		Accessed   int64
		User       string
		Attributes map[string]struct {
			Value  string
			Write  uint64
			Writes uint64
		}
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return fmt.Errorf("answer of the demo application: %w", err)
	}
	room := a.Attributes[:0]
	*a = Answer{Node: doc.Node, Session: doc.Session, New: doc.New, Created: doc.Created, Accessed: doc.Accessed, User: doc.User}
	for name, v := range doc.Attributes {
		room = append(room, sessions.Attribute{Name: name, Value: sessions.Value{Text: v.Value, Write: v.Write, Writes: v.Writes}})
	}
	slices.SortFunc(room, func(x, y sessions.Attribute) int { return strings.Compare(x.Name, y.Name) })
	a.Attributes = room
	return nil
}

// scanAnswer reads exactly what appendAnswer writes, with only plain characters
// in strings. It reports false, with a in any state, for anything else.
func scanAnswer(body []byte, a *Answer) bool {
	s := scanner{b: body}
	s.expect(`{"node":`)
	s.text(&a.Node)
	if s.expect(`,"session":`); s.skip("null") {
		a.Session = ""
	} else {
		s.text(&a.Session)
	}
	s.expect(`,"new":`)
	a.New = s.skip("true")
	if !a.New {
		s.expect("false")
	}
	s.expect(`,"created":`)
	a.Created = s.signed()
	s.expect(`,"accessed":`)
	a.Accessed = s.signed()
	if s.skip(`,"user":`) {
		s.text(&a.User)
	} else {
		a.User = ""
	}
	s.expect(`,"attributes":{`)
	n := 0
	for !s.bad && !s.skip("}") {
		if n > 0 {
			s.expect(",")
		}
		if n == len(a.Attributes) {
			if n < cap(a.Attributes) {
				a.Attributes = a.Attributes[:n+1]
			} else {
				a.Attributes = append(a.Attributes, sessions.Attribute{})
			}
		}
		at := &a.Attributes[n]
		s.text(&at.Name)
		if n > 0 && at.Name <= a.Attributes[n-1].Name {
			return false
		}
		s.expect(`:{"value":`)
		s.text(&at.Text)
		s.expect(`,"write":`)
		at.Write = s.unsigned()
		s.expect(`,"writes":`)
		at.Writes = s.unsigned()
		s.expect("}")
		n++
	}
	a.Attributes = a.Attributes[:n]
	if s.skip(`,"pad":`) {
		s.plain()
	}
	s.expect("}\n")
	return !s.bad && len(s.b) == 0
}

// scanner takes tokens off the front of b; after the first that is not there bad
// is set.
type scanner struct {
	b   []byte
	bad bool
}

func (s *scanner) skip(token string) bool {
	if len(s.b) < len(token) || string(s.b[:len(token)]) != token {
		return false
	}
	s.b = s.b[len(token):]
	return true
}

func (s *scanner) expect(token string) {
	if !s.skip(token) {
		s.bad = true
	}
}

// plain is the content of a string of printable ASCII without escapes.
func (s *scanner) plain() []byte {
	if !s.skip(`"`) {
		s.bad = true
		return nil
	}
	for i, c := range s.b {
		switch {
		case c == '"':
			token := s.b[:i]
			s.b = s.b[i+1:]
			return token
		case c < ' ' || c == '\\' || c >= utf8.RuneSelf:
			s.bad = true
			return nil
		}
	}
	s.bad = true
	return nil
}

// text stores a string unless the same is there already, which is then plain.
func (s *scanner) text(into *string) {
	if n := len(*into); n > 0 && len(s.b) > n+1 && s.b[0] == '"' && s.b[n+1] == '"' && string(s.b[1:n+1]) == *into {
		s.b = s.b[n+2:]
		return
	}
	if token := s.plain(); string(token) != *into {
		*into = string(token)
	}
}

func (s *scanner) unsigned() (n uint64) {
	i := 0
	for ; i < len(s.b) && s.b[i] >= '0' && s.b[i] <= '9'; i++ {
		n = n*10 + uint64(s.b[i]-'0')
	}
	if i == 0 || i > 19 || i > 1 && s.b[0] == '0' { // 20 digits may not fit
		s.bad = true
		return 0
	}
	s.b = s.b[i:]
	return n
}

func (s *scanner) signed() int64 {
	negative := s.skip("-")
	n := s.unsigned()
	if n > 1<<62 { // near the end of the range: left to encoding/json
		s.bad = true
		return 0
	}
	if negative {
		return -int64(n)
	}
	return int64(n)
}
