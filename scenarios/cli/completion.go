package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"sessionlab/scenarios"
)

func (env *Env) completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a completion script for a shell: bash or zsh",
		ArgsUsage: "bash|zsh",
		Description: `Prints a script that lets a shell complete commands, flags and scenarios:

  source <(sessionlab completion bash)     in ~/.bashrc
  source <(sessionlab completion zsh)      in ~/.zshrc, after compinit`,
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return misuse("shells: bash, zsh", "completion takes the name of one shell")
			}
			text, ok := completions[c.Args().First()]
			if !ok {
				return misuse("shells: bash, zsh", "no completion for %q", c.Args().First())
			}
			_, err := fmt.Fprint(env.Stdout, strings.TrimLeft(text, "\n"))
			return err
		},
	}
}

// files is what the program answers where the name of a file may stand.
const files = ":files"

// completions ask the program itself what may stand at the cursor.
var completions = map[string]string{
	"bash": `
_sessionlab() {
  local IFS=$'\n' line
  COMPREPLY=()
  for line in $("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null); do
    if [[ $line == :files ]]; then
      compopt -o filenames 2>/dev/null
      COMPREPLY+=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]#=}"))
    else
      COMPREPLY+=("$line")
    fi
  done
}
complete -F _sessionlab sessionlab
`,
	"zsh": `
#compdef sessionlab
_sessionlab() {
  local line files
  local -a found
  for line in "${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == :files ]]; then
      files=yes
    elif [[ -n $line ]]; then
      found+=("$line")
    fi
  done
  (( $#found )) && compadd -- "${found[@]}"
  [[ -n $files ]] && _files
}
if [[ $funcstack[1] == _sessionlab ]]; then
  _sessionlab "$@"
else
  compdef _sessionlab sessionlab
fi
`,
}

// completeCommand is what the scripts call: it prints a line for every word
// that may stand at the cursor.
func (env *Env) completeCommand() *cli.Command {
	return &cli.Command{
		Name:            "__complete",
		Hidden:          true,
		SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			for _, word := range env.complete(c.App, c.Args().Slice()) {
				if _, err := fmt.Fprintln(env.Stdout, word); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// complete gives the words that may stand at the cursor, which is in the last
// of words: those behind the program's name. Bash makes "--world=sim" three.
func (env *Env) complete(app *cli.App, words []string) []string {
	if n := len(words); n > 0 && words[n-1] == "=" {
		words = append(slices.Clone(words[:n-1]), "")
	}
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "=" })
	if len(words) == 0 {
		return nil
	}
	before, current := words[:len(words)-1], words[len(words)-1]
	var found []string
	for _, word := range env.candidates(app, before, current) {
		if word == files || strings.HasPrefix(word, current) {
			found = append(found, word)
		}
	}
	return found
}

func (env *Env) candidates(app *cli.App, before []string, current string) []string {
	if len(before) == 0 {
		return commandNames(app)
	}
	command := app.Command(before[0])
	if command == nil {
		return nil
	}
	last := before[len(before)-1]
	if flag := strings.TrimLeft(last, "-"); flag != last && takesValue(command, flag) {
		return env.flagValues(flag)
	}
	if strings.HasPrefix(current, "-") {
		return flagNames(command)
	}
	switch command.Name {
	case "run", "show", "up":
		names := slices.DeleteFunc(scenarios.Names(), func(name string) bool { return slices.Contains(before, name) })
		if current != "" {
			names = append(names, files)
		}
		return names
	case "help":
		return slices.Concat(commandNames(app), wordTopics())
	case "completion":
		return []string{"bash", "zsh"}
	}
	return nil
}

func (env *Env) flagValues(flag string) []string {
	switch flag {
	case "world":
		return env.worldNames()
	case "format":
		return formats
	case "out", "history":
		return []string{files}
	}
	return nil
}
