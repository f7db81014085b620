package script

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the expected files in testdata")

// anywhere removes the positions, which alone may differ between a scenario
// and its canonical text.
func anywhere(s *Scenario) *Scenario {
	c := *s
	c.cells = nil
	c.Nouns = nounsAnywhere(s.Nouns)
	c.Variables = nil
	for _, v := range s.Variables {
		v.Pos = Pos{}
		values := append([]VariableValue(nil), v.Values...)
		for i := range values {
			values[i].Nouns = nounsAnywhere(values[i].Nouns)
		}
		v.Values = values
		c.Variables = append(c.Variables, v)
	}
	c.Script, c.Final = statementsAnywhere(s.Script), statementsAnywhere(s.Final)
	c.Attachments = nil
	for _, a := range s.Attachments {
		a.Pos = Pos{}
		c.Attachments = append(c.Attachments, a)
	}
	return &c
}

func nounsAnywhere(nouns []Noun) []Noun {
	var out []Noun
	for _, n := range nouns {
		n.Pos = Pos{}
		n.Options = optionsAnywhere(n.Options)
		out = append(out, n)
	}
	return out
}

func optionsAnywhere(options Options) Options {
	var out Options
	for _, o := range options {
		o.Pos = Pos{}
		out = append(out, o)
	}
	return out
}

func statementsAnywhere(statements []Statement) []Statement {
	var out []Statement
	for _, s := range statements {
		s.Pos = Pos{}
		s.Act = actAnywhere(s.Act)
		out = append(out, s)
	}
	return out
}

func actAnywhere(a Act) Act {
	switch a := a.(type) {
	case Step:
		a.Options = optionsAnywhere(a.Options)
		return a
	case Together:
		var acts []Act
		for _, one := range a.Acts {
			acts = append(acts, actAnywhere(one))
		}
		return Together{acts}
	}
	return a
}

// checkRoundTrip parses the canonical text of a scenario and of each of its
// cells, and compares.
func checkRoundTrip(t *testing.T, s *Scenario) {
	t.Helper()
	for _, one := range append([]Cell{{Scenario: s}}, s.Cells()...) {
		text := Print(one.Scenario)
		again, err := Parse(s.Name, []byte(text))
		if err != nil {
			t.Fatalf("canonical text of %q does not parse: %v\n%s", one.Label, err, text)
		}
		want := anywhere(one.Scenario)
		if one.Label != "" {
			want = renumbered(want)
		}
		if got := anywhere(again); !reflect.DeepEqual(got, want) {
			t.Fatalf("canonical text of %q reads back differently\n got %+v\nwant %+v\n%s", one.Label, got, want, text)
		}
		if got := Print(again); got != text {
			t.Fatalf("canonical text is not stable\n got %s\nwant %s", got, text)
		}
	}
}

// renumbered counts the steps of a cell anew, since lines for other cells are
// not in its text.
func renumbered(s *Scenario) *Scenario {
	step := 0
	for _, list := range [][]Statement{s.Script, s.Final} {
		for i := range list {
			step++
			list[i].Step = step
		}
	}
	return s
}

func TestPrintGivesTheCanonicalText(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 7 {
		t.Fatalf("testdata has %d scenarios (%v), want at least 7", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Parse(file, src)
			if err != nil {
				t.Fatal(err)
			}
			checkRoundTrip(t, s)
			got := Print(s)
			for _, c := range s.Cells() {
				if c.Label != "" {
					got += "\n# " + c.Label + "\n" + Print(c.Scenario)
				}
			}
			golden := strings.TrimSuffix(file, ".txt") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("canonical text differs from %s; got\n%s\nwant\n%s", golden, got, want)
			}
		})
	}
}

func TestExamplesOfTheHelpPageRoundTrip(t *testing.T) {
	for _, e := range Examples() {
		s, err := Parse(e.Name, []byte(e.Source))
		if err != nil {
			t.Fatal(err)
		}
		checkRoundTrip(t, s)
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for _, e := range Examples() {
		f.Add([]byte(e.Source))
	}
	for _, c := range parseErrors {
		f.Add([]byte(c.source))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		s, err := Parse("fuzz", src)
		if err != nil {
			checkErrors(t, err)
			return
		}
		checkRoundTrip(t, s)
	})
}

func FuzzParseLine(f *testing.F) {
	decl := promptScenario(f)
	for _, line := range strings.Split(Print(decl), "\n") {
		f.Add(line)
	}
	src, err := os.ReadFile("testdata/everything.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(src)) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		st, err := ParseLine(line, decl)
		if err != nil {
			checkErrors(t, Errors{asError(err)})
			return
		}
		again, err := ParseLine(st.String(), decl)
		if err != nil {
			t.Fatalf("canonical text %q of %q does not parse: %v", st, line, err)
		}
		if got, want := again.String(), st.String(); got != want {
			t.Fatalf("canonical text of %q is not stable: got %q, want %q", line, got, want)
		}
	})
}

// checkErrors checks that errors point into their line.
func checkErrors(t *testing.T, err error) {
	t.Helper()
	errs, ok := err.(Errors)
	if !ok || len(errs) == 0 || len(errs) > maxErrors {
		t.Fatalf("error is %T with %d entries, want Errors with 1 to %d", err, len(errs), maxErrors)
	}
	for _, e := range errs {
		if e.Msg == "" || e.Pos.Line < 1 || e.Pos.Col < 1 || e.Pos.Col > len([]rune(e.Text))+1 {
			t.Fatalf("error %q points at %v in %q", e.Msg, e.Pos, e.Text)
		}
		if !strings.Contains(e.Error(), e.Msg) {
			t.Fatalf("error text %q lacks its message %q", e.Error(), e.Msg)
		}
	}
}
