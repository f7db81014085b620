package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxLine bounds one line of a history file, in bytes.
const maxLine = 16 << 20

// Decode reads what Encode and EncodeEvents have written, in any order of lines,
// and returns it sorted. Empty lines are skipped and unknown names ignored.
// An error names the line, counted from 1.
func Decode(r io.Reader) (*History, error) {
	var c Recorder
	shared := words{}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 1<<16), maxLine)
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var w wire
		err := json.Unmarshal(line, &w)
		if err != nil {
			return nil, fmt.Errorf("read history: line %d: %w", n, err)
		}
		if w.Event != nil {
			e, err := w.event()
			if err != nil {
				return nil, fmt.Errorf("read history: line %d: %w", n, err)
			}
			c.AddEvent(e)
			continue
		}
		rec := c.New()
		if *rec, err = w.record(); err != nil {
			return nil, fmt.Errorf("read history: line %d: %w", n, err)
		}
		shared.share(rec)
		c.Add(rec)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read history: line %d: %w", n+1, err)
	}
	return c.History(), nil
}

// wire is a line as JSON has it.
type wire struct {
	Event *string `json:"event"`
	Text  string  `json:"text"`

	Step     int     `json:"step"`
	AtMS     float64 `json:"at_ms"`
	TookMS   float64 `json:"took_ms"`
	Started  *int64  `json:"started"`
	Ended    *int64  `json:"ended"`
	User     string  `json:"user"`
	Request  string  `json:"request"`
	Label    string  `json:"label"`
	Method   string  `json:"method"`
	Path     string  `json:"path"`
	On       string  `json:"on"`
	Status   int     `json:"status"`
	Node     string  `json:"node"`
	Attempts []struct {
		Node    string `json:"node"`
		Outcome string `json:"outcome"`
	} `json:"attempts"`
	Sent       string              `json:"sent"`
	Foreign    bool                `json:"foreign"`
	Session    string              `json:"session"`
	SetCookie  string              `json:"set_cookie"`
	NewSession bool                `json:"new_session"`
	Write      *wireWrite          `json:"write"`
	Want       map[string]wireAttr `json:"want"`
	Got        map[string]wireAttr `json:"got"`
	Err        string              `json:"error"`
	Audit      bool                `json:"audit"`
}

type wireWrite struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Number int64  `json:"number"`
	Op     Op     `json:"op"`
}

type wireAttr struct {
	Value  string `json:"value"`
	Write  int64  `json:"write"`
	Writes int64  `json:"writes"`
}

func (w *wire) event() (Event, error) {
	at, err := millis("at_ms", w.AtMS)
	if err != nil {
		return Event{}, err
	}
	return Event{At: at, Step: w.Step, Kind: *w.Event, Node: w.Node, Text: w.Text}, nil
}

func (w *wire) record() (Record, error) {
	r := Record{
		Step: w.Step, Label: w.Label, User: w.User,
		Method: w.Method, Path: w.Path, On: w.On,
		Status: w.Status, Node: w.Node,
		Sent: w.Sent, Foreign: w.Foreign, Session: w.Session, SetCookie: w.SetCookie, NewSession: w.NewSession,
		Want: attrs(w.Want), Got: attrs(w.Got), Err: w.Err, Audit: w.Audit,
	}
	started, err := millis("at_ms", w.AtMS)
	if err != nil {
		return r, err
	}
	took, err := millis("took_ms", w.TookMS)
	if err != nil {
		return r, err
	}
	r.Started, r.Ended = started, started+took
	if w.Started != nil {
		r.Started = time.Duration(*w.Started)
	}
	if w.Ended != nil {
		r.Ended = time.Duration(*w.Ended)
	}
	if r.Ended < r.Started {
		return r, errors.New("request ends before it starts")
	}
	if n, ok := strings.CutPrefix(w.Request, w.User+"/"); ok {
		if r.N, err = strconv.Atoi(n); err != nil {
			return r, fmt.Errorf("request %q: no number behind the user", w.Request)
		}
	} else if w.Request != "" {
		return r, fmt.Errorf("request %q is not one of user %q", w.Request, w.User)
	}
	for _, a := range w.Attempts {
		r.Attempts = append(r.Attempts, Attempt(a))
	}
	if w.Write != nil {
		switch w.Write.Op {
		case Set, Add, Mutate, Remove:
		default:
			return r, fmt.Errorf("write: unknown op %q", w.Write.Op)
		}
		write := Write(*w.Write)
		r.Write = &write
	}
	return r, nil
}

// millis rounds to whole microseconds, which is what three decimals can say.
func millis(name string, ms float64) (time.Duration, error) {
	const limit = float64(math.MaxInt64 / 4 / int64(time.Millisecond))
	if !(ms > -limit && ms < limit) {
		return 0, fmt.Errorf("%s: %g is out of range", name, ms)
	}
	return time.Duration(math.Round(ms*1000)) * time.Microsecond, nil
}

func attrs(m map[string]wireAttr) []Attr {
	if m == nil {
		return nil
	}
	list := make([]Attr, 0, len(m))
	for name, a := range m {
		list = append(list, Attr{name, a.Value, a.Write, a.Writes})
	}
	sortAttrs(list) // the map's order ends here
	return list
}
