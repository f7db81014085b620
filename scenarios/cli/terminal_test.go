package cli

import (
	"strings"
	"testing"
	"unicode/utf8"

	"sessionlab/scenarios/script"
)

func TestHangKeepsWordsWholeAndTheHeadAlone(t *testing.T) {
	for _, c := range []struct {
		width int
		want  string
	}{
		{0, "  2.000s  tomcat2 cannot  send"},
		{40, "  2.000s  tomcat2 cannot send"},
		{24, "  2.000s  tomcat2 cannot\n          send"},
		{12, "  2.000s  tomcat2\n          cannot\n          send"},
	} {
		if got := hang("  2.000s  ", "tomcat2 cannot  send", c.width); got != c.want {
			t.Errorf("width %d: got\n%s\nwant\n%s", c.width, got, c.want)
		}
	}
}

func TestAFoldedPageHasAllItsWordsAndItsExamplesUntouched(t *testing.T) {
	page := script.Help()
	narrow := folded(page, 60)
	if got, want := strings.Fields(narrow), strings.Fields(page); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Error("the words of the folded page are not those of the page")
	}
	for _, e := range script.Examples() {
		if !strings.Contains(narrow, e.Source) {
			t.Errorf("example %s is not as it was", e.Name)
		}
	}
	example := false
	for line := range strings.Lines(narrow) {
		if strings.HasPrefix(line, "```") {
			example = !example
		}
		if n := utf8.RuneCountInString(line) - 1; n > 60 && !example && strings.ContainsRune(strings.TrimSpace(line), ' ') {
			t.Errorf("a line has %d columns: %s", n, line)
		}
	}
	if folded(page, 0) != page {
		t.Error("without a width the page is another one")
	}
}
