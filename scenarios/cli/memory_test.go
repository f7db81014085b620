package cli_test

import (
	"bytes"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"sessionlab/lab/loopback"
	"sessionlab/lab/world"
	"sessionlab/scenarios/cli"
)

func TestALabThatTakesTooMuchMemoryEndsWithAWord(t *testing.T) {
	scenario := t.TempDir() + "/s.txt"
	if err := os.WriteFile(scenario, []byte("nodes 1\nuser bob\nbob GET /session?ms=300\nend 400ms\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		used, want uint64 // MiB; the status that the process ends with, 0 for none
		line       string
	}{
		{2000, 0, ""},
		{2001, 3, "sessionlab: the lab takes more than 2000 MiB of memory, which is half of what there was\n" +
			"sessionlab: hint: a run keeps every request: fewer users, fewer requests, or an earlier end\n"},
	} {
		var out, errs bytes.Buffer
		var ended atomic.Uint64
		cli.Main(cli.Env{
			Args: []string{"sessionlab", "run", "--quiet", scenario}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
			Memory: func() (uint64, uint64) { return c.used << 20, 2000 << 20 },
			Exit:   func(status int) { ended.Store(uint64(status)) },
			Worlds: []cli.WorldKind{{Name: "loopback", New: func(uint64, cli.Network, cli.Place) (world.World, error) {
				return loopback.New(loopback.Config{Seed: 1, Offset: loopback.Probe})
			}}},
		})
		if got := ended.Load(); got != c.want || errs.String() != c.line {
			t.Errorf("with %d MiB: the process ends with %d and says %q, want %d and %q", c.used, got, errs.String(), c.want, c.line)
		}
	}
}
