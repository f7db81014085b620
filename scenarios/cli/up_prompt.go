package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"sessionlab/lab"
	"sessionlab/scenarios"
	"sessionlab/scenarios/history"
	"sessionlab/scenarios/report"
	"sessionlab/scenarios/script"
)

// prompt is a lab that is up, and the person in front of it.
type prompt struct {
	env     *Env
	job     job
	cell    script.Cell
	world   string
	seed    uint64
	url     func(addr string) string // where a logical "address:port" is on this machine
	signals <-chan os.Signal
	news    *news

	live   *scenarios.Live
	con    *console
	paint  bool // colours
	status int  // exit status so far

	printing sync.Mutex // keeps what is shown in the order in which it happened
}

// loop takes lines until there are no more.
func (p *prompt) loop(ctx context.Context) {
	for {
		p.con.ask()
		select {
		case line, more := <-p.con.lines:
			if !more {
				p.ended()
				return
			}
			if !p.con.person {
				p.say(promptText + report.VisibleLines(line) + "\n")
			}
			if !p.perform(ctx, line) {
				return
			}
		case by := <-p.signals:
			if by != os.Interrupt { // Ctrl-C is how one leaves
				p.status = ended(by)
			}
			return
		case <-ctx.Done():
			return
		}
	}
}

// ended is the end of the lines.
func (p *prompt) ended() {
	if p.con.failed != nil {
		p.complain(fmt.Sprintf("no more lines: %v", p.con.failed), "")
		p.status = exitMisuse
	}
	if p.con.person {
		p.say("\n")
		return
	}
	if p.status == exitPass {
		p.status = statusOf(judgement(p.live.Result()))
	}
}

// judgement is the verdict of the expect lines alone: whoever pipes lines into
// a lab may have killed something that nobody has missed yet. In a void lab they
// show nothing.
func judgement(r *scenarios.Result) report.Verdict {
	verdict := report.Pass
	if len(r.Void) > 0 && len(r.Expectations) > 0 {
		return report.Inconclusive
	}
	for _, e := range r.Expectations {
		switch e.Outcome {
		case script.Fails:
			verdict = report.Worse(verdict, report.Fail)
		case script.NoData:
			verdict = report.Worse(verdict, report.Inconclusive)
		}
	}
	return verdict
}

// perform does one line; it reports false when that was the last one.
func (p *prompt) perform(ctx context.Context, line string) bool {
	words := strings.Fields(line)
	if len(words) == 0 || strings.HasPrefix(words[0], "#") {
		return true
	}
	for _, w := range ownWords() {
		if w.word == words[0] || w.word == wordQuit && words[0] == wordExit {
			if err := w.do(p, words[1:]); err != nil {
				p.wrong(line, err)
			}
			return w.word != wordQuit
		}
	}
	ctx, cut := context.WithCancel(ctx)
	over := p.watchInterrupts(cut)
	said, err := p.live.Do(ctx, line)
	by := over()
	switch {
	case errors.Is(err, context.Canceled):
		p.say("cut short\n")
	case err != nil:
		p.wrong(line, err)
	case said != "":
		p.say(report.VisibleLines(said) + "\n")
	}
	if by != nil && (by != os.Interrupt || !p.con.person) {
		p.status = ended(by)
		return false
	}
	return true
}

// watchInterrupts calls cut at Ctrl-C, until over; over returns the signal if
// it came as one.
func (p *prompt) watchInterrupts(cut func()) (over func() os.Signal) {
	select { // one that came between two lines
	case <-p.con.interrupts:
	default:
	}
	done, gone := make(chan struct{}), make(chan struct{})
	var signal os.Signal
	p.env.spawn(func() {
		defer close(gone)
		select {
		case <-p.con.interrupts:
			cut()
		case signal = <-p.signals:
			cut()
		case <-done:
		}
	})
	return func() os.Signal {
		close(done)
		<-gone
		cut()
		return signal
	}
}

// wrong shows what is wrong with a line, under the line itself where it fits
// there.
func (p *prompt) wrong(line string, err error) {
	if !p.con.person {
		p.status = exitMisuse
	}
	var at *script.Error
	if !errors.As(err, &at) {
		hint := ""
		var e *exit
		if errors.As(err, &e) {
			hint = e.hint
		}
		p.complain(err.Error(), hint)
		return
	}
	if at.Pos.Col > 0 && utf8.RuneCountInString(promptText+line) < 80 {
		p.say(strings.Repeat(" ", len(promptText)) + blank(line, at.Pos.Col-1) + "^\n")
		p.complain(at.Msg, at.Hint)
		return
	}
	p.complain(at.Error(), "")
}

// blank is as wide as the first n characters of a line.
func blank(line string, n int) string {
	var b strings.Builder
	for _, r := range line {
		if n--; n < 0 {
			break
		}
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r)
	}
	return b.String() + strings.Repeat(" ", max(0, n))
}

func (p *prompt) complain(msg, hint string) {
	text := p.painted(report.Red, report.VisibleLines(msg)) + "\n"
	if hint != "" {
		text += "hint: " + report.VisibleLines(hint) + "\n"
	}
	p.say(text)
}

// say shows something, after the news that came before it.
func (p *prompt) say(text string) {
	p.printing.Lock()
	defer p.printing.Unlock()
	_, _ = io.WriteString(p.con, p.news.take(p.painted, p.env.width(p.env.Stdout))+text)
}

// tellNews starts the task that shows news while nothing else is shown.
func (p *prompt) tellNews() (stop func()) {
	done, gone := make(chan struct{}), make(chan struct{})
	p.env.spawn(func() {
		defer close(gone)
		for {
			select {
			case <-p.news.come:
				p.say("")
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		<-gone
	}
}

func (p *prompt) painted(colour report.Colour, text string) string {
	return report.Paint(p.paint, colour, text)
}

// news is what has happened and was not shown yet. The lab leaves it here, in
// the task that causes it: that must not wait for a terminal.
type news struct {
	come chan struct{} // receives when there is some

	mu     sync.Mutex
	items  []item
	quiet  bool
	frozen map[string]bool // by the operator's hand
	told   map[trouble]*repeats
}

// trouble is what makes one failure like another.
type trouble struct{ host, peer, message string }

// repeats are the failures of one sort: when one was told, and how many since
// were not. All of them are in the timeline.
type repeats struct {
	at     time.Duration
	untold int
}

// lull is how long failures like one that was told are kept back.
const lull = 5 * time.Second

type item struct {
	colour report.Colour
	head   string // such as the time, which further lines are indented by
	text   string
}

func newNews(quiet bool) *news {
	return &news{come: make(chan struct{}, 1), quiet: quiet, frozen: map[string]bool{}, told: map[trouble]*repeats{}}
}

// happened takes an event of the lab.
func (n *news) happened(e lab.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case e.Kind == lab.Told && e.Verb == "pause":
		n.frozen[e.Host] = true
	case e.Kind == lab.Told && e.Verb == "resume", e.Kind == lab.Down, e.Kind == lab.Up:
		delete(n.frozen, e.Host)
	}
	if e.Text == "" || n.quiet {
		return
	}
	text := e.Text
	if e.Kind == lab.Broken || e.Class != "" {
		sort := trouble{e.Host, e.Peer, cmp.Or(e.Class, e.Label.Kind, e.Text)}
		like, known := n.told[sort]
		switch {
		case !known:
			n.told[sort] = &repeats{at: e.At}
		case e.At-like.at < lull:
			like.untold++
			return
		default:
			if like.untold > 0 {
				text += fmt.Sprintf(" (and %d like it before)", like.untold)
			}
			*like = repeats{at: e.At}
		}
	}
	colour := map[lab.EventKind]report.Colour{
		lab.Told: report.Yellow, lab.Up: report.Green, lab.Readmits: report.Green, lab.Sees: report.Green,
		lab.Down: report.Red, lab.Excludes: report.Red, lab.Misses: report.Red, lab.Broken: report.Red,
	}[e.Kind]
	n.add(item{colour, fmt.Sprintf("%9s  ", report.Instant(e.At)), text})
}

// answered takes the answer to a request that somebody typed.
func (n *news) answered(rec *history.Record) {
	if rec.Step == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.add(item{report.Plain, "", scenarios.Describe(rec)})
}

func (n *news) add(i item) {
	n.items = append(n.items, i)
	select {
	case n.come <- struct{}{}:
	default:
	}
}

// take is all of it, line by line; width 0 leaves lines as long as they are.
func (n *news) take(painted func(colour report.Colour, text string) string, width int) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var b strings.Builder
	for _, i := range n.items {
		b.WriteString(painted(i.colour, hang(i.head, i.text, width)) + "\n")
	}
	n.items = nil
	return b.String()
}

func (n *news) hush(quiet bool) {
	n.mu.Lock()
	n.quiet = quiet
	n.mu.Unlock()
}

func (n *news) isFrozen(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.frozen[name]
}

// reportSoFar is the report on what has happened until now.
func (p *prompt) reportSoFar(w io.Writer) error {
	outcome, verdict := p.live.Result().Outcome()
	r := &report.Report{
		Schema: report.Schema, Scenario: p.job.name, World: p.world, Seed: p.seed, Title: p.cell.Scenario.Title(),
		Verdict: verdict, Outcome: outcome,
	}
	return r.WriteText(w, report.Options{Width: p.env.width(p.env.Stdout), Color: p.paint})
}
