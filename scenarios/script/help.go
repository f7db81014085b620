package script

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

//go:embed help.txt
var helpText string

// Help is the page that documents the language. Its lists of options, verbs
// and figures are made from the tables that the parser uses.
func Help() string {
	list := func(words []string) string { return strings.Join(words, " ") }
	return strings.NewReplacer(
		"{{tomcat}}", strings.Join(series["tomcat"], "|"),
		"{{nginx}}", series["nginx"][0]+" ... "+series["nginx"][len(series["nginx"])-1],
		"{{nouns}}", helpNouns(),
		"{{step}}", list(optionNames(elementOf("step", ""))),
		"{{verbs}}", helpVerbs(),
		"{{triggers}}", helpTriggers(),
		"{{kinds}}", list(Kinds),
		"{{operators}}", list([]string{"==", "!=", "<", "<=", ">", ">="}),
		"{{figures}}", helpFigures(),
		"{{cells}}", strconv.Itoa(maxCells),
	).Replace(helpText)
}

// form is what a value of the option looks like.
func (o Option) form() string {
	switch {
	case o.Type == EnumOption:
		return strings.Join(o.Words, "|")
	case o.Type == WordsOption:
		return quote(strings.Join(o.Words, " "))
	case o.Never:
		return o.Type.String() + "|-1"
	case o.Type == IntOption && o.Max > 0:
		return fmt.Sprintf("%d..%d", o.Min, o.Max)
	}
	return o.Type.String()
}

func (f FigureInfo) title() string {
	if f.Arg != NoArg {
		return f.Name + "(" + placeholder[f.Arg] + ")"
	}
	return f.Name
}

func optionNames(e *Element) []string {
	var names []string
	for _, o := range e.Options {
		names = append(names, o.Name)
	}
	return names
}

// helpNouns lists the elements and the names of their options. Elements of one
// noun with the same options share a line.
func helpNouns() string {
	var b strings.Builder
	for i := 0; i < len(Elements); i++ {
		e := &Elements[i]
		if e.Noun == "step" {
			continue
		}
		heads := []string{e.title()}
		for i+1 < len(Elements) && Elements[i+1].Noun == e.Noun && slices.Equal(optionNames(&Elements[i+1]), optionNames(e)) {
			i++
			heads = append(heads, Elements[i].Class)
		}
		head := strings.Join(heads, "|")
		if form, ok := nounForms[e.Noun]; ok {
			head = form
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(wrap("  "+head+": ", optionNames(e)))
	}
	return b.String()
}

// nounForms are the lines whose first words are more than a noun and a class.
var nounForms = map[string]string{
	"nodes":  "nodes N|NAME...",
	"node":   "node NAME",
	"proxy":  "proxy round_robin|ip_hash|least_conn|hash KEY [consistent]|random [two [least_conn]]",
	"server": "server NODE [backup|down|drain]",
	"users":  "users N",
	"user":   "user NAME [from ADDR]",
}

func helpVerbs() string {
	lines := make([]string, len(Verbs))
	for i, v := range Verbs {
		gap := "\n" + strings.Repeat(" ", 29)
		if n := 27 - len(v.Form); n >= 2 {
			gap = strings.Repeat(" ", n)
		}
		lines[i] = "  " + v.Form + gap + v.Doc
	}
	return strings.Join(lines, "\n")
}

// helpTriggers are the triggers, one a line.
func helpTriggers() string {
	var lines []string
	for _, w := range statements {
		if slices.Contains(triggerWords, w.Word) {
			lines = append(lines, fmt.Sprintf("  %-25s  %s", strings.TrimSuffix(w.Form, " ACT"), w.Doc))
		}
	}
	return strings.Join(lines, "\n")
}

// helpFigures lists the figures by family.
func helpFigures() string {
	var families []string
	members := map[string][]string{}
	for _, f := range Figures {
		family, rest, dotted := strings.Cut(f.title(), ".")
		if !dotted {
			family, rest = "", f.title()
		}
		if !f.Anytime {
			rest += "*"
		}
		if members[family] == nil {
			families = append(families, family)
		}
		members[family] = append(members[family], rest)
	}
	var lines []string
	for _, family := range families {
		head := "  " + family + "."
		if family == "" {
			head = "  "
		}
		lines = append(lines, wrap(head, members[family]))
	}
	return strings.Join(lines, "\n")
}

// wrap sets words after a head in lines of at most 128 characters.
func wrap(head string, words []string) string {
	var b strings.Builder
	b.WriteString(head)
	width := utf8.RuneCountInString(head)
	for i, w := range words {
		switch {
		case i > 0 && width+1+len(w) > 128:
			b.WriteString("\n      ")
			width = 6
		case i > 0:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(w)
		width += len(w)
	}
	return b.String()
}

// Example is a complete scenario of the help page.
type Example struct {
	Name, Source string
}

// Examples are the scenarios of the help page, in their order.
func Examples() []Example {
	const fence = "```"
	var all []Example
	rest := Help()
	for {
		_, after, ok := strings.Cut(rest, fence+"scenario ")
		if !ok {
			return all
		}
		name, body, _ := strings.Cut(after, "\n")
		source, after, _ := strings.Cut(body, fence+"\n")
		all = append(all, Example{name, source})
		rest = after
	}
}
