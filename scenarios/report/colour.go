package report

import "github.com/fatih/color"

// Colour sets a word off on a terminal. It never carries a meaning alone.
type Colour uint8

const (
	Plain Colour = iota
	Bold
	Dim
	Red
	Green
	Yellow
)

var palette = map[Colour]*color.Color{
	Bold:   pen(color.Bold),
	Dim:    pen(color.Faint),
	Red:    pen(color.FgRed, color.Bold),
	Green:  pen(color.FgGreen, color.Bold),
	Yellow: pen(color.FgYellow, color.Bold),
}

// pen paints always: whether there is a terminal is the caller's to find out.
func pen(attributes ...color.Attribute) *color.Color {
	c := color.New(attributes...)
	c.EnableColor()
	return c
}

// Paint sets text off, if painting is on.
func Paint(on bool, c Colour, text string) string {
	if !on || c == Plain || text == "" {
		return text
	}
	return palette[c].Sprint(text)
}
