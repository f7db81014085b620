package proxy

import (
	"slices"
	"sync/atomic"
)

// Skipped is a line of a configuration that nginx would act on and that is not
// simulated. A request passes it when it is handled in the level of the line and
// is one that the line concerns; its outcome may then differ from nginx's.
type Skipped struct {
	Directive string
	// Setting is what the line sets: a line of the same setting on an inner level
	// replaces it. Lines with "" are all executed.
	Setting string
	// Own says that inner levels do not inherit it.
	Own bool
	// Concerns is whom the line concerns; 0 is nobody: it says what is so anyway.
	Concerns Concern
	Reason   string // what nginx would do
	Pos      string // "FILE:LINE:COLUMN"
}

// Concern is a set of requests, by what becomes of them.
type Concern uint16

const (
	Everyone   Concern = 1 << iota
	Unreturned         // those that no return directive answers
	Forwarded          // those that proxy_pass takes
	WithBody           // those of them that have a body
	ForFiles           // those that are answered with a file
	ForFolders         // those for a file whose URI ends with a slash
	Abandoned          // those whose client has left
)

// Passed is a skipped line and how many requests have passed it.
type Passed struct {
	Skipped
	Requests int64
}

// passage counts for one skipped line.
type passage struct {
	line     *Skipped
	requests atomic.Int64
}

// skippedInside are the skipped lines in force on an inner level.
func (outer Settings) skippedInside(inner []*Skipped) []*Skipped {
	var all []*Skipped
	for _, line := range outer.Skipped {
		if line.Own {
			continue
		}
		replaces := func(own *Skipped) bool { return own.Setting == line.Setting }
		if line.Setting == "" || !slices.ContainsFunc(inner, replaces) {
			all = append(all, line)
		}
	}
	return append(all, inner...)
}

// passages are the counters of lines. Levels share those of the lines that they
// inherit.
func (c *compiler) passages(lines []*Skipped) []*passage {
	var all []*passage
	for _, line := range lines {
		if line.Concerns == 0 {
			continue
		}
		known := func(p *passage) bool { return p.line == line }
		i := slices.IndexFunc(c.skipped, known)
		if i < 0 {
			i = len(c.skipped)
			c.skipped = append(c.skipped, &passage{line: line})
		}
		all = append(all, c.skipped[i])
	}
	return all
}

// passes counts the request for the skipped lines of its location that concern
// it, for each once.
func (x *exchange) passes(as Concern) {
	for _, p := range x.loc.skipped {
		if p.line.Concerns&as == 0 || slices.Contains(x.passed, p) {
			continue
		}
		x.passed = append(x.passed, p)
		if p.requests.Add(1) == 1 {
			x.trace(TraceEvent{Kind: LinePassed, Line: p.line})
		}
	}
}

// Skipped lists the skipped lines that can change outcomes, in the order of the
// configuration.
func (p *Proxy) Skipped() []Passed {
	var all []Passed
	for _, s := range p.skipped {
		all = append(all, Passed{*s.line, s.requests.Load()})
	}
	return all
}
