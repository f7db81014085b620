package report

import (
	"strings"
	"testing"

	"sessionlab/scenarios/continuity"
	"sessionlab/scenarios/history"
)

func TestNoControlCharacterReachesATerminal(t *testing.T) {
	for text, want := range map[string]string{
		"plain, näive, 日本, \u00a0, \\":   "plain, näive, 日本, \u00a0, \\",
		"red \x1b[31m":                   `red \x1b[31m`,
		"two\r\nlines\tand a bell \a":    `two\r\nlines\tand a bell \a`,
		"C1 \u009b, backwards \u202etxt": `C1 \u009b, backwards \u202etxt`,
		"no UTF-8: \xff\x9b":             `no UTF-8: \xff\x9b`,
	} {
		if got := Visible(text); got != want {
			t.Errorf("Visible(%q) = %q, want %q", text, got, want)
		}
	}
	if got, want := VisibleLines("a\n\tb\x1b\n"), "a\n\tb\\x1b\n"; got != want {
		t.Errorf("VisibleLines: %q, want %q", got, want)
	}
}

func TestAReportShowsControlCharactersEscaped(t *testing.T) {
	o := Measured(&history.History{}, continuity.Check(&history.History{}, continuity.Options{}))
	bad := "x\x1b]0;title\a"
	o.Expectations = []Expectation{{bad, False, bad, 1}}
	o.Void, o.Reasons, o.Notes = []string{bad}, []string{bad}, []string{bad}
	o.Anomalies = []Anomaly{{Kind: "lost", Node: bad, Request: bad, Explanation: bad}}
	o.Timeline = []Event{{Text: bad}}
	cell := Cell{Settings{{"name", bad}}, Fail, o}
	for _, r := range []Report{
		{Scenario: bad, Title: bad, Verdict: Fail, Outcome: o, Command: bad},
		{Scenario: bad, Title: bad, Verdict: Fail, Cells: []Cell{cell, cell}, Command: bad},
	} {
		var b strings.Builder
		if err := r.WriteText(&b, Options{}); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(b.String(), "\x1b\a") {
			t.Errorf("the report has control characters:\n%q", b.String())
		}
		if !strings.Contains(b.String(), `x\x1b]0;title\a`) {
			t.Errorf("the report does not show them escaped:\n%s", b.String())
		}
	}
}
