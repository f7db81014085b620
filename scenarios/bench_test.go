package scenarios_test

import (
	"context"
	"fmt"
	"testing"

	"sessionlab/lab"
	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/scenarios"
	"sessionlab/scenarios/history"
	"sessionlab/scenarios/script"
	"sessionlab/scenarios/users"
)

// load is a lab in virtual time whose users ask for one page over and over,
// with a history of every request.
type load struct {
	nodes, users int
	nouns        string // further lines of the scenario
	target       string
}

// run sends n requests in all, and returns how many were answered with 200.
func (l load) run(tb testing.TB, n int) (ok int) {
	text := fmt.Sprintf("nodes %d\nusers %d\n%s\nend 1s\n", l.nodes, l.users, l.nouns)
	sc, err := script.Parse("bench", []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	plan, err := scenarios.PlanOf(sc)
	if err != nil {
		tb.Fatal(err)
	}
	w := sim.New(sim.Config{Seed: 1})
	defer w.Close()
	the, err := lab.New(w, plan)
	if err != nil {
		tb.Fatal(err)
	}
	var rec history.Recorder
	err = w.Run(func(ctx context.Context) error {
		if err := the.Start(ctx); err != nil {
			return err
		}
		var writes int64
		cfg := users.Config{
			Front: the.Front(), Zero: the.Zero(), Record: rec.Add,
			NextWrite: func() int64 { writes++; return writes },
			Attempts: func(id string) []history.Attempt {
				var out []history.Attempt
				for _, a := range the.TakeAttempts(id) {
					out = append(out, history.Attempt{Node: a.Node, Outcome: a.Outcome})
				}
				return out
			},
		}
		done := world.NewQueue[int](w.Operator())
		for i := range l.users {
			h, err := w.Boot(fmt.Sprintf("user%d", i+1), lab.DefaultUserAddr(i))
			if err != nil {
				return err
			}
			u := users.New(h, &cfg, users.Habits{})
			h.Go("load", func(ctx context.Context) {
				good := 0
				u.Do(ctx, users.Request{Method: "GET", Target: "/counter?add=1"})
				for range n / l.users {
					if u.Do(ctx, users.Request{Method: "GET", Target: l.target}).Status == 200 {
						good++
					}
				}
				done.Put(good)
			})
		}
		for range l.users {
			good, _, err := done.Take(ctx)
			if err != nil {
				return err
			}
			ok += good
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return ok
}

func (l load) bench(b *testing.B) {
	b.ReportAllocs()
	n := max(b.N, l.users)
	ok := l.run(b, n)
	if want := n / l.users * l.users; ok != want {
		b.Fatalf("%d of %d requests were answered with 200", ok, want)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "requests/s")
}

func BenchmarkStandardManagerSticky(b *testing.B) {
	load{nodes: 3, users: 50, nouns: "manager StandardManager\nproxy round_robin sticky=route", target: "/session"}.bench(b)
}

func BenchmarkNodes(b *testing.B) {
	for _, nodes := range []int{2, 10, 100} {
		b.Run(fmt.Sprint(nodes), load{nodes: nodes, users: 50, nouns: "manager StandardManager\nproxy round_robin sticky=route", target: "/session"}.bench)
	}
}
