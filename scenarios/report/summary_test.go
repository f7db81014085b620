package report

import (
	"strings"
	"testing"

	"sessionlab/scenarios/continuity"
	"sessionlab/scenarios/history"
)

// blank is the outcome of a run without requests.
func blank() *Outcome {
	return Measured(&history.History{}, continuity.Check(&history.History{}, continuity.Options{}))
}

func TestSummaryHasALineForEachReport(t *testing.T) {
	falsified, void, cut := blank(), blank(), blank()
	falsified.Expectations = []Expectation{{"a == 1", Holds, "", 1}, {"b == 1", False, "", 2}}
	void.Expectations = falsified.Expectations
	void.Void, void.Reasons = []string{"a line was skipped"}, []string{"nothing was touched"}
	cut.Reasons = []string{"it was interrupted"}
	var b strings.Builder
	err := WriteSummary(&b, []*Report{
		{Scenario: "one", Verdict: Pass, Outcome: blank()},
		{Scenario: "two", Verdict: Fail, Outcome: falsified},
		{Scenario: "three", Verdict: Inconclusive, Outcome: void},
		{Scenario: "four", Verdict: Fail, Cells: []Cell{{nil, Pass, blank()}, {Settings{{"mode", "async"}}, Fail, falsified}}},
		{Scenario: "five", Verdict: Interrupted, Outcome: cut},
	}, []string{"six", "seven"}, Options{Width: 100})
	if err != nil {
		t.Fatal(err)
	}
	const want = `Summary
  PASS          one    0 of 0 sessions kept, 0 of 0 requests failed
  FAIL          two    false: b == 1
  INCONCLUSIVE  three  a line was skipped
  FAIL          four   2 cells, mode=async: false: b == 1
  INTERRUPTED   five   it was interrupted
  not run: six, seven
  5 scenarios: 1 pass, 1 inconclusive, 2 fail, 1 interrupted
`
	if got := b.String(); got != want {
		t.Errorf("summary:\n%s\nwant:\n%s", got, want)
	}
}

func TestNotesOfCellsAreToldOnce(t *testing.T) {
	cell := func(notes ...string) Cell {
		o := blank()
		o.Notes = notes
		return Cell{Settings{{"mode", "x"}}, Pass, o}
	}
	r := Report{Scenario: "cells", Verdict: Pass, Cells: []Cell{cell("of all", "of one"), cell("of all"), {Settings{{"mode", "x"}}, Interrupted, nil}}}
	var b strings.Builder
	if err := r.WriteText(&b, Options{}); err != nil {
		t.Fatal(err)
	}
	if want := "\n\n  note     of all\n  note     of one (in 1 of 2 cells)\n"; !strings.HasSuffix(b.String(), want) {
		t.Errorf("the report ends with\n%s\nwant\n%s", b.String(), want)
	}
}

func TestAReportLongerThanTheScreenEndsWithItsVerdict(t *testing.T) {
	r := Report{Scenario: "kill", Title: "a title", Verdict: Pass, Outcome: blank(), Command: "sessionlab run kill"}
	write := func(height int) string {
		var b strings.Builder
		if err := r.WriteText(&b, Options{Height: height}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	whole := write(0)
	lines := strings.Count(whole, "\n")
	if got := write(lines + 1); got != whole {
		t.Errorf("on a screen with room for all and the prompt:\n%s\nwant\n%s", got, whole)
	}
	if got, want := write(lines), whole+"\nPASS  kill: a title\n"; got != want {
		t.Errorf("on a screen without room for the prompt:\n%s\nwant\n%s", got, want)
	}
}
