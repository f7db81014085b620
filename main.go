// Sessionlab brings up a front proxy and Tomcat-like nodes on loopback
// addresses, runs scripted scenarios against them and tells what happened to
// every user's session. See README.md.
package main

import (
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"sessionlab/lab/loopback"
	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/scenarios/cli"
)

func main() {
	if os.Getenv("GOGC") == "" {
		// A run allocates much and keeps little: fewer collections make the
		// simulator a tenth to a third faster, for some tens of megabytes.
		debug.SetGCPercent(400)
	}
	dumpAtQuit()
	os.Exit(cli.Main(cli.Env{
		Args: os.Args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Version: version(), Worlds: worlds(), Interrupts: interrupts, Memory: cli.SystemMemory(),
	}))
}

// worlds are the two worlds that a lab can run in; the first is the default.
func worlds() []cli.WorldKind {
	return []cli.WorldKind{
		{
			Name: "loopback", Real: true,
			New: func(seed uint64, n cli.Network, p cli.Place) (world.World, error) {
				offset := map[cli.Addresses]int{
					cli.AnyFree: loopback.Probe, cli.PlainIfFree: loopback.ProbeFromZero, cli.Plain: 0,
				}[p.Addresses]
				w, err := loopback.New(loopback.Config{Seed: seed, Offset: offset, Fixed: p.Fixed})
				if err == nil && n != (cli.Network{}) {
					w.Faults().Network(n.Delay, n.Spread)
				}
				return w, err
			},
			URL: func(w world.World, addr string) string { return w.(*loopback.World).URL(addr) },
		},
		{
			Name: "sim",
			New: func(seed uint64, n cli.Network, _ cli.Place) (world.World, error) {
				return sim.New(sim.Config{Seed: seed, Delay: n.Delay, Spread: n.Spread, Hung: hung}), nil
			},
		},
	}
}

// hung ends a simulation that nothing else can end.
func hung(p *world.Panic) { os.Exit(cli.InternalError(os.Stderr, p)) }

// dumpAtQuit keeps what Go prints at Ctrl-\ off the terminal.
func dumpAtQuit() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGQUIT)
	go func() {
		<-c
		os.Exit(cli.Quit(os.Stderr))
	}()
}

func interrupts() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signal.Notify(c, syscall.SIGHUP)
	}
	return c, func() { signal.Stop(c) }
}

// version is what the build says about itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	return "devel"
}
