package script

import (
	"fmt"
	"slices"
	"strings"
)

// Set gives the scenario with options changed, or added: a name is NOUN.OPTION,
// or NOUN.NAME.OPTION for the lines of a node, server or user. The lines that a
// vary puts in the noun's place are changed as well. A noun that the scenario
// leaves out is added, so that its default can be changed too. What is set is
// read together, so that it may be given in any order. Lines keep their numbers.
func (s *Scenario) Set(settings ...Assignment) (*Scenario, error) {
	changed := *s
	changed.Nouns = slices.Clone(s.Nouns)
	var names []string
	for _, a := range settings {
		if err := changed.set(a.Name, a.Value); err != nil {
			return nil, fmt.Errorf("--set %s=%s: %w", a.Name, a.Value, err)
		}
		names = append(names, "--set "+a.Name)
	}
	now, err := Parse(strings.Join(names, " "), []byte(Print(&changed)))
	if err != nil {
		return nil, err
	}
	now.relocate(&changed)
	return now, nil
}

// set changes one option without reading what comes of it.
func (s *Scenario) set(key, value string) error {
	parts := strings.Split(key, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return fmt.Errorf("%q is no NOUN.OPTION", key)
	}
	word, option := parts[0], parts[len(parts)-1]
	name := ""
	if len(parts) == 3 {
		name = parts[1]
	}
	if elementOf(word, "") == nil || word == "step" {
		var words []string
		for _, e := range Elements {
			if e.Noun != "step" && !slices.Contains(words, e.Noun) {
				words = append(words, e.Noun)
			}
		}
		return fmt.Errorf("unknown noun %q: %s", word, wordHint(word, words))
	}
	applied := false
	change := func(n Noun, force bool) Noun {
		if n.Word != word || n.Name != name && name != "" {
			return n
		}
		if !force && !elementOf(word, n.Class).knows(option) {
			return n // another class of the noun
		}
		applied = true
		n.Options = Options{{Name: option, Text: value}}.over(n.Options)
		n.Template = ""
		return n
	}
	at := -1
	for i, n := range s.Nouns {
		if n.Word == word && (name == "" || n.Name == name) {
			at = i
			s.Nouns[i] = change(n, false)
		}
	}
	s.Variables = slices.Clone(s.Variables)
	for i, v := range s.Variables {
		v.Values = slices.Clone(v.Values)
		for j, x := range v.Values {
			x.Nouns = slices.Clone(x.Nouns)
			for k, n := range x.Nouns {
				x.Nouns[k] = change(n, false)
			}
			v.Values[j] = x
		}
		s.Variables[i] = v
	}
	switch {
	case at >= 0 && applied:
	case word == "valve", word == "interceptor" && at < 0:
		for _, class := range defaultList(word, option) {
			s.Nouns = append(s.Nouns, change(Noun{Word: word, Class: class}, false))
		}
		if !applied {
			return fmt.Errorf("no %s has an option %q: %s", word, option, wordHint(option, optionsOf(word)))
		}
	case at >= 0:
		s.Nouns[at] = change(s.Nouns[at], true) // for the parser to refuse
	case word == "users":
		return fmt.Errorf("the scenario has no users line: only users declared by name")
	case (word == "node" || word == "server" || word == "user") && name == "":
		return fmt.Errorf("whose %s? write %s.NAME.%s", option, word, option)
	default:
		s.Nouns = append(s.Nouns, Noun{Word: word, Name: name, Options: Options{{Name: option, Text: value}}})
	}
	return nil
}

// defaultList are the classes whose lines say what a scenario has that names
// none of them: of interceptors the whole list, of valves the one with the option.
func defaultList(noun, option string) []string {
	if noun == "interceptor" {
		return []string{"TcpFailureDetector", "MessageDispatchInterceptor"}
	}
	for i := range Elements {
		if e := &Elements[i]; e.Noun == noun && e.knows(option) {
			return []string{e.Class}
		}
	}
	return nil
}

// optionsOf are the options of all classes of a noun.
func optionsOf(noun string) []string {
	var names []string
	for _, e := range Elements {
		for _, o := range e.Options {
			if e.Noun == noun && !slices.Contains(names, o.Name) {
				names = append(names, o.Name)
			}
		}
	}
	return names
}

func (e *Element) knows(option string) bool {
	return slices.ContainsFunc(e.Options, func(o Option) bool { return o.Name == option })
}

// relocate gives the lines of s, which was read from the canonical text of a
// scenario, the numbers that they have in the file it came from.
func (s *Scenario) relocate(from *Scenario) {
	lines := map[int]int{}
	for i, n := range s.Nouns {
		lines[n.Pos.Line] = from.Nouns[i].Pos.Line
	}
	for i, v := range s.Variables {
		lines[v.Pos.Line] = from.Variables[i].Pos.Line
	}
	for i, st := range s.Script {
		lines[st.Pos.Line] = from.Script[i].Pos.Line
	}
	for i, st := range s.Final {
		lines[st.Pos.Line] = from.Final[i].Pos.Line
	}
	for i, a := range s.Attachments {
		lines[a.Pos.Line] = from.Attachments[i].Pos.Line
	}
	all := []*Scenario{s}
	for _, c := range s.cells {
		all = append(all, c.Scenario)
	}
	for _, sc := range all {
		sc.Name = from.Name
		sc.Attachments = slices.Clone(sc.Attachments) // cells share them
		move := func(p *Pos) { p.Line = lines[p.Line] }
		for i := range sc.Nouns {
			move(&sc.Nouns[i].Pos)
		}
		for i := range sc.Variables {
			move(&sc.Variables[i].Pos)
		}
		for i := range sc.Script {
			move(&sc.Script[i].Pos)
		}
		for i := range sc.Final {
			move(&sc.Final[i].Pos)
		}
		for i := range sc.Attachments {
			move(&sc.Attachments[i].Pos)
		}
	}
}
