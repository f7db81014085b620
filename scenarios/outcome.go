package scenarios

import (
	"sessionlab/scenarios/report"
	"sessionlab/scenarios/script"
)

// Outcome is the result in the form of a report, and its verdict there.
func (r *Result) Outcome() (*report.Outcome, report.Verdict) {
	o := report.Measured(r.History, r.Checked)
	for _, e := range r.Expectations {
		holds := map[script.Outcome]report.Holding{
			script.Holds: report.Holds, script.Fails: report.False, script.NoData: report.NoData,
		}[e.Outcome]
		o.Expectations = append(o.Expectations, report.Expectation{Expr: e.Expr, Holds: holds, Actual: e.Actual, Line: e.Line})
	}
	o.Replication = report.Replication{
		Messages: int64(r.Replication.Messages), Bytes: r.Replication.Bytes,
		Lag: report.Lag{
			P50: report.Millis(r.Replication.LagP50), P99: report.Millis(r.Replication.LagP99), Max: report.Millis(r.Replication.LagMax),
		},
	}
	o.Void, o.Reasons, o.Notes = r.Void, r.Reasons, r.Notes
	o.TraceHash, o.Took = r.TraceHash, max(o.Took, r.Took)
	if r.Interrupted {
		return o, report.Interrupted
	}
	return o, report.Verdict(r.Verdict)
}

// Settings are a cell's choices in the form of a report; none without
// variables.
func Settings(c script.Cell) report.Settings {
	var list report.Settings
	for _, s := range c.Settings {
		list = append(list, report.Setting{Name: s.Name, Value: s.Value})
	}
	return list
}
