package script

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Pos is a place in a scenario file. Both numbers start at 1; the column
// counts characters. The zero value is no place.
type Pos struct {
	Line, Col int
}

// Error is one thing wrong with a scenario, and where.
type Error struct {
	File string // as given to Parse; empty for a line typed at a prompt
	Pos  Pos
	Text string // the whole line
	Msg  string
	Hint string // what to try; may be empty
}

// Error shows the place, the message, the line with a caret, and the hint.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ":")
	}
	fmt.Fprintf(&b, "%d:%d: %s", e.Pos.Line, e.Pos.Col, e.Msg)
	if line, col := window(e.Text, e.Pos.Col); line != "" {
		b.WriteString("\n    " + strings.Map(seen, line) + "\n    ")
		for i, r := range []rune(line) {
			if i == col-1 {
				break
			}
			if r == '\t' {
				b.WriteByte('\t')
			} else {
				b.WriteByte(' ')
			}
		}
		b.WriteString("^")
	}
	if e.Hint != "" {
		b.WriteString("\n    hint: " + e.Hint)
	}
	return b.String()
}

// seen replaces what a terminal would obey or hide, so that the caret stays below
// what it points at.
func seen(r rune) rune {
	if r == '\t' || unicode.IsGraphic(r) {
		return r
	}
	return utf8.RuneError
}

// window cuts a very long line down to what surrounds the column.
func window(line string, col int) (string, int) {
	const width, before = 160, 60
	if utf8.RuneCountInString(line) <= width {
		return line, col
	}
	r := []rune(line)
	start := min(max(0, col-1-before), len(r)-width)
	part := string(r[start : start+width])
	if start > 0 {
		part, col = "..."+part, col+3
	}
	if start+width < len(r) {
		part += "..."
	}
	return part, col - start
}

// Errors is all that Parse found wrong with one file, in the order of its
// lines, at most maxErrors of them.
type Errors []*Error

// maxErrors is how many errors of one file are shown. What follows is often a
// consequence of what came before.
const maxErrors = 10

func (e Errors) Error() string {
	parts := make([]string, len(e))
	for i, one := range e {
		parts[i] = one.Error()
	}
	return strings.Join(parts, "\n")
}

// Unwrap gives errors.As access to the single errors.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, one := range e {
		errs[i] = one
	}
	return errs
}

// sorted orders errors by place, drops repetitions and cuts the list.
func (e Errors) sorted() Errors {
	slices.SortStableFunc(e, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
	})
	var out Errors
	for _, one := range e {
		if n := len(out); n > 0 && out[n-1].Pos == one.Pos && out[n-1].Msg == one.Msg {
			continue
		}
		if out = append(out, one); len(out) == maxErrors {
			break
		}
	}
	return out
}

// asError finds the *Error that every parsing function of the package returns.
func asError(err error) *Error {
	var e *Error
	errors.As(err, &e)
	return e
}
