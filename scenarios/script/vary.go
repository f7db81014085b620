package script

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxCells is how many scenarios one file may stand for.
const maxCells = 200

// Variable is a vary or sweep line: a name and the values that it takes.
type Variable struct {
	Pos    Pos
	Name   string
	Sweep  bool
	From   string // the range of a sweep, canonical
	To     string
	By     string
	Values []VariableValue

	// Template is the line as written if it has a $NAME of another variable.
	Template string
}

// VariableValue is one value of a variable. $NAME stands for the label.
type VariableValue struct {
	Label string
	Nouns []Noun // lines that replace those of their kind; none in a sweep
}

func (v Variable) String() string {
	if v.Template != "" {
		return v.Template
	}
	if v.Sweep {
		return fmt.Sprintf("sweep %s = %s..%s step %s", v.Name, v.From, v.To, v.By)
	}
	parts := make([]string, len(v.Values))
	for i, value := range v.Values {
		parts[i] = value.Label
		for j, n := range value.Nouns {
			sep := "; "
			if j == 0 {
				sep = " = "
			}
			parts[i] += sep + n.String()
		}
	}
	return "vary " + v.Name + ": " + strings.Join(parts, " | ")
}

// Assignment is the value that one variable has in a cell.
type Assignment struct {
	Name, Value string
}

// Cell is one of the scenarios that a file stands for.
type Cell struct {
	Label    string       // such as "gap=4s mode=async"; empty without variables
	Settings []Assignment // in the order of the variables
	// Scenario has no variables: values are put in, nouns replaced, and the
	// expectations of other cells left out. Step numbers are those of the file.
	Scenario *Scenario
}

// Cells gives every combination of the values of all variables, the last
// variable changing fastest; without variables that is one cell, the scenario
// itself. It is empty for a Scenario that Parse did not make.
func (s *Scenario) Cells() []Cell {
	if len(s.Variables) == 0 {
		return []Cell{{Scenario: s}}
	}
	return slices.Clone(s.cells)
}

// variable reads the name and the labels of a vary or sweep line. The nouns of
// its cells are read later, once for every cell.
func (c cursor) variable() (Variable, error) {
	v := Variable{Pos: c.pos()}
	word, _ := c.word()
	v.Sweep = word == "sweep"
	c.space()
	at := c.at
	for c.at < c.end && isIdent(c.text[c.at]) {
		c.at++
	}
	name := c
	name.at, name.end = at, c.at
	var err error
	if v.Name, _, err = name.name("a variable", false); err != nil {
		return v, err
	}
	if v.Sweep {
		return v, c.sweep(&v)
	}
	if c.space(); c.at == c.end || c.text[c.at] != ':' {
		return v, c.fail(c.at, "vary mode: async = cluster channelSendOptions=8 | sync = cluster channelSendOptions=6",
			"a colon is missing after the name")
	}
	c.at++
	for _, part := range c.split('|') {
		label, at, _ := part.label()
		if label == "" {
			return v, c.fail(at, "", "a value of %s is missing", v.Name)
		}
		if strings.Trim(label, labelLetters) != "" || strings.ContainsAny(label, "$") {
			return v, c.fail(at, "labels have letters, digits and . _ - % /", "%q is no label", label)
		}
		if slices.ContainsFunc(v.Values, func(x VariableValue) bool { return x.Label == label }) {
			return v, c.fail(at, "", "value %q of %s is given twice", label, v.Name)
		}
		if len(v.Values) == maxCells {
			return v, c.fail(at, "", "more than %d values of %s", maxCells, v.Name)
		}
		v.Values = append(v.Values, VariableValue{Label: label})
	}
	if len(v.Values) < 2 {
		return v, c.fail(c.end, "separate them by |", "%s has one value only", v.Name)
	}
	return v, nil
}

const labelLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-%/"

// label reads the LABEL of a cell and the = after it, if there is one.
func (c *cursor) label() (label string, at int, assigned bool) {
	c.space()
	at = c.at
	for c.at < c.end && !isSpace(c.text[c.at]) && c.text[c.at] != '=' {
		c.at++
	}
	label = c.text[at:c.at]
	if c.space(); c.at < c.end && c.text[c.at] == '=' {
		c.at++
		assigned = true
	}
	return label, at, assigned
}

// cellNouns splits one cell of a vary line into its noun lines.
func (c cursor) cellNouns(index int) ([]cursor, error) {
	c.word()
	c.at += strings.IndexByte(c.text[c.at:c.end], ':') + 1
	part := c.split('|')[index]
	_, _, assigned := part.label()
	if part.done() {
		if assigned {
			return nil, part.fail(part.at, "", "a noun is missing after =")
		}
		return nil, nil
	}
	if !assigned {
		return nil, part.fail(part.at, "LABEL = noun; noun", "unexpected %q after the label", part.peek())
	}
	return part.split(';'), nil
}

// sweep reads = FROM..TO step BY: durations, whole numbers or percentages.
func (c *cursor) sweep(v *Variable) error {
	const example = "sweep gap = 0s..12s step 4s"
	if c.space(); c.at == c.end || c.text[c.at] != '=' {
		return c.fail(c.at, example, "= is missing after the name")
	}
	c.at++
	w, at := c.word()
	from, to, ok := strings.Cut(w, "..")
	if !ok {
		return c.fail(at, example, "%q is no range", w)
	}
	if !c.accept("step") {
		return c.fail(c.at, example, "the step is missing")
	}
	by, byAt := c.word()
	ends := [3]int64{}
	var kind ValueType
	for i, part := range []struct {
		text string
		at   int
	}{{from, at}, {to, at + len(from) + 2}, {by, byAt}} {
		value, err := c.literal(part.text, part.at)
		if err != nil {
			return err
		}
		if i > 0 && value.Type != kind {
			return c.fail(part.at, "", "%s is %v, but %s is %v", part.text, value.Type, from, kind)
		}
		kind, ends[i] = value.Type, value.N
	}
	if ends[2] <= 0 {
		return c.fail(byAt, "", "a sweep with step %s never ends", by)
	}
	if ends[0] > ends[1] {
		return c.fail(at, "", "the range runs backwards")
	}
	if n := (ends[1]-ends[0])/ends[2] + 1; n > maxCells {
		return c.fail(at, "", "%d values: at most %d are possible", n, maxCells)
	}
	for n := ends[0]; n <= ends[1]; n += ends[2] {
		v.Values = append(v.Values, VariableValue{Label: Value{Type: kind, N: n}.String()})
	}
	v.From, v.To, v.By = Value{Type: kind, N: ends[0]}.String(), Value{Type: kind, N: ends[1]}.String(), Value{Type: kind, N: ends[2]}.String()
	return c.finished("the sweep")
}

// literal reads a number, a duration or a percentage that stands alone.
func (c *cursor) literal(w string, at int) (Value, error) {
	if w == "" {
		return Value{}, c.fail(at, "", "a value is missing")
	}
	if strings.HasSuffix(w, "%") {
		n, err := parsePercent(w)
		if err != nil {
			return Value{}, c.fail(at, "", "%v", err)
		}
		return Value{Type: Percent, N: n}, nil
	}
	n, err := parseCount(w)
	switch {
	case err == nil:
		return Value{Type: Count, N: n}, nil
	case strings.Trim(w, "0123456789") == "":
		return Value{}, c.fail(at, "", "%v", err)
	case strings.Trim(w, "0123456789._") == "":
		return Value{}, c.fail(at, "a number has digits only; a time has a unit, such as 1.5s", "%v", err)
	}
	d, err := parseDuration(w)
	if err != nil {
		return Value{}, c.fail(at, "", "%v", err)
	}
	return DurationOf(d), nil
}

// time reads a time with its unit.
func (c *cursor) time(after string) (time.Duration, error) {
	w, at := c.word()
	if w == "" {
		return 0, c.fail(at, "such as 500ms or 2s", "a time is missing after %s", after)
	}
	d, err := parseDuration(w)
	if err == errUnit {
		return 0, c.fail(at, fmt.Sprintf("write %ss or %sms", w, w), "%q has no unit", w)
	}
	if err != nil {
		return 0, c.fail(at, "", "%v", err)
	}
	return d, nil
}
