package conf

import (
	"fmt"
	"strings"
)

// Position is a place in a text. Lines and columns count from 1, columns in
// characters. The zero value is no place.
type Position struct {
	File   string
	Line   int
	Column int
}

// String is "FILE:LINE:COLUMN".
func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// Error is a mistake at which nginx refuses the file. The line is the one that
// nginx reports: where its parser stood, which for a missing semicolon is that
// of the next one. The column is that of the word at fault if it stands on this
// line, else that of the character which ended the directive.
type Error struct {
	Position
	Text string // nginx's, without the place
	Hint string // what may be behind it; may be empty
}

// Error is nginx's message, "TEXT in FILE:LINE".
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Text
	}
	return fmt.Sprintf("%s in %s:%d", e.Text, e.File, e.Line)
}

// hint explains the mistakes that one does not see.
func hint(s statement, at word) string {
	for _, w := range s.words {
		switch {
		case strings.ContainsAny(w.text, "\u00a0\u3000"):
			return "there is a no-break or ideographic space in it, which separates nothing"
		case strings.Contains(w.text, "\uff1b"):
			return "it holds a full-width semicolon, which ends nothing"
		}
	}
	switch {
	case strings.HasPrefix(at.text, "//"):
		return `only "#" begins a comment`
	case at.text == "server" && s.name() == "server":
		return "is the semicolon of the line before missing?"
	}
	return ""
}

// Kind says what a diagnostic is about.
type Kind uint8

const (
	Warning  Kind = iota // nginx warns of it, too
	Ignored              // nginx would do something that is not simulated
	NoEffect             // accepted; it makes no difference here
)

// Diagnostic is something in a valid file that its author may want to know.
type Diagnostic struct {
	Position
	Kind Kind
	Text string
}

// String is "FILE:LINE:COLUMN: TEXT".
func (d Diagnostic) String() string { return d.Position.String() + ": " + d.Text }
