package script

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Setting is one KEY=VALUE of a line, already checked.
type Setting struct {
	Pos  Pos
	Name string
	Text string // canonical, without quotes
	n    int64
}

// Options are the settings of a line in the order in which they stand there.
// The zero value has none. Asking for a name that no element has, or by the
// wrong method, is a programmer's mistake and panics.
type Options []Setting

func (o Options) find(name string, types ...OptionType) (Setting, bool) {
	fits := func(t OptionType) bool { return len(types) == 0 || slices.Contains(types, t) }
	if !slices.ContainsFunc(optionTypes[name], fits) {
		panic(fmt.Sprintf("script: no option %q of type %v", name, types))
	}
	for _, s := range o {
		if s.Name == name {
			return s, true
		}
	}
	return Setting{}, false
}

// Has reports whether an option was given.
func (o Options) Has(name string) bool {
	_, ok := o.find(name)
	return ok
}

// Duration is a duration option, or the other value if it was not given.
func (o Options) Duration(name string, otherwise time.Duration) time.Duration {
	if s, ok := o.find(name, DurationOption); ok {
		return time.Duration(s.n)
	}
	return otherwise
}

// Int is a number, a size in bytes or a send option, or the other value if it
// was not given.
func (o Options) Int(name string, otherwise int) int {
	if s, ok := o.find(name, IntOption, SizeOption, SendOption); ok {
		return int(s.n)
	}
	return otherwise
}

// Bool is a yes-or-no option, or the other value if it was not given.
func (o Options) Bool(name string, otherwise bool) bool {
	if s, ok := o.find(name, BoolOption); ok {
		return s.n == 1
	}
	return otherwise
}

// String is an option's text, or the other value if it was not given.
func (o Options) String(name, otherwise string) string {
	if s, ok := o.find(name, StringOption, EnumOption, AddrOption, BlockOption, WordsOption); ok {
		return s.Text
	}
	return otherwise
}

// Words are the words of a list option; nil if it was not given.
func (o Options) Words(name string) []string {
	if s, ok := o.find(name, WordsOption); ok {
		return strings.Fields(s.Text)
	}
	return nil
}

// Headers are the header lines of an option, "NAME: VALUE" each, in their order;
// nil if none was given.
func (o Options) Headers(name string) (lines []string) {
	if _, ok := o.find(name, HeaderOption); !ok {
		return nil
	}
	for _, s := range o {
		if s.Name == name {
			lines = append(lines, s.Text)
		}
	}
	return lines
}

// over gives these settings, and beneath them those of base that they lack.
func (o Options) over(base Options) Options {
	out := slices.Clone(base)
	for _, s := range o {
		if i := slices.IndexFunc(out, func(b Setting) bool { return b.Name == s.Name }); i >= 0 {
			out[i] = s
		} else {
			out = append(out, s)
		}
	}
	return out
}

// text is the canonical form of the settings, each after a blank.
func (o Options) text() string {
	var b strings.Builder
	for _, s := range o {
		b.WriteString(" " + s.Name + "=" + bare(s.Text))
	}
	return b.String()
}

// isOption reports whether the next word is KEY=VALUE.
func (c cursor) isOption() bool {
	key, _, ok := strings.Cut(c.peek(), "=")
	return ok && key != "" && isLetter(key[0])
}

// options reads KEY=VALUE up to the end of the line.
func (c *cursor) options(e *Element) (Options, error) {
	var out Options
	seen := map[string]bool{}
	for !c.done() {
		keyAt := c.at
		for c.at < c.end && isIdent(c.text[c.at]) {
			c.at++
		}
		key := c.text[keyAt:c.at]
		if key == "" {
			return nil, c.fail(keyAt, "", "unexpected %q: only options NAME=VALUE may follow here", c.peek())
		}
		if e.Noun == "step" && (c.at == c.end || c.text[c.at] != '=') {
			c.at = keyAt
			return nil, c.fail(keyAt, stepOrder, "unexpected %q: options come last", c.peek())
		}
		option, err := c.knownOption(e, key, keyAt)
		if err != nil {
			return nil, err
		}
		if seen[key] && !option.Many {
			return nil, c.fail(keyAt, "", "option %q is given twice", key)
		}
		seen[key] = true
		if c.at == c.end || c.text[c.at] != '=' {
			return nil, c.fail(keyAt, fmt.Sprintf("write %s=VALUE, without blanks", key), "option %q has no value", key)
		}
		c.at++
		valueAt := c.at
		s, err := c.option(option)
		s.Pos = Pos{c.line.number, c.column(keyAt)}
		if err != nil {
			return nil, err
		}
		if c.at < c.end && !isSpace(c.text[c.at]) {
			return nil, c.fail(valueAt, "put values with blanks or quotes in quotes", "cannot read the value of %q", key)
		}
		out = append(out, s)
	}
	return out, nil
}

func (c *cursor) knownOption(e *Element, key string, at int) (*Option, error) {
	for i := range e.Options {
		if e.Options[i].Name == key {
			return &e.Options[i], nil
		}
	}
	if slices.Contains(e.Later, key) {
		return nil, c.fail(at, "", "option %q of %s is not in this release", key, e.title())
	}
	if why := e.whyVain(key); why != "" {
		return nil, c.fail(at, "", "option %q of %s can change nothing here: %s", key, e.title(), why)
	}
	names := make([]string, len(e.Options))
	for i, o := range e.Options {
		names[i] = o.Name
	}
	hint := didYouMean(key, names)
	if hint == "" {
		if owner := ownerOf(key); owner != nil {
			hint = fmt.Sprintf("%s is an option of %s", key, owner.title())
		} else if len(names) == 0 {
			hint = e.title() + " has no options"
		} else {
			hint = "known here: " + strings.Join(names, ", ")
		}
	}
	return nil, c.fail(at, hint, "unknown option %q of %s", key, e.title())
}

// wordHint is for a word that is not in a list.
func wordHint(word string, known []string) string {
	if hint := didYouMean(word, known); hint != "" {
		return hint
	}
	return "known: " + strings.Join(known, ", ")
}

// pos is where an option that was given stands.
func (o Options) pos(name string) Pos {
	s, _ := o.find(name)
	return s.Pos
}
