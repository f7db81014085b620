package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"sessionlab/scenarios/report"
)

// table is text in columns. The zero value is empty.
type table struct {
	rows [][]field
	// fold is the width at which what the last column says is broken between
	// words; 0: nowhere.
	fold int
}

// field is one place in a table.
type field struct {
	text   string
	colour report.Colour
	right  bool // at the right edge of its column, as numbers are
}

func plain(text string) field                          { return field{text: text} }
func coloured(colour report.Colour, text string) field { return field{text: text, colour: colour} }
func number(n int) field                               { return field{text: fmt.Sprint(n), right: true} }
func unknown() field                                   { return field{text: "-", right: true} }

func (t *table) row(fields ...field) {
	for i := range fields {
		fields[i].text = report.Visible(fields[i].text)
	}
	t.rows = append(t.rows, fields)
}

// head is a row of headings; those that begin with ">" are at the right edge.
func (t *table) head(names ...string) {
	var fields []field
	for _, name := range names {
		text, right := strings.CutPrefix(name, ">")
		fields = append(fields, field{text: text, colour: report.Bold, right: right})
	}
	t.row(fields...)
}

// widths are those of the columns. A row of one field has no columns.
func (t *table) widths() []int {
	var widths []int
	for _, row := range t.rows {
		for i, f := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if len(row) > 1 {
				widths[i] = max(widths[i], utf8.RuneCountInString(f.text))
			}
		}
	}
	return widths
}

// width is how wide the table is.
func (t *table) width() int {
	sum := 0
	for i, w := range t.widths() {
		sum += w
		if i > 0 {
			sum += 2
		}
	}
	return sum
}

// before is where a column begins.
func (t *table) before(column int) int {
	at := 0
	for _, w := range t.widths()[:column] {
		at += w + 2
	}
	return at
}

// write lays the table out, two spaces between columns.
func (t *table) write(w io.Writer, paint bool) {
	widths := t.widths()
	for _, row := range t.rows {
		var b strings.Builder
		for i, f := range row {
			pad := strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(f.text)))
			if i > 0 {
				b.WriteString("  ")
			}
			if last := i == len(row)-1; last && i > 0 && t.fold > 0 && !f.right && f.colour == report.Plain {
				head := b.String()
				b.Reset()
				b.WriteString(hangBy(head, t.before(i), f.text, t.fold))
			} else if f.right {
				b.WriteString(pad + report.Paint(paint, f.colour, f.text))
			} else {
				b.WriteString(report.Paint(paint, f.colour, f.text) + pad)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// fit cuts a table that is too wide into several, one below the other. Each
// begins with the first column; the last column of text is folded where even
// that is too wide. Width 0 means lines without end.
func (t *table) fit(width int) []*table {
	if width <= 0 || t.width() <= width {
		return []*table{t}
	}
	widths := t.widths()
	var parts []*table
	for from := 1; from < len(widths); {
		to, used := from, widths[0]
		for to < len(widths) && (to == from || used+2+widths[to] <= width) {
			used += 2 + widths[to]
			to++
		}
		part := &table{fold: width}
		for _, row := range t.rows {
			if len(row) > from {
				row = append([]field{row[0]}, row[from:min(to, len(row))]...)
			} else {
				row = row[:1]
			}
			part.rows = append(part.rows, row)
		}
		parts = append(parts, part)
		from = to
	}
	return parts
}
