package history

import (
	"slices"
	"sync"
)

// chunk is how many records share one allocation: growing never copies a record.
const chunk = 1024

// Recorder collects the records and events of a run. The zero value is ready.
// Its methods may be called from several goroutines or tasks at once.
type Recorder struct {
	mu       sync.Mutex // guards memory only
	requests []*Record
	free     []Record
	events   []Event
}

// Add takes a finished request. Its Got and Want are sorted by name where they
// are not yet; sorted ones are left alone, and several records may share them.
// Nobody may change r's slices and Write from then on, nor the record as it is
// kept, which comes back.
func (c *Recorder) Add(r Record) *Record {
	sortAttrs(r.Got)
	sortAttrs(r.Want)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.free) == 0 {
		c.free = make([]Record, chunk)
	}
	kept := &c.free[0]
	*kept = r
	c.requests = append(c.requests, kept)
	c.free = c.free[1:]
	return kept
}

// AddEvent takes a line of the timeline.
func (c *Recorder) AddEvent(e Event) {
	c.mu.Lock()
	c.events = append(c.events, e)
	c.mu.Unlock()
}

// Len is how many requests have been recorded.
func (c *Recorder) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.requests)
}

// History returns what has been recorded so far. It shares the records with the
// recorder, which never changes one.
func (c *Recorder) History() *History {
	c.mu.Lock()
	h := &History{Requests: slices.Clone(c.requests), Events: slices.Clone(c.events)}
	c.mu.Unlock()
	h.Sort()
	return h
}
