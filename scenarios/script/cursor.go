package script

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// cursor reads one line, or a part of one, from left to right. It is a value:
// a copy is a mark to come back to.
type cursor struct {
	line *line
	text string // the line with the values of variables put in
	cols []int  // offset in text -> offset in line.text; nil where they are the same
	at   int    // next byte of text to read
	end  int    // where this part ends
}

// line is one line of a file as written.
type line struct {
	file   string
	number int
	text   string
}

// newCursor starts at a line's first word and ends before its comment.
func newCursor(l *line) cursor {
	c := cursor{line: l, text: l.text, end: len(l.text)}
	c.end = commentStart(l.text)
	c.space()
	return c
}

// commentStart finds the # that begins a comment: at the start of a word and
// outside quotes.
func commentStart(text string) int {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == '#' && !quoted && (i == 0 || isSpace(text[i-1])):
			return i
		}
	}
	return len(text)
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// column of an offset in the line as written, in characters.
func (c cursor) column(at int) int {
	if c.cols != nil {
		at = c.cols[at]
	}
	return utf8.RuneCountInString(c.line.text[:min(at, len(c.line.text))]) + 1
}

func (c cursor) pos() Pos { return Pos{c.line.number, c.column(c.at)} }

// fail is an error at an offset of the text.
func (c cursor) fail(at int, hint, format string, args ...any) error {
	return &Error{
		File: c.line.file, Pos: Pos{c.line.number, c.column(at)}, Text: c.line.text,
		Msg: fmt.Sprintf(format, args...), Hint: hint,
	}
}

func (c *cursor) space() {
	for c.at < c.end && isSpace(c.text[c.at]) {
		c.at++
	}
}

// done reports that nothing is left but blanks.
func (c *cursor) done() bool {
	c.space()
	return c.at >= c.end
}

// peek is the next word without reading it; "" at the end.
func (c cursor) peek() string {
	w, _ := c.word()
	return w
}

// word reads up to the next blank, and gives the offset of its start. A bar
// is a word of its own.
func (c *cursor) word() (string, int) {
	c.space()
	start := c.at
	for c.at < c.end && !isSpace(c.text[c.at]) {
		if c.text[c.at] == '|' {
			if c.at == start {
				c.at++
			}
			break
		}
		c.at++
	}
	return c.text[start:c.at], start
}

// accept reads the next word if it is this one.
func (c *cursor) accept(word string) bool {
	ahead := *c
	if w, _ := ahead.word(); w != word {
		return false
	}
	*c = ahead
	return true
}

// quoted reads a string in quotes.
func (c *cursor) quoted() (string, error) {
	start := c.at
	var b strings.Builder
	for i := c.at + 1; i < c.end; i++ {
		switch ch := c.text[i]; {
		case ch == '"':
			c.at = i + 1
			return b.String(), nil
		case ch == '\\' && i+1 < c.end && (c.text[i+1] == '"' || c.text[i+1] == '\\'):
			i++
			b.WriteByte(c.text[i])
		default:
			b.WriteByte(ch)
		}
	}
	return "", c.fail(start, "", "the quote is never closed")
}

// finished is an error if anything is left on the line.
func (c *cursor) finished(after string) error {
	if c.done() {
		return nil
	}
	w, at := c.word()
	return c.fail(at, "", "unexpected %q after %s", w, after)
}

// split cuts the rest at a separator outside quotes. A semicolon separates
// only before a blank or the end: inside a word it belongs to it, as in
// /index.jsp;jsessionid=1.
func (c cursor) split(sep byte) []cursor {
	var parts []cursor
	quoted := false
	part := c
	for i := c.at; i < c.end; i++ {
		switch {
		case quoted && c.text[i] == '\\' && i+1 < c.end && (c.text[i+1] == '"' || c.text[i+1] == '\\'):
			i++
		case c.text[i] == '"':
			quoted = !quoted
		case c.text[i] == sep && !quoted && (sep != ';' || i+1 == c.end || isSpace(c.text[i+1])):
			part.end = i
			parts = append(parts, part)
			part.at, part.end = i+1, c.end
		}
	}
	parts = append(parts, part)
	for i := range parts {
		parts[i].space()
	}
	return parts
}

// variableAt finds the next $NAME in text, from an offset on.
func variableAt(text string, from int) (start, end int) {
	for i := from; i < len(text); i++ {
		if text[i] != '$' || i+1 == len(text) || !isLetter(text[i+1]) && text[i+1] != '_' {
			continue
		}
		for end = i + 1; end < len(text) && isIdent(text[end]); {
			end++
		}
		return i, end
	}
	return -1, -1
}

// expand puts the values of variables in. An error in a value is shown at its $.
func (c cursor) expand(values map[string]string) cursor {
	rest := c.text[c.at:c.end]
	from, end := variableAt(rest, 0)
	if from < 0 {
		return c
	}
	var b strings.Builder
	var cols []int
	done := 0
	for ; from >= 0; from, end = variableAt(rest, end) {
		value, ok := values[rest[from+1:end]]
		if !ok {
			continue
		}
		for ; done < from; done++ {
			b.WriteByte(rest[done])
			cols = append(cols, c.at+done)
		}
		b.WriteString(value)
		for range len(value) {
			cols = append(cols, c.at+from)
		}
		done = end
	}
	for ; done < len(rest); done++ {
		b.WriteByte(rest[done])
		cols = append(cols, c.at+done)
	}
	cols = append(cols, c.end)
	return cursor{line: c.line, text: b.String(), cols: cols, end: b.Len()}
}

// variables lists the $NAMEs of the rest of the line.
func (c cursor) variables() []string {
	var names []string
	rest := c.text[c.at:c.end]
	for from, end := variableAt(rest, 0); from >= 0; from, end = variableAt(rest, end) {
		names = append(names, rest[from+1:end])
	}
	return names
}

// squeezed is the text of this part with every run of blanks outside quotes
// as one.
func (c cursor) squeezed() string {
	var b strings.Builder
	quoted, gap := false, false
	text := c.text[c.at:c.end]
	for i := 0; i < len(text); i++ {
		if !quoted && isSpace(text[i]) {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte(' ')
		}
		gap = false
		switch {
		case quoted && text[i] == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			b.WriteByte(text[i])
			i++
		case text[i] == '"':
			quoted = !quoted
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// invisible finds a character that nobody sees: a control character, or, before
// the comment, a blank that is no blank and the like.
func invisible(text string, comment int) (at int, r rune) {
	for i, r := range text {
		if r != '\t' && unicode.IsControl(r) ||
			i < comment && r != ' ' && (unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Z, r)) {
			return i, r
		}
	}
	return -1, 0
}
