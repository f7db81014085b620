package script

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxDuration is the longest time a scenario may name: a year.
const maxDuration = 365 * 24 * time.Hour

var errUnit = errors.New("a time needs a unit")

// parseDuration reads a time with units, such as 500ms, 1.5s or 1m30s. Units
// are ns, us, ms, s, m and h. A bare number is errUnit, even 0.
func parseDuration(s string) (time.Duration, error) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, fmt.Errorf("%q is no time", s)
	}
	var total time.Duration
	last := time.Duration(1) << 62
	for rest := s; rest != ""; {
		whole, frac, n := int64(0), int64(0), 0
		scale := int64(1)
		for n < len(rest) && isDigit(rest[n]) {
			if whole = whole*10 + int64(rest[n]-'0'); whole > int64(maxDuration) {
				return 0, fmt.Errorf("%q is too long a time: at most %s", s, formatDuration(maxDuration))
			}
			n++
		}
		if n == 0 {
			return 0, fmt.Errorf("%q is no time", s)
		}
		if n < len(rest) && rest[n] == '.' {
			start := n + 1
			for n++; n < len(rest) && isDigit(rest[n]); n++ {
				if scale < 1e6 {
					frac, scale = frac*10+int64(rest[n]-'0'), scale*10
				}
			}
			if n == start {
				return 0, fmt.Errorf("%q is no time", s)
			}
		}
		end := n
		for end < len(rest) && rest[end] >= 'a' && rest[end] <= 'z' {
			end++
		}
		unit := time.Duration(0)
		switch rest[n:end] {
		case "":
			if end == len(rest) {
				return 0, errUnit
			}
			return 0, fmt.Errorf("%q is no time", s)
		case "ns":
			unit = time.Nanosecond
		case "us":
			unit = time.Microsecond
		case "ms":
			unit = time.Millisecond
		case "s":
			unit = time.Second
		case "m":
			unit = time.Minute
		case "h":
			unit = time.Hour
		default:
			return 0, fmt.Errorf("%q is no unit of time: us, ms, s, m or h", rest[n:end])
		}
		if unit >= last {
			return 0, fmt.Errorf("%q is no time: its units must fall", s)
		}
		if whole > int64(maxDuration/unit) {
			return 0, fmt.Errorf("%q is too long a time: at most %s", s, formatDuration(maxDuration))
		}
		total += time.Duration(whole)*unit + time.Duration(frac)*unit/time.Duration(scale)
		if total > maxDuration {
			return 0, fmt.Errorf("%q is too long a time: at most %s", s, formatDuration(maxDuration))
		}
		last, rest = unit, rest[end:]
	}
	return total, nil
}

// formatDuration is the canonical text of a time: 500ms, 1.5s, 1m30s, 0s.
func formatDuration(d time.Duration) string {
	s := strings.Replace(d.String(), "µ", "u", 1)
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// parseCount reads a whole number without sign.
func parseCount(s string) (int64, error) {
	if s == "" {
		return 0, errors.New("a number is missing")
	}
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return 0, fmt.Errorf("%q is no whole number", s)
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > maxCount {
		return 0, fmt.Errorf("%s is too large a number: at most %d", s, int64(maxCount))
	}
	return n, nil
}

// parseBounded is parseCount for who has a bound of their own: a number that is
// larger than any of them is the largest there is.
func parseBounded(s string) (int64, error) {
	n, err := parseCount(s)
	if err != nil && s != "" && strings.Trim(s, "0123456789") == "" {
		return math.MaxInt64, nil
	}
	return n, err
}

// maxCount bounds every number of a scenario, so that sums of them never overflow.
const maxCount = 1e12

// percentUnit is one per cent: percentages are kept in millionths of a per
// cent, so that they compare the same on every machine.
const percentUnit = 1_000_000

// parsePercent reads 0% to 100% with at most six decimals.
func parsePercent(s string) (int64, error) {
	number, ok := strings.CutSuffix(s, "%")
	if !ok {
		return 0, fmt.Errorf("%q is no percentage", s)
	}
	whole, frac, dotted := strings.Cut(number, ".")
	n, err := parseCount(whole)
	if err != nil || dotted && frac == "" {
		return 0, fmt.Errorf("%q is no percentage", s)
	}
	if len(frac) > 6 {
		return 0, fmt.Errorf("%q has more than six decimals", s)
	}
	n = min(n, 101) * percentUnit
	unit := int64(percentUnit)
	for i := 0; i < len(frac); i++ {
		if !isDigit(frac[i]) {
			return 0, fmt.Errorf("%q is no percentage", s)
		}
		unit /= 10
		n += int64(frac[i]-'0') * unit
	}
	if n > 100*percentUnit {
		return 0, fmt.Errorf("%s is more than 100%%", s)
	}
	return n, nil
}

// formatPercent is the canonical text of a percentage: 10%, 99.95%.
func formatPercent(n int64) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	s := fmt.Sprintf("%s%d.%06d", sign, n/percentUnit, n%percentUnit)
	return strings.TrimRight(strings.TrimRight(s, "0"), ".") + "%"
}

var sizeUnits = []struct {
	name  string
	bytes int64
}{{"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// parseSize reads a number of bytes with its unit: 64MiB, 8KiB, 512B.
func parseSize(s string) (int64, error) {
	for _, u := range sizeUnits {
		if number, ok := strings.CutSuffix(s, u.name); ok && number != "" && strings.Trim(number, "0123456789") == "" {
			n, err := parseCount(number)
			if err != nil {
				return 0, err
			}
			if n > maxCount/u.bytes {
				return 0, fmt.Errorf("%s is too large a size", s)
			}
			return n * u.bytes, nil
		}
	}
	if _, err := parseCount(s); err == nil {
		return 0, fmt.Errorf("a size needs a unit: %sB, %sKiB or %sMiB", s, s, s)
	}
	return 0, fmt.Errorf("%q is no size: such as 512B, 64KiB or 1024MiB", s)
}

// formatSize is the canonical text of a size, in the largest unit that divides it.
func formatSize(n int64) string {
	for _, u := range sizeUnits {
		if n%u.bytes == 0 && (n != 0 || u.bytes == 1) {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return ""
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// isIdent reports a letter, or a digit or underscore.
func isIdent(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' }

// quote is text as a quoted string of the language. Inside one, \" is a quote
// and \\ a backslash; any other backslash stands for itself, so that regular
// expressions need no doubling.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			b.WriteString(`\"`)
		case s[i] == '\\' && (i+1 == len(s) || s[i+1] == '"' || s[i+1] == '\\'):
			b.WriteString(`\\`)
		default:
			b.WriteByte(s[i])
		}
	}
	b.WriteByte('"')
	return b.String()
}

// bare is text as an option's value: quoted only where it has to be.
func bare(s string) string {
	if s == "" || strings.ContainsAny(s, " \t\"#;|") {
		return quote(s)
	}
	return s
}
