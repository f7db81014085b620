package scenarios_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sessionlab/lab"
	"sessionlab/lab/loopback"
	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/scenarios"
	"sessionlab/scenarios/script"
)

// settingsOfAStart are the lines of a scenario on which it hangs who knows whom.
// The test takes one of each group.
var settingsOfAStart = [][]string{
	{"nodes a b c", "nodes a b c", "nodes a b c port=4000", "nodes a b c port=4100", "nodes a b c\nnode b port=4000",
		"nodes a b c\nnode a addr=10.1.1.1\nnode c skew=-1h", "nodes a b c service=5ms skew=2s"},
	{"", "", "membership McastService frequency=100ms dropTime=50ms", "membership McastService dropTime=400ms soTimeout=50ms",
		"membership McastService frequency=2s", "membership McastService address=228.0.0.9 port=4000 dropTime=10s",
		"membership StaticMembershipService", "membership StaticMembershipService useThread=yes expirationTime=100ms",
		"membership StaticMembershipService useThread=yes pingInterval=300ms rpcTimeout=50ms",
		"membership StaticMembershipService connectTimeout=30ms expirationTime=1s"},
	{"", "", "receiver port=4100", "receiver port=8080", "receiver autoBind=2", "receiver autoBind=0", "receiver maxThreads=1 minThreads=1"},
	{"", "", "interceptor MessageDispatchInterceptor", "interceptor TcpFailureDetector",
		"interceptor TcpFailureDetector performReadTest=yes\ninterceptor MessageDispatchInterceptor",
		"interceptor MessageDispatchInterceptor\ninterceptor TcpFailureDetector performReadTest=yes readTestTimeout=200ms",
		"interceptor TcpFailureDetector connectTimeout=100ms performSendTest=no removeSuspectsTimeout=1s"},
	{"", "", "network delay=40ms", "network delay=150ms", "network delay=300ms", "network delay=20ms spread=300ms", "network delay=600ms", "network dispatch=0s"},
	{"", "", "sender timeout=35ms", "sender poolSize=1 maxRetryAttempts=0",
		"sender keepAliveCount=1", "sender keepAliveCount=2", "sender keepAliveCount=50", "sender keepAliveTime=10s"},
}

// clusterOf draws the settings of a start.
func clusterOf(r *rand.Rand) string {
	lines := []string{"title x"}
	for _, of := range settingsOfAStart {
		lines = append(lines, of[r.IntN(len(of))])
	}
	cluster := "cluster channelSendOptions=" + []string{"8", "6"}[r.IntN(2)]
	if r.IntN(2) == 0 {
		cluster += fmt.Sprintf(" channelStartOptions=%d", 1+r.IntN(15))
	}
	if r.IntN(3) == 0 {
		cluster += " heartbeatSleeptime=1s"
	}
	manager := "manager DeltaManager stateTransferTimeout=" + []string{"3s", "3s", "0s"}[r.IntN(3)]
	if r.IntN(4) == 0 {
		manager += " sendAllSessions=no"
	}
	lines = append(lines, cluster, manager, "end 1s", "")
	return strings.Join(slices.DeleteFunc(lines[:len(lines)-1], func(l string) bool { return l == "" }), "\n") + "\n"
}

// standing is where a node's part in the cluster stands.
type standing struct {
	state    lab.State
	port     int
	members  []string       // longest alive first
	suspects []string       // sorted
	to       map[string]int // open connections of its senders, by the name of the other node
}

func standingsOf(l *lab.Lab, plan lab.Plan) []standing {
	name := map[string]string{}
	for _, n := range plan.Nodes {
		name[n.Addr] = n.Name
	}
	var all []standing
	for _, s := range l.Status() {
		at := standing{state: s.State}
		if c := s.Channel; c != nil {
			at.port = c.Local.Port
			for _, m := range c.Members {
				at.members = append(at.members, fmt.Sprintf("%s:%d", name[m.Host], m.Port))
			}
			for _, m := range c.Suspects {
				at.suspects = append(at.suspects, name[m.Host])
			}
			slices.Sort(at.suspects)
			at.to = map[string]int{}
			for addr, n := range c.Connections {
				host, _, _ := strings.Cut(addr, ":")
				at.to[name[host]] = n
			}
		}
		all = append(all, at)
	}
	return all
}

// warm is the lab as it is found up, and some heartbeats later.
func warm(t *testing.T, plan lab.Plan) (found, later []standing) {
	w := simulated(plan, 1)
	inLab(t, w, plan, func(ctx context.Context, l *lab.Lab) {
		found = standingsOf(l, plan)
		if err := w.Operator().Sleep(ctx, 5300*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		later = standingsOf(l, plan)
	})
	return found, later
}

// cold starts the nodes one after another, each up before the next, and looks again
// and again once they have settled: what is always so.
func cold(t *testing.T, plan lab.Plan) (always []standing) {
	plan.Nodes = slices.Clone(plan.Nodes)
	for i := range plan.Nodes {
		plan.Nodes[i].Cold = true
	}
	for seed := range uint64(4) {
		w := simulated(plan, seed)
		inLab(t, w, plan, func(ctx context.Context, l *lab.Lab) {
			wait := func(d time.Duration) {
				if err := w.Operator().Sleep(ctx, d); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range l.Nodes() { // all begin at time zero
				if err := l.Kill(name); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range l.Nodes() {
				if err := l.StartNode(name); err != nil {
					t.Fatal(err)
				}
				for i := 0; i < 600 && !l.Up(name); i++ {
					wait(100 * time.Millisecond)
				}
				wait(5 * time.Second) // it may not have waited for its state
			}
			wait(15 * time.Second)
			for range 12 {
				wait(1710 * time.Millisecond)
				seen := standingsOf(l, plan)
				if always == nil {
					always = seen
				}
				for i := range seen {
					if always[i].port != seen[i].port {
						t.Fatalf("the port of node %d comes and goes: %d and %d", i, always[i].port, seen[i].port)
					}
					absent := func(from []string) func(string) bool {
						return func(name string) bool { return !slices.Contains(from, name) }
					}
					always[i].members = slices.DeleteFunc(always[i].members, absent(seen[i].members))
					always[i].suspects = slices.DeleteFunc(always[i].suspects, absent(seen[i].suspects))
					for to, n := range always[i].to {
						always[i].to[to] = min(n, seen[i].to[to])
					}
					maps.DeleteFunc(always[i].to, func(_ string, n int) bool { return n == 0 })
				}
			}
		})
	}
	return always
}

// within reports whether nobody knows more than always: what hangs on the luck of
// the draw may have come out the same in every cold start here.
func within(got, always []standing) bool {
	for i := range got {
		all := func(these, of []string) bool {
			return !slices.ContainsFunc(these, func(name string) bool { return !slices.Contains(of, name) })
		}
		if got[i].port != always[i].port || !all(got[i].members, always[i].members) || !all(got[i].suspects, always[i].suspects) {
			return false
		}
		for to, n := range got[i].to {
			if n > always[i].to[to] {
				return false
			}
		}
	}
	return true
}

func simulated(plan lab.Plan, seed uint64) *sim.World {
	return sim.New(sim.Config{Seed: seed, Delay: plan.Delay, Spread: plan.Spread})
}

func inLab(t *testing.T, w world.World, plan lab.Plan, story func(context.Context, *lab.Lab)) {
	t.Helper()
	defer w.Close()
	l, err := lab.New(w, plan)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Run(func(ctx context.Context) error {
		if err := l.Start(ctx); err != nil {
			return err
		}
		story(ctx, l)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestALabIsFoundUpAsItsNodesHadFormedIt(t *testing.T) {
	const settings = 160
	draws := rand.New(rand.NewPCG(7, 7))
	kinds := map[string]int{}
	for range settings {
		text := clusterOf(draws)
		plan := clusterPlan(t, text)
		if plan.Check() != nil {
			kinds["refused"]++
			continue
		}
		got, later := warm(t, plan)
		want := cold(t, plan)
		if slices.ContainsFunc(want, func(s standing) bool { return s.state != lab.NodeUp }) {
			kinds["not up"]++
			continue
		}
		static, flaps := plan.Manager.StaticMembers, strings.Contains(text, "dropTime=50ms") || strings.Contains(text, "dropTime=400ms")
		// A ping has an age that is old when the next one comes, and who expires
		// meanwhile keeps the age that came last.
		if static || flaps {
			for i := range got {
				slices.Sort(got[i].members)
				slices.Sort(later[i].members)
				slices.Sort(want[i].members)
				for to := range want[i].to { // two pings at the same time open a second one
					want[i].to[to] = 1
				}
			}
		}
		if flaps && len(want[0].members) == 0 && within(got, want) { // by luck there is somebody to ask
			for i := range want {
				want[i].to = got[i].to
			}
		}
		for i := range later { // requests and pings open further ones
			later[i].to = got[i].to
		}
		lucky := strings.Contains(text, "spread=300ms") ||
			// The detector is behind with its checks.
			flaps && plan.Delay > 0 ||
			// The pings of a static membership are sends: they fail where a connection
			// has to be made, which takes longer than a send may.
			static && plan.Delay > 0 && strings.Contains(text, "sender timeout") ||
			// Who has been checked first is asked, and that is who was heard first.
			!static && strings.Contains(text, "performReadTest") && plan.Delay >= 300*time.Millisecond ||
			// Each ping wears the connections.
			static && strings.Contains(text, "keepAlive") ||
			// One of two hears the pings of the other, and gets no answer to its own.
			static && want[0].port != want[1].port
		if lucky {
			kinds["lucky"]++
			if !within(got, want) {
				t.Errorf("found up %v\nmore than from cold %v\n%s", got, want, text)
			}
		} else if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("found up %v\nfrom cold %v\n%s", got, want, text)
		} else if whole := len(got[0].members) == 2; whole && !flaps && fmt.Sprint(later) != fmt.Sprint(got) {
			t.Errorf("found up %v\nand later %v\n%s", got, later, text)
		}
		kinds[fmt.Sprintf("%d members", len(got[0].members))]++
		if got[1].port != 4000 {
			kinds["another port"]++
		}
	}
	t.Log(kinds)
	for _, kind := range []string{"refused", "0 members", "2 members", "another port", "lucky"} {
		if kinds[kind] < settings/20 {
			t.Errorf("%d of %d settings give %s: %v", kinds[kind], settings, kind, kinds)
		}
	}
}

func clusterPlan(t *testing.T, text string) lab.Plan {
	t.Helper()
	sc, err := script.Parse("cluster", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	plan, err := scenarios.PlanOf(sc)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return plan
}

func TestALabIsFoundUpAlikeInBothWorlds(t *testing.T) {
	for _, c := range []struct{ lines, want string }{
		{"", "[{up 4000 [b:4000 c:4000] [] map[b:1 c:1]} {up 4000 [a:4000 c:4000] [] map[a:1]} {up 4000 [a:4000 b:4000] [] map[a:1]}]"},
		{"cluster channelStartOptions=3", "[{up 4000 [] [] map[]} {up 4000 [] [] map[]} {up 4000 [] [] map[]}]"},
		{"cluster channelStartOptions=7", "[{up 4000 [] [] map[]} {up 4000 [] [] map[]} {up 4000 [] [] map[]}]"},
		{"node b port=4000", "[{up 4000 [b:4001 c:4000] [] map[b:1 c:1]} {up 4001 [a:4000 c:4000] [] map[a:1]} {up 4000 [a:4000 b:4001] [] map[a:1]}]"},
		// b and c are listed at a port that they do not have.
		{"membership StaticMembershipService\nnode b port=4000\nnode c port=4000",
			"[{up 4000 [b:4001 c:4001] [] map[b:1 c:1]} {up 4001 [a:4000] [] map[a:1]} {up 4001 [a:4000] [] map[a:1]}]"},
		{"membership McastService dropTime=400ms\ninterceptor MessageDispatchInterceptor", "[{up 4000 [] [] map[]} {up 4000 [] [] map[]} {up 4000 [] [] map[]}]"},
	} {
		plan := clusterPlan(t, "title x\nnodes a b c\nmanager DeltaManager\n"+c.lines+"\nend 1s\n")
		real, err := loopback.New(loopback.Config{Seed: 1, Offset: loopback.Probe})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range []world.World{simulated(plan, 1), real} {
			inLab(t, w, plan, func(_ context.Context, l *lab.Lab) {
				if got := fmt.Sprint(standingsOf(l, plan)); got != c.want {
					t.Errorf("%T, %q: found up %s, want %s", w, c.lines, got, c.want)
				}
			})
		}
	}
}
