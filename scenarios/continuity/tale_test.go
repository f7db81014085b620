package continuity

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"sessionlab/scenarios/history"
)

const ms = time.Millisecond

// tale reads a history from lines such as
//
//	alice 0-2 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
//	alice 3-4 /session sent=S1 audit tries=a,b : 200 b - (no session)
//	! 5 kill a
//	> 3-5 DELTA S1 a b applied
//	= b S1
//
// ">" is a passage: handed to the channel and decided, kind, session, from, to
// ("-" for nobody), fate.
// The last kind is the inventory at the end: who holds which session; "=" alone
// says that nobody holds any.
//
// Times are milliseconds. A user presents the session id that the latest answer
// before gave, unless sent= says another (sent=- none); foreign marks a cookie
// that the script chose, withheld a session whose cookie the browser does not keep; noted= is how often it was executed, once if nothing is
// said; page= is the page that ran, if the path is another; was= the id before a login. Behind the colon: a status, or an error; the node; the session with * when it is new, "-" for
// none, or "html" for an answer that says nothing; cookie=ID for a bare cookie;
// attributes as name=value#write/writes. Writes are numbered from 1 in the
// order of lines.
func tale(t testing.TB, text string) *history.History {
	t.Helper()
	var c history.Recorder
	jar, count, number := map[string]string{}, map[string]int{}, int64(0)
	var inventory []history.Holding
	closed := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if rest, ok := strings.CutPrefix(line, "! "); ok {
			f := strings.Fields(rest)
			at, err := strconv.Atoi(f[0])
			if err != nil {
				t.Fatalf("tale: %q: %v", line, err)
			}
			c.AddEvent(history.Event{At: time.Duration(at) * ms, Step: 1, Kind: f[1], Node: strings.Join(f[2:], " ")})
			continue
		}
		if rest, ok := strings.CutPrefix(line, "> "); ok {
			f := strings.Fields(strings.ReplaceAll(rest, " -", " ~"))
			var sent, at int
			if _, err := fmt.Sscanf(f[0], "%d-%d", &sent, &at); err != nil || len(f) != 6 {
				t.Fatalf("tale: %q: %v", line, err)
			}
			c.AddPassage(history.Passage{Sent: time.Duration(sent) * ms, At: time.Duration(at) * ms, Kind: f[1], Session: f[2],
				From: strings.Trim(f[3], "~"), To: strings.Trim(f[4], "~"), Fate: history.Fate(f[5])})
			continue
		}
		if rest, ok := strings.CutPrefix(line, "="); ok {
			closed = true
			if f := strings.Fields(rest); len(f) == 2 {
				inventory = append(inventory, history.Holding{Host: f[0], Session: f[1]})
			}
			continue
		}
		asked, answer, ok := strings.Cut(line, " : ")
		f := strings.Fields(asked)
		if !ok || len(f) < 3 {
			t.Fatalf("tale: cannot read %q", line)
		}
		var r history.Record
		var from, to int
		if _, err := fmt.Sscanf(f[1], "%d-%d", &from, &to); err != nil {
			t.Fatalf("tale: %q: %v", line, err)
		}
		r.User, r.Path, r.Method = f[0], f[2], "GET"
		r.Started, r.Ended = time.Duration(from)*ms, time.Duration(to)*ms
		count[r.User]++
		r.N = count[r.User]
		r.Sent = jar[r.User]
		executed, page, was := 1, r.Path, ""
		for _, word := range f[3:] {
			name, value, _ := strings.Cut(word, "=")
			switch name {
			case "sent":
				r.Sent = strings.Trim(value, "-")
			case "audit":
				r.Audit = true
			case "noted":
				if executed, _ = strconv.Atoi(value); executed == 0 && value != "0" {
					t.Fatalf("tale: %q: how often was it executed?", line)
				}
			case "was":
				was = value
			case "page":
				page = value
			case "foreign":
				r.Foreign = true
			case "withheld":
				r.Withheld = true
			case "tries":
				for try := range strings.SplitSeq(value, ",") {
					r.Attempts = append(r.Attempts, history.Attempt{Node: try, Outcome: "tried"})
				}
			default:
				t.Fatalf("tale: %q: unknown word %q", line, word)
			}
		}
		read(t, &r, strings.Fields(answer))
		note := history.Note{Node: r.Node, Path: page, Session: r.Session, Asked: r.Got != nil, Got: r.Got,
			Login: strings.HasPrefix(page, "/login"), Was: was, Logout: page == "/logout"}
		if w := intent(page); w != nil {
			number++
			shown, there := r.Attr(w.Name)
			if w.Op != history.Mutate || r.Got == nil || there { // else there is nothing to change
				w.Number, w.Writes = number, shown.Writes
				note.Write = w
			}
		}
		for i := range executed {
			if i < len(r.Attempts) && executed > 1 {
				note.Node = r.Attempts[i].Node
			}
			if note.Write != nil {
				own := *note.Write
				note.Write = &own
			}
			r.Notes = append(r.Notes, note)
		}
		if r.SetCookie != "" && !r.Foreign {
			jar[r.User] = r.SetCookie
		}
		c.Add(&r)
	}
	h := c.History()
	if h.Inventory, h.Closed = inventory, closed; closed {
		for _, r := range h.Requests {
			h.Taken = max(h.Taken, r.Ended)
		}
	}
	return h
}

func intent(path string) *history.Write {
	page, query, _ := strings.Cut(path, "?")
	param := map[string]string{}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		param[name] = value
	}
	switch page {
	case "/set":
		return &history.Write{Name: param["name"], Value: param["value"], Op: history.Set}
	case "/mutate":
		return &history.Write{Name: param["name"], Value: param["value"], Op: history.Mutate}
	case "/remove":
		return &history.Write{Name: param["name"], Op: history.Remove}
	case "/add":
		return &history.Write{Name: "count", Op: history.Add}
	}
	return nil
}

func read(t testing.TB, r *history.Record, f []string) {
	t.Helper()
	status, err := strconv.Atoi(strings.TrimSuffix(f[0], "!"))
	if err != nil {
		r.Err = f[0]
		return
	}
	r.Status = status
	if strings.HasSuffix(f[0], "!") {
		r.Err = "cut"
	}
	if len(f) < 2 {
		return
	}
	r.Node = f[1]
	if len(f) < 3 {
		return
	}
	if f[2] != "html" {
		r.Got = []history.Attr{}
		if f[2] != "-" {
			r.Session = strings.TrimSuffix(f[2], "*")
			r.NewSession = strings.HasSuffix(f[2], "*")
			if r.Session != r.Sent {
				r.SetCookie = r.Session
			}
		}
	}
	for _, word := range f[3:] {
		if id, ok := strings.CutPrefix(word, "cookie="); ok {
			r.SetCookie = id
			continue
		}
		name, rest, _ := strings.Cut(word, "=")
		value, rest, _ := strings.Cut(rest, "#")
		a := history.Attr{Name: name, Value: value}
		if _, err := fmt.Sscanf(rest, "%d/%d", &a.Write, &a.Writes); err != nil {
			t.Fatalf("tale: attribute %q: %v", word, err)
		}
		r.Got = append(r.Got, a)
	}
}

// summary is what the rows below compare: the classes by user and start, stale
// reads and writes executed twice.
func summary(r *Result) string {
	var list []string
	for _, s := range r.List {
		list = append(list, s.Class.String())
	}
	return fmt.Sprintf("%s stale=%d twice=%d", strings.Join(list, " "), r.Sessions.StaleReads, r.Requests.Duplicated)
}
