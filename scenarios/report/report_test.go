package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"sessionlab/scenarios/continuity"
	"sessionlab/scenarios/history"
)

var update = flag.Bool("update", false, "rewrite the expected files in testdata")

const ms = time.Millisecond

// sample is a run of some users over two nodes. tomcat1 is killed after 2 s;
// with copies the other node has the sessions and takes over, without it has
// none. stale is how often a copy is one write behind.
func sample(users int, copies bool, stale int) *history.History {
	var c history.Recorder
	c.AddEvent(history.Event{At: 2000 * ms, Step: 8, Kind: "kill", Node: "tomcat1", Text: "tomcat1 is killed"})
	c.AddEvent(history.Event{At: 2003 * ms, Kind: "excluded", Node: "tomcat1", Text: "the proxy leaves tomcat1 out for 10 s: connection refused"})
	c.AddEvent(history.Event{At: 6000 * ms, Step: 9, Kind: "start", Node: "tomcat1", Text: "tomcat1 is started"})
	c.AddEvent(history.Event{At: 6810 * ms, Kind: "up", Node: "tomcat1", Text: "tomcat1 is up"})
	number := int64(0)
	for u := range users {
		user := fmt.Sprintf("user%d", u+1)
		home := []string{"tomcat1", "tomcat2"}[u%2]
		id, count, last := "", int64(0), int64(0)
		for n := range 20 {
			at := time.Duration(n*400+u*13) * ms
			r := history.Record{User: user, N: n + 1, Method: "POST", Path: "/counter", Sent: id, Status: 200, Node: home,
				Started: at, Ended: at + time.Duration(3+u%4)*ms, Attempts: []history.Attempt{{Node: home, Outcome: "200"}}}
			if at >= 2000*ms && home == "tomcat1" {
				r.Attempts = []history.Attempt{{Node: "tomcat1", Outcome: "refused"}, {Node: "tomcat2", Outcome: "200"}}
				r.Ended += 2 * ms
				home, r.Node = "tomcat2", "tomcat2"
				if !copies {
					id, count = "", 0
				}
			}
			if id == "" {
				id = fmt.Sprintf("%04X%04X.%s", 0xA100+u, n, home)
				r.NewSession, r.SetCookie = true, id
			}
			number++
			count++
			last = number
			r.Notes = []history.Note{{Node: home, Session: id, Write: &history.Write{Name: "count", Number: number, Op: history.Add, Writes: count}}}
			r.Session = id
			r.Got = []history.Attr{{Name: "count", Value: fmt.Sprint(count), Write: last, Writes: count}}
			c.Add(&r)
			if stale > 0 && n%stale == 1 {
				read := history.Record{User: user, N: 100 + n, Method: "GET", Path: "/session", Sent: id, Session: id, Status: 200, Node: "tomcat2",
					Started: r.Ended, Ended: r.Ended + 2*ms, Got: []history.Attr{{Name: "count", Value: fmt.Sprint(count - 1), Write: last - 1, Writes: count - 1}}}
				c.Add(&read)
			}
		}
	}
	return c.History()
}

func outcome(h *history.History) *Outcome {
	o := Measured(h, continuity.Check(h, continuity.Options{}))
	o.Replication = Replication{Messages: 412, Bytes: 118_224, Lag: Lag{Millis(900 * time.Microsecond), Millis(4 * ms), Millis(12 * ms)}}
	o.TraceHash = "9f86d081884c7d65"
	return o
}

func failover(verdict Verdict, o *Outcome) *Report {
	return &Report{Schema: Schema, Scenario: "failover", Title: "one of two nodes is killed, sessions are replicated", World: "sim", Seed: 42,
		Verdict: verdict, Outcome: o, Command: "sessionlab run failover --seed 42"}
}

func reports() map[string]*Report {
	list := map[string]*Report{}

	pass := outcome(sample(20, true, 0))
	pass.Expectations = []Expectation{
		{"moved > 0 and requests.failed == 0 and sessions.lost == 0", Holds, "10, 0, 0", 12},
		{"recovery < 500ms", Holds, "8ms", 13},
	}
	list["pass"] = failover(Pass, pass)

	fail := outcome(sample(20, false, 7))
	fail.Expectations = []Expectation{
		{"sessions.lost == 0", False, "sessions.lost is 10", 12},
		{"recovery < 500ms", Holds, "8ms", 13},
		{"guarantees.read_your_writes == 0 and guarantees.monotonic_reads == 0 and requests.duplicated == 0", False,
			"guarantees.read_your_writes is 70, guarantees.monotonic_reads is 70, requests.duplicated is 0", 14},
	}
	list["fail"] = failover(Fail, fail)

	inconclusive := outcome(sample(2, true, 0))
	inconclusive.Expectations = []Expectation{{"guarantees.monotonic_writes == 0", NoData, "no data", 12}}
	inconclusive.Reasons = []string{
		`the rule "hold DELTA from tomcat1 to tomcat2" (line 9) touched no message`,
		"tomcat2 was paused (line 10) and no attempt, message or session touched it afterwards",
	}
	list["inconclusive"] = failover(Inconclusive, inconclusive)

	void := outcome(sample(2, true, 0))
	void.Expectations = []Expectation{{"requests.failed == 0", Holds, "requests.failed is 0", 12}, {"sessions.lost == 0", False, "sessions.lost is 1", 13}}
	void.Void = []string{"nginx.conf:7:9: limit_req was skipped, and 10 requests passed it"}
	list["void"] = failover(Inconclusive, void)

	list["none"] = failover(None, outcome(sample(2, true, 0)))

	nothing := Measured(&history.History{}, continuity.Check(&history.History{}, continuity.Options{}))
	nothing.Reasons = []string{"interrupted after 0 ms of lab time"}
	list["interrupted"] = &Report{Schema: Schema, Scenario: "empty.scenario", World: "loopback", Seed: 1, Verdict: Interrupted, Outcome: nothing}

	sweep := &Report{Schema: Schema, Scenario: "rolling-restart", Title: "how long to wait between two nodes?", World: "sim", Seed: 7,
		Verdict: Fail, Command: "sessionlab run rolling-restart --seed 7"}
	for i, gap := range []string{"0s", "4s", "8s"} {
		cell := Cell{Settings: Settings{{"gap", gap}, {"mode", "async & fast"}}, Verdict: Pass, Outcome: outcome(sample(30, i > 0, 0))}
		cell.Expectations = []Expectation{{"sessions.lost == 0 and requests.failed == 0", Holds, "0, 0", 11}}
		if i == 0 {
			cell.Verdict = Fail
			cell.Expectations[0].Holds, cell.Expectations[0].Actual = False, "sessions.lost is 15, requests.failed is 0"
		}
		sweep.Cells = append(sweep.Cells, cell)
	}
	sweep.Cells = append(sweep.Cells, Cell{Settings: Settings{{"gap", "12s"}, {"mode", "async & fast"}}, Verdict: Interrupted})
	list["cells"] = sweep
	return list
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (rewrite with -update and read the diff):\n%s\nwant\n%s", file, got, want)
	}
}

func TestTextIsAsExpected(t *testing.T) {
	for name, r := range reports() {
		var text bytes.Buffer
		if err := r.WriteText(&text, Options{}); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".txt", text.Bytes())
	}
	var narrow bytes.Buffer
	if err := reports()["fail"].WriteText(&narrow, Options{Width: 56}); err != nil {
		t.Fatal(err)
	}
	golden(t, "fail-56.txt", narrow.Bytes())
}

func TestJSONIsAsExpectedAndReadsBack(t *testing.T) {
	for name, r := range reports() {
		if name == "fail" {
			r.Anomalies, r.Timeline = r.Anomalies[:2], r.Timeline[:2] // the file is to be read
		}
		var file bytes.Buffer
		if err := r.WriteJSON(&file); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".json", file.Bytes())
		var back Report
		if err := json.Unmarshal(file.Bytes(), &back); err != nil {
			t.Fatal(err)
		}
		var again bytes.Buffer
		if err := back.WriteJSON(&again); err != nil {
			t.Fatal(err)
		}
		if again.String() != file.String() {
			t.Errorf("%s: read back and written again:\n%s\nwant\n%s", name, again.String(), file.String())
		}
	}
}

func TestSeveralReportsAreAnArray(t *testing.T) {
	var none, two bytes.Buffer
	if err := WriteAllJSON(&none, nil); err != nil {
		t.Fatal(err)
	}
	if got := none.String(); got != "[]\n" {
		t.Errorf("no reports = %q, want an empty array", got)
	}
	list := reports()
	if err := WriteAllJSON(&two, []*Report{list["pass"], list["fail"]}); err != nil {
		t.Fatal(err)
	}
	var back []Report
	if err := json.Unmarshal(two.Bytes(), &back); err != nil || len(back) != 2 || back[1].Verdict != Fail {
		t.Errorf("read back %d reports, %v", len(back), err)
	}
}

func TestNoLineIsWiderThanAsked(t *testing.T) {
	for name, r := range reports() {
		for _, width := range []int{0, 40, 56, 80, 120} {
			for _, color := range []bool{false, true} {
				var text bytes.Buffer
				if err := r.WriteText(&text, Options{Width: width, Color: color}); err != nil {
					t.Fatal(err)
				}
				limit := width
				if width == 0 {
					limit = 80
				}
				for line := range strings.Lines(text.String()) {
					if n := columns(strings.TrimSuffix(line, "\n")); n > limit && len(strings.Fields(line)) > 3 && !strings.HasPrefix(line, "  sessionlab ") {
						t.Errorf("%s at width %d: line of %d columns: %s", name, width, n, line)
					}
				}
			}
		}
	}
}

func TestColourOnlyAddsToTheWords(t *testing.T) {
	for name, r := range reports() {
		var plain, coloured bytes.Buffer
		if err := r.WriteText(&plain, Options{}); err != nil {
			t.Fatal(err)
		}
		if err := r.WriteText(&coloured, Options{Color: true}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(plain.String(), "\x1b") || !strings.Contains(coloured.String(), "\x1b[") {
			t.Errorf("%s: escapes without colour, or none with it", name)
		}
		var stripped strings.Builder
		for rest := coloured.String(); rest != ""; {
			before, after, found := strings.Cut(rest, "\x1b[")
			stripped.WriteString(before)
			if rest = ""; found {
				_, rest, _ = strings.Cut(after, "m")
			}
		}
		if stripped.String() != plain.String() {
			t.Errorf("%s: coloured text without its colours =\n%s\nwant\n%s", name, stripped.String(), plain.String())
		}
		if want := strings.ToUpper(string(r.Verdict)); !strings.HasPrefix(plain.String(), want+"  ") {
			t.Errorf("%s: text begins with %.20q, want %s spelt out", name, plain.String(), want)
		}
	}
}

func TestLengthsOfTimeReadWell(t *testing.T) {
	for _, row := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0 ms"}, {850 * time.Microsecond, "850 us"}, {ms, "1 ms"}, {4123 * time.Microsecond, "4.12 ms"}, {10 * ms, "10 ms"},
		{999 * ms, "999 ms"}, {3015 * ms, "3.01 s"}, {20 * time.Second, "20 s"}, {119 * time.Second, "119 s"}, {125 * time.Second, "2 min 5 s"},
	} {
		if got := human(row.d); got != row.want {
			t.Errorf("human(%v) = %q, want %q", row.d, got, row.want)
		}
	}
}

func TestAvailabilityIsNeverRoundedUpToWhole(t *testing.T) {
	r := continuity.Result{HasLoad: true, Requests: continuity.Requests{Total: 2_500_000, OK: 2_499_999}}
	o := Measured(&history.History{}, &r)
	if *o.Availability != 99.999 {
		t.Errorf("availability = %v, want 99.999", *o.Availability)
	}
}

func TestTallyCountsOnAndComesToAnEnd(t *testing.T) {
	counts := map[string]int{"tomcat10": 3, "tomcat2": 5, "tomcat1": 4}
	if got, want := tally(counts), "tomcat1 4, tomcat2 5, tomcat10 3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for i := range 100 {
		counts[fmt.Sprintf("b%d", i)] = 1
	}
	got := tally(counts)
	if !strings.HasPrefix(got, "b0 1, b1 1, b2 1, ") || !strings.HasSuffix(got, ", b15 1, 87 others 96") {
		t.Errorf("got %q, want 16 names and 87 others", got)
	}
}

func TestWithoutAnAnswerThereIsNoLatency(t *testing.T) {
	r := reports()["pass"]
	r.Outcome.Latency = Latency{}
	var b bytes.Buffer
	if err := r.WriteText(&b, Options{}); err != nil {
		t.Fatal(err)
	}
	if want := "latency none no request was answered"; !strings.Contains(strings.Join(strings.Fields(b.String()), " "), want) {
		t.Errorf("got\n%s\nwant %q in it", b.String(), want)
	}
}

func TestTheNumbersStandInColumnsHoweverLargeTheyAre(t *testing.T) {
	r := reports()["pass"]
	r.Outcome.Requests.Total, r.Outcome.Requests.Failed = 10_000_000, 9_000_000
	r.Outcome.Sessions.Kept = 4
	var b bytes.Buffer
	if err := r.WriteText(&b, Options{Width: 100}); err != nil {
		t.Fatal(err)
	}
	at := map[int]bool{}
	for line := range strings.Lines(b.String()) {
		for _, remark := range []string{"availability", "p50 "} {
			if i := strings.Index(line, "  "+remark); i > 0 && !strings.Contains(line, "replication") {
				at[i] = true
			}
		}
	}
	if len(at) != 1 {
		t.Errorf("the remarks begin at columns %v, want one:\n%s", at, b.String())
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestWriteErrorsAreReported(t *testing.T) {
	r := reports()["fail"]
	if err := r.WriteText(brokenPipe{}, Options{}); err == nil {
		t.Error("WriteText to a closed file reports no error")
	}
	if err := r.WriteJSON(brokenPipe{}); err == nil {
		t.Error("WriteJSON to a closed file reports no error")
	}
}

func FuzzReportFromJSON(f *testing.F) {
	f.Add([]byte(`{"verdict":"pass","cells":[{"settings":{"gap":"4s"},"expectations":[{"holds":null}]}]}`))
	f.Add([]byte(`{"expectations":[{"holds":true}],"recovery_ms":1.5,"timeline":[{"at_ms":-3}]}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		var r Report
		if json.Unmarshal(file, &r) != nil {
			return
		}
		var one, other bytes.Buffer
		if err := r.WriteJSON(&one); err != nil {
			t.Fatal(err)
		}
		var back Report
		if err := json.Unmarshal(one.Bytes(), &back); err != nil {
			t.Fatalf("read back: %v\n%s", err, one.String())
		}
		if err := back.WriteJSON(&other); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(one.Bytes(), other.Bytes()) {
			t.Errorf("second round =\n%s\nwant\n%s", other.String(), one.String())
		}
		if err := r.WriteText(&other, Options{}); err != nil {
			t.Fatal(err)
		}
	})
}
