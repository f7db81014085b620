package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"sessionlab/lab"
	"sessionlab/scenarios"
	"sessionlab/scenarios/report"
	"sessionlab/scenarios/script"
)

func (env *Env) upCommand() *cli.Command {
	return &cli.Command{
		Name:      "up",
		Usage:     "bring a lab up and play with it: a browser, a prompt, tables",
		ArgsUsage: "[NAME|FILE]",
		Description: `Brings up the lab of a scenario, without its script, and keeps it up. It prints
the addresses to open in a browser and gives a prompt that takes the lines of a
script (kill tomcat1, alice GET /counter, wait until tomcat1 is up) and words of
its own (status, sessions, timeline, report, help). Ctrl-C ends it.

  sessionlab up
  sessionlab up sticky --set proxy.port=9090
  echo 'alice POST /counter 3 times' | sessionlab up mine.txt

Lines may come from a pipe; the lab is up as long as the pipe is open. Then the
exit status is 2 if a line was wrong, else that of the expect lines.`,
		Flags: []cli.Flag{
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "`N` that every random draw depends on"},
			&cli.StringSliceFlag{Name: "set", Usage: "`K=V` to set: NOUN.OPTION=V, NOUN=WORDS, end=TIME, or NAME=V of a vary; an empty V takes it away"},
			&cli.BoolFlag{Name: "free", Usage: "take addresses and ports that are free, while another lab is up", DisableDefaultText: true},
			&cli.BoolFlag{Name: "quiet", Usage: "do not tell what happens", DisableDefaultText: true},
		},
		Action: env.up,
	}
}

func (env *Env) up(c *cli.Context) error {
	if c.NArg() > 1 {
		return misuse("one lab at a time", "up takes one scenario, and %q is another", c.Args().Get(1))
	}
	name := playground()
	if c.Args().Present() {
		name = c.Args().First()
	}
	if name == stdin {
		return misuse("save the scenario to a file", "up reads what is typed from standard input, and so no scenario")
	}
	j, err := env.load(name, c.StringSlice("set"))
	if err != nil {
		return err
	}
	kind, err := env.visible()
	if err != nil {
		return err
	}
	env.note(j, c.Bool("quiet"))
	cell := j.cells[0]
	w, err := kind.New(c.Uint64("seed"), networkOf(cell.Scenario), placeOfUp(cell.Scenario, c.Bool("free")))
	if err != nil {
		return upHindrance(j, cell.Scenario, nil).tell(err)
	}
	url := func(addr string) string { return kind.URL(w, addr) }
	var signals <-chan os.Signal
	if env.Interrupts != nil {
		var stop func()
		signals, stop = env.Interrupts()
		defer stop()
	}
	p := &prompt{
		env: env, job: j, cell: cell, world: kind.Name, seed: c.Uint64("seed"),
		signals: signals, news: newNews(c.Bool("quiet")),
		url: url,
	}
	o := scenarios.Options{World: w, Observe: p.news.happened, Answered: p.news.answered}
	switch err := scenarios.Up(cell.Scenario, o, p.drive); {
	case errors.Is(err, scenarios.ErrLab):
		return upHindrance(j, cell.Scenario, url).tell(err)
	case err != nil:
		return &exit{status: exitMisuse, err: placed(j, err)}
	}
	return verdict(p.status)
}

// playground is the scenario that a lab is taken from when none is named:
// failover, or else the first with two nodes.
func playground() string {
	names := scenarios.Names()
	if slices.Contains(names, "failover") {
		return "failover"
	}
	for _, name := range names {
		if sc, err := scenarios.Load(name); err == nil && len(sc.Nodes()) == 2 {
			return name
		}
	}
	return names[0]
}

// visible is the world that a browser gets into.
func (env *Env) visible() (WorldKind, error) {
	for _, k := range env.Worlds {
		if k.Real && k.URL != nil {
			return k, nil
		}
	}
	return WorldKind{}, &exit{status: exitLab, err: errors.New("up: there is no world here that a browser gets into")}
}

// upHindrance is what is known of a lab that could not be brought up; url may be
// nil.
func upHindrance(j job, sc *script.Scenario, url func(string) string) hindrance {
	again := "sessionlab up " + quoted(j.name)
	for _, set := range j.sets {
		again += " --set " + quoted(set)
	}
	return hindrance{job: j, scenario: sc, url: url, again: again, around: again + " --free takes addresses and ports that are free"}
}

// drive is the life of the lab, from the first screen to the last line.
func (p *prompt) drive(ctx context.Context, live *scenarios.Live) error {
	p.live = live
	p.paint = p.env.colour(p.env.Stdout)
	con, err := p.env.openConsole(p.painted(report.Bold, promptText), p.complete)
	if err != nil {
		return err
	}
	defer con.close()
	p.con = con
	stop := p.tellNews()
	defer stop()
	p.say(p.welcome())
	p.loop(ctx)
	return nil
}

// welcome is the first screen: what there is and where.
func (p *prompt) welcome() string {
	var b strings.Builder
	if title := p.cell.Scenario.Title(); title != "" {
		fmt.Fprintln(&b, p.painted(report.Bold, hang("", title, p.env.width(p.env.Stdout))))
	}
	if len(p.cell.Settings) > 0 {
		fmt.Fprintf(&b, "%s; --set NAME=VALUE chooses among %d\n", report.Visible(p.cell.Label), len(p.job.cells))
	}
	b.WriteByte('\n')
	l := p.live.Lab()
	t := &table{fold: p.env.width(p.env.Stdout)}
	t.row(plain("  proxy"), coloured(report.Bold, p.page(l.Front())), plain("open this one in a browser, and reload"))
	for _, name := range l.Nodes() {
		t.row(plain("  "+name), plain(p.page(l.NodeAddr(name))), plain("this node itself"))
	}
	t.write(&b, p.paint)
	b.WriteByte('\n')
	width := p.env.width(p.env.Stdout)
	if moved := p.moved(l); moved != "" {
		fmt.Fprintln(&b, hang("", moved, width))
	}
	fmt.Fprintln(&b, hang("", whoIsThere(p.live.Users()), width))
	fmt.Fprintln(&b, hang("", fmt.Sprintf("Try: status, sessions, kill %s, help. Tab completes; Ctrl-C ends the lab.", l.Nodes()[0]), width))
	return b.String()
}

// page is what a browser opens for a logical "address:port".
func (p *prompt) page(addr string) string { return "http://" + p.url(addr) + "/" }

// moved tells of the ports of the lab that stand at another number on this
// machine, since somebody has theirs; "" for none.
func (p *prompt) moved(l *lab.Lab) string {
	var taken []string
	look := func(addr string) {
		port, real := portOf(addr), p.url(addr)
		if portOf(real) != port && !slices.Contains(taken, port) {
			taken = append(taken, port)
		}
	}
	look(l.Front())
	for _, name := range l.Nodes() {
		look(l.NodeAddr(name))
	}
	if len(taken) == 0 || strings.HasPrefix(p.url(l.Front()), "127.0.0.1:") { // there every port is another
		return ""
	}
	return "Not free on this machine: port " + strings.Join(taken, ", ") + ". The addresses above have another one instead; inside the lab nothing has moved."
}

// whoIsThere tells who the users are, in a sentence or two.
func whoIsThere(users []scenarios.UserStatus) string {
	journeys := map[string]int{}
	var order, typed []string
	for _, u := range users {
		if u.Journey == "" {
			typed = append(typed, u.Name)
			continue
		}
		if journeys[u.Journey] == 0 {
			order = append(order, u.Journey)
		}
		journeys[u.Journey]++
	}
	var parts []string
	for _, journey := range order {
		parts = append(parts, fmt.Sprintf("%s (journey=%s).", count(journeys[journey], "user goes its way", "users go their way"), journey))
	}
	if len(typed) > 0 {
		parts = append(parts, fmt.Sprintf("%s: %s GET /counter, for instance.", heed(typed), typed[0]))
	}
	return strings.Join(parts, " ")
}

func heed(names []string) string {
	if len(names) == 1 {
		return names[0] + " does what you type"
	}
	return strings.Join(names, ", ") + " do what you type"
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
