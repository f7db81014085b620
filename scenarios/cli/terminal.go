package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"sessionlab/lab"
	"sessionlab/scenarios"
	"sessionlab/scenarios/report"
)

// terminal is the file descriptor behind a stream if that is a terminal.
func terminal(w any) (fd int, ok bool) {
	if s, ok := w.(kept); ok {
		w = s.Writer
	}
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	return int(f.Fd()), true
}

// colour reports whether a stream wants colours. Source: no-color.org.
func (env *Env) colour(w io.Writer) bool {
	_, ok := terminal(w)
	return ok && env.Getenv("NO_COLOR") == "" && env.Getenv("TERM") != "dumb"
}

// width is the number of columns of a stream; 0 where it has none.
func (env *Env) width(w io.Writer) int {
	fd, ok := terminal(w)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(fd)
	if err != nil {
		return 0
	}
	return width
}

// moment is a line of what happens: when, and what.
func moment(at time.Duration, text string, width int) string {
	return hang(fmt.Sprintf("%9s  ", report.Instant(at)), text, width)
}

// hang sets words behind a head, further lines as far in as the head is wide.
// Width 0 means lines without end.
func hang(head, text string, width int) string {
	return hangBy(head, utf8.RuneCountInString(head), text, width)
}

// hangBy is hang for a head of which not all characters are seen: indent is how
// wide it is.
func hangBy(head string, indent int, text string, width int) string {
	if width <= 0 {
		return head + text
	}
	var b strings.Builder
	b.WriteString(head)
	used := indent
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case used+1+n > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			used = indent
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += n
	}
	return b.String()
}

// folded is a page with its long lines broken between words, the rest of each
// two further in than it began. Examples, which stand between lines of three
// backquotes, stay as they are. Width 0 means lines without end.
func folded(page string, width int) string {
	if width <= 0 {
		return page
	}
	var b strings.Builder
	example := false
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "```") {
			example = !example
		}
		indent := len(line) - len(strings.TrimLeft(line, " ")) + 2
		for !example && utf8.RuneCountInString(strings.TrimRight(line, "\n")) > width {
			cut, n := 0, 0
			for i, r := range line {
				if n++; n > width+1 {
					break
				}
				if r == ' ' && i > indent {
					cut = i
				}
			}
			if cut == 0 {
				break // one long word
			}
			b.WriteString(strings.TrimRight(line[:cut], " ") + "\n")
			line = strings.Repeat(" ", indent) + strings.TrimLeft(line[cut:], " ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// onInterrupt sets a flag at Ctrl-C; at the second one the process ends.
func (env *Env) onInterrupt(flag *atomic.Bool) (stop func()) {
	if env.Interrupts == nil {
		return func() {}
	}
	c, end := env.Interrupts()
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-c:
				if flag.Swap(true) {
					os.Exit(exitInterrupted)
				}
			case <-done:
				return
			}
		}
	}()
	return func() {
		end()
		close(done)
	}
}

// narrate tells on standard error how a run goes on: a line for everything that
// the timeline will have, and on a terminal a progress bar with the time that is
// left. It hooks itself into o; the returned function ends it.
func (env *Env) narrate(quiet bool, title string, end time.Duration, o *scenarios.Options) (stop func()) {
	if quiet {
		return func() {}
	}
	n := &narrator{w: env.Stderr, title: title, end: end}
	if _, ok := terminal(env.Stderr); ok {
		n.width = cmp.Or(env.width(env.Stderr), 80)
		n.room = n.width - barWidth - len("  1h00m00s left  100% || ")
		n.bar = progressbar.NewOptions64(int64(end/time.Millisecond),
			progressbar.OptionSetWriter(env.Stderr), progressbar.OptionSetWidth(barWidth),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
			progressbar.OptionClearOnFinish())
	}
	fmt.Fprintf(env.Stderr, "%s runs for %v\n", title, end)
	o.Started = func(*lab.Lab) { n.begin() }
	o.Observe = n.event
	return n.stop
}

// barWidth is how many columns the bar itself has.
const barWidth = 24

// beside is a title with room left for the bar on a narrow terminal.
func beside(title string, room int) string {
	if r := []rune(title); len(r) > max(room, 8) {
		return string(r[:max(room, 8)-2]) + ".."
	}
	return title
}

type narrator struct {
	w     io.Writer
	title string
	width int // columns, 0 where it is no terminal
	room  int // of them, for the title beside the bar
	end   time.Duration

	mu    sync.Mutex
	told  map[string]bool // classes of events, by host
	bar   *progressbar.ProgressBar
	start time.Time
	ticks *time.Ticker
	done  chan struct{}
	gone  chan struct{}
}

// begin starts the bar's clock.
func (n *narrator) begin() {
	if n.bar == nil {
		return
	}
	n.start = time.Now()
	n.ticks = time.NewTicker(200 * time.Millisecond)
	n.done, n.gone = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(n.gone)
		for {
			select {
			case <-n.ticks.C:
				n.mu.Lock()
				passed := min(time.Since(n.start), n.end)
				n.bar.Describe(fmt.Sprintf("%s  %v left", beside(n.title, n.room), (n.end - passed).Round(time.Second)))
				_ = n.bar.Set64(int64(passed / time.Millisecond))
				n.mu.Unlock()
			case <-n.done:
				return
			}
		}
	}()
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
	if n.bar != nil {
		_ = n.bar.Clear()
	}
	fmt.Fprintln(n.w, moment(e.At, e.Text, n.width))
}

func (n *narrator) stop() {
	if n.done != nil {
		n.ticks.Stop()
		close(n.done)
		<-n.gone
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.bar != nil {
		_ = n.bar.Clear()
	}
}
