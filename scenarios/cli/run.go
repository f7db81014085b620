package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"sessionlab/lab/world"
	"sessionlab/scenarios"
	"sessionlab/scenarios/history"
	"sessionlab/scenarios/report"
	"sessionlab/scenarios/script"
)

// Network is what a scenario's network line says: how long messages take where
// time is virtual. Zero is the world's default.
type Network struct {
	Delay, Spread time.Duration
}

func (env *Env) runCommand() *cli.Command {
	var names []string
	for _, k := range env.Worlds {
		names = append(names, k.Name)
	}
	return &cli.Command{
		Name:      "run",
		Usage:     "run scenarios and print what became of every session",
		ArgsUsage: "NAME|FILE...",
		Description: `Runs scenarios of the library by name, or scenario files. The report goes to
standard output, how it goes on in the meantime to standard error.

  sessionlab run failover
  sessionlab run failover --world sim --seed 7 --format json
  sessionlab run mine.txt --set cluster.channelSendOptions=6 --set gap=4s
  sessionlab run --all --world sim`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "world", Value: names[0], Usage: "where: " + strings.Join(names, " or ")},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "of every random draw"},
			&cli.StringFlag{Name: "format", Value: "text", Usage: "of the report: text or json"},
			&cli.StringFlag{Name: "out", Usage: "write the report to `FILE`"},
			&cli.StringFlag{Name: "history", Usage: "write every request to `FILE`, as JSON Lines"},
			&cli.StringSliceFlag{Name: "set", Usage: "`NOUN.OPTION=VALUE` changes an option, NAME=VALUE pins a vary or sweep"},
			&cli.BoolFlag{Name: "all", Usage: "run the whole library"},
			&cli.BoolFlag{Name: "quiet", Usage: "do not tell how it goes on"},
		},
		Action:       env.run,
		BashComplete: env.completeNames,
	}
}

// job is one scenario to run, with what the flags made of it.
type job struct {
	name     string // as the user wrote it
	scenario *script.Scenario
	cells    []script.Cell
}

func (env *Env) run(c *cli.Context) error {
	kind, err := env.world(c.String("world"))
	if err != nil {
		return err
	}
	format := c.String("format")
	if format != "text" && format != "json" {
		return misuse("the formats are text and json", "unknown format %q", format)
	}
	names := c.Args().Slice()
	switch {
	case c.Bool("all") && len(names) > 0:
		return misuse("leave the names out, or --all", "--all runs every scenario, and names are given too")
	case c.Bool("all"):
		names = scenarios.Names()
	case len(names) == 0:
		return misuse(`"sessionlab list" shows the library; "sessionlab run failover" is a good start`, "no scenario is named")
	}
	// Everything is read and checked before anything starts.
	var jobs []job
	for _, name := range names {
		j, err := env.load(name, c.StringSlice("set"))
		if err != nil {
			return err
		}
		jobs = append(jobs, j)
	}
	out, closeOut, err := create(c.String("out"), env.Stdout)
	if err != nil {
		return err
	}
	hist, closeHist, err := create(c.String("history"), io.Discard)
	if err != nil {
		return err
	}

	var interrupted atomic.Bool
	stop := env.onInterrupt(&interrupted)
	defer stop()
	var reports []*report.Report
	worst := report.Pass
	for i, j := range jobs {
		if interrupted.Load() {
			break
		}
		r, err := env.runJob(j, kind, c, hist, &interrupted)
		if err != nil {
			return env.labError(err)
		}
		worst = overall(worst, r.Verdict)
		reports = append(reports, r)
		if format == "text" {
			if i > 0 {
				fmt.Fprintln(out)
			}
			opts := report.Options{Width: env.width(out), Color: env.colour(out)}
			if err := r.WriteText(out, opts); err != nil {
				return &exit{exitLab, fmt.Errorf("write the report: %w", err), ""}
			}
		}
	}
	if format == "json" {
		if len(jobs) == 1 && !c.Bool("all") && len(reports) == 1 {
			err = reports[0].WriteJSON(out)
		} else {
			err = report.WriteAllJSON(out, reports)
		}
	}
	if err := errors.Join(err, closeOut(), closeHist()); err != nil {
		return &exit{exitLab, fmt.Errorf("write the results: %w", err), ""}
	}
	return verdict(statusOf(worst))
}

// verdicts are the verdicts from good to bad, with their exit statuses.
var verdicts = []struct {
	verdict report.Verdict
	status  int
}{
	{report.Pass, exitPass}, {report.Inconclusive, exitInconclusive},
	{report.Fail, exitFail}, {report.Interrupted, exitInterrupted},
}

// overall is the verdict over two parts: the worse of theirs.
func overall(a, b report.Verdict) report.Verdict {
	worst := report.Pass
	for _, v := range verdicts {
		if v.verdict == a || v.verdict == b {
			worst = v.verdict
		}
	}
	return worst
}

func statusOf(v report.Verdict) int {
	for _, known := range verdicts {
		if known.verdict == v {
			return known.status
		}
	}
	return exitLab
}

// labError tells what kept the lab from running.
func (env *Env) labError(err error) error {
	if !errors.Is(err, scenarios.ErrLab) {
		return &exit{exitMisuse, err, ""}
	}
	hint := ""
	if errors.Is(err, world.ErrPortTaken) {
		hint = "something else listens there: choose others with addr= and port= on the proxy and node lines, or end it"
	}
	return &exit{exitLab, err, hint}
}

// runJob runs every cell of a scenario and makes one report of them.
func (env *Env) runJob(j job, kind WorldKind, c *cli.Context, hist io.Writer, interrupted *atomic.Bool) (*report.Report, error) {
	r := &report.Report{
		Schema: report.Schema, Scenario: j.name, World: kind.Name, Seed: c.Uint64("seed"),
		Title: j.scenario.Title(), Verdict: report.Pass, Command: command(j.name, kind, c),
	}
	for _, cell := range j.cells {
		if interrupted.Load() {
			break
		}
		w, err := kind.New(c.Uint64("seed"), networkOf(cell.Scenario), false)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", scenarios.ErrLab, err)
		}
		o := scenarios.Options{World: w, Interrupted: interrupted.Load}
		tell := env.narrate(c.Bool("quiet") || !kind.Real, j, cell, &o)
		res, err := scenarios.Run(cell.Scenario, o)
		tell()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", j.name, err)
		}
		if err := history.Encode(hist, res.History); err != nil {
			return nil, fmt.Errorf("write the history: %w", err)
		}
		outcome, verdict := res.Outcome()
		r.Verdict = overall(r.Verdict, verdict)
		if len(cell.Settings) == 0 {
			r.Outcome = outcome
			continue
		}
		var settings report.Settings
		for _, s := range cell.Settings {
			settings = append(settings, report.Setting{Name: s.Name, Value: s.Value})
		}
		r.Cells = append(r.Cells, report.Cell{Settings: settings, Verdict: verdict, Outcome: outcome})
	}
	return r, nil
}

func networkOf(sc *script.Scenario) Network {
	o := sc.Noun("network").Options
	return Network{Delay: o.Duration("delay", 0), Spread: o.Duration("spread", 0)}
}

// command is what to type to see the same again.
func command(name string, kind WorldKind, c *cli.Context) string {
	words := []string{"sessionlab run", quoted(name), "--world", kind.Name, "--seed", fmt.Sprint(c.Uint64("seed"))}
	for _, s := range c.StringSlice("set") {
		words = append(words, "--set", quoted(s))
	}
	return strings.Join(words, " ")
}

func quoted(s string) string {
	if strings.ContainsAny(s, " \t$\"'\\*?&|;<>()#`") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

func (env *Env) world(name string) (WorldKind, error) {
	var names []string
	for _, k := range env.Worlds {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return WorldKind{}, misuse("the worlds are "+strings.Join(names, " and "), "unknown world %q", name)
}

// create opens a file to write to; an empty name is the stream.
func create(name string, stream io.Writer) (io.Writer, func() error, error) {
	if name == "" {
		return stream, func() error { return nil }, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, nil, misuse("", "%v", err)
	}
	return f, f.Close, nil
}
