package script

import (
	"fmt"
	"slices"
	"strings"
)

// Set gives the scenario with options changed, added or taken away: a name is
// NOUN.OPTION, or NOUN.NAME.OPTION for the lines of a node, server or user; the
// value "" takes the option away, and `""` makes it empty. A name without a dot
// is the word that begins a line, or end: its value stands in the place of the
// words before the options (nodes, 5), and "" takes the line away.
//
// The lines that a vary puts in the noun's place are changed as well. A noun
// that the scenario leaves out is added, so that its default can be changed too.
// What is set is read together, so that it may be given in any order. Lines keep
// their numbers.
func (s *Scenario) Set(settings ...Assignment) (*Scenario, error) {
	changed := *s
	changed.Nouns = slices.Clone(s.Nouns)
	changed.Variables = slices.Clone(s.Variables)
	var names []string
	for _, words := range []bool{true, false} { // the class decides which options there are
		for _, a := range settings {
			if strings.Contains(a.Name, ".") == words {
				continue
			}
			set := changed.set
			if words {
				set = changed.setWords
			}
			if err := set(a.Name, a.Value); err != nil {
				return nil, fmt.Errorf("--set %s=%s: %w", a.Name, a.Value, err)
			}
			names = append(names, "--set "+a.Name)
		}
	}
	now, err := Parse(strings.Join(names, " "), []byte(Print(&changed)))
	if err != nil {
		return nil, err
	}
	now.relocate(&changed)
	return now, nil
}

// setWords changes the words between a noun and its options.
func (s *Scenario) setWords(word, value string) error {
	if word == "end" {
		end, err := parseDuration(value)
		s.End = end
		return err
	}
	switch {
	case word == "node" || word == "server" || word == "user":
		return fmt.Errorf("whose? write %s.NAME.OPTION", word)
	case repeats(word):
		return fmt.Errorf("%s lines are a list: change it in the file", word)
	case word == "vary" || word == "sweep" || !slices.Contains(nounWords, word):
		words := append(slices.Clone(nounWords), "end")
		for _, v := range s.Variables {
			words = append(words, v.Name)
		}
		return fmt.Errorf("no line begins with %q, and no vary or sweep is named so%s", word, after(": ", didYouMean(word, words)))
	}
	stands := func(n Noun) bool { return n.Word == word }
	switch {
	case value == "":
		s.Nouns = slices.DeleteFunc(s.Nouns, stands)
	case !slices.ContainsFunc(s.Nouns, stands):
		s.Nouns = append(s.Nouns, Noun{Word: word, Template: word + " " + value})
	}
	return s.edit(func(n Noun) (Noun, bool) {
		if n.Word != word || value == "" {
			return n, false
		}
		head, options := splitOptions(n)
		n.Template = strings.Join(append([]string{head[0], value}, options...), " ")
		if e := elementOf(word, ""); e != nil && e.Class != "" {
			n.Class, _, _ = strings.Cut(value, " ")
		}
		return n, true
	})
}

// edit changes the nouns and those that a vary puts in their place; it fails
// where the text of a vary line has the values of another variable in it.
func (s *Scenario) edit(change func(Noun) (Noun, bool)) error {
	for i, n := range s.Nouns {
		s.Nouns[i], _ = change(n)
	}
	for i, v := range s.Variables {
		v.Values = slices.Clone(v.Values)
		for j, x := range v.Values {
			x.Nouns = slices.Clone(x.Nouns)
			for k, n := range x.Nouns {
				var changed bool
				x.Nouns[k], changed = change(n)
				if changed && v.Template != "" {
					return fmt.Errorf("line %d has the value of another variable in it: change it in the file", v.Pos.Line)
				}
			}
			v.Values[j] = x
		}
		s.Variables[i] = v
	}
	return nil
}

// set changes one option without reading what comes of it.
func (s *Scenario) set(key, value string) error {
	parts := strings.Split(key, ".")
	if len(parts) > 3 {
		return fmt.Errorf("%q is no NOUN.OPTION", key)
	}
	word, option := parts[0], parts[len(parts)-1]
	name := ""
	if len(parts) == 3 {
		name = parts[1]
	}
	if elementOf(word, "") == nil || word == "step" {
		return unknownNoun(word)
	}
	applied, stands := false, false
	change := func(n Noun) (Noun, bool) {
		if n.Word != word || n.Name != name && name != "" {
			return n, false
		}
		stands = true
		if !elementOf(word, n.Class).knows(option) {
			return n, false // another class of the noun
		}
		applied = true
		return n.with(option, value), true
	}
	if err := s.edit(change); err != nil {
		return err
	}
	here := slices.IndexFunc(s.Nouns, func(n Noun) bool { return n.Word == word && (name == "" || n.Name == name) })
	switch {
	case here >= 0 && applied:
	case word == "valve", word == "interceptor" && here < 0:
		if applied {
			return nil
		}
		for _, class := range defaultList(word, option) {
			n, _ := change(Noun{Word: word, Class: class})
			s.Nouns = append(s.Nouns, n)
		}
		if !applied {
			return fmt.Errorf("no %s has an option %q: %s", word, option, wordHint(option, optionsOf(word)))
		}
	case here >= 0 && value == "":
		return fmt.Errorf("no %s has an option %q: %s", word, option, wordHint(option, optionsOf(word)))
	case here >= 0:
		s.Nouns[here] = s.Nouns[here].with(option, value) // for the parser to refuse
	case applied && stands:
	case word == "users":
		return fmt.Errorf("the scenario has no users line: only users declared by name")
	case (word == "node" || word == "server" || word == "user") && name == "":
		return fmt.Errorf("whose %s? write %s.NAME.%s", option, word, option)
	default:
		s.Nouns = append(s.Nouns, Noun{Word: word, Name: name}.with(option, value))
	}
	return nil
}

// with gives the line with an option changed or added, or, for "", without it.
func (n Noun) with(option, value string) Noun {
	head, options := splitOptions(n)
	at := slices.IndexFunc(options, func(o string) bool { return strings.HasPrefix(o, option+"=") })
	text := option + "=" + bare(strings.TrimPrefix(value, emptyText))
	switch {
	case value == "" && at >= 0:
		options = slices.Delete(options, at, at+1)
	case value == "":
	case at >= 0:
		options[at] = text
	default:
		options = append(options, text)
	}
	n.Template = strings.Join(append(head, options...), " ")
	return n
}

// emptyText is how a text of no length is written.
const emptyText = `""`

// splitOptions cuts a line into its words, and gives those before the options
// and the options.
func splitOptions(n Noun) (head, options []string) {
	c := newCursor(&line{text: n.String()})
	var words []string
	for _, w := range c.split(' ') {
		if text := w.squeezed(); text != "" {
			words = append(words, text)
		}
	}
	at := slices.IndexFunc(words, func(w string) bool { return newCursor(&line{text: w}).isOption() })
	if at < 0 || n.Word == "title" {
		at = len(words)
	}
	return slices.Clip(words[:at]), words[at:]
}

// after puts a hint behind something; "" stays "".
func after(sep, hint string) string {
	if hint == "" {
		return ""
	}
	return sep + hint
}

func unknownNoun(word string) error {
	var words []string
	for _, e := range Elements {
		if e.Noun != "step" && !slices.Contains(words, e.Noun) {
			words = append(words, e.Noun)
		}
	}
	return fmt.Errorf("unknown noun %q: %s", word, wordHint(word, words))
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
