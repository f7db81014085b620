package cli

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"sessionlab/scenarios/script"
)

// arguments are the arguments with a command's flags in front of its other
// words: people write "run kill --world sim", and the flag parser stops at the
// first word that is no flag. After "--" nothing is a flag.
func (env *Env) arguments(app *cli.App) ([]string, error) {
	args := env.Args
	if len(args) < 2 {
		return args, nil
	}
	name := args[1]
	switch name {
	case "-h", "--help":
		name = "help"
	case "-v", "--version":
		name = "version"
	}
	command := app.Command(name)
	if command == nil || command.SkipFlagParsing {
		return args, nil
	}
	flags, words := []string{args[0], name}, []string{}
	for rest := args[2:]; len(rest) > 0; rest = rest[1:] {
		a := rest[0]
		if a == "--" {
			words = append(words, rest...)
			break
		}
		if !strings.HasPrefix(a, "-") || a == "-" {
			words = append(words, a)
			continue
		}
		if a == "-h" || a == "--help" {
			return []string{args[0], "help", name}, nil
		}
		flags = append(flags, a)
		if !takesValue(command, strings.TrimLeft(a, "-")) {
			continue
		}
		if len(rest) == 1 {
			return nil, misuse(flagUsage(command, a), "%s needs a value", a)
		}
		rest = rest[1:]
		flags = append(flags, rest[0])
	}
	return append(flags, words...), nil
}

// takesValue reports whether a flag has its value in the next argument.
func takesValue(command *cli.Command, name string) bool {
	f := flagOf(command, name)
	if f == nil {
		return false
	}
	_, isBool := f.(*cli.BoolFlag)
	return !isBool
}

func flagOf(command *cli.Command, name string) cli.Flag {
	for _, f := range command.Flags {
		for _, n := range f.Names() {
			if n == name {
				return f
			}
		}
	}
	return nil
}

// flagUsage says what a flag is for: "--seed N: ...".
func flagUsage(command *cli.Command, flag string) string {
	f, ok := flagOf(command, strings.TrimLeft(flag, "-")).(cli.DocGenerationFlag)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s is %s", flag, strings.ReplaceAll(f.GetUsage(), "`", ""))
}

// flagNames are the flags of a command as one types them.
func flagNames(command *cli.Command) []string {
	names := []string{}
	for _, f := range command.Flags {
		if name := f.Names()[0]; name != "help" {
			names = append(names, "--"+name)
		}
	}
	return append(names, "--help")
}

// The errors of the flag parser. Source: Go's package flag.
var (
	unknownFlag = regexp.MustCompile(`^flag provided but not defined: -(.*)$`)
	badValue    = regexp.MustCompile(`^invalid (?:boolean )?value "(.*)" for (?:flag )?-([a-z]+): `)
)

// usageError tells an error of the flag parser in this program's words.
func (env *Env) usageError(c *cli.Context, err error, _ bool) error {
	command := c.Command
	if m := unknownFlag.FindStringSubmatch(err.Error()); m != nil {
		return misuse(unknownFlagHint(c.App, command, m[1]), "unknown flag %s", dashed(m[1]))
	}
	if m := badValue.FindStringSubmatch(err.Error()); m != nil {
		flag := dashed(m[2])
		if m[2] == "seed" {
			return misuse("such as --seed 7", "--seed %q is not a whole number from 0 to 18446744073709551615", m[1])
		}
		return misuse("it takes no value", "%s=%s: %q is neither true nor false", flag, m[1], m[1])
	}
	return misuse(`"sessionlab help" shows commands and flags`, "%v", err)
}

func unknownFlagHint(app *cli.App, command *cli.Command, name string) string {
	if app.Command(command.Name) == nil {
		return `flags stand after the command, as in "sessionlab run kill --world sim"`
	}
	known := flagNames(command)
	if near := script.Nearest(dashed(name), known); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	for _, other := range app.Commands {
		if !other.Hidden && flagOf(other, name) != nil {
			return fmt.Sprintf("%s is a flag of %s", dashed(name), other.Name)
		}
	}
	return fmt.Sprintf("the flags of %s: %s", command.Name, strings.Join(known, ", "))
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + strings.TrimLeft(name, "-")
}
