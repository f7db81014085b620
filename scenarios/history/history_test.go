package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
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
		Attempts: []Attempt{{"tomcat2", "refused", false}, {"tomcat1", "200", true}},
		Sent:     "A1.tomcat2", Session: "A1.tomcat1", SetCookie: "A1.tomcat1", NewSession: true,
		SetCookies: []string{"srv_id=9; path=/", "JSESSIONID=A1.tomcat1"},
		Received:   []Received{{"tomcat1", "POST /set HTTP/1.0", []string{"Host: tomcats", "X: \t"}}},
		Notes: []Note{
			{Node: "tomcat2", Refused: "an underscore", Status: 400, Got: []Attr{}},
			{Node: "tomcat1", Path: "/set", Requested: "A1.tomcat2", Asked: true, Session: "A1.tomcat1", New: true, Login: true, Was: "A1.tomcat2", Logout: true,
				Write: &Write{Name: "cart", Value: "pen", Number: 12, Op: Set, Writes: 1}, Got: []Attr{{"cart", "pen", 12, 1}}},
			{Node: "tomcat1", Path: "/logout", Asked: true, Got: []Attr{}},
		},
		Want: []Attr{{"cart", "pen", 12, 1}},
		Got:  []Attr{{"cart", "pen", 12, 1}, {"user", "al\"ice\n", 0, 2}},
		Err:  "cut body", Audit: true, Foreign: true, Withheld: true,
	}
}

func TestLineOfJSONHasThePromisedNames(t *testing.T) {
	r := full()
	got := string(AppendRecord(nil, &r))
	want := `{"step":7,"at_ms":1.5,"took_ms":2.5,"user":"alice","request":"alice/3","label":"first",` +
		`"method":"POST","path":"/set?name=cart&value=pen","on":"tomcat1","status":200,"node":"tomcat1",` +
		`"attempts":[{"node":"tomcat2","outcome":"refused"},{"node":"tomcat1","outcome":"200","unnamed":true}],` +
		`"sent":"A1.tomcat2","foreign":true,"session":"A1.tomcat1","set_cookie":"A1.tomcat1",` +
		`"set_cookies":["srv_id=9; path=/","JSESSIONID=A1.tomcat1"],` +
		`"received":[{"node":"tomcat1","line":"POST /set HTTP/1.0","header":["Host: tomcats","X: \t"]}],"new_session":true,"withheld":true,` +
		`"write":{"name":"cart","value":"pen","number":12,"op":"set","writes":1},` +
		`"notes":[{"node":"tomcat2","got":{},"refused":"an underscore","status":400},` +
		`{"node":"tomcat1","path":"/set","requested":"A1.tomcat2","session":"A1.tomcat1","new":true,"login":true,"was":"A1.tomcat2","logout":true,` +
		`"write":{"name":"cart","value":"pen","number":12,"op":"set","writes":1},"got":{"cart":{"value":"pen","write":12,"writes":1}}},` +
		`{"node":"tomcat1","path":"/logout","session":null,"got":{}}],"maybe":true,` +
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

func TestEveryFieldComesBackFromItsLine(t *testing.T) {
	for name, change := range map[string]func(*Record){
		"as it is":    func(*Record) {},
		"nanoseconds": func(r *Record) { r.Started, r.Ended = 1234567, 7654321 },
		"at the end":  func(r *Record) { r.Ended++ },
		"no attribute in the answer": func(r *Record) {
			r.Got = []Attr{}
			r.Want, r.Attempts, r.Notes = nil, nil, nil
		},
		"attributes of the node's note as in the answer": func(r *Record) {
			r.Notes = []Note{{Node: "tomcat1", Got: r.Got}}
		},
	} {
		r := full()
		change(&r)
		got, err := decode(AppendRecord(nil, &r))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(got, r) {
			t.Errorf("%s: read back\n%+v\nwant\n%+v", name, got, r)
		}
	}
}

func TestMarkStandsFirstOnEveryLine(t *testing.T) {
	h := &History{Requests: []*Record{{User: "alice", N: 1}, {User: "bob", N: 1}}}
	for mark, want := range map[string]string{"": `{"step":0,`, `"scenario":"kill"`: `{"scenario":"kill","step":0,`} {
		var b bytes.Buffer
		if err := EncodeRun(&b, h, mark); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(b.String(), "\n")
		if len(lines) != 3 || !strings.HasPrefix(lines[0], want) || !strings.HasPrefix(lines[1], want) || lines[2] != "" {
			t.Errorf("EncodeRun with mark %q = %q, want two lines that begin with %s", mark, lines, want)
		}
	}
}

// fullDisk is a writer that takes no more.
type fullDisk struct{ error }

func (d fullDisk) Write([]byte) (int, error) { return 0, d.error }

func TestEncodeRunTellsWhatItCouldNotWrite(t *testing.T) {
	disk := fullDisk{errors.New("no space left")}
	for _, n := range []int{1, 1000} { // at the end, and in the middle
		h := &History{}
		for range n {
			h.Requests = append(h.Requests, &Record{User: "alice"})
		}
		if err := EncodeRun(disk, h, ""); !errors.Is(err, disk.error) {
			t.Errorf("EncodeRun of %d requests = %v, want %v", n, err, disk.error)
		}
	}
}

// lines are the requests of a history as a file.
func lines(h *History) string {
	var b bytes.Buffer
	_ = EncodeRun(&b, h, "") // a bytes.Buffer takes everything
	return b.String()
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
	add(&one, "carol", 1, 0, 1)
	add(&other, "carol", 1, 0, 1)
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
}

func TestEventsOfAnInstantStandAsTheyCame(t *testing.T) {
	var c Recorder
	c.AddEvent(Event{At: 2, Text: "kill"})
	n := c.AddEvent(Event{At: 2, Text: "cannot send"})
	c.AddEvent(Event{At: 2, Text: "drops"})
	c.Again(n)
	c.AddEvent(Event{At: 1, Text: "hold"}) // begun before, told later
	c.Again(n)
	var got []string
	for _, e := range c.History().Events {
		got = append(got, e.Text)
	}
	if want := []string{"hold", "kill", "cannot send (and 2 more of the kind)", "drops"}; !slices.Equal(got, want) {
		t.Errorf("events = %q, want %q", got, want)
	}
}

func TestSnapshotKeepsItsOrder(t *testing.T) {
	var c Recorder
	for _, started := range []time.Duration{5, 1, 4, 2, 6} { // and room for three more
		c.Add(&Record{User: "alice", N: int(started), Started: started})
	}
	before := lines(c.History())
	h := c.History()
	c.Add(&Record{User: "alice", N: 3, Started: 3})
	c.History()
	if got := lines(h); got != before {
		t.Errorf("snapshot =\n%s\nwant, as before the next request\n%s", got, before)
	}
}

func TestAttemptsHaveRoomOfTheirOwn(t *testing.T) {
	var c Recorder
	for range 2 * chunk { // three do not go evenly into a chunk
		room := c.Attempts(3)
		next := c.Attempts(3)
		room = append(room, Attempt{Node: "another"})
		if len(room) != 4 || len(next) != 3 || next[0] != (Attempt{}) {
			t.Fatalf("room for three and the next three = %v, %v, want them apart", room, next)
		}
	}
	if got := len(c.Attempts(chunk + 1)); got != chunk+1 {
		t.Errorf("room for %d attempts, want %d", got, chunk+1)
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
	write := []Note{{Node: "a", Write: &Write{Name: "cart", Number: 1, Op: Set}}}
	logout, read := []Note{{Node: "a", Logout: true}}, []Note{{Node: "a", Asked: true}}
	refused := []Note{{Node: "a", Refused: "an underscore", Status: 400}}
	for _, row := range []struct {
		r                          Record
		answered, acked, failed, m bool
	}{
		{Record{Status: 200, Notes: write}, true, true, false, false},
		{Record{Status: 200, Err: "cut", Notes: write}, false, false, true, true},
		{Record{Status: 302, Notes: write}, true, false, false, true},
		{Record{Status: 404}, true, false, false, false},
		{Record{Status: 500}, true, false, true, false},
		{Record{Status: 400}, true, false, false, false},
		{Record{Status: 400, Notes: read}, true, false, false, false},
		{Record{Status: 400, Notes: refused}, true, false, true, false},
		{Record{Status: 200, Notes: refused}, true, true, false, false}, // the proxy has another page for it
		{Record{Status: 400, Err: "cut", Notes: refused}, false, false, true, false},
		{Record{Status: 502, Notes: write}, true, false, true, true},
		{Record{Err: "timeout", Notes: write}, false, false, true, true},
		{Record{Err: "canceled", Notes: write}, false, false, false, true},
		{Record{Err: "timeout", Notes: logout}, false, false, true, true},
		{Record{Err: "timeout", Notes: read, Path: "/logout"}, false, false, true, false},
		{Record{Err: "timeout", Path: "/logout"}, false, false, true, false}, // it never came to a node
	} {
		r := row.r
		if r.Answered() != row.answered || r.Acknowledged() != row.acked || r.Failed() != row.failed || r.Maybe() != row.m {
			t.Errorf("status %d error %q: answered %v acknowledged %v failed %v maybe %v, want %v %v %v %v", r.Status, r.Err,
				r.Answered(), r.Acknowledged(), r.Failed(), r.Maybe(), row.answered, row.acked, row.failed, row.m)
		}
	}
}

// Of several notes the one counts whose answer the user got.
func TestAnsweringNote(t *testing.T) {
	notes := []Note{{Node: "a", Path: "/1"}, {Node: "b", Path: "/2"}, {Node: "b", Path: "/3"}}
	tried := func(outcomes ...string) (list []Attempt) {
		for i, o := range outcomes {
			list = append(list, Attempt{Node: []string{"a", "b"}[i%2], Outcome: o})
		}
		return list
	}
	for _, row := range []struct {
		name string
		r    Record
		want string // path of the note, "" for none
	}{
		{"the answer names its node", Record{Status: 200, Node: "a", Notes: notes}, "/1"},
		{"executed once more on the node that it names", Record{Status: 200, Node: "b", Notes: notes}, "/3"},
		{"an answer without words, through the proxy", Record{Status: 204, Attempts: tried("timeout", "204"), Notes: notes}, "/3"},
		{"an answer without words, from the node itself", Record{Status: 204, On: "a", Notes: notes}, "/1"},
		{"no answer", Record{Err: "timeout", Attempts: tried("timeout", "timeout"), Notes: notes}, ""},
		{"the proxy's own 504", Record{Status: 504, Attempts: tried("timeout", "timeout"), Notes: notes}, ""},
		{"the proxy's own 404", Record{Status: 404}, ""},
		{"no note", Record{Status: 200, Node: "a"}, ""},
	} {
		got := ""
		if n := row.r.Answering(); n != nil {
			got = n.Path
		}
		if got != row.want {
			t.Errorf("%s: answering note %q, want %q", row.name, got, row.want)
		}
	}
}

func TestUnnamedRequestIsOneWhoseNameTheProxyLeftOut(t *testing.T) {
	wrote := func(number int64) []Note {
		return []Note{{Node: "a", Write: &Write{Name: "cart", Op: Set, Number: number}}}
	}
	tried := func(node, outcome string, unnamed bool) []Attempt { return []Attempt{{node, outcome, unnamed}} }
	for _, row := range []struct {
		name string
		r    Record
		want bool
	}{
		{"answered, its name left out", Record{Attempts: tried("a", "200", true)}, true},
		{"cut off, its name left out", Record{Attempts: tried("a", "reset", true)}, true},
		{"its name left out, and it never came to the node", Record{Attempts: tried("a", "refused", true)}, false},
		{"answered by a machine that is no node", Record{Attempts: tried("10.0.0.9:80", "200", true)}, false},
		{"answered by a node that died before it had noted anything", Record{Attempts: tried("a", "200", false)}, false},
		{"answered and noted", Record{Attempts: tried("a", "200", false), Notes: []Note{{Node: "a"}}}, false},
		{"written without a number", Record{Attempts: tried("a", "200", false), Notes: wrote(0)}, true},
		{"written with its number", Record{Attempts: tried("a", "200", false), Notes: wrote(7)}, false},
		{"answered by the proxy itself", Record{Status: 404}, false},
	} {
		if got := row.r.Unnamed(); got != row.want {
			t.Errorf("%s: unnamed = %v, want %v", row.name, got, row.want)
		}
	}
}

func TestLateNotesFindTheirRequest(t *testing.T) {
	early, late := Note{Node: "a", Path: "/1"}, Note{Node: "b", Path: "/2"}
	var c Recorder
	c.Add(&Record{User: "alice", N: 1, Notes: []Note{early}})
	c.Add(&Record{User: "bob", N: 1})
	h := c.History()
	h.AddNotes(map[string][]Note{"alice/1": {late}, "carol/1": {late}})
	if got := h.Requests[0].Notes; len(got) != 2 || got[0].Node != "a" || got[1].Node != "b" {
		t.Errorf("notes of alice/1 = %+v, want that of a, then that of b", got)
	}
	if got := h.Requests[1].Notes; got != nil {
		t.Errorf("notes of bob/1 = %+v, want none", got)
	}
	if got := c.History().Requests[0].Notes; len(got) != 1 {
		t.Errorf("the recorder's own record has %d notes, want the one that it had", len(got))
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

func FuzzAppendRecord(f *testing.F) {
	f.Add("alice", "/set?name=cart", "S1.tomcat1", "cut", "cart", "pen", int64(1500), int64(1), 200, 3)
	f.Add("", "\"\\\n\x00", "\u2028", "", "", "\xff", int64(-1), int64(0), 0, -1)
	f.Fuzz(func(t *testing.T, user, path, session, err, name, value string, started, took int64, status, n int) {
		r := Record{
			User: user, N: n, Path: path, Session: session, Err: err, Status: status,
			Started: time.Duration(started / 4), Ended: time.Duration(started/4 + took/4),
			Got: []Attr{{name, value, took, started}},
		}
		got, failed := decode(AppendRecord(nil, &r))
		if failed != nil {
			t.Fatalf("the line of %+v: %v", r, failed)
		}
		if utf8.ValidString(user+"/"+path+"/"+session+"/"+err+"/"+name+"/"+value) && !reflect.DeepEqual(got, r) {
			t.Errorf("read back\n%+v\nwant\n%+v", got, r)
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

func TestWhatATerminalWouldObeyIsEscapedInJSON(t *testing.T) {
	const text = "a\u009b31m \u202e é 日 \x7f \u2028 \U000e0041"
	const want = `"a\u009b31m \u202e é 日 \u007f \u2028 \udb40\udc41"`
	plain, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{"AppendString": AppendString(nil, text), "Escaped": Escaped(plain)} {
		if string(got) != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
		var back string
		if err := json.Unmarshal(got, &back); err != nil || back != text {
			t.Errorf("%s reads back as %q, %v; want %q", name, back, err, text)
		}
	}
}
