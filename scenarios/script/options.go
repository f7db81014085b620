package script

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// OptionType says what an option's value looks like.
type OptionType uint8

const (
	DurationOption OptionType = iota + 1 // 500ms; Never (-1) where Option.Never says so
	IntOption                            // 200
	BoolOption                           // yes or no; true, false, on, off mean the same
	StringOption                         // "any text"
	EnumOption                           // one of Option.Words
	WordsOption                          // one or more of Option.Words, in quotes
	SizeOption                           // 64MiB
	AddrOption                           // 172.16.12.101
	BlockOption                          // 10.0.1.0/24, 2001:db8::/64, or one address
	SendOption                           // a channelSendOptions value: 8, or names as in "sync,use_ack"
	HeaderOption                         // "X-Real-IP: 10.0.0.9"
)

func (t OptionType) String() string {
	return [...]string{"?", "duration", "number", "yes|no", "text", "word", "words", "size", "address",
		"address block", "send options", "header"}[t]
}

// Never is the value of a duration option that was given as -1, which Tomcat
// reads as "no limit".
const Never time.Duration = -1

// Option is one setting that an element knows.
type Option struct {
	Name  string
	Type  OptionType
	Words []string // for EnumOption and WordsOption
	// Min and Max bound a number, a size in bytes, or from below a duration,
	// which is a year at most. Why says why there is no more than Max; "" where
	// a range says it all.
	Min, Max int64
	Why      string
	// Check refuses a text; nil takes any.
	Check  func(text string) error
	Never  bool   // a duration may be -1
	Signed bool   // a duration may be negative
	Whole  bool   // a duration counts whole seconds
	Many   bool   // a line may give it several times
	Unit   string // the unit in which Tomcat or nginx counts a bare number
	Doc    string
}

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

// option reads one value and checks it.
func (c *cursor) option(o *Option) (Setting, error) {
	at := c.at
	var text string
	if c.at < c.end && c.text[c.at] == '"' {
		var err error
		if text, err = c.quoted(); err != nil {
			return Setting{}, err
		}
	} else {
		for c.at < c.end && !isSpace(c.text[c.at]) && c.text[c.at] != '"' {
			c.at++
		}
		if text = c.text[at:c.at]; text == "" {
			return Setting{}, c.fail(at, `an empty value is written ""`, "option %q has no value", o.Name)
		}
	}
	if from, end := variableAt(text, 0); from >= 0 {
		return Setting{}, c.fail(at, "", "unknown %s", text[from:end])
	}
	s, hint, err := o.read(text)
	if err != nil {
		return Setting{}, c.fail(at, hint, "%s: %v", o.Name, err)
	}
	return s, nil
}

// read checks a value and brings it into its canonical form.
func (o *Option) read(text string) (s Setting, hint string, err error) {
	s = Setting{Name: o.Name, Text: text}
	switch o.Type {
	case DurationOption:
		return o.readDuration(text)
	case IntOption:
		digits, negative := strings.CutPrefix(text, "-")
		if s.n, err = parseBounded(digits); err != nil {
			return s, "", fmt.Errorf("%q is no whole number", text)
		}
		if negative {
			s.n = -s.n
		}
		switch {
		case s.n >= o.Min && s.n <= o.Max:
		case o.Why == "":
			return s, "", fmt.Errorf("%s is out of range: %d to %d", text, o.Min, o.Max)
		case s.n < o.Min:
			return s, "", fmt.Errorf("%s is too small: at least %d", text, o.Min)
		default:
			return s, o.Why, fmt.Errorf("%s is too large: at most %d", text, o.Max)
		}
		s.Text = strconv.FormatInt(s.n, 10)
	case BoolOption:
		switch text {
		case "yes", "true", "on":
			s.n = 1
		case "no", "false", "off":
		default:
			return s, "yes or no", fmt.Errorf("%q is neither yes nor no", text)
		}
	case EnumOption:
		if !slices.Contains(o.Words, text) {
			return s, wordHint(text, o.Words), fmt.Errorf("unknown word %q", text)
		}
	case WordsOption:
		words := strings.Fields(text)
		if len(words) == 0 {
			return s, wordHint("", o.Words), fmt.Errorf("a word is missing")
		}
		for i, w := range words {
			if !slices.Contains(o.Words, w) {
				return s, wordHint(w, o.Words), fmt.Errorf("unknown word %q", w)
			}
			if slices.Contains(words[:i], w) {
				return s, "", fmt.Errorf("%q is given twice", w)
			}
			if w == "off" && len(words) > 1 {
				return s, "", fmt.Errorf("\"off\" stands alone")
			}
		}
		s.Text = strings.Join(words, " ")
	case SizeOption:
		if s.n, err = parseSize(text); err != nil {
			return s, "", err
		}
		s.Text = formatSize(s.n)
		switch {
		case s.n < o.Min:
			return s, "", fmt.Errorf("%s is less than %s", s.Text, formatSize(o.Min))
		case s.n > o.Max:
			return s, o.Why, fmt.Errorf("%s is too large: at most %s", text, formatSize(o.Max))
		}
	case StringOption:
		if o.Check != nil {
			return s, "", o.Check(text)
		}
	case AddrOption:
		if _, err := parseAddr(text); err != nil {
			return s, "", err
		}
	case BlockOption:
		if err := checkBlock(text); err != nil {
			return s, blockHint(text), err
		}
		if a, err := netip.ParseAddr(text); err == nil {
			s.Text = a.String()
		} else {
			s.Text = netip.MustParsePrefix(text).String()
		}
	case SendOption:
		return readSendOptions(o.Name, text)
	case HeaderOption:
		s.Text, hint, err = readHeader(text)
		return s, hint, err
	}
	return s, "", nil
}

func (o *Option) readDuration(text string) (s Setting, hint string, err error) {
	s = Setting{Name: o.Name, Text: text}
	if o.Never && text == "-1" {
		s.n = int64(Never)
		return s, "", nil
	}
	digits, negative := strings.CutPrefix(text, "-")
	if negative && !o.Signed {
		if o.Never {
			hint = "-1 means no limit"
		}
		return s, hint, fmt.Errorf("%q is negative", text)
	}
	d, err := parseDuration(digits)
	if err == errUnit {
		unit := o.Unit
		if unit == "" {
			unit = "ms"
		}
		hint = fmt.Sprintf("write %s%s", text, unit)
		if o.Unit != "" {
			hint = fmt.Sprintf("%s is counted in %s there: write %s%s", o.Name, unitNames[o.Unit], text, unit)
		}
		return s, hint, fmt.Errorf("%q has no unit", text)
	}
	if err != nil {
		return s, "", err
	}
	if o.Whole && d%time.Second != 0 {
		return s, "", fmt.Errorf("%s is not a number of whole seconds", text)
	}
	if int64(d) < o.Min {
		return s, "", fmt.Errorf("%s is too short: at least %s", text, formatDuration(time.Duration(o.Min)))
	}
	if negative {
		d = -d
	}
	s.n, s.Text = int64(d), formatDuration(d)
	return s, "", nil
}

var unitNames = map[string]string{"ms": "milliseconds", "s": "seconds", "m": "minutes"}

// wordHint is for a word that is not in a list.
func wordHint(word string, known []string) string {
	if hint := didYouMean(word, known); hint != "" {
		return hint
	}
	return "known: " + strings.Join(known, ", ")
}

func parseAddr(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is4() {
		return a, fmt.Errorf("%q is no IPv4 address", text)
	}
	return a, nil
}

// parseHome reads the address of a user, which may be of IPv6.
func parseHome(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Is4In6() || a.Zone() != "" {
		return a, fmt.Errorf("%q is no IP address", text)
	}
	return a, nil
}

func checkBlock(text string) error {
	if !strings.Contains(text, "/") {
		_, err := parseHome(text)
		return err
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		return fmt.Errorf("%q is no block of IP addresses", text)
	}
	if p.Bits() < 8 {
		return fmt.Errorf("%q is too large a block: at most /8", text)
	}
	if p != p.Masked() {
		return fmt.Errorf("%q does not begin at the start of its block", text)
	}
	return nil
}

func blockHint(text string) string {
	if p, err := netip.ParsePrefix(text); err == nil && p != p.Masked() {
		return "write " + p.Masked().String()
	}
	return ""
}

// sendBits are Tomcat's names of the send options.
// Source: Tomcat tribes/Channel.java, getSendOptionValue.
var sendBits = map[string]int64{
	"use_ack": 2, "synchronized_ack": 4, "sync": 4, "asynchronous": 8, "async": 8,
	"byte_message": 1, "byte": 1, "secure": 16, "udp": 32, "multicast": 64,
}

// sendCombos are the values that this release knows: acknowledged on receipt,
// (4 alone is no acknowledgement), acknowledged after processing, fire and
// forget, and the two acknowledged ones behind a queue.
var sendCombos = []int64{2, 4, 6, 8, 10, 14}

func readSendOptions(name, text string) (s Setting, hint string, err error) {
	hint = "known: 2, 4, 6, 8, 10, 14, or names such as async or sync,use_ack"
	n, err := parseCount(text)
	if err != nil {
		n = 0
		for word := range strings.SplitSeq(text, ",") {
			bit, ok := sendBits[strings.TrimSpace(word)]
			if !ok {
				return s, hint, fmt.Errorf("unknown send option %q", word)
			}
			n |= bit
		}
	}
	if !slices.Contains(sendCombos, n) {
		return s, hint, fmt.Errorf("send options %s are not in this release", text)
	}
	return Setting{Name: name, Text: strconv.FormatInt(n, 10), n: n}, "", nil
}

// pos is where an option that was given stands.
func (o Options) pos(name string) Pos {
	s, _ := o.find(name)
	return s.Pos
}
