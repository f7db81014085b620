package scenarios_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"sessionlab/lab"
	"sessionlab/lab/world"
	"sessionlab/scenarios"
	"sessionlab/scenarios/history"
	"sessionlab/scenarios/report"
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
	w, the := labOf(tb, fmt.Sprintf("nodes %d\nusers %d\n%s", l.nodes, l.users, l.nouns))
	defer w.Close()
	var rec history.Recorder
	err := w.Run(func(ctx context.Context) error {
		if err := the.Start(ctx); err != nil {
			return err
		}
		var numbered int64
		cfg := users.Config{
			Front: the.Front(), Zero: the.Zero(), NewRecord: rec.New, Record: rec.Add,
			Number: func() int64 { numbered++; return numbered },
			Noted:  func(r, before *history.Record, request string) { scenarios.Enter(the, &rec, r, before, request) },
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

// Managers and proxies that are measured.
const (
	standard   = "manager StandardManager\nproxy round_robin sticky=route"
	keepalive  = "nginx 1.29.7\n" + standard // the first release that keeps connections to nodes by default
	replicated = "manager DeltaManager\nproxy round_robin sticky=route"
)

func BenchmarkStandardManagerSticky(b *testing.B) {
	load{nodes: 3, users: 50, nouns: standard, target: "/session"}.bench(b)
}

func BenchmarkStandardManagerStickyKeepalive(b *testing.B) {
	load{nodes: 3, users: 50, nouns: keepalive, target: "/session"}.bench(b)
}

func BenchmarkDeltaManager(b *testing.B) {
	for _, target := range []string{"/session", "/counter?add=1"} {
		b.Run(target[1:], load{nodes: 3, users: 50, nouns: replicated, target: target}.bench)
	}
}

// BenchmarkNodes shows what a further node costs: nothing without replication,
// a message per write with it.
func BenchmarkNodes(b *testing.B) {
	for _, nodes := range []int{2, 10, 100} {
		b.Run(fmt.Sprintf("StandardManager/%d", nodes), load{nodes: nodes, users: 50, nouns: standard, target: "/session"}.bench)
	}
	for _, nodes := range []int{2, 4, 8, 16} {
		b.Run(fmt.Sprintf("DeltaManager/%d", nodes), load{nodes: nodes, users: 50, nouns: replicated, target: "/counter?add=1"}.bench)
	}
}

// TestProxiedRequestAllocatesLittle counts a whole request: user, proxy, node,
// proxy, user and the history's record of it.
func TestProxiedRequestAllocatesLittle(t *testing.T) {
	const requests, most = 10_000, 4
	for _, nouns := range []string{standard, keepalive} {
		l := load{nodes: 3, users: 50, nouns: nouns, target: "/session"}
		few := testing.AllocsPerRun(1, func() { l.run(t, l.users) }) // the lab itself
		many := testing.AllocsPerRun(1, func() { l.run(t, l.users+requests) })
		if got := (many - few) / requests; got > most {
			t.Errorf("%s: %.1f allocations per proxied request, want at most %d", nouns, got, most)
		}
	}
}

// reference is the lab by which the speed against real time is measured.
const reference = `title   Fifty users, and a node is killed
nodes   tomcat1 tomcat2 tomcat3
manager %s
proxy   round_robin sticky=route
users   50 journey=browse think=200ms requests=40
at 4s   kill tomcat1
end     10s
expect  requests.total > 1900
`

// BenchmarkReferenceLab runs the reference lab from the text of its scenario to
// the text of its report.
func BenchmarkReferenceLab(b *testing.B) {
	for _, manager := range []string{"StandardManager", "DeltaManager"} {
		b.Run(manager, func(b *testing.B) {
			text := []byte(fmt.Sprintf(reference, manager))
			var took time.Duration
			for b.Loop() {
				r, err := attempt("reference", text, "sim", inSim)
				if err != nil {
					b.Fatal(err)
				}
				if r.Verdict != report.Pass {
					b.Fatalf("the reference lab's verdict is %s", r.Verdict)
				}
				if err := r.WriteText(io.Discard, report.Options{Width: 80}); err != nil {
					b.Fatal(err)
				}
				took += 10 * time.Second
			}
			b.ReportMetric(took.Seconds()/b.Elapsed().Seconds(), "x-real-time")
		})
	}
}
