package script

import (
	"fmt"
	"slices"
	"strings"
)

// statements is the table of the lines and triggers that are neither nouns with
// options nor verbs.
var statements = []WordInfo{
	{"title", "title TEXT", "what the scenario shows, in one line"},
	{"worlds", "worlds sim|loopback...", "where it gives the same verdict; sim alone without the line"},
	{"tomcat", "tomcat RELEASE", "whose defaults and names the nodes have"},
	{"nginx", "nginx RELEASE", "whose defaults and names the proxy has"},
	{"vary", "vary NAME: LABEL = NOUN LINE; NOUN LINE | LABEL = ...", "one scenario for each setting"},
	{"sweep", "sweep NAME = FROM..TO step STEP", "one scenario for each value; $NAME stands for it"},
	{"end", "end TIME", "how long the scenario lasts, counted from its start"},
	{"at", "at TIME ACT", "counted from the start; only at the beginning of a line"},
	{"after", "after TIME ACT", "counted from the trigger before it, or from the moment the script comes to it"},
	{"every", "every TIME [until TIME] ACT", "again and again; until is counted from the start"},
	{"when", "when EVENT ACT", "once, in the instant it happens: before the sender goes on"},
	{"whenever", "whenever EVENT ACT", "each time"},
	{"wait", "wait TIME | wait until EVENT | wait for USER[.LABEL]", "the script goes on later; nobody else waits"},
	{"meanwhile", "meanwhile USER METHOD TARGET", "a request for which the script does not wait"},
	{"together", "together ACT; ACT", "in one instant"},
	{"expect", "expect CONDITION", "judged there and then or, behind the end line, at the very last"},
	{"remember", "remember NAME = SUM", "keep a value for a later line"},
}

// events is the table of what triggers and waits can wait for.
var events = []WordInfo{
	{"up", "NODE is up", "it answers requests"},
	{"down", "NODE is down", "killed, or stopped"},
	{"idle", "NODE is idle", "no request is at work on it, nor on its way to it"},
	{"sees", "NODE sees NODE", "the one lists the other as a member"},
	{"misses", "NODE misses NODE", "the one does not list the other"},
	{"sends", "HOST sends KIND [to HOST]", "the message has left"},
	{"receives", "HOST receives KIND [from HOST]", "the message has come"},
	{"loses", "HOST loses KIND [to HOST]", "the message is lost on its way"},
	{"tries", "proxy tries NODE", "it turns to that node with a request"},
	{"excludes", "proxy excludes NODE", "it takes that node out of service"},
	{"readmits", "proxy readmits NODE", "it has that node in service again"},
	{"answered", "USER is answered", "an answer has come, or the user has given it up"},
	{"quiet", "quiet", "nothing queued, nothing on its way"},
}

// EventVerbs are what may be said of a subject in an event, in the words of events:
// of a "NODE", a "USER" or the "proxy", as of every HOST. "is" stands with its state.
func EventVerbs(subject string) []string {
	var all, own []string
	for _, e := range events {
		who, what, _ := strings.Cut(e.Form, " ")
		verb := e.Word
		if strings.HasPrefix(what, "is ") {
			verb = what
		}
		switch who {
		case "HOST":
			all = append(all, verb)
		case subject:
			own = append(own, verb)
		}
	}
	return append(all, own...)
}

// lists are the topics that show a whole table.
var lists = []string{"nouns", "verbs", "events", "kinds", "figures"}

// Topics are the words that HelpOn knows something about, without the names of
// options.
func Topics() []string {
	topics := slices.Clone(lists)
	add := func(word string) {
		if !slices.Contains(topics, word) {
			topics = append(topics, word)
		}
	}
	for _, e := range Elements {
		add(e.Noun)
	}
	for _, table := range [][]WordInfo{statements, Verbs, events, kindInfos} {
		for _, w := range table {
			add(w.Word)
		}
	}
	for _, f := range Figures {
		add(f.Name)
	}
	return topics
}

// HelpOn explains a word of the language in each of its meanings: a noun or a
// class with its options, a statement, a verb, an event, a figure, a family of
// figures or what a family has, an option with the lines that take it; or a whole table: nouns, verbs,
// events, kinds of messages, figures. It is "" for any other word.
func HelpOn(topic string) string {
	if topic == "" {
		return "" // many elements have no class
	}
	var b strings.Builder
	for i := range Elements {
		switch e := &Elements[i]; topic {
		case "nouns":
			fmt.Fprintf(&b, "%s\n    %s\n", e.title(), e.Doc)
		case e.Noun, e.Class:
			e.explain(&b, "")
		}
	}
	for _, table := range []struct {
		list  string
		words []WordInfo
	}{{"", statements}, {"verbs", Verbs}, {"events", events}, {"kinds", kindInfos}} {
		for _, w := range table.words {
			if topic == w.Word || topic == table.list {
				fmt.Fprintf(&b, "%s\n    %s\n", w.Form, w.Doc)
			}
		}
	}
	explainFigures := func(name string) {
		for i := range Figures {
			if f := &Figures[i]; topic == "figures" || f.covers(name) {
				f.explain(&b)
			}
		}
	}
	name, _, _ := strings.Cut(topic, "(") // as an expectation has it: proxy.tries(tomcat1)
	if explainFigures(name); b.Len() == 0 {
		if _, figure, ok := strings.Cut(name, "."); ok { // alice.copies
			explainFigures("USER." + figure)
			if b.Len() == 0 && strings.HasPrefix(figure, "last.") {
				fmt.Fprintf(&b, "%s\n    text, or a number: that attribute of the session in the latest answer\n", attributeFigure)
			}
		}
	}
	if b.Len() == 0 {
		for i := range Elements {
			if e := &Elements[i]; e.knows(topic) {
				e.explain(&b, topic)
			}
		}
	}
	return b.String()
}

// explain writes what an element is, and all its options or one of them.
func (e *Element) explain(b *strings.Builder, option string) {
	fmt.Fprintf(b, "%s\n    %s\n", e.title(), e.Doc)
	for _, o := range e.Options {
		if option == "" || option == o.Name {
			fmt.Fprintf(b, "  %s=%s\n      %s\n", o.Name, o.form(), o.Doc)
		}
	}
}

// covers reports whether a word is the figure's name, or the beginning or the end of
// it at a dot: "sessions.unseen", "sessions", "unseen".
func (f *FigureInfo) covers(word string) bool {
	rest, ok := strings.CutPrefix(f.Name, word)
	return ok && (rest == "" || rest[0] == '.') || strings.HasSuffix(f.Name, "."+word)
}

func (f *FigureInfo) explain(b *strings.Builder) {
	fmt.Fprintf(b, "%s\n    %v", f.title(), f.Type)
	if f.Doc != "" {
		b.WriteString(": " + f.Doc)
	}
	if !f.Anytime {
		b.WriteString("; in a file after the end only")
	}
	b.WriteByte('\n')
}
