package script

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// ValueType is what kind of thing a value is. Only alike things compare.
type ValueType uint8

const (
	Count ValueType = iota + 1
	Duration
	Percent
	Text
	Bool
	// Attribute is a session attribute as a user saw it: text, which may be
	// compared with a number too.
	Attribute
)

func (t ValueType) String() string {
	return [...]string{"nothing", "a number", "a duration", "a percentage", "text", "true or false", "an attribute"}[t]
}

// Value is one value of an expression. Make it with CountOf and its like.
type Value struct {
	Type ValueType
	// N is the number: a count, nanoseconds, millionths of a per cent, 0 or 1.
	N int64
	// S is the text of Text and Attribute.
	S string
	// Absent is an attribute that the session did not have.
	Absent bool
}

// CountOf is a number of things, or of bytes.
func CountOf(n int) Value { return Value{Type: Count, N: int64(n)} }

// DurationOf is a length of time.
func DurationOf(d time.Duration) Value { return Value{Type: Duration, N: int64(d)} }

// PercentOf is part of whole in per cent, rounded down to a millionth of a per
// cent; whole must be positive.
func PercentOf(part, whole int) Value {
	return Value{Type: Percent, N: int64(part) * 100 * percentUnit / int64(whole)}
}

// TextOf is text.
func TextOf(s string) Value { return Value{Type: Text, S: s} }

// BoolOf is true or false.
func BoolOf(b bool) Value {
	if b {
		return Value{Type: Bool, N: 1}
	}
	return Value{Type: Bool}
}

// AttributeOf is the value of a session attribute.
func AttributeOf(s string) Value { return Value{Type: Attribute, S: s} }

// NoAttribute is an attribute that the session did not have. It equals nothing.
func NoAttribute() Value { return Value{Type: Attribute, Absent: true} }

// String is the value as the language writes it.
func (v Value) String() string {
	switch v.Type {
	case Count:
		return strconv.FormatInt(v.N, 10)
	case Duration:
		return formatDuration(time.Duration(v.N))
	case Percent:
		return formatPercent(v.N)
	case Text, Attribute:
		if v.Absent {
			return "absent"
		}
		return quote(v.S)
	case Bool:
		return strconv.FormatBool(v.N == 1)
	}
	return "nothing"
}

// Condition is one or more comparisons of which all must hold.
type Condition struct {
	Comparisons []Comparison
}

func (c Condition) String() string {
	parts := make([]string, len(c.Comparisons))
	for i, one := range c.Comparisons {
		parts[i] = one.String()
	}
	return strings.Join(parts, " and ")
}

// Comparison compares two sums; Op is == != < <= > or >=.
type Comparison struct {
	Left  Sum
	Op    string
	Right Sum
}

func (c Comparison) String() string { return c.Left.String() + " " + c.Op + " " + c.Right.String() }

// Sum is one or more terms.
type Sum struct {
	Terms []Term
}

func (s Sum) String() string {
	var b strings.Builder
	for i, t := range s.Terms {
		switch {
		case i > 0 && t.Minus:
			b.WriteString(" - ")
		case i > 0:
			b.WriteString(" + ")
		}
		b.WriteString(t.String())
	}
	return b.String()
}

// Type is what kind of thing the sum is. Attributes that are added up count as
// numbers.
func (s Sum) Type() ValueType {
	if len(s.Terms) > 1 && s.Terms[0].Type() == Attribute {
		return Count
	}
	return s.Terms[0].Type()
}

// Term is a figure, or a literal value if Figure is nil.
type Term struct {
	Minus   bool // subtracted; never on the first term
	Figure  *Figure
	Literal Value
}

// Type is what kind of thing the term is.
func (t Term) Type() ValueType {
	if t.Figure != nil {
		return t.Figure.Type
	}
	return t.Literal.Type
}

func (t Term) String() string {
	if t.Figure != nil {
		return t.Figure.String()
	}
	return t.Literal.String()
}

// Figure is a name in an expression that stands for a measured value.
type Figure struct {
	// Name is the name in the table Figures, such as sessions.lost or
	// USER.nodes; or a remembered name.
	Name string
	User string // who, where Name begins with USER
	// Arg is the node or status in parentheses, or the attribute of
	// USER.last.ATTRIBUTE.
	Arg        string
	Attr       string // of CopyAttributeFigure
	Remembered bool
	Type       ValueType
}

func (f Figure) String() string {
	name := f.Name
	if rest, ok := strings.CutPrefix(name, userPrefix); ok && f.User != "" {
		if name == attributeFigure {
			return f.User + ".last." + f.Arg
		}
		if name == CopyAttributeFigure {
			return f.User + ".copy(" + f.Arg + ")." + f.Attr
		}
		name = f.User + "." + rest
	}
	if f.Arg != "" {
		name += "(" + f.Arg + ")"
	}
	return name
}

// Lookup answers a figure; ok is false where nothing was measured, such as a
// recovery without an outage.
type Lookup func(Figure) (v Value, ok bool)

// Outcome is what became of a condition.
type Outcome uint8

const (
	Holds Outcome = iota + 1
	Fails
	NoData // a figure had no data, and no other comparison failed
)

func (o Outcome) String() string { return [...]string{"?", "holds", "fails", "no data"}[o] }

// Result is a judged condition.
type Result struct {
	Outcome Outcome
	// Actual are the values found, such as "sessions.lost = 3".
	Actual string
}

// Eval judges a condition. A comparison that fails decides, whatever data the
// others lack.
func (c Condition) Eval(lookup Lookup) Result {
	r := Result{Outcome: Holds}
	for _, one := range c.Comparisons {
		left, okLeft := one.Left.Eval(lookup)
		right, okRight := one.Right.Eval(lookup)
		switch {
		case !okLeft || !okRight:
			if r.Outcome == Holds {
				r.Outcome = NoData
			}
		case !compare(left, one.Op, right):
			r.Outcome = Fails
		}
	}
	r.Actual = c.actual(lookup)
	return r
}

// actual lists every figure of the condition once, with its value.
func (c Condition) actual(lookup Lookup) string {
	var parts []string
	seen := map[Figure]bool{}
	for _, f := range c.Figures() {
		if seen[f] {
			continue
		}
		seen[f] = true
		if v, ok := lookup(f); ok {
			parts = append(parts, f.String()+" = "+v.String())
		} else {
			parts = append(parts, f.String()+": no data")
		}
	}
	return strings.Join(parts, ", ")
}

// Figures lists the figures of a condition in their order.
func (c Condition) Figures() []Figure {
	var all []Figure
	for _, one := range c.Comparisons {
		for _, t := range slices.Concat(one.Left.Terms, one.Right.Terms) {
			if t.Figure != nil {
				all = append(all, *t.Figure)
			}
		}
	}
	return all
}

// Eval adds a sum up; ok is false where a figure had no data. An attribute in
// a sum of several terms counts as a number; where it is none the sum is absent.
func (s Sum) Eval(lookup Lookup) (v Value, ok bool) {
	for i, t := range s.Terms {
		tv := t.Literal
		if t.Figure != nil {
			if tv, ok = lookup(*t.Figure); !ok {
				return Value{}, false
			}
		}
		if len(s.Terms) == 1 {
			return tv, true
		}
		if tv.Type == Attribute {
			if tv = tv.number(); tv.Absent {
				return tv, true
			}
		}
		switch {
		case i == 0:
			v = tv
		case t.Minus:
			v.N -= tv.N
		default:
			v.N += tv.N
		}
	}
	return v, true
}

// number reads an attribute of digits as a count; any other is absent.
func (v Value) number() Value {
	if v.Type != Attribute {
		return v
	}
	n, err := parseCount(v.S)
	if err != nil || v.Absent {
		return NoAttribute()
	}
	return Value{Type: Count, N: n}
}

// compare judges two values of kinds that the parser let through. What is
// absent differs from everything and is neither smaller nor larger.
func compare(a Value, op string, b Value) bool {
	if a.Type == Count || b.Type == Count {
		a, b = a.number(), b.number()
	}
	if a.Absent || b.Absent {
		return op == "!="
	}
	if a.Type == Attribute && b.Type == Attribute {
		if x, y := a.number(), b.number(); !x.Absent && !y.Absent {
			a, b = x, y
		}
	}
	order := 0
	switch {
	case a.S != b.S:
		order = strings.Compare(a.S, b.S)
	case a.N < b.N:
		order = -1
	case a.N > b.N:
		order = 1
	}
	switch op {
	case "==":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}
