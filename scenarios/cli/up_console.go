package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"golang.org/x/term"
)

// promptText stands before every typed line.
const promptText = "lab> "

// longestLine bounds a line that comes from a pipe, in bytes.
const longestLine = 1 << 16

// console is where lines are typed and where everything is shown. On a terminal
// lines can be edited, and what is written appears above the line that is being
// typed; otherwise lines are read plainly.
type console struct {
	io.Writer
	// lines are the lines typed, one after each ask; closed when there are no
	// more.
	lines <-chan string
	// interrupts receives when Ctrl-C is typed while a line is at work.
	interrupts <-chan struct{}
	// person says that somebody sits there: a wrong line is no failure.
	person bool

	next   chan struct{}
	keys   *keyboard // nil where lines are read plainly
	resize func()
	tidy   func()
	failed error // why there are no more lines; set before lines is closed
}

// openConsole takes the terminal over; close gives it back as it was.
func (env *Env) openConsole(prompt string, complete completer) (*console, error) {
	in, typed := terminal(env.Stdin)
	out, shown := terminal(env.Stdout)
	if !typed || !shown || env.Getenv("TERM") == "dumb" {
		return env.openPipe(typed), nil
	}
	before, err := term.MakeRaw(in)
	if err != nil {
		return nil, fmt.Errorf("the terminal: %w", err)
	}
	interrupts := make(chan struct{}, 1)
	keys := newKeyboard(interrupts)
	env.spawn(func() { keys.pump(env.Stdin) })
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{keys, env.Stdout}, prompt)
	t.History = &pastLines{}
	t.AutoCompleteCallback = func(line string, pos int, key rune) (string, int, bool) {
		return edit(t, complete, line, pos, key)
	}
	c := &console{Writer: t, interrupts: interrupts, person: true, keys: keys}
	c.resize = func() {
		if width, height, err := term.GetSize(out); err == nil && width > 0 {
			_ = t.SetSize(width, height)
		}
	}
	c.tidy = func() {
		keys.end()
		_ = term.Restore(in, before)
	}
	c.read(env, t.ReadLine)
	return c, nil
}

// openPipe reads lines as they come and repeats them, so that what is shown
// reads like a session at a terminal.
func (env *Env) openPipe(typed bool) *console {
	c := &console{Writer: env.Stdout, person: typed, resize: func() {}, tidy: func() {}}
	scan := bufio.NewScanner(env.Stdin)
	scan.Buffer(nil, longestLine)
	c.read(env, func() (string, error) {
		if typed {
			fmt.Fprint(env.Stdout, promptText)
		}
		if !scan.Scan() {
			if err := scan.Err(); errors.Is(err, bufio.ErrTooLong) {
				return "", fmt.Errorf("one has more than %d bytes", longestLine)
			} else if err != nil {
				return "", err
			}
			return "", io.EOF
		}
		return strings.TrimRight(scan.Text(), "\r"), nil
	})
	return c
}

// read starts the task that reads a line whenever one is asked for. It ends at
// the end of the lines, or when it is asked for no more.
func (c *console) read(env *Env, readLine func() (string, error)) {
	lines := make(chan string, 1) // one that comes too late is left there
	c.lines, c.next = lines, make(chan struct{}, 1)
	env.spawn(func() {
		defer close(lines)
		for range c.next {
			line, err := readLine()
			if err != nil {
				if err != io.EOF {
					c.failed = err
				}
				return
			}
			c.keysAre(working)
			lines <- line
		}
	})
}

// ask shows the prompt; the line comes out of lines.
func (c *console) ask() {
	c.resize()
	c.keysAre(editing)
	c.next <- struct{}{}
}

func (c *console) keysAre(use use) {
	if c.keys != nil {
		c.keys.are(use)
	}
}

// close gives the terminal back. A read of a pipe that is under way cannot be
// ended: its task ends with the pipe.
func (c *console) close() {
	close(c.next)
	c.tidy()
}

// pastLines are the lines typed before, for the up and down keys. It is a
// term.History.
type pastLines []string

// Add takes a line unless it is empty or the same as the one before.
func (p *pastLines) Add(line string) {
	if line != "" && (len(*p) == 0 || p.At(0) != line) {
		*p = append(*p, line)
	}
}

// Len is how many there are.
func (p *pastLines) Len() int { return len(*p) }

// At is a line; 0 is the latest.
func (p *pastLines) At(i int) string { return (*p)[len(*p)-1-i] }

// Keys that mean something. abandon is no key of any keyboard (it is in
// Unicode's private use area): it stands for Ctrl-C, which term.Terminal would
// take for the end of the input.
const (
	keyTab     = '\t'
	keyCtrlC   = 3
	keyEscape  = 27
	keyAbandon = '\ue003'
)

// completer says what may stand at the end of a line: the words that fit, and
// how many bytes of the line they replace.
type completer func(line string) (words []string, stem int)

// edit does what a key means beyond term.Terminal's own: Tab completes, and
// Ctrl-C leaves the line, or the lab when there is none.
func edit(w io.Writer, complete completer, line string, pos int, key rune) (newLine string, newPos int, ok bool) {
	switch key {
	case keyAbandon:
		if line == "" {
			return wordQuit, len(wordQuit), true
		}
		return "", 0, true
	case keyTab:
		words, stem := complete(line[:pos])
		if len(words) == 0 {
			return line, pos, true
		}
		insert := commonPrefix(words)
		switch {
		case len(words) == 1:
			insert += " "
		case len(insert) == stem:
			fmt.Fprintln(w, strings.Join(words, "  "))
		}
		head := line[:pos-stem] + insert
		return head + strings.TrimPrefix(line[pos:], " "), len(head), true
	}
	return "", 0, false
}

func commonPrefix(words []string) string {
	prefix := words[0]
	for _, w := range words[1:] {
		for !strings.HasPrefix(w, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return prefix
}

// keyboard reads keys all the time, so that Ctrl-C is seen while a line is at
// work. What else is typed then is kept for the next line.
type keyboard struct {
	interrupts chan<- struct{}

	mu    sync.Mutex
	more  *sync.Cond
	use   use
	typed []byte
	err   error
}

// use is what typed keys are for.
type use bool

const (
	editing use = false
	working use = true
)

func newKeyboard(interrupts chan<- struct{}) *keyboard {
	k := &keyboard{interrupts: interrupts}
	k.more = sync.NewCond(&k.mu)
	return k
}

func (k *keyboard) are(u use) {
	k.mu.Lock()
	k.use = u
	k.mu.Unlock()
}

// pump reads the terminal until its end, or until the first key after end: a
// read of a terminal that is under way cannot be ended from within.
func (k *keyboard) pump(r io.Reader) {
	buf := make([]byte, 256)
	for {
		n, err := r.Read(buf)
		k.press(buf[:n])
		if err != nil {
			k.fail(err)
		}
		if k.ended() {
			return
		}
	}
}

func (k *keyboard) press(keys []byte) {
	if len(keys) == 1 && keys[0] == keyEscape {
		return // alone it would swallow what is typed next
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, b := range keys {
		switch {
		case b != keyCtrlC:
			k.typed = append(k.typed, b)
		case k.use == working:
			k.typed = nil
			select {
			case k.interrupts <- struct{}{}:
			default:
			}
		default:
			k.typed = append(append(k.typed, string(keyAbandon)...), '\r')
		}
	}
	k.more.Broadcast()
}

// end makes every read end.
func (k *keyboard) end() { k.fail(io.EOF) }

func (k *keyboard) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil {
		k.err = err
	}
	k.more.Broadcast()
}

func (k *keyboard) ended() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err != nil
}

// Read waits for keys.
func (k *keyboard) Read(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.typed) == 0 && k.err == nil {
		k.more.Wait()
	}
	if len(k.typed) == 0 {
		return 0, k.err
	}
	n := copy(p, k.typed)
	k.typed = k.typed[n:]
	return n, nil
}
