package cli

import (
	"cmp"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"sessionlab/lab"
	"sessionlab/lab/world"
	"sessionlab/scenarios"
	"sessionlab/scenarios/report"
)

// patience is how long a run in virtual time, or the last looks of one in real
// time, go on without a word, and grace
// how long it may take to come to its end once it is interrupted. Real time.
const (
	patience = time.Second
	grace    = 100 * time.Millisecond
)

// barWidth is how many columns the bar itself has.
const barWidth = 24

// narrator tells on standard error how a run goes on: of one in real time a line
// for everything that the timeline will have; on a terminal a progress bar. A
// run in virtual time has a bar only if it takes long.
type narrator struct {
	w     io.Writer
	world world.World
	real  bool
	quiet bool
	title string
	width int // columns, 0 where it is no terminal
	end   time.Duration

	mu   sync.Mutex
	told map[string]bool // classes of events, by host
	bar  *progressbar.ProgressBar
}

// narrate tells how the run of a cell goes on and, when it is interrupted, ends
// one whose virtual time passes too slowly. It hooks itself into o; the returned
// function ends it.
func (s *session) narrate(title string, end time.Duration, o *scenarios.Options) (stop func()) {
	title = report.Visible(title)
	n := &narrator{w: s.env.Stderr, world: o.World, real: s.kind.Real, quiet: s.quiet, title: title, end: end}
	if _, ok := terminal(s.env.Stderr); ok && !s.quiet {
		n.width = cmp.Or(s.env.width(s.env.Stderr), 80)
	}
	if n.real && !s.quiet {
		fmt.Fprintf(n.w, "%s runs for %v\n", title, end)
		o.Observe = n.event
	}
	done, gone := make(chan struct{}), make(chan struct{})
	s.env.spawn(func() {
		defer close(gone)
		n.watch(done, s.interrupted.come)
	})
	return func() {
		close(done)
		<-gone
		n.clear()
	}
}

// watch draws the bar and looks for an interruption until done.
func (n *narrator) watch(done <-chan struct{}, interrupted func() bool) {
	ticks := time.NewTicker(grace / 2)
	defer ticks.Stop()
	began := time.Now()
	var heard time.Time
	looks := false
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		case <-ticks.C:
		}
		switch {
		case !interrupted():
		case heard.IsZero():
			heard = time.Now()
		case !n.real && time.Since(heard) >= grace:
			n.world.Interrupt()
		}
		if n.real && !n.quiet && !looks && n.world.Elapsed() > n.end+patience {
			looks = true
			n.line("the end has come: each user looks once more")
		}
		if n.width > 0 && i%4 == 0 && (n.real || time.Since(began) >= patience) {
			n.draw()
		}
	}
}

// draw shows how much of its time the lab has had.
func (n *narrator) draw() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.bar == nil {
		n.bar = progressbar.NewOptions64(int64(n.end/time.Millisecond),
			progressbar.OptionSetWriter(n.w), progressbar.OptionSetWidth(barWidth),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
			progressbar.OptionClearOnFinish())
	}
	passed := min(n.world.Elapsed(), n.end)
	about := fmt.Sprintf("%v left", (n.end - passed).Round(time.Second))
	if !n.real {
		about = fmt.Sprintf("%v of %v", passed.Round(max(time.Millisecond, n.end/1000)), n.end)
	}
	room := n.width - barWidth - len("  ") - len(about) - len("  100% || ")
	n.bar.Describe(beside(n.title, room) + "  " + about)
	_ = n.bar.Set64(int64(passed / time.Millisecond))
}

func (n *narrator) clear() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.bar != nil {
		_ = n.bar.Clear()
	}
}

// beside is a title with room left for the bar on a narrow terminal.
func beside(title string, room int) string {
	if r := []rune(title); len(r) > max(room, 8) {
		return string(r[:max(room, 8)-2]) + ".."
	}
	return title
}

func (n *narrator) event(e lab.Event) {
	if e.Text == "" {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if e.Class != "" { // the first of its kind; the report counts the others
		kind := e.Host + " " + e.Class
		if n.told[kind] {
			return
		}
		if n.told == nil {
			n.told = map[string]bool{}
		}
		n.told[kind] = true
	}
	n.print(moment(e.At, e.Text, n.width))
}

func (n *narrator) line(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.print(moment(n.end, text, n.width))
}

// print prints a line where the bar may stand. Its caller holds n.mu.
func (n *narrator) print(line string) {
	if n.bar != nil {
		_ = n.bar.Clear()
	}
	fmt.Fprintln(n.w, line)
}
