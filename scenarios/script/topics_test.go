package script

import (
	"slices"
	"testing"
)

func TestEveryWordThatBeginsALineIsExplained(t *testing.T) {
	for _, word := range slices.Concat(nounWords, scriptWords) {
		if HelpOn(word) == "" {
			t.Errorf("HelpOn(%q) is empty", word)
		}
	}
}
