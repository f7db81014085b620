package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"syscall"
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
	return &cli.Command{
		Name:      "run",
		Usage:     "run scenarios and print what became of every session",
		ArgsUsage: "NAME|FILE...",
		Description: `Runs scenarios of the library by name, or scenario files; - is one that comes from
standard input. The report goes to standard output; how the run goes on in the
meantime, to standard error.

  sessionlab run kill --world sim --seed 7 --format json
  sessionlab run mine.txt --set proxy.max_fails=3 --set mode=sync
  sessionlab run --all --world sim

Several names, or --all, give a JSON array. In a history the lines then say
which scenario, and with vary or sweep which settings, they belong to.

Exit status: 0 every expectation held (or none was made), 1 one failed, 2 misuse
or bad input, 3 the lab could not run (too few open files) or is itself at fault
(one line, and a file with the details), 4 inconclusive.
Ended by a hang-up (129), Ctrl-C (130) or SIGTERM (143) it gives the report so
far.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "world", Value: env.Worlds[0].Name, Usage: "`WORLD` to run in: " + strings.Join(env.worldNames(), " or "), DefaultText: env.Worlds[0].Name},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "`N` that every random draw depends on"},
			&cli.StringFlag{Name: "format", Value: "text", Usage: "`FORMAT` of the report: text or json", DefaultText: "text"},
			&cli.StringFlag{Name: "out", Usage: "`FILE` for the report; - is standard output"},
			&cli.StringFlag{Name: "history", Usage: "`FILE` for every request, as JSON Lines; - is standard output"},
			&cli.BoolFlag{Name: "received", Usage: "the history says what the nodes got: request lines and headers", DisableDefaultText: true},
			&cli.StringSliceFlag{Name: "set", Usage: "`K=V` to set: NOUN.OPTION=V, NOUN=WORDS, end=TIME, or NAME=V of a vary; an empty V takes it away"},
			&cli.StringFlag{Name: "follow", Usage: "tell all of one `USER`, session or node"},
			&cli.StringFlag{Name: "stories", Value: "2", Usage: "`N` anomalies of each kind are told, or all", DefaultText: "2"},
			&cli.BoolFlag{Name: "all", Usage: "run the whole library", DisableDefaultText: true},
			&cli.BoolFlag{Name: "quiet", Usage: "do not tell how it goes on", DisableDefaultText: true},
		},
		Action: env.run,
	}
}

// job is one scenario to run, with what the flags made of it.
type job struct {
	name     string // as the user wrote it
	sets     []string
	scenario *script.Scenario
	cells    []script.Cell
}

func (env *Env) run(c *cli.Context) error {
	// Everything is read and checked before anything starts.
	f, err := format(c)
	if err != nil {
		return err
	}
	kind, err := env.world(c.String("world"))
	if err != nil {
		return err
	}
	if c.Bool("received") && c.String("history") == "" {
		return misuse("--received --history FILE", "--received is about the history, and none is asked for")
	}
	stories, err := storiesOf(c.String("stories"))
	if err != nil {
		return err
	}
	jobs, err := env.jobs(c)
	if err != nil {
		return err
	}
	if c.IsSet("follow") && c.String("follow") == "" {
		return misuse("--follow alice, --follow tomcat1, or the id of a session", "--follow: nobody is named")
	}
	out, history, err := env.outputs(c, jobs)
	if err != nil {
		return err
	}
	s := &session{
		env: env, kind: kind, seed: c.Uint64("seed"),
		quiet: c.Bool("quiet"), received: c.Bool("received"), out: out, history: history, several: len(jobs) > 1 || c.Bool("all"),
		follow: c.String("follow"), stories: stories,
	}
	for _, j := range jobs {
		s.left += len(j.cells)
	}
	s.total = s.left
	for _, j := range jobs {
		env.note(j, c.Bool("quiet"))
	}
	stop := env.onSignal(&s.interrupted)
	defer stop()

	var reports []*report.Report
	for i, j := range jobs {
		if i > 0 && s.interrupted.come() {
			break
		}
		if i > 0 {
			s.space()
		}
		var r *report.Report
		if r, err = s.run(j); err != nil {
			break
		}
		if i == 0 {
			s.space()
		}
		reports = append(reports, r)
		if f == "text" {
			if err = s.deliver(func(w io.Writer) error { return s.printText(w, r, i > 0) }); err != nil {
				break
			}
		}
	}
	if f == "text" && err == nil && s.several {
		err = s.deliver(func(w io.Writer) error {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
			return report.WriteSummary(w, reports, namesOf(jobs[len(reports):]), s.layout())
		})
	}
	if f == "json" && (err == nil || len(reports) > 0) {
		err = errors.Join(err, s.deliver(func(w io.Writer) error {
			if s.several {
				return report.WriteAllJSON(w, reports)
			}
			return reports[0].WriteJSON(w)
		}))
	}
	if errors.Is(s.unwritten, syscall.EPIPE) {
		s.unwritten = nil // that is all it costs
	}
	if s.unwritten != nil && err == nil {
		s.unwritten = fmt.Errorf("the report is whole, the history is not (hence status %d): %w", exitLab, s.unwritten)
	}
	if err = errors.Join(err, s.lostSight, s.undelivered, s.unwritten, out.Close(), history.Close()); err != nil {
		return err
	}
	if s.interrupted.come() {
		return verdict(int(s.interrupted.status.Load()))
	}
	worst := report.None
	for _, r := range reports {
		worst = report.Worse(worst, r.Verdict)
	}
	return verdict(statusOf(worst))
}

// storiesOf reads how many stories are asked for: 0 is the usual few, below 0 all.
func storiesOf(text string) (int, error) {
	if text == "all" {
		return -1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, misuse("--stories 10, or --stories all", "--stories %s: this is no number from 1 on", text)
	}
	return n, nil
}

func namesOf(jobs []job) []string {
	var names []string
	for _, j := range jobs {
		names = append(names, j.name)
	}
	return names
}

// jobs are the scenarios that the arguments ask for.
func (env *Env) jobs(c *cli.Context) ([]job, error) {
	names := c.Args().Slice()
	switch {
	case c.Bool("all") && len(names) > 0:
		return nil, misuse("leave out one or the other", "--all runs the whole library, and %q is named too", names[0])
	case c.Bool("all"):
		names = scenarios.Names()
	case slices.Contains(names[slices.Index(names, stdin)+1:], stdin):
		return nil, misuse("save it to a file", "standard input can be read once, and it is named twice")
	case len(names) == 0:
		return nil, misuse(`"sessionlab list" shows what there is; "sessionlab run kill" is a good start`, "no scenario is named")
	}
	var jobs []job
	for _, name := range names {
		j, err := env.load(name, c.StringSlice("set"))
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

func (s *session) printText(w io.Writer, r *report.Report, another bool) error {
	if another {
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	return r.WriteText(w, s.layout())
}

// layout is how a text is laid out where the reports go.
func (s *session) layout() report.Options {
	width, height := s.env.size(s.out)
	return report.Options{Width: width, Height: height, Color: s.env.colour(s.out), Stories: s.stories}
}

// verdicts are the verdicts with their exit statuses.
var verdicts = []struct {
	verdict report.Verdict
	status  int
}{
	{report.None, exitPass}, {report.Pass, exitPass}, {report.Inconclusive, exitInconclusive},
	{report.Fail, exitFail}, {report.Interrupted, exitInterrupted},
}

func statusOf(v report.Verdict) int {
	for _, known := range verdicts {
		if known.verdict == v {
			return known.status
		}
	}
	return exitLab
}

// session is one call of run.
type session struct {
	env         *Env
	kind        WorldKind
	seed        uint64
	quiet       bool
	received    bool      // the history says what the nodes got
	out         io.Writer // for reports
	undelivered error     // why they went elsewhere
	history     io.Writer
	unwritten   error  // why the history is not whole
	follow      string // a user, node or session
	lostSight   error  // why it could not be followed
	stories     int    // of each kind of anomaly
	several     bool   // scenarios, which share one history and one array of JSON
	interrupted ending
	total, left int // cells of all jobs
}

// space puts an empty line between the narration and a report, where both are on
// one screen.
func (s *session) space() {
	if _, ok := terminal(s.env.Stderr); ok && s.kind.Real && !s.quiet {
		fmt.Fprintln(s.env.Stderr)
	}
}

// run runs every cell of a scenario and makes one report of them. After an
// interruption the other cells are in it as not run.
func (s *session) run(j job) (*report.Report, error) {
	r := &report.Report{
		Schema: report.Schema, Scenario: j.name, World: s.kind.Name, Seed: s.seed,
		Title: j.scenario.Title(), Verdict: report.None, Command: s.command(j),
	}
	for i, cell := range j.cells {
		var outcome *report.Outcome
		verdict := report.Interrupted
		if i == 0 || !s.interrupted.come() {
			var err error
			if outcome, verdict, err = s.runCell(j, cell); err != nil {
				return nil, err
			}
		}
		r.Add(scenarios.Settings(cell), outcome, verdict)
	}
	return r, nil
}

func (s *session) runCell(j job, cell script.Cell) (*report.Outcome, report.Verdict, error) {
	w, err := s.kind.New(s.seed, networkOf(cell.Scenario), placeOf(cell.Scenario))
	if err != nil {
		return nil, "", s.hindrance(j, cell.Scenario, nil).tell(err)
	}
	o := scenarios.Options{World: w, Interrupted: s.interrupted.come, KeepReceived: s.received}
	s.left--
	stop := s.narrate(s.titleOf(j, cell), cell.Scenario.End, &o)
	res, err := scenarios.Run(cell.Scenario, o)
	stop()
	switch {
	case errors.Is(err, scenarios.ErrLab):
		return nil, "", s.hindrance(j, cell.Scenario, w).tell(err)
	case err != nil:
		return nil, "", &exit{status: exitMisuse, err: placed(j, err)}
	}
	mark, err := s.mark(j, cell)
	if err != nil {
		return nil, "", err
	}
	s.keep(res.History, mark)
	outcome, verdict := res.Outcome()
	if s.follow != "" {
		events, err := res.Follow(s.follow)
		if err != nil {
			s.lostSight = misuse("a session is named by its id, or the first four of its digits and more", "--follow %w", err)
		}
		outcome.Followed = report.Events(events)
	}
	return outcome, verdict, nil
}

// mark is what tells the lines of one run from the others in one history file:
// the scenario where there are several, the settings where there are cells.
func (s *session) mark(j job, cell script.Cell) (string, error) {
	var members []string
	if s.several {
		members = append(members, `"scenario":`+string(history.AppendString(nil, j.name)))
	}
	if settings := scenarios.Settings(cell); len(settings) > 0 {
		text, err := settings.MarshalJSON()
		if err != nil {
			return "", err
		}
		members = append(members, `"settings":`+string(text))
	}
	return strings.Join(members, ","), nil
}

// titleOf names a cell: "kill", or "[2/6] rolling gap=4s" where there are more.
func (s *session) titleOf(j job, cell script.Cell) string {
	title := j.name
	if cell.Label != "" {
		title += " " + cell.Label
	}
	if s.total > 1 {
		title = fmt.Sprintf("[%d/%d] %s", s.total-s.left, s.total, title)
	}
	return title
}

// placed is an error of a run that names its scenario.
func placed(j job, err error) error {
	var at *script.Error
	if errors.As(err, &at) || strings.HasPrefix(err.Error(), j.scenario.Name+":") {
		return err
	}
	return fmt.Errorf("%s: %w", j.scenario.Name, err)
}

func networkOf(sc *script.Scenario) Network {
	o := sc.Noun("network").Options
	return Network{Delay: o.Duration("delay", 0), Spread: o.Duration("spread", 0)}
}

// hindrance is what is known of a lab that could not run; w may be nil.
func (s *session) hindrance(j job, sc *script.Scenario, w world.World) hindrance {
	h := hindrance{job: j, scenario: sc, again: s.command(j), around: "take --world sim, which needs no ports"}
	if s.kind.URL != nil && w != nil {
		h.url = func(addr string) string { return s.kind.URL(w, addr) }
	}
	return h
}

// command is what to type to see the same again.
func (s *session) command(j job) string {
	words := []string{"sessionlab run", quoted(j.name), "--world", s.kind.Name, "--seed", fmt.Sprint(s.seed)}
	for _, set := range j.sets {
		words = append(words, "--set", quoted(set))
	}
	return strings.Join(words, " ")
}

func quoted(s string) string {
	if strings.ContainsAny(s, " \t\n$\"'\\*?&|;<>()#`~[]{}!") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

func (env *Env) world(name string) (WorldKind, error) {
	for _, k := range env.Worlds {
		if k.Name == name {
			return k, nil
		}
	}
	return WorldKind{}, misuse("the worlds are "+strings.Join(env.worldNames(), " and "), "unknown world %q", name)
}

func (env *Env) worldNames() []string {
	var names []string
	for _, k := range env.Worlds {
		names = append(names, k.Name)
	}
	return names
}
