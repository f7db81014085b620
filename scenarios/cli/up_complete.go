package cli

import (
	"slices"
	"strings"

	"sessionlab/scenarios/script"
)

// complete offers the words that may stand at the end of a line.
func (p *prompt) complete(line string) (words []string, stem int) {
	sc := p.live.Scenario()
	v := vocabulary{nodes: sc.Nodes()}
	for _, u := range sc.All("user") {
		v.users = append(v.users, u.Name)
	}
	for _, w := range ownWords() {
		v.own = append(v.own, w.word)
	}
	return v.complete(line)
}

// pages are those of the demo application, with the parameters that they need.
var pages = []string{"/", "/counter", "/session", "/request", "/set?name=", "/mutate?name=", "/remove?name=", "/login?user=", "/logout", "/status/"}

// vocabulary is what a line at the prompt may name.
type vocabulary struct {
	nodes []string
	users []string // who do what is typed
	own   []string // words of the prompt itself
}

func (v vocabulary) complete(line string) (words []string, stem int) {
	before := strings.Fields(line)
	last := ""
	if len(before) > 0 && !strings.HasSuffix(line, " ") {
		last, before = before[len(before)-1], before[:len(before)-1]
	}
	for _, w := range v.next(before) {
		if strings.HasPrefix(w, last) && !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return words, len(last)
}

// next is what may follow some whole words. Where anything may stand (a
// duration, a number) it is nothing.
func (v vocabulary) next(words []string) []string {
	if len(words) == 0 {
		return slices.Concat(v.own, []string{wordExit}, v.acts(), []string{"wait", "after", "every", "when", "whenever"})
	}
	switch words[0] {
	case "help":
		if len(words) == 1 {
			return helpTopics()
		}
		return nil
	case "sessions":
		return []string{"all"}
	case "users":
		return []string{"quiet", "go"}
	case "wait":
		return v.wait(words[1:])
	}
	acts, rest, done := v.triggers(words)
	if !done {
		return acts
	}
	return append(acts, v.act(rest)...)
}

func (v vocabulary) acts() []string {
	var words []string
	for _, verb := range script.Verbs {
		words = append(words, verb.Word)
	}
	return slices.Concat(words, v.users, []string{"meanwhile", "expect", "remember", "together"})
}

func (v vocabulary) machines() []string { return append(slices.Clone(v.nodes), "proxy") }

// triggers goes over the triggers that a line begins with. If they are not
// complete, words may come next; else rest is what stands behind them, and words
// may come there beside acts.
func (v vocabulary) triggers(line []string) (words, rest []string, done bool) {
	for len(line) > 0 {
		switch line[0] {
		case "after":
			if len(line) < 2 {
				return nil, nil, false
			}
			line, words = line[2:], nil
		case "every":
			if len(line) < 2 {
				return nil, nil, false
			}
			line, words = line[2:], []string{"until"}
			if len(line) > 0 && line[0] == "until" {
				if len(line) < 2 {
					return nil, nil, false
				}
				line, words = line[2:], nil
			}
		case "when", "whenever":
			words, line, done = v.event(line[1:])
			if !done {
				return words, nil, false
			}
		default:
			return nil, line, true
		}
	}
	return append(words, "after", "every", "when", "whenever"), nil, true
}

func (v vocabulary) wait(words []string) []string {
	if len(words) == 0 {
		return []string{"until", "for"}
	}
	switch words[0] {
	case "for":
		if len(words) == 1 {
			return v.users
		}
	case "until":
		next, rest, _ := v.event(words[1:])
		if len(rest) == 0 {
			return next
		}
	}
	return nil
}

// event goes over an event; its results are as those of triggers.
func (v vocabulary) event(line []string) (words, rest []string, done bool) {
	if len(line) == 0 {
		return slices.Concat(v.machines(), v.users, []string{"quiet"}), nil, false
	}
	if line[0] == "quiet" {
		return nil, line[1:], true
	}
	if len(line) < 3 {
		return v.said(line), nil, false
	}
	rest = line[3:]
	link := links[line[1]]
	switch {
	case link == "":
		return nil, rest, true
	case len(rest) == 0:
		return []string{link}, nil, true
	case rest[0] != link:
		return nil, rest, true
	case len(rest) == 1:
		return v.machines(), nil, false
	}
	return nil, rest[2:], true
}

// links are the verbs of messages with the word before the other machine.
var links = map[string]string{"sends": "to", "loses": "to", "receives": "from"}

// said is what may follow the subject of an event, and the verb where that stands.
func (v vocabulary) said(line []string) (words []string) {
	subject := "USER"
	switch {
	case line[0] == "proxy":
		subject = "proxy"
	case slices.Contains(v.nodes, line[0]):
		subject = "NODE"
	}
	if len(line) == 2 && links[line[1]] != "" {
		return script.Kinds
	}
	if len(line) == 2 && line[1] != "is" {
		return v.nodes
	}
	for _, said := range script.EventVerbs(subject) {
		verb, state, is := strings.Cut(said, " ")
		switch {
		case len(line) == 1 && !slices.Contains(words, verb):
			words = append(words, verb)
		case len(line) == 2 && is:
			words = append(words, state)
		}
	}
	return words
}

// act is what may follow the words of something to be done.
func (v vocabulary) act(words []string) []string {
	if len(words) == 0 {
		return v.acts()
	}
	first, rest := words[0], words[1:]
	last := words[len(words)-1]
	switch first {
	case "together":
		for i := len(rest) - 1; i >= 0; i-- {
			if strings.HasSuffix(rest[i], ";") {
				rest = rest[i+1:]
				break
			}
		}
		return v.act(rest)
	case "meanwhile":
		if len(rest) == 0 {
			return v.users
		}
		return v.act(rest)
	case "kill", "stop", "start", "restart", "unroute":
		return without(v.nodes, rest)
	case "pause", "resume":
		return without(v.machines(), rest)
	case "partition":
		free := without(v.machines(), rest)
		if len(rest) > 0 && last != "|" && !slices.Contains(rest, "|") {
			free = append(free, "|")
		}
		switch {
		case len(rest) == 0 || !slices.Contains(rest, "|") || last == "|":
			return free
		case last == "over":
			return []string{"tcp", "udp"}
		case slices.Contains(rest, "over"):
			return nil
		}
		return append(free, "over")
	case "skew":
		if len(rest) == 0 {
			return v.machines()
		}
	case "answer":
		switch len(rest) {
		case 0:
			return v.nodes
		case 1:
			return append([]string{"500", "502", "503", "404"}, script.Answers()...)
		}
	case "hold", "drop", "duplicate", "delay", "release":
		return v.rule(first, rest)
	case "expect", "remember":
		return v.figures()
	}
	if slices.Contains(v.users, first) {
		return v.step(rest)
	}
	return nil
}

func (v vocabulary) rule(verb string, rest []string) []string {
	if len(rest) == 0 {
		return script.Kinds
	}
	switch last := rest[len(rest)-1]; last {
	case "from", "to":
		return slices.Concat(v.machines(), v.users)
	case "by", "spread":
		return nil
	}
	words := without([]string{"from", "to"}, rest)
	switch {
	case verb != "delay":
	case !slices.Contains(rest, "by"):
		words = append(words, "by")
	case !slices.Contains(rest, "spread"):
		words = append(words, "spread")
	}
	return words
}

func (v vocabulary) step(rest []string) []string {
	switch len(rest) {
	case 0:
		return script.Methods
	case 1:
		return pages
	}
	switch rest[len(rest)-1] {
	case "on":
		return v.nodes
	case "as":
		return nil
	}
	return append(without([]string{"on", "as"}, rest), "times")
}

// figures are the names of all figures, for the users and nodes that there are.
func (v vocabulary) figures() []string {
	var names []string
	for _, f := range script.Figures {
		per := []string{f.Name}
		if tail, ok := strings.CutPrefix(f.Name, "USER."); ok {
			per = nil
			for _, u := range v.users {
				per = append(per, u+"."+tail)
			}
		}
		for _, name := range per {
			if f.Arg != script.NodeArg {
				names = append(names, name)
				continue
			}
			for _, n := range v.nodes {
				names = append(names, name+"("+n+")")
			}
		}
	}
	return names
}

func without(words, used []string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(w string) bool { return slices.Contains(used, w) })
}
