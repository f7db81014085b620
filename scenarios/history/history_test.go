package history

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

const ms = time.Millisecond

// full has every field set.
func full() Record {
	return Record{
		Started: 1500 * time.Microsecond, Ended: 4 * ms,
		Step: 7, Label: "first", User: "alice", N: 3,
		Method: "POST", Path: "/set?name=cart&value=pen", On: "tomcat1",
		Status: 200, Node: "tomcat1",
		Attempts: []Attempt{{"tomcat2", "refused"}, {"tomcat1", "200"}},
		Sent:     "A1.tomcat2", Session: "A1.tomcat1", SetCookie: "A1.tomcat1", NewSession: true,
		Write: &Write{Name: "cart", Value: "pen", Number: 12, Op: Set},
		Want:  []Attr{{"cart", "pen", 12, 1}},
		Got:   []Attr{{"cart", "pen", 12, 1}, {"user", "al\"ice\n", 0, 2}},
		Err:   "cut body", Audit: true, Foreign: true,
	}
}

func TestLineOfJSONHasThePromisedNames(t *testing.T) {
	r := full()
	got := string(AppendRecord(nil, &r))
	want := `{"step":7,"at_ms":1.5,"took_ms":2.5,"user":"alice","request":"alice/3","label":"first",` +
		`"method":"POST","path":"/set?name=cart&value=pen","on":"tomcat1","status":200,"node":"tomcat1",` +
		`"attempts":[{"node":"tomcat2","outcome":"refused"},{"node":"tomcat1","outcome":"200"}],` +
		`"sent":"A1.tomcat2","foreign":true,"session":"A1.tomcat1","set_cookie":"A1.tomcat1","new_session":true,` +
		`"write":{"name":"cart","value":"pen","number":12,"op":"set"},"maybe":true,` +
		`"want":{"cart":{"value":"pen","write":12,"writes":1}},` +
		`"got":{"cart":{"value":"pen","write":12,"writes":1},"user":{"value":"al\"ice\n","write":0,"writes":2}},` +
		`"error":"cut body","audit":true}`
	if got != want {
		t.Errorf("AppendRecord =\n%s\nwant\n%s", got, want)
	}
	if !json.Valid([]byte(got)) {
		t.Errorf("AppendRecord gives no valid JSON: %s", got)
	}
	empty := string(AppendRecord(nil, &Record{}))
	wantEmpty := `{"step":0,"at_ms":0,"took_ms":0,"user":"","request":"/0","method":"","path":"","status":0,"node":"",` +
		`"attempts":[],"session":"","set_cookie":"","new_session":false,"want":null,"got":null,"error":"","audit":false}`
	if empty != wantEmpty {
		t.Errorf("AppendRecord of the zero record =\n%s\nwant\n%s", empty, wantEmpty)
	}
}

func TestHistoryComesBackFromItsLines(t *testing.T) {
	odd := full()
	odd.Started, odd.Ended = 1234567, 7654321 // nanoseconds that milliseconds cannot say
	odd.Got = []Attr{}                        // an answer that lists no attribute
	odd.Want, odd.Attempts, odd.Write = nil, nil, nil
	plain := full()
	h := &History{
		Requests: []*Record{&odd, &plain},
		Events: []Event{
			{At: 2 * ms, Step: 4, Kind: "kill", Node: "tomcat1", Text: "tomcat1 is killed"},
			{At: 3 * ms, Kind: "excluded", Node: "tomcat1", Text: "the proxy leaves tomcat1 out"},
		},
	}
	var file bytes.Buffer
	if err := EncodeEvents(&file, h); err != nil {
		t.Fatal(err)
	}
	if err := Encode(&file, h); err != nil {
		t.Fatal(err)
	}
	got, err := Decode(&file)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, h) {
		t.Errorf("Decode(Encode(h)) =\n%+v\nwant\n%+v", lines(got), lines(h))
	}
}

func lines(h *History) string {
	var b bytes.Buffer
	_ = Encode(&b, h)
	_ = EncodeEvents(&b, h)
	return b.String()
}

func TestDecodeNamesTheLineItCannotRead(t *testing.T) {
	for _, row := range []struct{ file, want string }{
		{"{}\n\nnonsense", "line 3: invalid character"},
		{`{"at_ms":1e300}`, "line 1: at_ms: 1e+300 is out of range"},
		{`{"at_ms":1,"took_ms":-2}`, "line 1: request ends before it starts"},
		{`{"user":"alice","request":"bob/1"}`, `line 1: request "bob/1" is not one of user "alice"`},
		{`{"user":"alice","request":"alice/x"}`, `line 1: request "alice/x": no number behind the user`},
		{`{"write":{"op":"spell"}}`, `line 1: write: unknown op "spell"`},
	} {
		_, err := Decode(strings.NewReader(row.file))
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("Decode(%q) error = %v, want one with %q", row.file, err, row.want)
		}
	}
}

func TestHistoryOrderDoesNotDependOnTheOrderOfRecording(t *testing.T) {
	add := func(c *Recorder, user string, n int, started, ended time.Duration) {
		c.Add(&Record{User: user, N: n, Started: started, Ended: ended, Got: []Attr{{Name: "b"}, {Name: "a"}}})
	}
	var one, other Recorder
	add(&one, "alice", 1, 0, 5)
	add(&one, "bob", 1, 0, 1)
	add(&one, "alice", 2, 5, 5)
	add(&one, "alice", 3, 5, 9)
	add(&other, "alice", 3, 5, 9)
	add(&other, "alice", 2, 5, 5)
	add(&other, "bob", 1, 0, 1)
	add(&other, "alice", 1, 0, 5)
	if got, want := lines(other.History()), lines(one.History()); got != want {
		t.Errorf("history of the other order =\n%s\nwant\n%s", got, want)
	}
	if got := one.History().Requests[0].Got[0].Name; got != "a" {
		t.Errorf("first attribute = %q, want a: attributes are sorted by name", got)
	}
}

func TestSnapshotStaysAsItWasWhileTheRunGoesOn(t *testing.T) {
	var c Recorder
	c.Add(&Record{User: "alice", N: 1})
	c.AddEvent(Event{Kind: "kill"})
	before := c.History()
	for n := range 3 * chunk {
		c.Add(&Record{User: "alice", N: n + 2, Started: 1})
		c.AddEvent(Event{Kind: "start"})
	}
	if len(before.Requests) != 1 || len(before.Events) != 1 {
		t.Errorf("snapshot has %d requests and %d events, want 1 and 1", len(before.Requests), len(before.Events))
	}
	if got := len(c.History().Requests); got != 3*chunk+1 {
		t.Errorf("history has %d requests, want %d", got, 3*chunk+1)
	}
	if got := c.Len(); got != 3*chunk+1 {
		t.Errorf("Len = %d, want %d", got, 3*chunk+1)
	}
}

func TestRecorderServesSeveralGoroutines(t *testing.T) {
	var c Recorder
	var wg sync.WaitGroup
	for _, user := range []string{"alice", "bob", "carol"} {
		wg.Go(func() {
			for n := range 500 {
				c.Add(&Record{User: user, N: n + 1, Path: "/session"})
				c.AddEvent(Event{Kind: "kill"})
				if n%100 == 0 {
					c.History()
				}
			}
		})
	}
	wg.Wait()
	if h := c.History(); len(h.Requests) != 1500 || len(h.Events) != 1500 {
		t.Errorf("%d requests and %d events, want 1500 and 1500", len(h.Requests), len(h.Events))
	}
}

func TestAnswersAreToldApartByStatusAndError(t *testing.T) {
	write := &Write{Name: "cart", Number: 1, Op: Set}
	for _, row := range []struct {
		r                          Record
		answered, acked, failed, m bool
	}{
		{Record{Status: 200, Write: write}, true, true, false, false},
		{Record{Status: 200, Err: "cut", Write: write}, false, false, true, true},
		{Record{Status: 302, Write: write}, true, false, false, true},
		{Record{Status: 404}, true, false, false, false},
		{Record{Status: 502, Write: write}, true, false, true, true},
		{Record{Err: "timeout", Write: write}, false, false, true, true},
		{Record{Err: "timeout", Path: "/app/logout?x=1"}, false, false, true, true},
		{Record{Err: "timeout", Path: "/logout/x"}, false, false, true, false},
	} {
		r := row.r
		if r.Answered() != row.answered || r.Acknowledged() != row.acked || r.Failed() != row.failed || r.Maybe() != row.m {
			t.Errorf("status %d error %q: answered %v acknowledged %v failed %v maybe %v, want %v %v %v %v", r.Status, r.Err,
				r.Answered(), r.Acknowledged(), r.Failed(), r.Maybe(), row.answered, row.acked, row.failed, row.m)
		}
	}
}

func TestMillisHaveAtMostThreeDecimals(t *testing.T) {
	for _, row := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0"}, {999, "0"}, {ms, "1"}, {1500 * time.Microsecond, "1.5"}, {1050 * time.Microsecond, "1.05"},
		{1001 * time.Microsecond, "1.001"}, {-1250 * time.Microsecond, "-1.25"}, {time.Hour, "3600000"},
	} {
		if got := string(AppendMillis(nil, row.d)); got != row.want {
			t.Errorf("AppendMillis(%d ns) = %s, want %s", row.d, got, row.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	r := full()
	f.Add(AppendRecord(nil, &r))
	f.Add(AppendEvent(nil, Event{At: ms, Kind: "kill", Node: "a", Text: "a is killed"}))
	f.Add([]byte("{\"got\":{\"a\":{}},\"want\":null}\n\n{\"started\":-1,\"ended\":5}"))
	f.Fuzz(func(t *testing.T, file []byte) {
		h, err := Decode(bytes.NewReader(file))
		if err != nil {
			return
		}
		text := lines(h)
		again, err := Decode(strings.NewReader(text))
		if err != nil {
			t.Fatalf("Decode of what Encode wrote: %v\n%s", err, text)
		}
		if got := lines(again); got != text {
			t.Errorf("second round =\n%s\nwant\n%s", got, text)
		}
	})
}

func FuzzAppendString(f *testing.F) {
	f.Add("plain \"quoted\" \\ \x00 \u2028 \xff")
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(AppendString(nil, s), &got); err != nil {
			t.Fatalf("AppendString(%q): %v", s, err)
		}
		if utf8.ValidString(s) && got != s {
			t.Errorf("AppendString(%q) reads back as %q", s, got)
		}
	})
}

func BenchmarkAppendRecord(b *testing.B) {
	r := full()
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		line = AppendRecord(line[:0], &r)
	}
}
