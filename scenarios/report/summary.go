package report

import (
	"fmt"
	"io"
	"strings"
)

// WriteSummary writes a line for each of several reports, what was not run at all,
// and how many came to which verdict.
func WriteSummary(w io.Writer, reports []*Report, left []string, opts Options) error {
	p := newPrinter(w, opts)
	p.line(p.paint(Bold, "Summary"))
	verdicts, names := 0, 0
	for _, r := range reports {
		verdicts = max(verdicts, columns(string(r.Verdict)))
		names = max(names, columns(Visible(r.Scenario)))
	}
	counts := map[Verdict]int{}
	for _, r := range reports {
		counts[r.Verdict]++
		head := "  " + pad(p.verdict(r.Verdict), verdicts) + "  " + pad(Visible(r.Scenario), names) + "  "
		p.hang(head, columns(head), r.inShort())
	}
	if len(left) > 0 {
		p.hang("  not run: ", columns("  not run: "), strings.Join(left, ", "))
	}
	var list []string
	for _, v := range worsening {
		if counts[v] > 0 {
			list = append(list, fmt.Sprintf("%d %s", counts[v], v))
		}
	}
	p.para(2, 2, plural(len(reports), "scenario")+": "+strings.Join(list, ", "))
	return p.end()
}

// inShort is the one thing to know about a report: why it did not pass, or its
// figures.
func (r *Report) inShort() string {
	r = r.single()
	if r.Outcome != nil {
		return inShort(r.Verdict, r.Outcome)
	}
	about := plural(len(r.Cells), "cell")
	for _, cell := range r.Cells {
		if cell.Verdict == r.Verdict && r.Verdict != Pass && r.Verdict != None && cell.Outcome != nil {
			return about + ", " + cell.Settings.String() + ": " + inShort(cell.Verdict, cell.Outcome)
		}
	}
	return about
}

func inShort(v Verdict, o *Outcome) string {
	if v == Fail {
		for _, e := range o.Expectations {
			if e.Holds == False {
				return "false: " + e.Expr
			}
		}
	}
	if v == Inconclusive || v == Interrupted {
		for _, why := range [][]string{o.Void, o.Reasons} {
			if len(why) > 0 {
				return why[0]
			}
		}
	}
	return fmt.Sprintf("%d of %s kept, %d of %s failed", o.Sessions.Kept, plural(o.Sessions.Total(), "session"),
		o.Requests.Failed, plural(o.Requests.Total, "request"))
}
