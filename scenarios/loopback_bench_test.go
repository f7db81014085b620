package scenarios_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sessionlab/appnode"
	"sessionlab/lab"
	"sessionlab/lab/loopback"
	"sessionlab/lab/loopback/nginxtest"
	"sessionlab/lab/sim"
	"sessionlab/scenarios"
	"sessionlab/scenarios/script"
)

// planOf is the plan of a lab that a scenario's nouns describe.
func planOf(tb testing.TB, nodes int, nouns string) lab.Plan {
	tb.Helper()
	sc, err := script.Parse("bench", fmt.Appendf(nil, "nodes %d\nusers 1\n%s\nend 1s\n", nodes, nouns))
	if err != nil {
		tb.Fatal(err)
	}
	plan, err := scenarios.PlanOf(sc)
	if err != nil {
		tb.Fatal(err)
	}
	return plan
}

// up brings a lab up on loopback sockets, has f use it, and takes it down.
func up(tb testing.TB, plan lab.Plan, f func(w *loopback.World, l *lab.Lab)) {
	tb.Helper()
	w, err := loopback.New(loopback.Config{Seed: 1, Offset: loopback.Probe})
	if err != nil {
		tb.Fatal(err)
	}
	defer w.Close()
	l, err := lab.New(w, plan)
	if err != nil {
		tb.Fatal(err)
	}
	err = w.Run(func(ctx context.Context) error {
		if err := l.Start(ctx); err != nil {
			return err
		}
		f(w, l)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkLoopbackUp takes a lab from its plan to the moment at which every
// node and the proxy answer. Taking it down again is not counted.
func BenchmarkLoopbackUp(b *testing.B) {
	for _, c := range []struct {
		manager string
		nodes   int
	}{
		{"StandardManager", 3}, {"DeltaManager", 3}, {"StandardManager", 200}, {"DeltaManager", 50},
	} {
		b.Run(fmt.Sprintf("%s/%d", c.manager, c.nodes), func(b *testing.B) {
			plan := planOf(b, c.nodes, "manager "+c.manager+"\nproxy round_robin")
			for range b.N {
				up(b, plan, func(*loopback.World, *lab.Lab) { b.StopTimer() })
				b.StartTimer()
			}
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/up")
		})
	}
}

// BenchmarkLoopbackProxied asks the front on sockets, over kept connections, and
// nginx in front of the same nodes where it is installed.
func BenchmarkLoopbackProxied(b *testing.B) {
	plan := planOf(b, 3, "manager StandardManager\nnginx 1.29.7\nproxy round_robin")
	plan.Timing.Service = appnode.Service{Time: time.Nanosecond} // as little as there can be
	b.Run("sessionlab", func(b *testing.B) {
		up(b, plan, func(w *loopback.World, l *lab.Lab) { ask(b, w.URL(l.Front())) })
	})
	b.Run("nginx", func(b *testing.B) {
		program := nginxtest.Program(b)
		up(b, plan, func(w *loopback.World, l *lab.Lab) {
			var servers []string
			for _, name := range l.Nodes() {
				servers = append(servers, w.URL(l.NodeAddr(name)))
			}
			ask(b, nginx(b, program, servers))
		})
	})
}

// ask sends b.N requests from several clients that keep their connections.
func ask(b *testing.B, addr string) {
	const clients = 16
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	var left atomic.Int64
	left.Store(int64(b.N))
	var failed atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range clients {
		all.Go(func() {
			cookie := ""
			for left.Add(-1) >= 0 {
				req, err := http.NewRequest("GET", "http://"+addr+"/session", nil)
				if err != nil {
					failed.Add(1)
					return
				}
				if cookie != "" {
					req.Header.Set("Cookie", cookie)
				}
				resp, err := transport.RoundTrip(req)
				if err != nil {
					failed.Add(1)
					continue
				}
				if set := resp.Header.Get("Set-Cookie"); set != "" {
					cookie, _, _ = strings.Cut(set, ";")
				}
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != 200 {
					failed.Add(1)
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	if n := failed.Load(); n > 0 {
		b.Errorf("%d of %d requests failed", n, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

// nginx starts one worker in front of the servers, and ends it with the
// benchmark.
func nginx(b *testing.B, program string, servers []string) (addr string) {
	b.Helper()
	dir, addr := b.TempDir(), nginxtest.FreeAddress(b)
	nginxtest.Start(b, program, dir, nginxtest.Main(dir)+fmt.Sprintf(`worker_processes 1; events {}
http {
  access_log off; %s
  upstream nodes { server %s; keepalive 32; }
  server { listen %s; location / { proxy_pass http://nodes; proxy_http_version 1.1; proxy_set_header Connection ""; } }
}
`, nginxtest.Paths(dir), strings.Join(servers, "; server "), addr), addr)
	return addr
}

// heapInUse is what is reachable.
func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// memoryOf brings a lab up in virtual time and returns how many bytes of memory it
// takes, with sessions of three small attributes in it.
func memoryOf(tb testing.TB, nodes, sessions int, manager string) int64 {
	tb.Helper()
	before := heapInUse()
	w := sim.New(sim.Config{Seed: 1})
	defer w.Close()
	l, err := lab.New(w, planOf(tb, nodes, "manager "+manager+"\nproxy round_robin"))
	if err != nil {
		tb.Fatal(err)
	}
	var after int64
	err = w.Run(func(ctx context.Context) error {
		if err := l.Start(ctx); err != nil {
			return err
		}
		h, err := w.Boot("user", lab.DefaultUserAddr(0))
		if err != nil {
			return err
		}
		for range sessions {
			if err := fill(ctx, h.Transport(), l.NodeAddr(l.Nodes()[0])); err != nil {
				return err
			}
		}
		if err := h.Sleep(ctx, time.Second); err != nil {
			return err
		}
		after = heapInUse()
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return after - before
}

// fill makes a session with three small attributes.
func fill(ctx context.Context, t http.RoundTripper, addr string) error {
	cookie := ""
	for _, name := range []string{"one", "two", "three"} {
		req, err := http.NewRequestWithContext(ctx, "GET", "http://"+addr+"/set?name="+name+"&value=small", nil)
		if err != nil {
			return err
		}
		if cookie != "" {
			req.Header.Set("Cookie", cookie)
		}
		resp, err := t.RoundTrip(req)
		if err != nil {
			return err
		}
		if set := resp.Header.Get("Set-Cookie"); set != "" {
			cookie, _, _ = strings.Cut(set, ";")
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 {
			return fmt.Errorf("set %s: status %d, %v", name, resp.StatusCode, err)
		}
	}
	return nil
}

func TestNodesAndSessionsTakeLittleMemory(t *testing.T) {
	const few, many, sessions = 2, 22, 2000
	for _, manager := range []string{"StandardManager", "DeltaManager"} {
		node := (memoryOf(t, many, 0, manager) - memoryOf(t, few, 0, manager)) / (many - few)
		if most := int64(2 << 20); node > most {
			t.Errorf("%s: a node at rest takes %d bytes, want at most %d", manager, node, most)
		}
		copies := int64(1)
		if manager == "DeltaManager" {
			copies = few
		}
		session := (memoryOf(t, few, sessions, manager) - memoryOf(t, few, 0, manager)) / (sessions * copies)
		if most := int64(4 << 10); session > most {
			t.Errorf("%s: a session takes %d bytes on each of its nodes, want at most %d", manager, session, most)
		}
		t.Logf("%s: %d bytes a node at rest, %d bytes a session", manager, node, session)
	}
}
