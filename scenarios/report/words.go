package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// instant writes a time of the lab in seconds: "2.000s".
func instant(m Millis) string { return Instant(time.Duration(m)) }

// Instant writes a time of the lab in seconds, cut to milliseconds: "2.000s".
func Instant(d time.Duration) string {
	ms := d.Milliseconds()
	sign := ""
	if ms < 0 {
		sign, ms = "-", -ms
	}
	return fmt.Sprintf("%s%d.%03ds", sign, ms/1000, ms%1000)
}

// human writes a length of time with three digits at most, in the unit that
// reads best: "850 us", "4.1 ms", "3.02 s".
func human(d time.Duration) string {
	switch {
	case d <= 0:
		return "0 ms"
	case d < time.Millisecond:
		return fmt.Sprintf("%d us", d.Microseconds())
	case d < time.Second:
		return digits(d, time.Millisecond) + " ms"
	case d < 2*time.Minute:
		return digits(d, time.Second) + " s"
	}
	if d < 2*time.Hour {
		return fmt.Sprintf("%d min %d s", int(d/time.Minute), int(d%time.Minute/time.Second))
	}
	return fmt.Sprintf("%d h %d min", int(d/time.Hour), int(d%time.Hour/time.Minute))
}

// digits writes d in a unit, cut to three digits, without zeros at the end.
func digits(d, unit time.Duration) string {
	whole := int64(d / unit)
	decimals := max(0, 3-len(strconv.FormatInt(whole, 10)))
	if decimals == 0 {
		return strconv.FormatInt(whole, 10)
	}
	s := fmt.Sprintf("%d.%03d", whole, int64(d%unit*1000/unit))
	s = s[:len(s)-3+decimals]
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// percent writes a share with up to three decimals: "99.985 %".
func percent(p float64) string { return strconv.FormatFloat(p, 'f', -1, 64) + " %" }

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// bytesIn writes a size: "512 bytes", "3.4 kB".
func bytesIn(n int64) string {
	switch {
	case n < 1000:
		return plural(int(n), "byte")
	case n < 1000*1000:
		return fmt.Sprintf("%d.%d kB", n/1000, n%1000/100)
	}
	return fmt.Sprintf("%d.%d MB", n/1000000, n%1000000/100000)
}

// mostNames is how many names a tally lists.
const mostNames = 16

// tally lists counts by name: "tomcat1 120, tomcat2 80".
func tally(counts map[string]int) string {
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name) // sorted below
	}
	slices.SortFunc(names, byNumber)
	rest := 0
	for i, name := range names {
		if i >= mostNames {
			rest += counts[name]
		}
		names[i] = name + " " + strconv.Itoa(counts[name])
	}
	if more := len(names) - mostNames; more > 1 {
		names = append(names[:mostNames], fmt.Sprintf("%d others %d", more, rest))
	}
	return strings.Join(names, ", ")
}

// byNumber orders names, those that differ in a number at their end by that:
// tomcat2 comes before tomcat10.
func byNumber(a, b string) int {
	stem := func(s string) string { return strings.TrimRight(s, "0123456789") }
	return cmp.Or(strings.Compare(stem(a), stem(b)), cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}
