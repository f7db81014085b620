// Package report says what a run came to: as text for a person, as JSON for a
// script.
//
// Start with Report and its methods WriteText and WriteJSON; Measured fills the
// part of it that comes from a checked history.
//
// It leaves out deciding: the verdict, the expectations, the figures of the
// replication and the trace hash are given by the caller.
package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"sessionlab/scenarios/continuity"
	"sessionlab/scenarios/history"
)

// Schema names the form of the JSON. Names in it keep their meaning; new ones
// may be added.
const Schema = "sessionlab.report/v1"

// Verdict is what a run came to.
type Verdict string

const (
	None         Verdict = "none" // nothing was expected
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive"
	Interrupted  Verdict = "interrupted"
)

// Report is one scenario's result. A scenario with vary or sweep has Cells and
// no Outcome of its own; every other has an Outcome and no Cells.
type Report struct {
	Schema   string  `json:"schema"`
	Scenario string  `json:"scenario"`
	World    string  `json:"world"`
	Seed     uint64  `json:"seed"`
	Verdict  Verdict `json:"verdict"` // over all cells, if there are any
	*Outcome
	Cells []Cell `json:"cells,omitempty"`

	Title   string `json:"-"` // the scenario's title line
	Command string `json:"-"` // what to type to see the same again

	settings Settings // of the only cell, where the report is written as that one's
}

// Cell is the result under one setting of vary and sweep.
type Cell struct {
	Settings Settings `json:"settings"`
	Verdict  Verdict  `json:"verdict"`
	*Outcome
}

// Outcome is everything that one run is measured by.
type Outcome struct {
	Expectations  []Expectation         `json:"expectations"`
	Users         int                   `json:"users"`
	Sessions      continuity.Sessions   `json:"sessions"`
	Requests      continuity.Requests   `json:"requests"`
	Guarantees    continuity.Guarantees `json:"guarantees"`
	Availability  *float64              `json:"availability"` // percent; nil without requests
	LongestOutage Millis                `json:"longest_outage_ms"`
	Recovery      *Millis               `json:"recovery_ms"` // nil without a fault
	Latency       Latency               `json:"latency_ms"`
	Replication   Replication           `json:"replication"`
	Anomalies     []Anomaly             `json:"anomalies"`
	Timeline      []Event               `json:"timeline"`
	TraceHash     string                `json:"trace_hash"`
	Followed      []Event               `json:"followed,omitempty"` // everything that was recorded of one user, node or session

	Void    []string      `json:"void,omitempty"`    // why the run shows nothing; false expectations do not count then
	Reasons []string      `json:"reasons,omitempty"` // what was not put to the test, and how far an interrupted run came
	Notes   []string      `json:"notes,omitempty"`   // what can be said beside the verdict
	Took    time.Duration `json:"-"`                 // the lab's time at the end of the run
	Untold  int           `json:"-"`                 // anomalies that were counted and have no story
}

// Expectation is an expect statement and how it was judged.
type Expectation struct {
	Expr   string  `json:"expr"`
	Holds  Holding `json:"holds"`
	Actual string  `json:"actual"` // the figures in it as they were
	Line   int     `json:"line"`   // in the scenario file
}

// Holding is whether an expectation holds: true, false, or null in JSON when
// there was no data to judge it by.
type Holding uint8

const (
	NoData Holding = iota
	False
	Holds
)

// MarshalJSON gives true, false or null.
func (h Holding) MarshalJSON() ([]byte, error) {
	return []byte([...]string{"null", "false", "true"}[h]), nil
}

// UnmarshalJSON takes true, false or null.
func (h *Holding) UnmarshalJSON(b []byte) error {
	for i, word := range [...]string{"null", "false", "true"} {
		if string(b) == word {
			*h = Holding(i)
			return nil
		}
	}
	return fmt.Errorf("holds: %s is none of true, false, null", b)
}

// Millis is a length of time, in JSON in milliseconds with at most three
// decimals.
type Millis time.Duration

// MarshalJSON gives milliseconds.
func (m Millis) MarshalJSON() ([]byte, error) {
	return history.AppendMillis(nil, time.Duration(m)), nil
}

// UnmarshalJSON takes milliseconds.
func (m *Millis) UnmarshalJSON(b []byte) error {
	var ms float64
	if err := json.Unmarshal(b, &ms); err != nil {
		return err
	}
	if math.Abs(ms) > 1e12 {
		return errors.New("milliseconds out of range")
	}
	*m = Millis(time.Duration(math.Round(ms*1000)) * time.Microsecond)
	return nil
}

// Latency is how long requests took.
type Latency struct {
	P50 Millis `json:"p50"`
	P90 Millis `json:"p90"`
	P99 Millis `json:"p99"`
	Max Millis `json:"max"`
}

// Replication is what the nodes sent each other about sessions. A lag is from
// a message's being given to the sender's channel to its being applied.
type Replication struct {
	Messages int64 `json:"messages"`
	Bytes    int64 `json:"bytes"`
	Lag      Lag   `json:"lag_ms"`
}

// Lag is the distribution of the replication's lag.
type Lag struct {
	P50 Millis `json:"p50"`
	P99 Millis `json:"p99"`
	Max Millis `json:"max"`
}

// Anomaly is something that a user should not have seen, with its story.
type Anomaly struct {
	Kind        string `json:"kind"`
	User        string `json:"user"`
	At          Millis `json:"at_ms"`
	Node        string `json:"node"`
	Request     string `json:"request"`
	Mechanism   string `json:"mechanism"` // one of continuity.Mechanisms
	Explanation string `json:"explanation"`
}

// Event is one line of the timeline.
type Event struct {
	At   Millis `json:"at_ms"`
	Step int    `json:"step"`
	Kind string `json:"kind"`
	Node string `json:"node"`
	Text string `json:"text"`
}

// Setting is the choice that a cell made of one vary or sweep.
type Setting struct{ Name, Value string }

// Settings is a cell's choices in the order of the scenario; in JSON an object.
type Settings []Setting

// String is "gap=4s mode=async".
func (s Settings) String() string {
	words := make([]string, len(s))
	for i, set := range s {
		words[i] = set.Name + "=" + set.Value
	}
	return strings.Join(words, " ")
}

// MarshalJSON gives an object.
func (s Settings) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, set := range s {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(history.AppendString(b, set.Name), ':')
		b = history.AppendString(b, set.Value)
	}
	return append(b, '}'), nil
}

// UnmarshalJSON takes an object of strings and keeps its order.
func (s *Settings) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.New("settings: not an object")
	}
	*s = Settings{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return fmt.Errorf("settings: %w", err)
		}
		var value string
		if err := d.Decode(&value); err != nil {
			return fmt.Errorf("settings: %v: %w", name, err)
		}
		*s = append(*s, Setting{name.(string), value})
	}
	return nil
}

// Measured is the outcome as far as it follows from a run's history.
// Expectations, replication, trace hash and reasons are left to the caller.
func Measured(h *history.History, r *continuity.Result) *Outcome {
	o := &Outcome{
		Expectations: []Expectation{},
		Users:        r.Users, Sessions: r.Sessions, Requests: r.Requests, Guarantees: r.Guarantees,
		LongestOutage: Millis(r.LongestOutage),
		Latency:       Latency{Millis(r.Latency.P50), Millis(r.Latency.P90), Millis(r.Latency.P99), Millis(r.Latency.Max)},
		Anomalies:     make([]Anomaly, 0, len(r.Anomalies)),
		Timeline:      make([]Event, 0, len(h.Events)),
		Untold:        r.Untold,
	}
	if r.HasLoad {
		percent := float64(100_000*r.Requests.OK/r.Requests.Total) / 1000 // never up to a round 100
		o.Availability = &percent
	}
	if r.HasFault {
		recovery := Millis(r.Recovery)
		o.Recovery = &recovery
	}
	for _, a := range r.Anomalies {
		o.Anomalies = append(o.Anomalies, Anomaly{a.Kind, a.User, Millis(a.At), a.Node, a.Request, string(a.Mechanism), a.Explanation})
	}
	o.Timeline = append(o.Timeline, Events(h.Events)...)
	for _, e := range h.Events {
		o.Took = max(o.Took, e.At)
	}
	for _, q := range h.Requests {
		o.Took = max(o.Took, q.Ended)
	}
	return o
}

// WriteJSON writes the report indented, with a line end. The order of names is
// fixed.
func (r *Report) WriteJSON(w io.Writer) error { return writeJSON(w, r) }

// WriteAllJSON writes several reports as one array.
func WriteAllJSON(w io.Writer, reports []*Report) error {
	if reports == nil {
		reports = []*Report{}
	}
	return writeJSON(w, reports)
}

func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	if err == nil {
		_, err = w.Write(history.Escaped(b.Bytes()))
	}
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// Events are events of a history in the form of a report.
func Events(events []history.Event) []Event {
	list := make([]Event, len(events))
	for i, e := range events {
		list[i] = Event{Millis(e.At), e.Step, e.Kind, e.Node, e.Text}
	}
	return list
}
