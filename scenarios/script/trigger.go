package script

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// mostOften is the shortest time of every.
const mostOften = time.Microsecond

func (c *cursor) trigger(s *scope, before []Trigger) (t Trigger, err error) {
	w, at := c.word()
	t.Kind = w
	switch w {
	case "at":
		if s.prompt {
			return t, c.fail(at, "after 2s counts from now", "at belongs in a file")
		}
		if len(before) > 0 {
			return t, c.fail(at, "after counts from the trigger before it", "at counts from the start and must come first")
		}
		t.D, err = c.time(w)
	case "after":
		t.D, err = c.time(w)
	case "every":
		c.space()
		timeAt := c.at
		if t.D, err = c.time(w); err != nil {
			return t, err
		}
		if t.D < mostOften {
			return t, c.fail(timeAt, "each time costs the lab something", "every %s is too often: at least %s", formatDuration(t.D), formatDuration(mostOften))
		}
		if c.accept("until") {
			c.space()
			untilAt := c.at
			if t.Until, err = c.time("until"); err != nil {
				return t, err
			}
			first := t.D
			if len(before) > 0 && before[0].Kind == "at" {
				first += before[0].D
			}
			if t.Until < first {
				return t, c.fail(untilAt, "until is counted from the start of the run", "it is over before it begins")
			}
		}
	default:
		t.Event, err = c.event(s, w)
	}
	return t, err
}

// event reads what when, whenever and wait until name.
func (c *cursor) event(s *scope, after string) (Event, error) {
	w, at := c.word()
	switch {
	case w == "":
		return Event{}, c.fail(at, "such as: tomcat1 is idle, tomcat1 sends DELTA, quiet", "an event is missing after %s", after)
	case w == "quiet":
		return Event{Verb: w}, nil
	}
	e := Event{Subject: w}
	node, user := s.nodes[w], s.isUser(w)
	if !node && !user && w != "proxy" {
		return e, c.fail(at, s.nodeHint(w, append([]string{"proxy", "quiet"}, s.userList...)...), "unknown %q: a node, a user, proxy or quiet", w)
	}
	verb, verbAt := c.word()
	known := EventVerbs("proxy")
	switch {
	case node:
		known = EventVerbs("NODE")
	case user:
		known = EventVerbs("USER")
	}
	if verb == "is" {
		state, _ := c.word()
		verb += " " + state
	}
	if !slices.Contains(known, verb) {
		return e, c.fail(verbAt, wordHint(verb, known), "%s cannot be said of %q", orNothing(verb), w)
	}
	e.Verb = verb
	var err error
	switch verb {
	case "sends", "loses", "receives":
		return e, c.messageEvent(s, &e)
	case "sees", "misses", "tries", "excludes", "readmits":
		c.space()
		peerAt := c.at
		if e.Peer, err = c.node(s, verb); err == nil && e.Peer == w {
			err = c.fail(peerAt, "", "a node neither sees nor misses itself")
		}
	}
	return e, err
}

func orNothing(word string) string {
	if word == "" {
		return "nothing"
	}
	return strconv.Quote(word)
}

func (c *cursor) messageEvent(s *scope, e *Event) (err error) {
	if e.Kind, err = c.kind(e.Verb); err != nil {
		return err
	}
	toward, away := "to", "from"
	if e.Verb == "receives" {
		toward, away = away, toward
	}
	if c.peek() == away {
		c.space()
		return c.fail(c.at, fmt.Sprintf("%s %s %s %s NODE", e.Subject, e.Verb, e.Kind, toward), "%s goes with %s, not with %s", e.Verb, toward, away)
	}
	if c.accept(toward) {
		c.space()
		at := c.at
		if e.Peer, err = c.machine(s, toward, true); err == nil && e.Peer == e.Subject {
			err = c.fail(at, "", "%s sends itself no messages", e.Subject)
		}
	}
	return err
}

// kind reads a kind of message.
func (c *cursor) kind(after string) (string, error) {
	w, at := c.word()
	if !slices.Contains(Kinds, w) {
		if w == "" {
			return "", c.fail(at, "known: "+strings.Join(Kinds, ", "), "the kind of message is missing after %s", after)
		}
		return "", c.fail(at, wordHint(w, Kinds), "unknown kind of message %q", w)
	}
	return w, nil
}
