package cli

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"sessionlab/scenarios"
	"sessionlab/scenarios/script"
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
		Usage:     "explain a command, or the scenario language: help scenario",
		ArgsUsage: "[COMMAND|scenario|TOPIC]",
		HideHelp:  true,
		Description: `Explains a command, or the scenario language on one page. A TOPIC is a part of
the language: verbs, figures, or a noun such as cluster, with every option, what
it does and its default.

  sessionlab help scenario
  sessionlab help cluster`,
		Action: func(c *cli.Context) error {
			if c.NArg() > 1 {
				return misuse("one at a time", "help takes one topic")
			}
			switch topic := c.Args().First(); topic {
			case "":
				return env.usage()
			case "scenario", "scenarios":
				_, err := fmt.Fprint(env.Stdout, folded(script.Help(), env.width(env.Stdout)))
				return err
			default:
				return env.explain(c.App, topic)
			}
		},
	}
}

// explain shows the help on a command.
func (env *Env) explain(app *cli.App, topic string) error {
	command := app.Command(topic)
	if text := script.HelpOn(topic); text != "" {
		_, err := fmt.Fprint(env.Stdout, folded(text, env.width(env.Stdout)))
		return err
	}
	if command == nil || command.Hidden {
		topics := append(commandNames(app), "scenario", "verbs", "figures")
		hint := "topics: " + strings.Join(topics, ", ") + ", and the nouns"
		if near := script.Nearest(topic, append(topics, script.Topics()...)); near != "" {
			hint = fmt.Sprintf("did you mean %q?", "sessionlab help "+near)
		} else if _, ok := scenarios.Source(topic); ok {
			hint = fmt.Sprintf("%q prints that scenario", "sessionlab show "+topic)
		}
		return misuse(hint, "there is no help on %q", topic)
	}
	cli.HelpPrinter(env.Stdout, commandHelp, command)
	return nil
}
