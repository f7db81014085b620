package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// column is one column of the table of cells. One with a need is left out
// unless some cell has a need for it, and the last ones where the width ends.
type column struct {
	title string
	left  bool // text; numbers are aligned at their end
	need  func(c Cell) bool
	value func(c Cell) string
}

// cells writes a table with a line for every cell, and below it what the cells
// that did not pass have to say.
func (p *printer) cells(cells []Cell) {
	p.line("")
	columns := p.fitting(cells)
	var title strings.Builder
	for i, c := range columns {
		title.WriteString(gap(i) + c.align(c.title, c.width))
	}
	p.line(p.paint(Bold, "  "+strings.TrimRight(title.String(), " ")))
	for _, cell := range cells {
		var line strings.Builder
		for i, c := range columns {
			text := c.value(cell)
			if c.title == verdictTitle {
				text = p.verdict(cell.Verdict)
			}
			line.WriteString(gap(i) + c.align(text, c.width))
		}
		p.line("  " + line.String())
	}
	for _, cell := range cells {
		p.complaint(cell)
	}
	if notes := notesOf(cells); len(notes) > 0 {
		p.line("")
		p.notes(notes)
	}
}

// notesOf are the notes of cells, each once and with how many cells have it.
func notesOf(cells []Cell) []string {
	run, notes, count := 0, []string{}, map[string]int{}
	for _, cell := range cells {
		if cell.Outcome == nil {
			continue
		}
		run++
		for _, note := range cell.Notes {
			if count[note]++; count[note] == 1 {
				notes = append(notes, note)
			}
		}
	}
	for i, note := range notes {
		if n := count[note]; n < run {
			notes[i] = fmt.Sprintf("%s (in %d of %d cells)", note, n, run)
		}
	}
	return notes
}

// complaint writes the expectations of a cell that are not met, and why it is
// inconclusive.
func (p *printer) complaint(cell Cell) {
	if cell.Verdict == Pass || cell.Verdict == None && len(cell.Reasons) == 0 || cell.Outcome == nil {
		return
	}
	p.line("")
	p.line("  " + p.verdict(cell.Verdict) + "  " + Visible(cell.Settings.String()))
	shown := 0
	for _, e := range cell.Expectations {
		if e.Holds != Holds && shown < maxBroken {
			p.expectation(4, e, len(cell.Void) > 0)
			shown++
		}
	}
	p.reasons(4, cell.Verdict, cell.Outcome)
	if len(cell.Anomalies) > 0 {
		p.anomaly(4, worst(cell.Anomalies))
		if more := len(cell.Anomalies) - 1 + cell.Untold; more > 0 {
			p.line("    and " + strconv.Itoa(more) + " more")
		}
	}
}

// worst is the first anomaly of the worst kind.
func worst(list []Anomaly) Anomaly {
	return slices.MinFunc(list, func(a, b Anomaly) int {
		return cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind))
	})
}

func gap(i int) string {
	if i == 0 {
		return ""
	}
	return "  "
}

const verdictTitle = "verdict"

// sized is a column with its width.
type sized struct {
	column
	width int
}

func (c sized) align(s string, width int) string {
	if c.left {
		return pad(s, width)
	}
	return padLeft(s, width)
}

// fitting is the columns that are needed and find room.
func (p *printer) fitting(cells []Cell) []sized {
	var list []sized
	used := 0
	for i, c := range table(cells) {
		if c.need != nil && !anyCell(cells, c.need) {
			continue
		}
		width := columns(c.title)
		for _, cell := range cells {
			width = max(width, columns(c.value(cell)))
		}
		fixed := i <= len(cells[0].Settings) // the settings and the verdict
		if !fixed && used+2+width > p.width {
			break
		}
		used += 2 + width
		list = append(list, sized{c, width})
	}
	return list
}

func anyCell(cells []Cell, need func(Cell) bool) bool {
	for _, c := range cells {
		if c.Outcome != nil && need(c) {
			return true
		}
	}
	return false
}

// table is all columns in the order of their importance.
func table(cells []Cell) []column {
	var list []column
	for i, s := range cells[0].Settings {
		list = append(list, column{title: s.Name, left: true, value: func(c Cell) string {
			if i < len(c.Settings) {
				return Visible(c.Settings[i].Value)
			}
			return ""
		}})
	}
	list = append(list, column{title: verdictTitle, left: true, value: func(c Cell) string {
		return strings.ToUpper(string(c.Verdict))
	}})
	number := func(title string, always bool, of func(o *Outcome) int) {
		c := column{title: title, value: func(c Cell) string { return ifRun(c, func(o *Outcome) string { return strconv.Itoa(of(o)) }) }}
		if !always {
			c.need = func(c Cell) bool { return of(c.Outcome) > 0 }
		}
		list = append(list, c)
	}
	number("kept", true, func(o *Outcome) int { return o.Sessions.Kept })
	number("lost", true, func(o *Outcome) int { return o.Sessions.Lost })
	number("leaked", false, func(o *Outcome) int { return o.Sessions.Leaked })
	number("resurrected", false, func(o *Outcome) int { return o.Sessions.Resurrected })
	number("forked", false, func(o *Outcome) int { return o.Sessions.Forked })
	number("rolled back", false, func(o *Outcome) int { return o.Sessions.RolledBack })
	number("unseen", false, func(o *Outcome) int { return o.Sessions.Unseen })
	number("stale", false, func(o *Outcome) int { return o.Sessions.StaleReads })
	number("failed", true, func(o *Outcome) int { return o.Requests.Failed })
	list = append(list,
		column{title: "recovery", need: func(c Cell) bool { return c.Recovery != nil }, value: func(c Cell) string {
			return ifRun(c, func(o *Outcome) string {
				if o.Recovery == nil {
					return "-"
				}
				return human(time.Duration(*o.Recovery))
			})
		}},
		column{title: "p99", value: func(c Cell) string {
			return ifRun(c, func(o *Outcome) string { return human(time.Duration(o.Latency.P99)) })
		}})
	number("id changes", false, func(o *Outcome) int { return o.Sessions.IDChanges })
	number("executed twice", false, func(o *Outcome) int { return o.Requests.Duplicated })
	return list
}

// ifRun is "-" for a cell that was not run.
func ifRun(c Cell, of func(*Outcome) string) string {
	if c.Outcome == nil {
		return "-"
	}
	return of(c.Outcome)
}
