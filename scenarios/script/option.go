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
