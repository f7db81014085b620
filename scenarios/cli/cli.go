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
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"sessionlab/lab/world"
	"sessionlab/scenarios"
	"sessionlab/scenarios/report"
	"sessionlab/scenarios/script"
)

// Exit statuses. They are a promise to scripts.
const (
	exitPass         = 0
	exitFail         = 1
	exitMisuse       = 2
	exitLab          = 3
	exitInconclusive = 4
	exitHungUp       = 129
	exitInterrupted  = 130
	exitQuit         = 131
	exitTerminated   = 143
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
	// Memory says how many bytes the process takes, and how many it may. Nil: it
	// is not looked at.
	Memory func() (used, most uint64)
	// Exit ends the process where nobody is left to return a status to; nil is
	// os.Exit.
	Exit func(status int)
	// Interrupts gives a channel that receives at every Ctrl-C, hang-up and request
	// to terminate, and a function that ends that. Nil: there are none.
	Interrupts func() (c <-chan os.Signal, stop func())
}

// WorldKind is a kind of world that a scenario can run in.
type WorldKind struct {
	Name string // "loopback" or "sim"; the first is the default
	// Real says that it takes real time, so that a person wants to see how it
	// goes on.
	Real bool
	// New makes a world at a place of this machine.
	New func(seed uint64, network Network, place Place) (world.World, error)
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
func Main(env Env) (status int) {
	defer func() {
		if p := recover(); p != nil {
			status = InternalError(env.Stderr, world.NewPanic("the command", p))
		}
	}()
	if env.Getenv == nil {
		env.Getenv = os.Getenv
	}
	if env.Exit == nil {
		env.Exit = os.Exit
	}
	defer env.watchMemory()()
	app := env.app()
	args, err := env.arguments(app)
	if err == nil {
		err = app.Run(args)
	}
	if err == nil {
		return exitPass
	}
	if mistake := new(world.Panic); errors.As(err, &mistake) {
		return InternalError(env.Stderr, mistake)
	}
	var e *exit
	if !errors.As(err, &e) {
		// Nothing else fails but writing, to a full disk for instance.
		e = &exit{status: exitLab, err: err}
	}
	if e.err != nil {
		env.complain(e.err, e.hint)
	}
	return e.status
}

// complain prints an error, and a hint beneath it. The errors of a scenario
// file bring their own places and hints.
func (env *Env) complain(err error, hint string) {
	say := func(what error, hint string) {
		fmt.Fprintf(env.Stderr, "sessionlab: %s\n", report.VisibleLines(what.Error()))
		if hint != "" {
			line := fmt.Sprintf("sessionlab: hint: %s\n", report.VisibleLines(hint))
			fmt.Fprint(env.Stderr, folded(line, env.width(env.Stderr)))
		}
	}
	var many script.Errors
	var one *script.Error
	switch {
	case errors.As(err, &many):
	case errors.As(err, &one):
		many = script.Errors{one}
	default:
		say(err, hint)
		return
	}
	for _, e := range many {
		plain := *e
		plain.Hint = ""
		say(&plain, cmp.Or(e.Hint, hint, `"sessionlab help scenario" shows the language on one page`))
	}
}

func (env *Env) app() *cli.App {
	app := &cli.App{
		Name:                      "sessionlab",
		HideVersion:               true,
		HideHelpCommand:           true,
		DisableSliceFlagSeparator: true, // a comma may be part of a value
		Reader:                    env.Stdin,
		Writer:                    env.Stdout,
		ErrWriter:                 env.Stderr,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              env.usageError,
		Action:                    env.noCommand,
		Commands: []*cli.Command{
			env.runCommand(),
			env.upCommand(),
			env.listCommand(),
			env.showCommand(),
			env.helpCommand(),
			env.versionCommand(),
			env.completionCommand(),
			env.completeCommand(),
		},
	}
	for _, c := range app.Commands {
		c.HideHelpCommand = true
		c.CustomHelpTemplate = commandHelp
		c.OnUsageError = env.usageError
	}
	return app
}

// noCommand is what happens when the first argument is none.
func (env *Env) noCommand(c *cli.Context) error {
	if !c.Args().Present() {
		return env.usage()
	}
	name := c.Args().First()
	hint := `"sessionlab help" shows the commands`
	if near := script.Nearest(name, commandNames(c.App)); near != "" {
		hint = fmt.Sprintf("did you mean %q?", "sessionlab "+near)
	} else if _, ok := scenarios.Source(name); ok || env.isFile(name) {
		hint = fmt.Sprintf("did you mean %q?", "sessionlab run "+name)
	}
	return misuse(hint, "unknown command %q", name)
}

// commandNames are the commands that a person types.
func commandNames(app *cli.App) []string {
	var names []string
	for _, c := range app.Commands {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	return names
}
