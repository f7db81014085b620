package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"sessionlab/scenarios/continuity"
)

// Options say how text is laid out. The zero value is 80 columns without colour.
type Options struct {
	Width  int  // columns; less than 40 counts as 40, zero as 80
	Height int  // lines of the screen; a longer report ends with its verdict; 0: no screen
	Color  bool // colour the verdicts; every word is there without it
	// Stories is how many anomalies of each kind get their story. Zero is two,
	// below zero all.
	Stories int
}

const (
	defaultWidth = 80
	leastWidth   = 40

	maxEvents     = 20 // lines of the timeline
	fewStories    = 2  // stories of one kind, unless more are asked for
	maxBroken     = 3  // false expectations below a table of cells
	roomForRemark = 30 // columns beside a number; with less its remark goes below
)

// WriteText writes the report for a person: the verdict and what was expected,
// the numbers to move, what happened, the evidence, and the command that shows
// the same again.
func (r *Report) WriteText(w io.Writer, opts Options) error {
	p := newPrinter(w, opts)
	r = r.single()
	p.head(r)
	if len(r.Cells) > 0 {
		p.cells(r.Cells)
	}
	if r.Outcome != nil {
		p.expectations(r.Verdict, r.Outcome)
		p.reasons(2, r.Verdict, r.Outcome)
		p.notes(r.Notes)
		p.numbers(r.Outcome)
		p.timeline(r.Timeline)
		p.evidence(r.Outcome)
		p.followed("", r.Outcome.Followed)
	}
	for _, cell := range r.Cells {
		if cell.Outcome != nil {
			p.followed(" ("+cell.Settings.String()+")", cell.Followed)
		}
	}
	if r.Command != "" {
		p.section("See it again")
		p.line("  " + Visible(r.Command)) // whole, to be copied
	}
	if opts.Height > 0 && p.lines >= opts.Height { // the prompt takes a line
		p.line("")
		p.headline(r)
	}
	return p.end()
}

// single is the report of the only cell in the form of a scenario without vary
// and sweep; any other report stays as it is.
func (r *Report) single() *Report {
	if len(r.Cells) != 1 || r.Cells[0].Outcome == nil {
		return r
	}
	one := *r
	one.Cells, one.Outcome, one.settings = nil, r.Cells[0].Outcome, r.Cells[0].Settings
	return &one
}

// headline writes the verdict and what it is about.
func (p *printer) headline(r *Report) {
	title := r.Scenario
	if r.Title != "" {
		title += ": " + r.Title
	}
	p.hang(p.verdict(r.Verdict)+"  ", 6, title)
}

func (p *printer) head(r *Report) {
	p.headline(r)
	if len(r.settings) > 0 {
		p.para(6, 6, r.settings.String())
	}
	about := []string{r.World, "seed " + strconv.FormatUint(r.Seed, 10)}
	switch {
	case len(r.Cells) > 0:
		about = append(about, plural(len(r.Cells), "cell"))
	case r.Outcome != nil:
		about = append(about, plural(r.Users, "user"), plural(r.Requests.Total, "request"), human(r.Took)+" of lab time")
	}
	p.para(6, 6, strings.Join(about, ", "))
}

func (p *printer) expectations(v Verdict, o *Outcome) {
	if v == None {
		p.line("")
		p.para(2, 2, "no expect line: nothing is proved or refuted")
	}
	if len(o.Expectations) > 0 {
		p.line("")
	}
	for _, e := range o.Expectations {
		p.expectation(2, e, len(o.Void) > 0)
	}
}

// expectation writes how one expectation was judged. In a void run a false one
// does not count.
func (p *printer) expectation(indent int, e Expectation, void bool) {
	word, color := "holds  ", Green
	switch e.Holds {
	case False:
		word, color = "FALSE  ", Red
		if void {
			word, color = "false, but not counted", Yellow
		}
	case NoData:
		word, color = "NO DATA", Yellow
	}
	text := e.Expr
	if e.Line > 0 {
		text += fmt.Sprintf(" (line %d)", e.Line)
	}
	rest := indent + columns(word) + 2
	p.hang(strings.Repeat(" ", indent)+p.paint(color, word)+"  ", rest, text)
	if e.Holds == False && e.Actual != "" {
		p.hang(strings.Repeat(" ", rest)+"in fact ", rest+8, e.Actual)
	}
}

// reasons writes why a run is void, and what it did not put to the test.
func (p *printer) reasons(indent int, v Verdict, o *Outcome) {
	write := func(word string, list []string) {
		for _, reason := range list {
			p.hang(strings.Repeat(" ", indent)+word+"  ", indent+columns(word)+2, reason)
		}
	}
	write("void, because", o.Void)
	if v == None {
		write("note   ", o.Reasons)
	} else {
		write("because", o.Reasons)
	}
}

// notes writes what can be said beside the verdict.
func (p *printer) notes(list []string) {
	for _, note := range list {
		p.hang("  note     ", 11, note)
	}
}

// numbers writes the few figures that a different configuration would move.
func (p *printer) numbers(o *Outcome) {
	p.section("The numbers to move")
	if o.Requests.Total == 0 {
		p.line("  none: no request came to its end")
		return
	}
	var rows []number
	add := func(name, value, remark string) { rows = append(rows, number{name, value, remark}) }
	kept := fmt.Sprintf("%d of %s", o.Sessions.Kept, plural(o.Sessions.Total(), "session"))
	add("sessions kept", kept, theirFate(o.Sessions))
	failed := fmt.Sprintf("%d of %s", o.Requests.Failed, plural(o.Requests.Total, "request"))
	available := ""
	if o.Availability != nil {
		available = "availability " + percent(*o.Availability)
	}
	add("requests failed", failed, available)
	if o.Recovery != nil {
		outage := "no user had an outage"
		if o.LongestOutage > 0 {
			outage = "longest outage of a user " + human(time.Duration(o.LongestOutage))
		}
		add("recovery", human(time.Duration(*o.Recovery)), outage)
	} else {
		add("stale reads", strconv.Itoa(o.Sessions.StaleReads), "missed a write that was seen later")
	}
	if o.Latency.Max == 0 {
		add("latency", "none", "no request was answered")
	} else {
		add("latency p99", human(time.Duration(o.Latency.P99)),
			"p50 "+human(time.Duration(o.Latency.P50))+", slowest "+human(time.Duration(o.Latency.Max)))
	}
	width := 18
	for _, row := range rows {
		if row.remark != "" {
			width = max(width, columns(row.value))
		}
	}
	for _, row := range rows {
		p.number(row, width)
	}
}

// number is a figure with what it means beside it.
type number struct{ name, value, remark string }

func (p *printer) number(n number, width int) {
	text := "  " + pad(n.name, 17) + pad(n.value, width)
	if n.remark != "" && p.width >= columns(text)+2+roomForRemark {
		p.hang(text+"  ", columns(text)+2, n.remark)
		return
	}
	p.line(text)
	if n.remark != "" {
		p.para(4, 4, n.remark)
	}
}

// theirFate is what became of the sessions that were not kept: "2 lost".
func theirFate(s continuity.Sessions) string {
	var list []string
	for _, c := range classes(s)[1:] {
		if c.n > 0 {
			list = append(list, fmt.Sprintf("%d %s", c.n, c.name))
		}
	}
	return strings.Join(list, ", ")
}

type class struct {
	name string
	n    int
}

func classes(s continuity.Sessions) []class {
	return []class{{"kept", s.Kept}, {"unseen", s.Unseen}, {"rolled back", s.RolledBack}, {"forked", s.Forked},
		{"lost", s.Lost}, {"resurrected", s.Resurrected}, {"leaked", s.Leaked}}
}

// timeline writes what the operator did, and as much of what nodes and proxy
// traced as there is room for.
func (p *printer) timeline(events []Event) {
	if len(events) == 0 {
		return
	}
	p.section("What happened")
	shown := make([]bool, len(events))
	room := maxEvents
	for _, byOperator := range []bool{true, false} {
		for i, e := range events {
			if room > 0 && (e.Step > 0) == byOperator {
				shown[i] = true
				room--
			}
		}
	}
	width := len(instant(events[len(events)-1].At))
	left := 0
	for i, e := range events {
		if !shown[i] {
			left++
			continue
		}
		p.event(width, e)
	}
	if left > 0 {
		p.line(fmt.Sprintf("  %s  and %d more", strings.Repeat(" ", width), left))
	}
}

// event writes one line of a timeline whose times have a width.
func (p *printer) event(width int, e Event) {
	text := e.Text
	if text == "" {
		text = strings.TrimSpace(e.Kind + " " + e.Node)
	}
	p.hang("  "+padLeft(instant(e.At), width)+"  ", width+4, text)
}

// followed writes everything about the one that was to be followed.
func (p *printer) followed(where string, events []Event) {
	if len(events) == 0 {
		return
	}
	p.section("Followed" + where)
	width := len(instant(events[len(events)-1].At))
	for _, e := range events {
		p.event(width, e)
	}
}

func (p *printer) evidence(o *Outcome) {
	p.section("Evidence")
	p.classes(o.Sessions)
	p.facts(o)
	p.anomalies(o)
}

// classes draws how many sessions ended in each class.
func (p *printer) classes(s continuity.Sessions) {
	total := s.Total()
	if total == 0 {
		p.line("  no session was started")
		return
	}
	room := min(40, p.width-22)
	for _, c := range classes(s) {
		if c.n == 0 && c.name != "kept" {
			continue
		}
		bar := c.n * room / total
		if c.n > 0 {
			bar = max(bar, 1)
		}
		p.line(fmt.Sprintf("  %-12s %5d  %s", c.name, c.n, strings.Repeat("#", bar)))
	}
}

func (p *printer) facts(o *Outcome) {
	if o.Requests.Total == 0 {
		return
	}
	p.line("")
	refused := ""
	if n := o.Requests.RefusedByNode; n > 0 {
		refused = fmt.Sprintf(" (%d refused by the connector of a node)", n)
	}
	p.fact("requests", fmt.Sprintf("%d ok, %d failed%s, %d retried, %d executed twice",
		o.Requests.OK, o.Requests.Failed, refused, o.Requests.Retried, o.Requests.Duplicated))
	if n := o.Requests.NotJudged; n > 0 {
		p.fact("not judged", plural(n, "request")+", whose name the proxy did not pass on to the node")
	}
	p.fact("by node", Visible(tally(o.Requests.ByNode)))
	p.fact("by status", tally(o.Requests.ByStatus))
	p.fact("ids", fmt.Sprintf("%s, %s", plural(o.Sessions.IDChanges, "id change"), plural(o.Sessions.StaleReads, "stale read")))
	if o.Replication.Messages > 0 {
		p.fact("replication", plural(int(o.Replication.Messages), "message")+", "+bytesIn(o.Replication.Bytes))
		p.fact("replication lag", fmt.Sprintf("p50 %s, p99 %s, slowest %s", human(time.Duration(o.Replication.Lag.P50)),
			human(time.Duration(o.Replication.Lag.P99)), human(time.Duration(o.Replication.Lag.Max))))
	}
	g := o.Guarantees
	for _, row := range []struct {
		name string
		of   continuity.Guarantee
	}{
		{"read your writes", g.ReadYourWrites}, {"monotonic reads", g.MonotonicReads},
		{"monotonic writes", g.MonotonicWrites}, {"writes follow reads", g.WritesFollowReads},
	} {
		if row.of.Checked > 0 {
			word := "kept in all of"
			if row.of.Violations > 0 {
				word = p.paint(Red, fmt.Sprintf("BROKEN in %d of", row.of.Violations))
			}
			p.fact(row.name, fmt.Sprintf("%s %s", word, plural(row.of.Checked, "answer")))
		}
	}
	if o.TraceHash != "" {
		p.fact("trace hash", o.TraceHash)
	}
}

func (p *printer) fact(name, value string) {
	if value != "" {
		p.wrap("  "+pad(name, 21), 23, value)
	}
}

// anomalies tells the first stories of each kind, the worst kind first.
func (p *printer) anomalies(o *Outcome) {
	if len(o.Anomalies) == 0 {
		return
	}
	p.section("Anomalies")
	byKind := map[string][]Anomaly{}
	for _, a := range o.Anomalies {
		byKind[a.Kind] = append(byKind[a.Kind], a)
	}
	for _, kind := range kinds {
		list := byKind[kind]
		for _, a := range list[:min(len(list), p.stories)] {
			p.anomaly(2, a)
		}
		if more := len(list) - p.stories; more > 0 {
			p.line(fmt.Sprintf("  and %d more: %s", more, spoken(kind)))
		}
	}
	if o.Untold > 0 {
		p.line(fmt.Sprintf("  and %d more that have no story", o.Untold))
	}
}

// kinds of anomalies, the worst first.
var kinds = []string{
	continuity.Leaked.String(), continuity.Resurrected.String(), continuity.Lost.String(), continuity.Forked.String(),
	continuity.RolledBack.String(), continuity.Unseen.String(), continuity.Duplicated, continuity.StaleRead,
}

// spoken is a name without its underscores: "rolled back".
func spoken(name string) string { return strings.ReplaceAll(name, "_", " ") }

func (p *printer) anomaly(indent int, a Anomaly) {
	where := a.Request
	if a.Node != "" {
		where += " on " + a.Node
	}
	p.hang(fmt.Sprintf("%s%s  %s  ", strings.Repeat(" ", indent), instant(a.At), p.paint(Red, strings.ToUpper(spoken(a.Kind)))), indent+2, where)
	p.para(indent+2, indent+2, a.Explanation)
}
