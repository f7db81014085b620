package history

import (
	"slices"
	"sync"
)

// chunk is how many records share one allocation: growing never copies a record.
const chunk = 1024

// maxWords bounds the table of shared strings, for runs in which every path is
// another one.
const maxWords = 1 << 16

// Recorder collects the records and events of a run. The zero value is ready.
// Its methods may be called from several goroutines or tasks at once.
type Recorder struct {
	mu       sync.Mutex // guards memory only
	requests []*Record
	free     []Record
	events   []Event
	words    map[string]string
}

// Add takes a finished request. The recorder owns r's slices and Write from
// then on. Strings that repeat are stored once.
func (c *Recorder) Add(r Record) {
	sortAttrs(r.Got)
	sortAttrs(r.Want)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range []*string{&r.Label, &r.User, &r.Method, &r.Path, &r.On, &r.Node,
		&r.Sent, &r.Session, &r.SetCookie, &r.Err} {
		*s = c.word(*s)
	}
	for i := range r.Attempts {
		r.Attempts[i].Node = c.word(r.Attempts[i].Node)
		r.Attempts[i].Outcome = c.word(r.Attempts[i].Outcome)
	}
	for i := range r.Got {
		r.Got[i].Name = c.word(r.Got[i].Name)
	}
	for i := range r.Want {
		r.Want[i].Name = c.word(r.Want[i].Name)
	}
	if r.Write != nil {
		r.Write.Name = c.word(r.Write.Name)
	}
	if len(c.free) == 0 {
		c.free = make([]Record, chunk)
	}
	c.free[0] = r
	c.requests = append(c.requests, &c.free[0])
	c.free = c.free[1:]
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

func (c *Recorder) word(s string) string {
	if s == "" {
		return ""
	}
	if w, ok := c.words[s]; ok {
		return w
	}
	if len(c.words) < maxWords {
		if c.words == nil {
			c.words = make(map[string]string)
		}
		c.words[s] = s
	}
	return s
}
