package history

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// line is what a reader of a history file finds on a line.
type line struct {
	Step       int
	AtMS       float64 `json:"at_ms"`
	TookMS     float64 `json:"took_ms"`
	Started    *int64
	Ended      *int64
	User       string
	Request    string
	Label      string
	Method     string
	Path       string
	On         string
	Status     int
	Node       string
	Attempts   []Attempt
	Sent       string
	Foreign    bool
	Session    string
	SetCookie  string   `json:"set_cookie"`
	SetCookies []string `json:"set_cookies"`
	Received   []Received
	NewSession bool `json:"new_session"`
	Withheld   bool
	Write      *Write
	Notes      []noteLine
	Maybe      bool
	Want, Got  map[string]Attr
	Error      string
	Audit      bool
}

// decode reads a request from its line, as a program would that knows the promised
// names only.
func decode(text []byte) (Record, error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return Record{}, err
	}
	r := Record{
		Started: millis(l.AtMS), Ended: millis(l.AtMS) + millis(l.TookMS),
		Step: l.Step, Label: l.Label, User: l.User,
		Method: l.Method, Path: l.Path, On: l.On, Status: l.Status, Node: l.Node,
		Sent: l.Sent, Foreign: l.Foreign, Session: l.Session, SetCookie: l.SetCookie, SetCookies: l.SetCookies, Received: l.Received, NewSession: l.NewSession, Withheld: l.Withheld,
		Want: attrs(l.Want), Got: attrs(l.Got), Err: l.Error, Audit: l.Audit,
	}
	if l.Started != nil {
		r.Started, r.Ended = time.Duration(*l.Started), time.Duration(*l.Ended)
	}
	if len(l.Attempts) > 0 {
		r.Attempts = l.Attempts
	}
	var err error
	if r.N, err = strconv.Atoi(strings.TrimPrefix(l.Request, l.User+"/")); err != nil {
		return r, fmt.Errorf("request %q is none of user %q", l.Request, l.User)
	}
	for i := range l.Notes {
		n, err := l.Notes[i].note(&r)
		if err != nil {
			return r, err
		}
		r.Notes = append(r.Notes, n)
	}
	if w := r.Write(); (w == nil) != (l.Write == nil) || w != nil && *w != *l.Write {
		return r, fmt.Errorf("write is %v in the line and %v in the notes", l.Write, w)
	}
	if l.Maybe != r.Maybe() {
		return r, fmt.Errorf("maybe is %v in the line and %v in the record", l.Maybe, r.Maybe())
	}
	return r, nil
}

// noteLine is what a reader finds of a note.
type noteLine struct {
	Node, Path, Requested, Was string
	Session                    json.RawMessage
	New, Login, Logout         bool
	Write                      *Write
	Got                        map[string]Attr
	Refused                    string
	Status                     int
}

func (l *noteLine) note(r *Record) (Note, error) {
	n := Note{Node: l.Node, Path: l.Path, Requested: l.Requested, Was: l.Was, New: l.New, Login: l.Login, Logout: l.Logout,
		Write: l.Write, Got: attrs(l.Got), Refused: l.Refused, Status: l.Status, Asked: l.Session != nil}
	if l.Got == nil {
		n.Got = r.Got
	}
	if l.Session == nil {
		return n, nil
	}
	return n, json.Unmarshal(l.Session, &n.Session)
}

// millis rounds to whole microseconds, which is what three decimals can say.
func millis(ms float64) time.Duration {
	return time.Duration(math.Round(ms*1000)) * time.Microsecond
}

func attrs(m map[string]Attr) []Attr {
	if m == nil {
		return nil
	}
	list := make([]Attr, 0, len(m))
	for name, a := range m {
		list = append(list, Attr{name, a.Value, a.Write, a.Writes})
	}
	sortAttrs(list)
	return list
}
