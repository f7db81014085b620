package script

import (
	"fmt"
	"slices"
	"strings"
)

// expect reads the rest of an expectation.
func (c *cursor) expect(s *scope) (Act, error) {
	var e Expect
	if c.space(); c.at < c.end && c.text[c.at] == '[' {
		var err error
		if e.Labels, err = c.cellLabels(s); err != nil {
			return nil, err
		}
		if s.cell && !e.appliesTo(s.variables, s.values) {
			c.at = c.end
			return e, nil
		}
	}
	var err error
	e.Cond, err = c.condition(s)
	return e, err
}

// cellLabels reads [LABEL, LABEL]; a label may be written NAME=LABEL.
func (c *cursor) cellLabels(s *scope) ([]string, error) {
	open := c.at
	end := strings.IndexByte(c.text[c.at:c.end], ']')
	if end < 0 {
		return nil, c.fail(open, "expect [async, sync] sessions.lost == 0", "the bracket is never closed")
	}
	inside := *c
	inside.at, inside.end = c.at+1, c.at+end
	c.at += end + 1
	var labels []string
	for _, part := range inside.split(',') {
		label := strings.TrimRight(part.text[part.at:part.end], " \t")
		if label == "" {
			return nil, c.fail(part.at, "", "a label is missing")
		}
		names := variablesWith(s.variables, label)
		switch {
		case len(names) == 0:
			var known []string
			for _, v := range s.variables {
				for _, value := range v.Values {
					known = append(known, value.Label)
				}
			}
			if known == nil {
				return nil, c.fail(part.at, "labels are those of vary and sweep", "unknown label %q: the scenario has no vary or sweep", label)
			}
			hint := didYouMean(label, known)
			if hint == "" {
				hint = "labels: " + brief(known)
			}
			return nil, c.fail(part.at, hint, "unknown label %q", label)
		case len(names) > 1:
			return nil, c.fail(part.at, "write "+names[0]+"="+label, "label %q is one of %s", label, strings.Join(names, " and of "))
		case slices.Contains(labels, label):
			return nil, c.fail(part.at, "", "label %q is given twice", label)
		}
		labels = append(labels, label)
	}
	return labels, nil
}

// variablesWith names the variables that have a label, which may say which one
// it means: NAME=LABEL.
func variablesWith(variables []Variable, label string) []string {
	wanted, bareLabel, named := strings.Cut(label, "=")
	if !named {
		bareLabel = label
	}
	var names []string
	for _, v := range variables {
		if named && v.Name != wanted {
			continue
		}
		if slices.ContainsFunc(v.Values, func(x VariableValue) bool { return x.Label == bareLabel }) {
			names = append(names, v.Name)
		}
	}
	return names
}

// appliesTo reports whether an expectation is meant for a cell.
func (e Expect) appliesTo(variables []Variable, values map[string]string) bool {
	allowed := map[string]bool{} // variable -> one of its labels here is the cell's
	for _, label := range e.Labels {
		for _, name := range variablesWith(variables, label) {
			bareLabel := strings.TrimPrefix(label, name+"=")
			allowed[name] = allowed[name] || values[name] == bareLabel
		}
	}
	for _, ok := range allowed {
		if !ok {
			return false
		}
	}
	return true
}

func (c *cursor) remember(s *scope) (Act, error) {
	var r Remember
	c.space()
	at := c.at
	for c.at < c.end && isIdent(c.text[c.at]) {
		c.at++
	}
	name := *c
	name.at, name.end = at, c.at
	var err error
	if r.Name, _, err = name.name("a value", false); err != nil {
		return nil, err
	}
	if s.isUser(r.Name) {
		return nil, c.fail(at, "", "%q is a user", r.Name)
	}
	if s.remembered[r.Name] != 0 {
		return nil, c.fail(at, "use another name", "%q is remembered twice", r.Name)
	}
	if c.space(); c.at == c.end || c.text[c.at] != '=' {
		return nil, c.fail(c.at, "remember moved = sessions.on(tomcat1)", "= is missing after the name")
	}
	c.at++
	if r.Sum, err = c.sum(s); err != nil {
		return nil, err
	}
	if err := c.finished("the sum"); err != nil {
		return nil, err
	}
	s.remembered[r.Name] = r.Sum.Type()
	return r, nil
}

// condition reads comparisons joined by and, up to the end.
func (c *cursor) condition(s *scope) (Condition, error) {
	var cond Condition
	for {
		one, err := c.comparison(s)
		if err != nil {
			return cond, err
		}
		cond.Comparisons = append(cond.Comparisons, one)
		if !c.accept("and") {
			break
		}
	}
	if c.done() {
		return cond, nil
	}
	w, at := c.word()
	hint := ""
	switch w {
	case "or", "||":
		hint = "write one expect line for each case"
	case "&&":
		hint = `did you mean "and"?`
	}
	return cond, c.fail(at, hint, "unexpected %q after the condition", w)
}

var operators = []string{"==", "!=", "<=", ">=", "<", ">"}

func (c *cursor) comparison(s *scope) (Comparison, error) {
	var one Comparison
	c.space()
	start := c.at
	var err error
	if one.Left, err = c.sum(s); err != nil {
		return one, err
	}
	c.space()
	at := c.at
	for _, op := range operators {
		if strings.HasPrefix(c.text[c.at:c.end], op) {
			one.Op = op
			break
		}
	}
	if one.Op == "" {
		if c.at < c.end && c.text[c.at] == '=' {
			return one, c.fail(at, `did you mean "=="?`, "= does not compare")
		}
		return one, c.fail(at, "one of == != < <= > >=", "a comparison is missing")
	}
	c.at += len(one.Op)
	if one.Right, err = c.sum(s); err != nil {
		return one, err
	}
	return one, c.comparable(one, start, at)
}

// comparable checks that a comparison is one of like things.
func (c *cursor) comparable(one Comparison, start, at int) error {
	left, right := one.Left.Type(), one.Right.Type()
	like := left == right || left == Attribute && (right == Count || right == Text) ||
		right == Attribute && (left == Count || left == Text)
	if !like {
		hint := hintFor(one.Left, right)
		if !one.Left.measures() {
			hint = hintFor(one.Right, left)
		}
		return c.fail(at, hint, "cannot compare %s with %s: %v and %v", one.Left, one.Right, left, right)
	}
	ordered := left != Text && left != Bool && right != Text
	if !ordered && one.Op != "==" && one.Op != "!=" {
		return c.fail(at, "== or !=", "%s compares numbers, not %v", one.Op, left)
	}
	if len(Condition{[]Comparison{one}}.Figures()) == 0 {
		return c.fail(start, "", "nothing is measured here: %s", one)
	}
	return nil
}

// hintFor is how to write a value that a sum can be compared with, where other
// is what it was compared with.
func hintFor(s Sum, other ValueType) string {
	switch {
	case s.Type() == Duration && other == Count:
		return "a duration has a unit, such as 500ms"
	case s.Type() == Percent && other == Count:
		return "a percentage is written with its sign, such as 99%"
	case s.Type() == Text:
		return `text stands in quotes, such as "tomcat1"`
	case s.Type() == Count:
		return s.String() + " counts: compare it with a number, such as 0"
	}
	return ""
}

// measures reports whether a sum has a figure in it.
func (s Sum) measures() bool {
	return slices.ContainsFunc(s.Terms, func(t Term) bool { return t.Figure != nil })
}

// sum reads terms joined by + and -.
func (c *cursor) sum(s *scope) (Sum, error) {
	var sum Sum
	minus := false
	for {
		c.space()
		at := c.at
		t, err := c.term(s)
		if err != nil {
			return sum, err
		}
		t.Minus = minus
		sum.Terms = append(sum.Terms, t)
		if err := c.addable(sum, at); err != nil {
			return sum, err
		}
		c.space()
		if c.at == c.end || c.text[c.at] != '+' && c.text[c.at] != '-' {
			return sum, nil
		}
		minus = c.text[c.at] == '-'
		c.at++
	}
}

// addable checks the latest term of a sum against the first.
func (c *cursor) addable(sum Sum, at int) error {
	if len(sum.Terms) < 2 {
		return nil
	}
	first, last := sum.Terms[0].Type(), sum.Terms[len(sum.Terms)-1].Type()
	countable := func(t ValueType) bool { return t == Count || t == Attribute }
	if countable(first) && countable(last) || first == last && (first == Duration || first == Percent) {
		return nil
	}
	op := "add"
	if sum.Terms[len(sum.Terms)-1].Minus {
		op = "subtract"
	}
	return c.fail(at, "", "cannot %s %s here: %v and %v", op, sum.Terms[len(sum.Terms)-1], first, last)
}

func (c *cursor) term(s *scope) (Term, error) {
	c.space()
	at := c.at
	if at == c.end {
		return Term{}, c.fail(at, "", "a value is missing")
	}
	switch ch := c.text[at]; {
	case ch == '"':
		t, err := c.quoted()
		return Term{Literal: TextOf(t)}, err
	case isDigit(ch):
		for c.at < c.end && (isIdent(c.text[c.at]) || c.text[c.at] == '.' || c.text[c.at] == '%') {
			c.at++
		}
		v, err := c.literal(c.text[at:c.at], at)
		return Term{Literal: v}, err
	case isLetter(ch):
		for c.at < c.end && (isIdent(c.text[c.at]) || c.text[c.at] == '.') {
			c.at++
		}
		switch name := c.text[at:c.at]; name {
		case "true", "false":
			return Term{Literal: BoolOf(name == "true")}, nil
		default:
			f, err := c.figure(s, name, at)
			return Term{Figure: &f}, err
		}
	}
	return Term{}, c.fail(at, "a figure, a number, a time, a percentage, or text in quotes", "%q is no value", c.peek())
}

// figure finds out what a name means, and reads its argument.
func (c *cursor) figure(s *scope, name string, at int) (Figure, error) {
	if t := s.remembered[name]; t != 0 {
		return Figure{Name: name, Remembered: true, Type: t}, nil
	}
	f := Figure{Name: name}
	root, rest, dotted := strings.Cut(name, ".")
	if dotted && s.isUser(root) {
		f.Name, f.User = userPrefix+rest, root
	}
	info := figureInfo(f.Name)
	if f.Name == CookieFigure && (c.at == c.end || c.text[c.at] != '(') {
		info = nil // an attribute of that name
	}
	if attr, ok := strings.CutPrefix(rest, "last."); ok && info == nil && f.User != "" {
		if attr == "" || strings.HasPrefix(attr, ".") || strings.HasSuffix(attr, ".") {
			return f, c.fail(at, "such as "+root+".last.cart", "the name of the attribute is missing")
		}
		f.Name, f.Arg, info = attributeFigure, attr, figureInfo(attributeFigure)
	}
	if info == nil || strings.HasPrefix(name, userPrefix) {
		return f, c.unknownFigure(s, name, at)
	}
	if !info.Anytime && !s.final && !s.prompt {
		return f, c.fail(at, "put the expectation after the end line", "%s is known only at the end", f)
	}
	f.Type = info.Type
	if info.Arg == NoArg {
		if c.at < c.end && c.text[c.at] == '(' {
			return f, c.fail(c.at, "", "%s has nothing in parentheses", name)
		}
		return f, nil
	}
	var err error
	if f.Arg, err = c.figureArg(s, info); err != nil || f.Name != CopyFigure || c.at == c.end || c.text[c.at] != '.' {
		return f, err
	}
	start := c.at + 1
	for c.at < c.end && (isIdent(c.text[c.at]) || c.text[c.at] == '.') {
		c.at++
	}
	if f.Attr = c.text[start:c.at]; f.Attr == "" || strings.HasPrefix(f.Attr, ".") || strings.HasSuffix(f.Attr, ".") {
		return f, c.fail(start, "such as "+f.User+".copy("+f.Arg+").cart", "the name of the attribute is missing")
	}
	f.Name, f.Type = CopyAttributeFigure, Attribute
	return f, nil
}

func (c *cursor) figureArg(s *scope, info *FigureInfo) (string, error) {
	example := "(" + placeholder[info.Arg] + ")"
	if c.at == c.end || c.text[c.at] != '(' {
		return "", c.fail(c.at, info.Name+example, "%s needs to know of which", info.Name)
	}
	open := c.at
	end := strings.IndexByte(c.text[open:c.end], ')')
	if end < 0 {
		return "", c.fail(open, info.Name+example, "the parenthesis is never closed")
	}
	arg := *c
	arg.at, arg.end = open+1, open+end
	c.at = open + end + 1
	if arg.done() {
		return "", arg.fail(arg.at, info.Name+example, "%s needs to know of which", info.Name)
	}
	if info.Arg == NodeArg {
		node, err := arg.node(s, info.Name)
		if err != nil {
			return "", err
		}
		return node, arg.finished("the node")
	}
	w, at := arg.word()
	if info.Arg == CookieArg {
		if strings.ContainsAny(w, "=;,\"\\") {
			return "", arg.fail(at, "such as srv_id", "%q is no name of a cookie", w)
		}
		return w, arg.finished("the cookie")
	}
	if n, err := parseCount(w); err != nil || n < 100 || n > 599 || len(w) != 3 {
		return "", arg.fail(at, "such as 502", "%q is no HTTP status", w)
	}
	return w, arg.finished("the status")
}

// placeholder is how messages and the help page write an argument.
var placeholder = map[ArgType]string{NodeArg: "NODE", StatusArg: "STATUS", CookieArg: "NAME"}

func (c *cursor) unknownFigure(s *scope, name string, at int) error {
	root, rest, dotted := strings.Cut(name, ".")
	var known []string
	for r := range s.remembered {
		known = append(known, r)
	}
	slices.Sort(known)
	for _, f := range Figures {
		if own, ok := strings.CutPrefix(f.Name, userPrefix); !ok {
			known = append(known, f.Name)
		} else if s.isUser(root) && f.Name != attributeFigure && f.Name != CopyAttributeFigure {
			known = append(known, root+"."+own)
		}
	}
	hint := didYouMean(name, known)
	if s.nodes[name] || s.isUser(name) {
		hint = fmt.Sprintf("the name as text stands in quotes: %q", name)
	}
	if hint == "" {
		if dotted && !s.isUser(root) && (figureInfo(userPrefix+rest) != nil || strings.HasPrefix(rest, "last.")) {
			return c.fail(at, s.userHint(root), "unknown user %q", root)
		}
		var family []string
		for _, k := range known {
			if strings.HasPrefix(k, root+".") {
				family = append(family, k)
			}
		}
		if s.isUser(root) || len(family) > 1 {
			hint = "known: " + strings.Join(family, ", ")
		}
	}
	return c.fail(at, hint, "unknown figure %q", name)
}
