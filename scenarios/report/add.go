package report

import "slices"

// worsening are the verdicts from good to bad.
var worsening = []Verdict{None, Pass, Inconclusive, Fail, Interrupted}

// Worse is the worse of two verdicts, which is the verdict over both.
func Worse(a, b Verdict) Verdict {
	return worsening[max(slices.Index(worsening, a), slices.Index(worsening, b), 0)]
}

// Add takes the outcome of one run into the report: as the report's own, or,
// where vary or sweep made settings, as a cell. The report's verdict is the
// worst of them; it must be None before the first.
func (r *Report) Add(settings Settings, o *Outcome, v Verdict) {
	r.Verdict = Worse(r.Verdict, v)
	if len(settings) == 0 {
		r.Outcome = o
		return
	}
	r.Cells = append(r.Cells, Cell{Settings: settings, Verdict: v, Outcome: o})
}
