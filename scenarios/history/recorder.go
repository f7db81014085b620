package history

import (
	"fmt"
	"slices"
	"sync"
)

// room gives out space for what a record holds. A chunk of it is one allocation:
// growing never copies what has been given out.
type room[T any] []T

const chunk = 256

func (r *room[T]) take(n int) []T {
	if len(*r) < n {
		*r = make([]T, max(n, chunk))
	}
	taken := (*r)[:n:n]
	*r = (*r)[n:]
	return taken
}

// Recorder collects the records and events of a run. The zero value is ready.
// Its methods may be called from several goroutines or tasks at once.
type Recorder struct {
	mu       sync.Mutex  // guards memory only
	requests [][]*Record // in pieces of a chunk
	events   []Event
	passages []Passage

	records  room[Record]
	attempts room[Attempt]
	notes    room[Note]
	writes   room[Write]
}

// New returns an empty record to be filled and added. One that is never
// added is no part of the history.
func (c *Recorder) New() *Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &c.records.take(1)[0]
}

// Attempts returns room for n attempts of a record.
func (c *Recorder) Attempts(n int) []Attempt {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.attempts.take(n)
}

// Notes returns room for n notes of a record.
func (c *Recorder) Notes(n int) []Note {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.notes.take(n)
}

// Write returns room for what a note changed.
func (c *Recorder) Write() *Write {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &c.writes.take(1)[0]
}

// Add takes a finished request. Its Got and Want are sorted by name where they
// are not yet; sorted ones are left alone, and several records may share them.
// Nobody may change r, its slices and its Write from then on.
func (c *Recorder) Add(r *Record) {
	sortAttrs(r.Got)
	sortAttrs(r.Want)
	c.mu.Lock()
	last := len(c.requests) - 1
	if last < 0 || len(c.requests[last]) == chunk {
		c.requests = append(c.requests, make([]*Record, 0, chunk))
		last++
	}
	c.requests[last] = append(c.requests[last], r)
	c.mu.Unlock()
}

// AddEvent takes a line of the timeline, and returns its number for Again.
func (c *Recorder) AddEvent(e Event) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, e)
	return len(c.events) - 1
}

// Again counts one more event like number n, without a line of its own in the
// timeline.
func (c *Recorder) Again(n int) {
	c.mu.Lock()
	c.events[n].More++
	c.mu.Unlock()
}

// AddPassage takes what became of a message.
func (c *Recorder) AddPassage(p Passage) {
	c.mu.Lock()
	c.passages = append(c.passages, p)
	c.mu.Unlock()
}

// AddNotes adds notes that came after their request had been recorded. The records
// in the history are not changed: a new one takes the place. Names of requests
// that the history does not have are passed over.
func (h *History) AddNotes(late map[string][]Note) {
	if len(late) == 0 {
		return
	}
	for i, r := range h.Requests {
		if more := late[r.Request()]; more != nil {
			with := *r
			with.Notes = slices.Concat(r.Notes, more)
			h.Requests[i] = &with
		}
	}
}

// History returns what has been recorded so far. It shares the records with the
// recorder, which never changes one.
func (c *Recorder) History() *History {
	c.mu.Lock()
	h := &History{Requests: slices.Concat(c.requests...), Events: slices.Clone(c.events), Passages: c.passages[:len(c.passages):len(c.passages)]}
	c.mu.Unlock()
	for i := range h.Events {
		if e := &h.Events[i]; e.More > 0 {
			e.Text += fmt.Sprintf(" (and %d more of the kind)", e.More)
		}
	}
	h.Sort()
	return h
}
