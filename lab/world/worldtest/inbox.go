package worldtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sessionlab/lab/world"
)

// inbox is what a reader has received so far.
type inbox struct {
	mu    sync.Mutex
	parts []part
	err   error
	over  bool
}

// part is what one read gave.
type part struct {
	content string
	from    string
	at      time.Duration
}

func (in *inbox) add(p []byte, from string, at time.Duration) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.parts = append(in.parts, part{string(p), from, at})
}

func (in *inbox) end(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.err, in.over = err, true
}

// text is all that was received, joined.
func (in *inbox) text() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	var all []byte
	for _, p := range in.parts {
		all = append(all, p.content...)
	}
	return string(all)
}

// last is the latest part, or none.
func (in *inbox) last() part {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.parts) == 0 {
		return part{}
	}
	return in.parts[len(in.parts)-1]
}

// first is the earliest part, or none.
func (in *inbox) first() part {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.parts) == 0 {
		return part{}
	}
	return in.parts[0]
}

// sorted are the datagrams of an inbox in alphabetic order: their own order is
// not promised.
func (in *inbox) sorted() string {
	list := strings.SplitAfter(in.text(), "|")
	slices.Sort(list)
	return strings.Join(list, "")
}

// ended reports whether the reader has met an error.
func (in *inbox) ended() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.over
}

// wait waits for the end of the input and returns its error.
func (in *inbox) wait(r *rig) error {
	r.eventually("the input ends", in.ended)
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.err
}

// collect reads a stream of h in a task until an error.
func (r *rig) collect(h world.Host, s world.Stream) *inbox {
	in := new(inbox)
	h.Go("stream reader", func(ctx context.Context) {
		p := make([]byte, 1<<16)
		for {
			n, err := s.Read(ctx, p)
			if err != nil {
				in.end(err)
				return
			}
			in.add(p[:n], s.RemoteAddr(), h.Elapsed())
		}
	})
	return in
}

// gets waits until an inbox has the text.
func (r *rig) gets(who string, in *inbox, want string) {
	arrived := func() bool { return in.text() == want }
	if why := guard(func() { r.eventually(fmt.Sprintf("%s has got %q", who, want), arrived) }); why != "" {
		r.stop("%s: it has got %q", why, in.text())
	}
}
