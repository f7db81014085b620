package cli_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"sessionlab/lab/loopback"
	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/scenarios/cli"
)

// wounded is a world in which something panics.
type wounded struct {
	world.World
	task, handler bool
}

func (w wounded) Boot(name, addr string) (world.Host, error) {
	h, err := w.World.Boot(name, addr)
	if err != nil || name != "tomcat1" {
		return h, err
	}
	if w.task {
		h.Go("gossip", func(context.Context) { _ = []int{}[len(name)] })
	}
	return woundedHost{h, w.handler}, nil
}

type woundedHost struct {
	world.Host
	handler bool
}

func (h woundedHost) Serve(port int, handler http.Handler, opts world.ServeOptions) (world.Listener, error) {
	if h.handler {
		handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("of a handler\nwith a second line") })
	}
	return h.Host.Serve(port, handler, opts)
}

func TestAPanicIsOneLineAndAFile(t *testing.T) {
	const text = "nodes 2\nuser bob\nbob GET /session 4 times\nend 1s\n"
	scenario := t.TempDir() + "/s.txt"
	if err := os.WriteFile(scenario, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	in := map[string]func() (world.World, error){
		"sim":      func() (world.World, error) { return sim.New(sim.Config{Seed: 1}), nil },
		"loopback": func() (world.World, error) { return loopback.New(loopback.Config{Seed: 1, Offset: loopback.Probe}) },
	}
	for _, c := range []struct {
		what  string
		wound func(world.World) world.World
		want  string // of the line
	}{
		{"the command", func(world.World) world.World { panic("of the command") }, "the command panicked: of the command"},
		{"a task", func(w world.World) world.World { return wounded{World: w, task: true} },
			"task gossip of tomcat1 panicked: runtime error: index out of range [7] with length 0"},
		{"a handler", func(w world.World) world.World { return wounded{World: w, handler: true} }, "a handler on tomcat1 panicked: of a handler"},
	} {
		for name, open := range in {
			t.Run(c.what+"/"+name, func(t *testing.T) {
				t.Setenv("TMPDIR", t.TempDir())
				var out, errs bytes.Buffer
				status := cli.Main(cli.Env{
					Args: []string{"sessionlab", "run", "--quiet", scenario}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
					Worlds: []cli.WorldKind{{Name: name, New: func(uint64, cli.Network, cli.Place) (world.World, error) {
						w, err := open()
						if err != nil {
							return nil, err
						}
						t.Cleanup(func() { w.Close() })
						return c.wound(w), nil
					}}},
				})
				line := regexp.MustCompile(`^sessionlab: internal error: (.*); details in (\S+)\n$`).FindStringSubmatch(errs.String())
				if status != 3 || line == nil || line[1] != c.want || out.Len() > 0 {
					t.Fatalf("status %d, output %q, errors %q; want 3, nothing, and one line with %q", status, out.String(), errs.String(), c.want)
				}
				details, err := os.ReadFile(line[2])
				if err != nil || !bytes.Contains(details, []byte("internalerror_test.go:")) {
					t.Errorf("details %.200q, %v; want the stack", details, err)
				}
			})
		}
	}
}

func TestQuitIsOneLineAndAFile(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var errs bytes.Buffer
	status := cli.Quit(&errs)
	line := regexp.MustCompile(`^sessionlab: quit; details in (\S+)\n$`).FindStringSubmatch(errs.String())
	if status != 131 || line == nil {
		t.Fatalf("status %d, errors %q; want 131 and one line", status, errs.String())
	}
	if details, err := os.ReadFile(line[1]); err != nil || !bytes.Contains(details, []byte("TestQuitIsOneLineAndAFile")) {
		t.Errorf("details %.200q, %v; want the stack of this test", details, err)
	}
	t.Setenv("TMPDIR", t.TempDir()+"/nowhere")
	errs.Reset()
	if cli.Quit(&errs); strings.Count(errs.String(), "\n") != 1 || !strings.Contains(errs.String(), "could not be written") {
		t.Errorf("without a folder: %q, want one line that says so", errs.String())
	}
}
