package script

import (
	"testing"
	"time"
)

// measured is what a run came to, in the tests below. Figures that are not here
// have no data.
var measured = map[string]Value{
	"requests.total":          CountOf(40),
	"requests.failed":         CountOf(3),
	"requests.by_node(a)":     CountOf(25),
	"requests.by_status(502)": CountOf(3),
	"sessions.lost":           CountOf(3),
	"availability":            PercentOf(37, 40),
	"longest_outage":          DurationOf(1500 * time.Millisecond),
	"latency.p50":             DurationOf(2 * time.Millisecond),
	"latency.p99":             DurationOf(800 * time.Millisecond),
	"alice.nodes":             TextOf("a b a"),
	"alice.last.new":          BoolOf(false),
	"alice.last.status":       CountOf(200),
	"alice.last.cart":         AttributeOf("book"),
	"alice.last.count":        AttributeOf("12"),
	"alice.last.test.org":     AttributeOf("012"),
	"alice.last.gone":         NoAttribute(),
	"moved":                   CountOf(4),
}

func lookup(f Figure) (Value, bool) {
	v, ok := measured[f.String()]
	return v, ok
}

// judge reads a condition as an expectation after the end and judges it.
func judge(t *testing.T, cond string) (Condition, Result) {
	t.Helper()
	s := mustParse(t, "nodes a b\nuser alice\nremember moved = sessions.on(a)\nend 2s\nexpect "+cond+"\n")
	c := s.Final[0].Act.(Expect).Cond
	return c, c.Eval(lookup)
}

func TestConditionsAreJudged(t *testing.T) {
	for _, c := range []struct {
		cond   string
		want   Outcome
		actual string
	}{
		{"sessions.lost == 0", Fails, "sessions.lost = 3"},
		{"sessions.lost == 3", Holds, "sessions.lost = 3"},
		{"sessions.lost != 3", Fails, "sessions.lost = 3"},
		{"sessions.lost <= 3", Holds, "sessions.lost = 3"},
		{"sessions.lost < 3", Fails, "sessions.lost = 3"},
		{"sessions.lost >= 4", Fails, "sessions.lost = 3"},
		{"2 < sessions.lost", Holds, "sessions.lost = 3"},
		{"requests.total - requests.failed > 36", Holds, "requests.total = 40, requests.failed = 3"},
		{"requests.failed - requests.total < 0", Holds, "requests.failed = 3, requests.total = 40"},
		{"requests.by_node(a) + requests.by_node( a ) == 50", Holds, "requests.by_node(a) = 25"},
		{"requests.by_status(502) == requests.failed", Holds, "requests.by_status(502) = 3, requests.failed = 3"},
		{"availability >= 92.5%", Holds, "availability = 92.5%"},
		{"availability > 92.5%", Fails, "availability = 92.5%"},
		{"longest_outage < 1.5s", Fails, "longest_outage = 1.5s"},
		{"latency.p99 - latency.p50 < 1s", Holds, "latency.p99 = 800ms, latency.p50 = 2ms"},
		{`alice.nodes == "a b a"`, Holds, `alice.nodes = "a b a"`},
		{`alice.nodes != "a b a"`, Fails, `alice.nodes = "a b a"`},
		{"alice.last.new == false", Holds, "alice.last.new = false"},
		{"alice.last.status == 200", Holds, "alice.last.status = 200"},
		{"moved > 3", Holds, "moved = 4"},

		// attributes
		{`alice.last.cart == "book"`, Holds, `alice.last.cart = "book"`},
		{"alice.last.count == 12", Holds, `alice.last.count = "12"`},
		{`alice.last.count == "12"`, Holds, `alice.last.count = "12"`},
		{"alice.last.count + 1 > 12", Holds, `alice.last.count = "12"`},
		{"alice.last.count == alice.last.test.org", Holds, `alice.last.count = "12", alice.last.test.org = "012"`},
		{"alice.last.cart == 12", Fails, `alice.last.cart = "book"`},
		{"alice.last.cart != 12", Holds, `alice.last.cart = "book"`},
		{"alice.last.cart + 1 < 12", Fails, `alice.last.cart = "book"`},
		{`alice.last.gone == "book"`, Fails, "alice.last.gone = absent"},
		{`alice.last.gone != "book"`, Holds, "alice.last.gone = absent"},
		{"alice.last.gone < 1", Fails, "alice.last.gone = absent"},
		{"alice.last.cart != alice.last.count", Holds, `alice.last.cart = "book", alice.last.count = "12"`},

		// no data
		{"recovery < 500ms", NoData, "recovery: no data"},
		{"recovery < 500ms and sessions.lost == 3", NoData, "recovery: no data, sessions.lost = 3"},
		{"recovery < 500ms and sessions.lost == 0", Fails, "recovery: no data, sessions.lost = 3"},
		{"sessions.lost == 0 and recovery < 500ms", Fails, "sessions.lost = 3, recovery: no data"},
	} {
		if _, got := judge(t, c.cond); got.Outcome != c.want || got.Actual != c.actual {
			t.Errorf("%s\n got %v: %s\nwant %v: %s", c.cond, got.Outcome, got.Actual, c.want, c.actual)
		}
	}
}

func TestConditionsPrintInOneForm(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"sessions.lost==0", "sessions.lost == 0"},
		{"longest_outage<90s and  longest_outage-0.5s>1000us", "longest_outage < 1m30s and longest_outage - 500ms > 1ms"},
		{"availability>=99.50%", "availability >= 99.5%"},
		{`alice.nodes=="a \"b\" \\"`, `alice.nodes == "a \"b\" \\"`},
		{`alice.nodes=="a\d"`, `alice.nodes == "a\d"`},
	} {
		got, _ := judge(t, c.in)
		if got.String() != c.want {
			t.Errorf("%q prints as %q, want %q", c.in, got, c.want)
		}
	}
}

func TestSumsAreEvaluatedWithTheirType(t *testing.T) {
	for _, c := range []struct {
		sum  string
		want Value
		ok   bool
	}{
		{"requests.total - 4 + 1", CountOf(37), true},
		{"alice.last.cart", AttributeOf("book"), true},
		{"alice.last.count + 1", CountOf(13), true},
		{"alice.requests", Value{}, false},
	} {
		s := mustParse(t, "nodes a b\nuser alice\nremember n = "+c.sum+"\nend 2s\n")
		sum := s.Script[0].Act.(Remember).Sum
		got, ok := sum.Eval(lookup)
		if got != c.want || ok != c.ok {
			t.Errorf("%s = %v, %v; want %v, %v", c.sum, got, ok, c.want, c.ok)
		}
		if ok && got.Type != sum.Type() {
			t.Errorf("%s is %v, but its type says %v", c.sum, got.Type, sum.Type())
		}
	}
}

func TestFiguresTellWhatIsAskedFor(t *testing.T) {
	for _, c := range []struct {
		cond string
		want Figure
	}{
		{"sessions.lost == 0", Figure{Name: "sessions.lost", Type: Count}},
		{"sessions.on(b) == 0", Figure{Name: "sessions.on", Arg: "b", Type: Count}},
		{"alice.failed == 0", Figure{Name: "USER.failed", User: "alice", Type: Count}},
		{"alice.last.status == 0", Figure{Name: "USER.last.status", User: "alice", Type: Count}},
		{"alice.last.cart == 0", Figure{Name: "USER.last.ATTRIBUTE", User: "alice", Arg: "cart", Type: Attribute}},
		{"moved == 0", Figure{Name: "moved", Remembered: true, Type: Count}},
	} {
		got, _ := judge(t, c.cond)
		if f := got.Figures(); len(f) != 1 || f[0] != c.want {
			t.Errorf("%s asks for %+v, want %+v", c.cond, f, c.want)
		}
	}
}

func TestTimesReadAndPrint(t *testing.T) {
	for _, c := range []struct {
		in   string
		want time.Duration
		text string
	}{
		{"0s", 0, "0s"},
		{"500ms", 500 * time.Millisecond, "500ms"},
		{"1500ms", 1500 * time.Millisecond, "1.5s"},
		{"1.25s", 1250 * time.Millisecond, "1.25s"},
		{"90s", 90 * time.Second, "1m30s"},
		{"1m30s", 90 * time.Second, "1m30s"},
		{"60m", time.Hour, "1h"},
		{"10m", 10 * time.Minute, "10m"},
		{"1h0.5s", time.Hour + 500*time.Millisecond, "1h0m0.5s"},
		{"250us", 250 * time.Microsecond, "250us"},
		{"0.5us", 500 * time.Nanosecond, "500ns"},
		{"8760h", maxDuration, "8760h"},
	} {
		got, err := parseDuration(c.in)
		if err != nil || got != c.want || formatDuration(got) != c.text {
			t.Errorf("parseDuration(%q) = %v (%s), %v; want %v (%s)", c.in, got, formatDuration(got), err, c.want, c.text)
		}
	}
	for _, in := range []string{"", "s", "5", "-5s", "5 s", "1s1m", "1s1s", "1.s", ".5s", "5x", "1m30", "8761h", "99999999999999999999h", "1e3s"} {
		if got, err := parseDuration(in); err == nil {
			t.Errorf("parseDuration(%q) = %v, want an error", in, got)
		}
	}
}

func TestPercentagesReadAndPrint(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"0%", "0%"}, {"10%", "10%"}, {"99.950%", "99.95%"}, {"100%", "100%"}, {"0.000001%", "0.000001%"},
	} {
		n, err := parsePercent(c.in)
		if got := formatPercent(n); err != nil || got != c.want {
			t.Errorf("parsePercent(%q) = %s, %v; want %s", c.in, got, err, c.want)
		}
	}
	for _, in := range []string{"", "%", "10", "-1%", "100.1%", "1.%", "1.x%", "1.0000001%", "101%"} {
		if n, err := parsePercent(in); err == nil {
			t.Errorf("parsePercent(%q) = %s, want an error", in, formatPercent(n))
		}
	}
}
