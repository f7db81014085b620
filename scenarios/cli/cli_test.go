package cli_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sessionlab/lab/loopback"
	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/scenarios/cli"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata/script")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sessionlab": sessionlab})
}

// apart is where the scripts' labs with plain addresses are: no probing lab and
// none of somebody at work beside the test comes there.
const apart = 240

// sessionlab is the program, put together as in main.go.
func sessionlab() {
	os.Exit(cli.Main(cli.Env{
		Args: os.Args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Version: "v1.2.3",
		Worlds: []cli.WorldKind{
			{Name: "loopback", Real: true, New: func(seed uint64, _ cli.Network, p cli.Place) (world.World, error) {
				offset := loopback.Probe
				if p.Addresses == cli.Plain {
					offset = apart
				}
				return loopback.New(loopback.Config{Seed: seed, Offset: offset, Fixed: p.Fixed})
			}, URL: func(w world.World, addr string) string { return w.(*loopback.World).URL(addr) }},
			{Name: "sim", New: func(seed uint64, n cli.Network, _ cli.Place) (world.World, error) {
				return sim.New(sim.Config{Seed: seed, Delay: n.Delay, Spread: n.Spread}), nil
			}},
		},
		Interrupts: func() (<-chan os.Signal, func()) {
			c := make(chan os.Signal, 1)
			signal.Notify(c, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			return c, func() { signal.Stop(c) }
		},
	}))
}

// TestScripts are people in front of the program; each script tells a story.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "json": jsonCheck, "interrupt": interrupt, "listen": listen, "quit": quit, "alone": alone, "remedy": remedy, "otherlab": otherLab,
		},
	})
}

// exits STATUS PROGRAM ARG...: the program ends with that very status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM ARG...")
	}
	got := ""
	for range 3 { // a run that this machine has made void is no verdict
		if got = strconv.Itoa(statusOf(ts, ts.Exec(args[1], args[2:]...))); got == args[0] {
			return
		}
		if !strings.Contains(ts.ReadFile("stdout"), "the lab itself was too late") {
			break
		}
	}
	ts.Fatalf("%s: got exit status %s, want %s", strings.Join(args[1:], " "), got, args[0])
}

func statusOf(ts *testscript.TestScript, err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

// json FILE PATH VALUE: the JSON value at a path such as cells.0.verdict. The
// path "cells.len" is how many there are.
func jsonCheck(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: json FILE PATH VALUE")
	}
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &v); err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
	for name := range strings.SplitSeq(args[1], ".") {
		v = inside(ts, v, name)
	}
	if got := fmt.Sprint(v); (got == args[2]) == neg {
		ts.Fatalf("%s: %s: got %s, want %s (negated: %t)", args[0], args[1], got, args[2], neg)
	}
}

func inside(ts *testscript.TestScript, v any, name string) any {
	switch v := v.(type) {
	case map[string]any:
		if in, ok := v[name]; ok {
			return in
		}
	case []any:
		if name == "len" {
			return len(v)
		}
		if i, err := strconv.Atoi(name); err == nil && i < len(v) {
			return v[i]
		}
	}
	ts.Fatalf("json: there is no %q in %v", name, v)
	return nil
}

// interrupt [-hangup|-terminate] WORDS ARG...: runs sessionlab and presses Ctrl-C,
// or sends that signal, as soon as standard error has a line with the words. The
// exit status is that of the signal.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	signal, want := os.Interrupt, 130
	switch {
	case len(args) == 0:
	case args[0] == "-hangup":
		signal, want, args = syscall.SIGHUP, 129, args[1:]
	case args[0] == "-terminate":
		signal, want, args = syscall.SIGTERM, 143, args[1:]
	}
	if neg || len(args) < 2 {
		ts.Fatalf("usage: interrupt [-hangup|-terminate] WORDS ARG...")
	}
	program, err := exec.LookPath("sessionlab")
	ts.Check(err)
	cmd := exec.Command(program, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Stdout = ts.Stdout()
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	pressed := false
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		fmt.Fprintln(ts.Stderr(), lines.Text())
		if !pressed && strings.Contains(lines.Text(), args[0]) {
			pressed = true
			ts.Check(cmd.Process.Signal(signal))
		}
	}
	if status := statusOf(ts, cmd.Wait()); !pressed || status != want {
		ts.Fatalf("sessionlab %s: got exit status %d, want %d; %v was sent: %t", strings.Join(args[1:], " "), status, want, signal, pressed)
	}
}

// alone waits until no other run of this script on this machine is at the plain
// addresses, and keeps others out until the script ends.
func alone(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: alone")
	}
	hold(ts, fmt.Sprintf("127.%d.255.253:17217", apart))
}

// hold takes a port until the script ends. It waits for it: a program that has
// just been started has, between fork and exec, all sockets of this one, and
// with them those that were closed in the meantime.
func hold(ts *testscript.TestScript, addr string) {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	var l net.Listener
	var err error
	for range 1200 {
		if l, err = net.Listen("tcp4", addr); err == nil {
			ts.Defer(func() { l.Close() })
			held.Store(addr, l)
			return
		}
		<-again.C
	}
	ts.Fatalf("somebody else has had it for a minute: %v", err)
}

// listen ADDRESS: somebody else has that port until the script ends.
func listen(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: listen ADDRESS:PORT")
	}
	hold(ts, args[0])
}

// otherlab: another lab is up at the plain addresses until the script ends.
func otherLab(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: otherlab")
	}
	w, err := loopback.New(loopback.Config{Offset: apart})
	ts.Check(err)
	ts.Defer(func() { w.Close() })
}

// held are the listeners of hold, by address.
var held sync.Map

// quit ADDRESS: whoever has that port ends.
func quit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: quit ADDRESS:PORT")
	}
	l, ok := held.LoadAndDelete(args[0])
	if !ok {
		ts.Fatalf("nobody has %s", args[0])
	}
	ts.Check(l.(net.Listener).Close())
}

// remedy types the command that the latest hint begins with.
func remedy(ts *testscript.TestScript, neg bool, args []string) {
	said := ts.ReadFile("stderr")
	_, hint, _ := strings.Cut(said, "hint: ")
	command, _, ok := strings.Cut(hint, " takes another port")
	if neg || len(args) > 0 || !ok {
		ts.Fatalf("no command in the hint: %s", said)
	}
	ts.Check(ts.Exec(strings.Fields(command)[0], append(strings.Fields(command)[1:], "--quiet")...))
}
