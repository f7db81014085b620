package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"sessionlab/scenarios/report"
)

// terminal is the file descriptor behind a stream if that is a terminal.
func terminal(w any) (fd int, ok bool) {
	switch s := w.(type) {
	case kept:
		w = s.Writer
	case *output:
		w = s.file
	}
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	return int(f.Fd()), true
}

// colour reports whether a stream wants colours. Source: no-color.org.
func (env *Env) colour(w io.Writer) bool {
	_, ok := terminal(w)
	return ok && env.Getenv("NO_COLOR") == "" && env.Getenv("TERM") != "dumb"
}

// width is the number of columns of a stream; 0 where it has none.
func (env *Env) width(w io.Writer) int {
	width, _ := env.size(w)
	return width
}

// size is the number of columns and lines of a stream; zeros where it has none.
func (env *Env) size(w io.Writer) (width, height int) {
	fd, ok := terminal(w)
	if !ok {
		return 0, 0
	}
	width, height, err := term.GetSize(fd)
	if err != nil {
		return 0, 0
	}
	return width, height
}

// moment is a line of what happens: when, and what.
func moment(at time.Duration, text string, width int) string {
	return hang(fmt.Sprintf("%9s  ", report.Instant(at)), text, width)
}

// hang sets words behind a head, further lines as far in as the head is wide.
// Width 0 means lines without end.
func hang(head, text string, width int) string {
	return hangBy(head, utf8.RuneCountInString(head), text, width)
}

// hangBy is hang for a head of which not all characters are seen: indent is how
// wide it is.
func hangBy(head string, indent int, text string, width int) string {
	text = report.Visible(text)
	if width <= 0 {
		return head + text
	}
	var b strings.Builder
	b.WriteString(head)
	used := indent
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case used+1+n > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			used = indent
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += n
	}
	return b.String()
}

// folded is a page with its long lines broken between words, the rest of each
// two further in than it began. Examples, which stand between lines of three
// backquotes, stay as they are. Width 0 means lines without end.
func folded(page string, width int) string {
	if width <= 0 {
		return page
	}
	var b strings.Builder
	example := false
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "```") {
			example = !example
		}
		indent := len(line) - len(strings.TrimLeft(line, " ")) + 2
		for !example && utf8.RuneCountInString(strings.TrimRight(line, "\n")) > width {
			cut, n := 0, 0
			for i, r := range line {
				if n++; n > width+1 {
					break
				}
				if r == ' ' && i > indent {
					cut = i
				}
			}
			if cut == 0 {
				break // one long word
			}
			b.WriteString(strings.TrimRight(line[:cut], " ") + "\n")
			line = strings.Repeat(" ", indent) + strings.TrimLeft(line[cut:], " ")
		}
		b.WriteString(line)
	}
	return b.String()
}
