//go:build unix

package cli

import (
	"io"
	"reflect"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// typist sits at a terminal.
type typist struct {
	*desk
	keys   io.Writer
	status chan int
}

func sitDown(t *testing.T) *typist {
	t.Helper()
	d := newDesk(t, twoNodes)
	far, near, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo terminal here: %v", err)
	}
	if err := pty.Setsize(far, &pty.Winsize{Rows: 50, Cols: 120}); err != nil {
		t.Fatal(err)
	}
	before, err := term.GetState(int(near.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		_, _ = io.Copy(&d.out, far)
	}()
	t.Cleanup(func() { // before the search for leaks
		after, err := term.GetState(int(near.Fd()))
		if err != nil || !reflect.DeepEqual(after, before) {
			t.Errorf("the terminal afterwards: got %v, %v, want %v", after, err, before)
		}
		_, _ = io.WriteString(far, "\n") // the last read of the keyboard
		near.Close()                     // and then of the screen
		<-shown
		far.Close()
	})
	d.env.Args, d.env.Stdin, d.env.Stdout = []string{"sessionlab", "up", d.file}, near, near
	d.env.Getenv = func(name string) string { return map[string]string{"NO_COLOR": "1"}[name] }
	p := &typist{desk: d, keys: far, status: make(chan int, 1)}
	go func() { p.status <- Main(d.env) }()
	d.out.shows(t, "lab> ", 1)
	return p
}

func (p *typist) press(keys string) {
	p.t.Helper()
	if _, err := io.WriteString(p.keys, keys); err != nil {
		p.t.Fatal(err)
	}
}

func (p *typist) leaves() {
	p.t.Helper()
	p.leavesWith(exitPass)
}

func (p *typist) leavesWith(status int) {
	p.t.Helper()
	if got := <-p.status; got != status {
		p.t.Errorf("exit status: got %d, want %d; the screen:\n%s%s", got, status, p.out.String(), p.errs.String())
	}
}

func TestUpAtATerminal(t *testing.T) {
	p := sitDown(t)
	p.press("ki\ttomcat1\r")
	p.out.shows(t, "s  tomcat1 is killed\r\n", 1)
	p.press("bogus\r")
	p.out.shows(t, "\r\n     ^\r\nunknown word \"bogus\"\r\n", 1)
	p.press("\x1b[A\x1b[A\r") // two lines back: the kill
	p.out.shows(t, "kill tomcat1: it is down", 1)
	p.press("\x04")
	p.leaves()
}

func TestUpCtrlCCutsALineShort(t *testing.T) {
	p := sitDown(t)
	p.press("wait 1h\r")
	p.out.shows(t, "wait 1h\r\n", 1)
	p.press("typed ahead\x03")
	p.out.shows(t, "cut short\r\n", 1)
	p.press("half a line\x03")
	p.press("alice GET /session\r")
	p.out.shows(t, "alice: GET /session -> 200", 1)
	p.press("\x03")
	p.out.shows(t, "quit\r\n", 1)
	p.leaves()
}

func TestUpTellsNewsAboveWhatIsBeingTyped(t *testing.T) {
	p := sitDown(t)
	p.press("after 100ms kill tomcat1\r")
	p.out.shows(t, "armed", 1)
	p.press("sta")
	p.out.shows(t, "s  tomcat1 is killed\r\nlab> sta", 1)
	p.press("tus\r")
	p.out.shows(t, "tomcat1  down", 1)
	p.press("exit\r")
	p.leaves()
}

func TestUpGivesTheTerminalBackAtASignal(t *testing.T) {
	p := sitDown(t)
	p.press("half a line")
	p.out.shows(t, "half a line", 1)
	p.signals <- syscall.SIGTERM
	p.leavesWith(exitTerminated)
}
