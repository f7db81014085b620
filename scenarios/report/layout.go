package report

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// printer lays lines out; it keeps the first error.
type printer struct {
	w     *bufio.Writer
	width int
	color bool
	lines int // written so far
	err   error

	stories int // of one kind
}

func newPrinter(w io.Writer, opts Options) *printer {
	width := opts.Width
	if width == 0 {
		width = defaultWidth
	}
	stories := opts.Stories
	switch {
	case stories == 0:
		stories = fewStories
	case stories < 0:
		stories = math.MaxInt
	}
	return &printer{w: bufio.NewWriter(w), width: max(width, leastWidth), color: opts.Color, stories: stories}
}

// end writes what is left and returns the first error.
func (p *printer) end() error {
	if p.err == nil {
		p.err = p.w.Flush()
	}
	if p.err != nil {
		return fmt.Errorf("write report: %w", p.err)
	}
	return nil
}

func (p *printer) line(s string) {
	p.lines++
	if p.err == nil {
		_, p.err = p.w.WriteString(strings.TrimRight(s, " ") + "\n")
	}
}

func (p *printer) section(title string) {
	p.line("")
	p.line(p.paint(Bold, title))
}

// para writes words wrapped at the width: the first line indented by first, the
// others by rest.
func (p *printer) para(first, rest int, text string) {
	p.hang(strings.Repeat(" ", first), rest, text)
}

// hang writes words wrapped behind a prefix, later lines indented by rest. A
// word longer than a line has a line of its own.
func (p *printer) hang(prefix string, rest int, text string) { p.wrap(prefix, rest, Visible(text)) }

// wrap is hang for text that may be coloured.
func (p *printer) wrap(prefix string, rest int, text string) {
	line, used := prefix, columns(prefix)
	empty := true
	for word := range strings.FieldsSeq(text) {
		n := columns(word)
		if !empty && used+1+n > p.width {
			p.line(line)
			line, used, empty = strings.Repeat(" ", rest), rest, true
		}
		if !empty {
			line, used = line+" ", used+1
		}
		line, used, empty = line+word, used+n, false
	}
	p.line(line)
}

// columns is how wide a string is, colours left out.
func columns(s string) int {
	n := utf8.RuneCountInString(s)
	for {
		i := strings.Index(s, "\x1b[")
		if i < 0 {
			return n
		}
		end := strings.IndexByte(s[i:], 'm')
		if end < 0 {
			return n
		}
		n -= end + 1
		s = s[i+end+1:]
	}
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-columns(s)))
}

func padLeft(s string, width int) string {
	return strings.Repeat(" ", max(0, width-columns(s))) + s
}

func (p *printer) paint(c Colour, s string) string { return Paint(p.color, c, s) }

func (p *printer) verdict(v Verdict) string {
	color := Yellow
	switch v {
	case Pass:
		color = Green
	case Fail:
		color = Red
	}
	return p.paint(color, strings.ToUpper(string(v)))
}
