package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"sessionlab/appnode"
	"sessionlab/scenarios"
	"sessionlab/scenarios/continuity"
	"sessionlab/scenarios/script"
	"sessionlab/scenarios/users"
)

// overview is what the program says without arguments.
const overview = `sessionlab: a front proxy, Tomcat-like nodes, and what becomes of every session

Brings up a proxy and nodes on loopback addresses, lets users and faults loose
on them, and says what happened to every user's session.

  sessionlab list                      the scenarios that come with it
  sessionlab run kill                  run one in real time, on loopback
  sessionlab run kill --world sim      the same in virtual time: at once
  sessionlab show kill > mine.txt      one to change, and to run: run mine.txt
  sessionlab up kill                   bring its lab up, and play with it

Commands:
%s
"sessionlab help COMMAND" shows its flags, "help scenario" the language.
`

// commandHelp is the help on one command, as a template of urfave/cli.
const commandHelp = `sessionlab {{.Name}}{{if .VisibleFlags}} [FLAG...]{{end}}{{with .ArgsUsage}} {{.}}{{end}}

{{or .Description .Usage}}
{{if .VisibleFlags}}
Flags, before or after the other words:
{{range .VisibleFlags}}  {{.}}
{{end}}{{end}}`

func (env *Env) usage() error {
	var commands strings.Builder
	for _, c := range env.app().Commands {
		if !c.Hidden {
			fmt.Fprintf(&commands, "  %-12s%s\n", c.Name, c.Usage)
		}
	}
	_, err := fmt.Fprintf(env.Stdout, overview, commands.String())
	return err
}

func (env *Env) helpCommand() *cli.Command {
	return &cli.Command{
		Name:      "help",
		Usage:     "explain a command, a word, or the scenario language: help scenario",
		ArgsUsage: "[COMMAND|scenario|WORD]",
		HideHelp:  true,
		Description: `Explains a command, or the scenario language on one page. A WORD is one of the
language: a noun such as cluster with every option, what it does and its default;
a verb, an event, a figure, an option. Lists: nouns, verbs, events, kinds (of
messages), figures, pages (of the demo application), journeys (of users),
mechanisms (of anomalies). A word with several meanings shows all of them.

  sessionlab help scenario
  sessionlab help cluster
  sessionlab help pages`,
		Action: func(c *cli.Context) error {
			if c.NArg() > 1 {
				return misuse("one at a time", "help takes one topic")
			}
			if c.NArg() == 0 {
				return env.usage()
			}
			return env.explain(c.App, c.Args().First())
		},
	}
}

// explain shows the help on a command, and on a word of the language.
func (env *Env) explain(app *cli.App, topic string) error {
	command := app.Command(topic)
	known := command != nil && !command.Hidden
	if known {
		cli.HelpPrinter(env.Stdout, commandHelp, command)
	}
	text := helpOn(topic)
	for _, w := range ownWords() {
		if topic == w.word && topic != "help" {
			text += fmt.Sprintf("%s\n    at the prompt of sessionlab up: %s\n", w.form, w.doc)
		}
	}
	switch {
	case text == "" && !known:
		topics := append(commandNames(app), wordTopics()...)
		hint := "topics: " + strings.Join(append(commandNames(app), listTopics...), ", ") + ", and every word of the language"
		if near := script.Nearest(topic, topics); near != "" {
			hint = fmt.Sprintf("did you mean %q?", "sessionlab help "+near)
		} else if _, ok := scenarios.Source(topic); ok {
			hint = fmt.Sprintf("%q prints that scenario", "sessionlab show "+topic)
		}
		return misuse(hint, "there is no help on %q", topic)
	case text != "" && known:
		text = "\n" + text
	}
	_, err := fmt.Fprint(env.Stdout, folded(text, env.width(env.Stdout)))
	return err
}

// listTopics are the topics that show a whole page or list.
var listTopics = []string{"scenario", "nouns", "verbs", "events", "kinds", "figures", "pages", "journeys", "mechanisms"}

// wordTopics are all topics but the commands.
func wordTopics() []string {
	return append(slices.Clone(listTopics), script.Topics()...)
}

// helpOn explains a word in each of its meanings; "" if it has none.
func helpOn(topic string) string {
	var b strings.Builder
	switch topic {
	case "scenario", "scenarios":
		return script.Help()
	case "pages":
		b.WriteString("The pages of the demo application; answers are JSON, but for the first\n")
		explainWords(&b, appnode.Pages)
		b.WriteString("In the query of any page\n")
		explainWords(&b, appnode.Parameters)
	case "journeys":
		b.WriteString("What the users of a population do: users 5 journey=counter think=100ms\n")
		for _, j := range users.Journeys {
			explainWords(&b, []appnode.Word{{Form: string(j.Name), Doc: j.Doc}})
		}
	case "mechanisms":
		b.WriteString("What leads to an anomaly: anomalies[].mechanism of the JSON report\n")
		for _, m := range continuity.Mechanisms {
			explainWords(&b, []appnode.Word{{Form: string(m.Name), Doc: m.Doc}})
		}
	}
	for _, j := range users.Journeys {
		if topic == string(j.Name) {
			fmt.Fprintf(&b, "journey=%s\n    %s\n", j.Name, j.Doc)
		}
	}
	for _, m := range continuity.Mechanisms {
		if topic == string(m.Name) {
			fmt.Fprintf(&b, "mechanism %s\n    %s\n", m.Name, m.Doc)
		}
	}
	for _, w := range reportWords {
		if topic == w.word || topic == strings.ReplaceAll(w.word, " ", "-") {
			fmt.Fprintf(&b, "%s\n    %s\n", w.word, w.doc)
		}
	}
	for _, page := range appnode.Pages {
		if path, _, _ := strings.Cut(page.Form, "?"); topic == path || "/"+topic == path && topic != "" {
			fmt.Fprintf(&b, "GET %s\n    %s\n", page.Form, page.Doc)
		}
	}
	return b.String() + script.HelpOn(topic)
}

// reportWords are words that reports use and the language has not.
var reportWords = []struct{ word, doc string }{
	{"pass", "verdict: every expectation holds, and everything was put to the test"},
	{"fail", "verdict: an expectation is false"},
	{"inconclusive", "verdict: the run is void, or something was not put to the test, or a session is unseen"},
	{"none", "verdict: nothing was expected"},
	{"void", "the lab itself fell short or was late, or a request passed a line of the configuration that is not simulated: no expectation counts"},
	{"audit", "the last look: a request of it is marked in the history"},
	{"last look", "after the end each user reads once more through the proxy, which shows what has become of the last writes"},
	{"stale read", "an answer that misses an acknowledged write which is seen later"},
}

func explainWords(b *strings.Builder, words []appnode.Word) {
	for _, w := range words {
		fmt.Fprintf(b, "  %s\n      %s\n", w.Form, w.Doc)
	}
}
