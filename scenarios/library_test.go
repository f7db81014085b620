package scenarios_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"sessionlab/lab/loopback"
	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/scenarios"
	"sessionlab/scenarios/report"
	"sessionlab/scenarios/script"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func inSim(sc *script.Scenario) (world.World, error) {
	o := sc.Noun("network").Options
	return sim.New(sim.Config{Seed: 1, Delay: o.Duration("delay", 0), Spread: o.Duration("spread", 0)}), nil
}

func onLoopback(*script.Scenario) (world.World, error) {
	return loopback.New(loopback.Config{Seed: 1, Offset: loopback.Probe})
}

// patience is how often a run is tried that proves nothing since this machine was
// too busy.
const patience = 5

// attempt runs every cell of a scenario and makes a report of it. What this machine
// had to do meanwhile is not noted.
func attempt(name string, text []byte, kind string, newWorld func(*script.Scenario) (world.World, error)) (*report.Report, error) {
	sc, err := script.Parse(name, text)
	if err != nil {
		return nil, err
	}
	r := &report.Report{Schema: report.Schema, Scenario: name, World: kind, Seed: 1, Title: sc.Title(), Verdict: report.None,
		Command: fmt.Sprintf("sessionlab run %s --world %s --seed 1", name, kind)}
	cells := sc.Cells()
	results := make([]*scenarios.Result, len(cells))
	var group errgroup.Group
	if kind == "sim" {
		group.SetLimit(1)
	}
	for i, cell := range cells {
		group.Go(func() error {
			for range patience {
				w, err := newWorld(cell.Scenario)
				if err != nil {
					return err
				}
				if results[i], err = scenarios.Run(cell.Scenario, scenarios.Options{World: w}); err != nil {
					return fmt.Errorf("%s %s: %w", name, cell.Label, err)
				}
				if !slices.ContainsFunc(results[i].Void, func(why string) bool { return strings.Contains(why, "too late") }) {
					break
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, cell := range cells {
		results[i].Notes = slices.DeleteFunc(results[i].Notes, func(note string) bool {
			return strings.HasSuffix(note, "this machine is busy")
		})
		outcome, verdict := results[i].Outcome()
		r.Add(scenarios.Settings(cell), outcome, verdict)
	}
	return r, nil
}

func run(tb testing.TB, name string, text []byte, kind string, newWorld func(*script.Scenario) (world.World, error)) *report.Report {
	tb.Helper()
	r, err := attempt(name, text, kind, newWorld)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func source(tb testing.TB, name string) []byte {
	tb.Helper()
	text, ok := scenarios.Source(name)
	if !ok {
		tb.Fatalf("no scenario %q in the library", name)
	}
	return text
}

func jsonOf(tb testing.TB, r *report.Report) string {
	tb.Helper()
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

func TestTheLibraryIsListedInOrderOfNames(t *testing.T) {
	names := scenarios.Names()
	if !slices.IsSorted(names) || !slices.Contains(names, "sticky-vs-replicated") {
		t.Errorf("names = %v, want all of them in order", names)
	}
	var listed []string
	for _, e := range scenarios.Library() {
		listed = append(listed, e.Name)
	}
	if !slices.Equal(listed, names) {
		t.Errorf("library = %v, want %v", listed, names)
	}
}

// The whole report of every scenario of the library is kept as a text for a
// person to review: go test ./scenarios -run Golden -update.
func TestLibraryGolden(t *testing.T) {
	for _, name := range scenarios.Names() {
		t.Run(name, func(t *testing.T) {
			r := run(t, name, source(t, name), "sim", inSim)
			if r.Verdict != report.Pass {
				t.Errorf("verdict = %s, want pass", r.Verdict)
			}
			var b bytes.Buffer
			if err := r.WriteText(&b, report.Options{Width: 100}); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", "golden", name+".txt")
			if *update {
				if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got := b.String(); got != string(want) {
				t.Errorf("the report differs from %s at %s\n(go test ./scenarios -run Golden -update writes it anew)", file, firstDifference(got, string(want)))
			}
		})
	}
}

// What a scenario says holds whatever the seed.
func TestLibraryPassesWithOtherSeeds(t *testing.T) {
	for _, name := range scenarios.Names() {
		for _, seed := range []uint64{2, 3, 4, 16} {
			r := run(t, name, source(t, name), "sim", func(sc *script.Scenario) (world.World, error) {
				o := sc.Noun("network").Options
				return sim.New(sim.Config{Seed: seed, Delay: o.Duration("delay", 0), Spread: o.Duration("spread", 0)}), nil
			})
			if r.Verdict != report.Pass {
				t.Errorf("%s with seed %d: verdict = %s, want pass\n%s", name, seed, r.Verdict, textOf(t, r))
			}
		}
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d:\n got %q\nwant %q", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("its end: %d lines, want %d", len(g), len(w))
}

func TestSameSeedGivesTheSameBytesAtAnyGOMAXPROCS(t *testing.T) {
	for _, name := range scenarios.Names() {
		t.Run(name, func(t *testing.T) {
			first := jsonOf(t, run(t, name, source(t, name), "sim", inSim))
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			if again := jsonOf(t, run(t, name, source(t, name), "sim", inSim)); again != first {
				t.Errorf("the second run differs at %s", firstDifference(again, first))
			}
		})
	}
}

// A scenario that claims both worlds has the same verdict in them, and the same
// number of sessions lost, rolled back and forked and of requests failed. All
// run on loopback at once, each in a block of addresses of its own: waiting is
// most of what they do.
func TestBothWorldsAgree(t *testing.T) {
	type pair struct {
		name            string
		virtual, actual *report.Report
	}
	var group errgroup.Group
	var pairs []*pair
	for _, e := range scenarios.Library() {
		if len(e.Worlds) < 2 {
			continue
		}
		p := &pair{name: e.Name, virtual: run(t, e.Name, source(t, e.Name), "sim", inSim)}
		pairs = append(pairs, p)
		text := source(t, e.Name)
		group.Go(func() (err error) {
			p.actual, err = attempt(e.Name, text, "loopback", onLoopback)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, p := range pairs {
		if got, want := claims(p.actual), claims(p.virtual); got != want {
			t.Errorf("%s on loopback\n%s\nin sim\n%s\nloopback's report:\n%s", p.name, got, want, textOf(t, p.actual))
		}
	}
}

// claims is what both worlds must agree in.
func claims(r *report.Report) string {
	var b strings.Builder
	line := func(label string, v report.Verdict, o *report.Outcome) {
		fmt.Fprintf(&b, "%s %s: lost %d, rolled back %d, forked %d, failed %d\n", label, v,
			o.Sessions.Lost, o.Sessions.RolledBack, o.Sessions.Forked, o.Requests.Failed)
	}
	if r.Outcome != nil {
		line(r.Scenario, r.Verdict, r.Outcome)
	}
	for _, c := range r.Cells {
		line(fmt.Sprint(c.Settings), c.Verdict, c.Outcome)
	}
	return b.String()
}

func textOf(tb testing.TB, r *report.Report) string {
	tb.Helper()
	var b bytes.Buffer
	if err := r.WriteText(&b, report.Options{Width: 120}); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}
