package script

import (
	"fmt"
	"slices"
	"strings"
)

// Set gives the scenario with one option changed, or added: key is NOUN.OPTION,
// or NOUN.NAME.OPTION for the lines of a node, server or user. The lines that a
// vary puts in the noun's place are changed as well. A noun that the scenario
// leaves out is added, so that its default can be changed too. Lines keep their
// numbers.
func (s *Scenario) Set(key, value string) (*Scenario, error) {
	parts := strings.Split(key, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return nil, fmt.Errorf("%q is no NOUN.OPTION", key)
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
		return nil, fmt.Errorf("unknown noun %q: %s", word, wordHint(word, words))
	}
	applied := false
	change := func(n Noun, force bool) Noun {
		if n.Word != word || n.Name != name && name != "" {
			return n
		}
		knows := slices.ContainsFunc(elementOf(word, n.Class).Options, func(o Option) bool { return o.Name == option })
		if !knows && !force {
			return n // another class of the noun, which does not know it
		}
		applied = true
		n.Options = Options{{Name: option, Text: value}}.over(n.Options)
		n.Template = ""
		return n
	}
	changed := *s
	changed.Nouns = slices.Clone(s.Nouns)
	at := -1
	for i, n := range changed.Nouns {
		if n.Word == word && (name == "" || n.Name == name) {
			at = i
			changed.Nouns[i] = change(n, false)
		}
	}
	changed.Variables = slices.Clone(s.Variables)
	for i, v := range changed.Variables {
		v.Values = slices.Clone(v.Values)
		for j, x := range v.Values {
			x.Nouns = slices.Clone(x.Nouns)
			for k, n := range x.Nouns {
				x.Nouns[k] = change(n, false)
			}
			v.Values[j] = x
		}
		changed.Variables[i] = v
	}
	switch {
	case at >= 0 && !applied:
		changed.Nouns[at] = change(changed.Nouns[at], true) // for the parser to refuse
	case at < 0 && word == "users":
		return nil, fmt.Errorf("the scenario has no users line: only users declared by name")
	case at < 0 && (word == "node" || word == "server" || word == "user") && name == "":
		return nil, fmt.Errorf("whose %s? write %s.NAME.%s", option, word, option)
	case at < 0:
		changed.Nouns = append(changed.Nouns, Noun{Word: word, Name: name, Options: Options{{Name: option, Text: value}}})
	}
	now, err := Parse("--set "+key, []byte(Print(&changed)))
	if err != nil {
		return nil, err
	}
	now.relocate(&changed)
	return now, nil
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
