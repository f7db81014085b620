package report

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible is a text with everything that a terminal would obey or hide, control
// characters above all, written as in Go: \x1b, \n, \u202e. Bytes that are no
// UTF-8 are written likewise.
func Visible(text string) string { return visible(text, "") }

// VisibleLines is Visible for several lines: line ends and tabs stay.
func VisibleLines(text string) string { return visible(text, "\n\t") }

func visible(text, but string) string {
	hidden := func(r rune) bool { return !unicode.IsGraphic(r) && !strings.ContainsRune(but, r) }
	if utf8.ValidString(text) && strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	var b []byte
	for i, r := range text {
		switch _, size := utf8.DecodeRuneInString(text[i:]); {
		case r == utf8.RuneError && size == 1:
			b = append(b, `\x`...)
			b = append(b, "0123456789abcdef"[text[i]>>4], "0123456789abcdef"[text[i]&15])
		case hidden(r):
			quoted := strconv.QuoteRuneToASCII(r)
			b = append(b, quoted[1:len(quoted)-1]...)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return string(b)
}
