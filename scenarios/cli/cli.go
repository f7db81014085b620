// Package cli is the command line: it reads arguments, chooses worlds, runs
// scenarios and prints what came of them.
//
// Start with Env and Main. Everything that touches the process (arguments,
// streams, worlds, signals) comes in through Env, so that a test can be a user.
//
// It leaves out every decision about a lab: those are packages scenarios,
// script and report.
package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"sessionlab/lab/world"
	"sessionlab/scenarios/script"
)

// Exit statuses. They are a promise to scripts.
const (
	exitPass         = 0
	exitFail         = 1
	exitMisuse       = 2
	exitLab          = 3
	exitInconclusive = 4
	exitInterrupted  = 130
)

// Env is everything outside the program.
type Env struct {
	Args    []string // with the program's name
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Version string
	Worlds  []WorldKind
	// Getenv reads the environment; nil is os.Getenv.
	Getenv func(string) string
	// Interrupts gives a channel that receives at every Ctrl-C, and a function
	// that ends that. Nil: there are none.
	Interrupts func() (c <-chan os.Signal, stop func())
}

// WorldKind is a kind of world that a scenario can run in.
type WorldKind struct {
	Name string // "loopback" or "sim"; the first is the default
	// Real says that it takes real time, so that a person wants to be told how
	// it goes on.
	Real bool
	// New makes a world. keep asks for the plain addresses of the scenario, so
	// that a browser finds them; without it the world takes addresses that are
	// free.
	New func(seed uint64, network Network, keep bool) (world.World, error)
	// URL is the address that a browser on this machine types for a logical
	// "address:port"; nil where no browser gets there.
	URL func(w world.World, addr string) string
}

// exit is an error with its status and a hint.
type exit struct {
	status int
	err    error
	hint   string
}

func (e *exit) Error() string { return e.err.Error() }
func (e *exit) Unwrap() error { return e.err }

func misuse(hint, format string, args ...any) error {
	return &exit{exitMisuse, fmt.Errorf(format, args...), hint}
}

// verdict is an exit without a message: the report has said it all.
func verdict(status int) error {
	if status == exitPass {
		return nil
	}
	return &exit{status: status}
}

// Main runs the command line and returns the exit status.
func Main(env Env) int {
	if env.Getenv == nil {
		env.Getenv = os.Getenv
	}
	app := env.app()
	err := app.Run(reorder(env.Args))
	if err == nil {
		return exitPass
	}
	var e *exit
	if !errors.As(err, &e) {
		// urfave/cli's own: an unknown flag, a missing value.
		e = &exit{exitMisuse, err, env.flagHint(err)}
	}
	if e.err != nil {
		env.complain(e.err, e.hint)
	}
	return e.status
}

// complain prints an error, and a hint beneath it. An error of a scenario file
// brings its own place and hint.
func (env *Env) complain(err error, hint string) {
	var many script.Errors
	if errors.As(err, &many) {
		for _, one := range many {
			fmt.Fprintf(env.Stderr, "sessionlab: %v\n", one)
		}
	} else {
		fmt.Fprintf(env.Stderr, "sessionlab: %v\n", err)
	}
	if hint != "" {
		fmt.Fprintf(env.Stderr, "sessionlab: hint: %s\n", hint)
	}
}

func (env *Env) app() *cli.App {
	return &cli.App{
		Name:                 "sessionlab",
		Usage:                "a front proxy, Tomcat-like nodes, and what becomes of every user's session",
		Version:              env.Version,
		HideVersion:          true,
		HideHelpCommand:      true,
		EnableBashCompletion: true,
		Suggest:              true,
		Reader:               env.Stdin,
		Writer:               env.Stdout,
		ErrWriter:            env.Stderr,
		ExitErrHandler:       func(*cli.Context, error) {},
		OnUsageError:         func(_ *cli.Context, err error, _ bool) error { return err },
		CommandNotFound: func(c *cli.Context, name string) {
			fmt.Fprintf(env.Stderr, "sessionlab: no command %q\n", name)
		},
		Description: strings.TrimSpace(`
Brings up a front proxy and Tomcat-like nodes on loopback addresses, lets users
and faults loose on them, and says what happened to every session.

  sessionlab list                          the scenarios that come with it
  sessionlab run failover                  run one, in real time on loopback
  sessionlab run failover --world sim      the same in virtual time, at once
  sessionlab show failover > mine.txt      a scenario of your own: take one,
  sessionlab run mine.txt                  change it, run it
  sessionlab up failover                   bring the lab up and play with it
  sessionlab help scenario                 the language, on one page

Exit status: 0 every expectation held, 1 one failed, 2 misuse or bad input,
3 the lab could not run (a port is taken), 4 inconclusive, 130 interrupted.`),
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				name := c.Args().First()
				hint := `"sessionlab help" shows the commands`
				if near := script.Nearest(name, []string{"run", "list", "show", "up", "help", "version", "completion"}); near != "" {
					hint = fmt.Sprintf("did you mean %q?", near)
				} else if _, ok := env.source(name); ok {
					hint = fmt.Sprintf("did you mean \"sessionlab run %s\"?", name)
				}
				return misuse(hint, "unknown command %q", name)
			}
			return cli.ShowAppHelp(c)
		},
		Commands: []*cli.Command{
			env.runCommand(),
			env.listCommand(),
			env.showCommand(),
			env.helpCommand(),
			env.versionCommand(),
			env.completionCommand(),
		},
	}
}

// flagHint helps with an error of the flag parser.
func (env *Env) flagHint(err error) string {
	name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !ok {
		return `"sessionlab help" shows commands and flags`
	}
	known := []string{"world", "seed", "format", "out", "history", "set", "quiet", "all", "help"}
	if near := script.Nearest(strings.TrimLeft(name, "-"), known); near != "" {
		return fmt.Sprintf("did you mean --%s?", near)
	}
	return "flags of run: --" + strings.Join(known, ", --")
}

// valued are the flags that take a value in the next argument.
var valued = map[string]bool{"world": true, "seed": true, "format": true, "out": true, "history": true, "set": true}

// reorder moves flags in front of the other arguments of a command: people
// write "run failover --world sim", and the flag parser stops at the first word
// that is none. After "--" nothing is a flag.
func reorder(args []string) []string {
	if len(args) < 2 {
		return args
	}
	head, rest := args[:2], args[2:]
	if strings.HasPrefix(args[1], "-") {
		return args
	}
	var flags, words []string
	for i := 0; i < len(rest); i++ {
		a := rest[i]
		if a == "--" {
			words = append(words, rest[i:]...)
			break
		}
		if !strings.HasPrefix(a, "-") || a == "-" {
			words = append(words, a)
			continue
		}
		flags = append(flags, a)
		if name := strings.TrimLeft(a, "-"); valued[name] && i+1 < len(rest) {
			i++
			flags = append(flags, rest[i])
		}
	}
	return append(append(append([]string{}, head...), flags...), words...)
}
