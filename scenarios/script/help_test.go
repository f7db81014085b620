package script_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sessionlab/scenarios/script"
)

func TestEveryExampleOfTheHelpPageParses(t *testing.T) {
	examples := script.Examples()
	if len(examples) < 4 {
		t.Fatalf("the page has %d examples, want at least 4", len(examples))
	}
	for _, e := range examples {
		if _, err := script.Parse(e.Name, []byte(e.Source)); err != nil {
			t.Errorf("example %s:\n%v", e.Name, err)
		}
	}
}

func TestHelpNamesEveryOptionVerbAndFigure(t *testing.T) {
	page := script.Help()
	if strings.Contains(page, "{{") {
		t.Error("a placeholder of the page was not filled in")
	}
	has := func(what, word string) {
		if !strings.Contains(page, word) {
			t.Errorf("the page does not name the %s %q", what, word)
		}
	}
	for _, e := range script.Elements {
		has("class", e.Class)
		for _, o := range e.Options {
			has("option", o.Name)
		}
	}
	for _, v := range script.Verbs {
		has("verb", "  "+v.Form)
	}
	for _, f := range script.Figures {
		_, last, _ := strings.Cut(f.Name, ".")
		has("figure", last)
	}
}

func TestHelpIsOnePage(t *testing.T) {
	lines := strings.Split(script.Help(), "\n")
	if got := len(lines); got < 100 || got > 200 {
		t.Errorf("the page has %d lines, want 100 to 200", got)
	}
	for i, l := range lines {
		if got := utf8.RuneCountInString(l); got > 130 {
			t.Errorf("line %d has %d characters, want at most 130: %s", i+1, got, l)
		}
	}
}

func TestEveryTopicHasAnExplanation(t *testing.T) {
	for _, topic := range script.Topics() {
		if got := script.HelpOn(topic); len(strings.Split(got, "\n")) < 3 {
			t.Errorf("HelpOn(%q) = %q, want several lines", topic, got)
		}
	}
	for _, topic := range []string{"weather", ""} {
		if got := script.HelpOn(topic); got != "" {
			t.Errorf("HelpOn(%q) = %q, want nothing", topic, got)
		}
	}
}

func TestEveryOptionIsDocumentedAndNamedOnce(t *testing.T) {
	for _, e := range script.Elements {
		var names []string
		for _, o := range e.Options {
			if o.Doc == "" {
				t.Errorf("option %s of %s %s has no doc", o.Name, e.Noun, e.Class)
			}
			if slices.Contains(names, o.Name) {
				t.Errorf("option %s of %s %s is in the table twice", o.Name, e.Noun, e.Class)
			}
			names = append(names, o.Name)
		}
		refused := slices.Clone(e.Later)
		for _, v := range e.Vain {
			refused = append(refused, v.Names...)
		}
		for _, name := range refused {
			if slices.Contains(names, name) {
				t.Errorf("option %s of %s %s is known and not known", name, e.Noun, e.Class)
			}
		}
	}
}
