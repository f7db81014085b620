package cli

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"sessionlab/scenarios"
	"sessionlab/scenarios/script"
)

func (env *Env) listCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "list the scenarios of the library",
		Flags: []cli.Flag{&cli.StringFlag{Name: "format", Value: "text", Usage: "text or json"}},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return misuse("", "list takes no arguments: %q", c.Args().First())
			}
			all := scenarios.Library()
			switch c.String("format") {
			case "json":
				e := json.NewEncoder(env.Stdout)
				e.SetIndent("", "  ")
				e.SetEscapeHTML(false)
				return e.Encode(all)
			case "text":
				w := tabwriter.NewWriter(env.Stdout, 0, 8, 2, ' ', 0)
				for _, e := range all {
					fmt.Fprintf(w, "%s\t%s\n", e.Name, e.Title)
				}
				return w.Flush()
			}
			return misuse("the formats are text and json", "unknown format %q", c.String("format"))
		},
	}
}

func (env *Env) showCommand() *cli.Command {
	return &cli.Command{
		Name:         "show",
		Usage:        "print a scenario's text",
		ArgsUsage:    "NAME",
		Action:       env.show,
		BashComplete: env.completeNames,
	}
}

func (env *Env) show(c *cli.Context) error {
	if c.NArg() != 1 {
		return misuse(`"sessionlab list" shows them`, "show takes the name of one scenario")
	}
	_, text, err := env.read(c.Args().First())
	if err != nil {
		return err
	}
	_, err = env.Stdout.Write(text)
	return err
}

func (env *Env) helpCommand() *cli.Command {
	return &cli.Command{
		Name:      "help",
		Usage:     "explain a command, or the scenario language: help scenario",
		ArgsUsage: "[COMMAND|scenario]",
		Action: func(c *cli.Context) error {
			topic := c.Args().First()
			switch topic {
			case "":
				return cli.ShowAppHelp(c)
			case "scenario", "scenarios", "language":
				_, err := fmt.Fprint(env.Stdout, script.Help())
				return err
			}
			if c.App.Command(topic) == nil {
				return misuse(`topics: scenario, and the commands that "sessionlab help" lists`, "there is no help on %q", topic)
			}
			return cli.ShowCommandHelp(c, topic)
		},
	}
}

func (env *Env) versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the version",
		Action: func(*cli.Context) error {
			_, err := fmt.Fprintf(env.Stdout, "sessionlab %s %s %s/%s\n", env.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

func (env *Env) completeNames(c *cli.Context) {
	for _, name := range scenarios.Names() {
		fmt.Fprintln(env.Stdout, name)
	}
}

func (env *Env) completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a completion script for a shell",
		ArgsUsage: "bash|zsh",
		Description: `  source <(sessionlab completion bash)
  source <(sessionlab completion zsh)`,
		Action: func(c *cli.Context) error {
			text, ok := completions[c.Args().First()]
			if !ok {
				return misuse("shells: bash, zsh", "completion for %q is not known", c.Args().First())
			}
			_, err := fmt.Fprint(env.Stdout, strings.TrimLeft(text, "\n"))
			return err
		},
	}
}

// completions ask the program itself what may stand at the cursor.
var completions = map[string]string{
	"bash": `
_sessionlab() {
  local words
  words=$("${COMP_WORDS[@]:0:$COMP_CWORD}" --generate-bash-completion 2>/dev/null)
  COMPREPLY=($(compgen -W "$words" -f -- "${COMP_WORDS[$COMP_CWORD]}"))
}
complete -o bashdefault -o default -F _sessionlab sessionlab
`,
	"zsh": `
#compdef sessionlab
_sessionlab() {
  local -a opts
  opts=("${(@f)$(${words[@]:0:#words[@]-1} --generate-bash-completion 2>/dev/null)}")
  _describe 'values' opts
  _files
}
compdef _sessionlab sessionlab
`,
}
