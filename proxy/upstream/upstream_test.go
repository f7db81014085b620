package upstream

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// group makes a group of servers named a, b, c ... with the given lines, each
// the parameters of one server.
func group(t *testing.T, m Method, lines ...string) *Group {
	t.Helper()
	var servers []Server
	for i, line := range lines {
		words := append([]string{string(rune('a'+i)) + ":80"}, strings.Fields(line)...)
		s, err := ParseServer(words...)
		if err != nil {
			t.Fatal(err)
		}
		servers = append(servers, s)
	}
	g, err := New("lab", m, servers)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// rig sends requests through a group, one after the other.
type rig struct {
	*testing.T
	g   *Group
	key Key
	now time.Duration
	bad map[string]bool // servers whose attempts fail
}

func newRig(t *testing.T, g *Group) *rig { return &rig{T: t, g: g, bad: map[string]bool{}} }

// send runs one request until a server has served it and returns the servers
// tried, such as "ab", with "-" at the end if no server was left.
func (r *rig) send() string {
	r.Helper()
	var req Request
	req.Begin(r.g, r.key)
	var tried strings.Builder
	for {
		p, ok := req.Next(r.now)
		if !ok {
			return tried.String() + "-"
		}
		name := p.Server.Name[:1]
		tried.WriteString(name)
		if !r.bad[name] {
			req.Done(r.now, Served)
			return tried.String()
		}
		req.Done(r.now, Failed)
		if req.Tries() == 0 {
			return tried.String()
		}
	}
}

func (r *rig) sendMany(n int) string {
	var all []string
	for range n {
		all = append(all, r.send())
	}
	return strings.Join(all, " ")
}

func (r *rig) want(got, want string) {
	r.Helper()
	if got != want {
		r.Errorf("at %v: servers = %q, want %q", r.now, got, want)
	}
}

func TestSmoothRoundRobinSequences(t *testing.T) {
	for _, c := range []struct {
		weights []int
		want    string
	}{
		{[]int{1, 1}, "a b a b"},
		{[]int{5, 1, 1}, "a a b a c a a a a b a c a a"},
		{[]int{3, 1}, "a a b a a a b a"},
		{[]int{2, 1}, "a b a a b a"},
		{[]int{4, 2}, "a b a a b a"},
		{[]int{1, 1, 1, 2}, "d a b c d d a b c d"},
	} {
		var lines []string
		for _, w := range c.weights {
			lines = append(lines, fmt.Sprintf("weight=%d", w))
		}
		r := newRig(t, group(t, RoundRobin, lines...))
		if got := r.sendMany(strings.Count(c.want, " ") + 1); got != c.want {
			t.Errorf("weights %v: servers = %q, want %q", c.weights, got, c.want)
		}
	}
}

func TestExclusionLastsMoreThanFailTimeoutInWholeSeconds(t *testing.T) {
	r := newRig(t, group(t, RoundRobin, "", ""))
	r.now, r.bad["a"] = 900*time.Millisecond, true
	r.want(r.send(), "ab")
	r.now = 10*time.Second + 999*time.Millisecond
	r.want(r.sendMany(3), "b b b")
	r.now = 11 * time.Second
	// a returns with effective weight 0, so it is not the very next one; then
	// one failed probe puts it out again.
	r.want(r.sendMany(5), "b b ab b b")
	r.bad["a"] = false
	r.now = 22 * time.Second
	r.want(r.sendMany(6), "b b a b a b")
}

func TestOneFailureExcludesAgainWhateverMaxFails(t *testing.T) {
	r := newRig(t, group(t, RoundRobin, "max_fails=3", ""))
	r.bad["a"] = true
	r.want(r.sendMany(7), "ab b ab b ab b b")
	r.now = 11 * time.Second
	r.want(r.sendMany(4), "b ab b b")
}

func TestOnlyOneRequestProbes(t *testing.T) {
	r := newRig(t, group(t, RoundRobin, "", ""))
	r.bad["a"] = true
	r.want(r.send(), "ab")
	r.now = 11 * time.Second
	r.want(r.sendMany(2), "b b")
	var probe Request
	probe.Begin(r.g, Key{})
	if p, _ := probe.Next(r.now); p.Server.Name != "a:80" {
		t.Fatalf("probe goes to %s, want a:80", p.Server.Name)
	}
	r.bad["a"] = false
	r.want(r.sendMany(3), "b b b")
	if got := probe.Done(r.now, Served); got != Readmitted {
		t.Errorf("Done of a good probe = %v, want Readmitted", got)
	}
	if got := r.sendMany(4); !strings.Contains(got, "a") {
		t.Errorf("servers after a good probe = %q, want a among them", got)
	}
}

func TestFailuresAddUpUntilALateSuccess(t *testing.T) {
	r := newRig(t, group(t, RoundRobin, "max_fails=3", ""))
	a := r.g.Peers()[0]
	failOnce := func() {
		r.bad["a"] = true
		for before := a.fails; a.fails == before; {
			r.send()
		}
		r.bad["a"] = false
	}
	failOnce()
	r.now = 5 * time.Second
	r.sendMany(4)
	if a.fails != 1 {
		t.Errorf("fails after successes 5s later = %d, want 1", a.fails)
	}
	failOnce()
	if a.fails != 2 {
		t.Errorf("fails = %d, want 2: they add up", a.fails)
	}
	r.now = 16 * time.Second
	r.sendMany(4)
	if a.fails != 0 {
		t.Errorf("fails after successes 11s later = %d, want 0", a.fails)
	}
}

func TestFailuresAnHourApartAddUp(t *testing.T) {
	r := newRig(t, group(t, RoundRobin, "max_fails=2", ""))
	r.bad["a"] = true
	r.want(r.send(), "ab")
	r.now = time.Hour
	r.want(r.sendMany(3), "b ab b")
}

func TestEffectiveWeightDecays(t *testing.T) {
	for _, c := range []struct {
		line string
		want []int // effective weight after each failure
	}{
		{"weight=8 max_fails=4", []int{6, 5, 4, 4}}, // two off, one back in each round
		{"weight=8 max_fails=1", []int{0}},
		{"weight=1 max_fails=2", []int{1, 1}},
		{"weight=5 max_fails=2", []int{3, 2}},
	} {
		g := group(t, RoundRobin, c.line, "weight=1")
		a := g.Peers()[0]
		for i, want := range c.want {
			var req Request
			req.Begin(g, Key{})
			for p := (*Peer)(nil); p != a; {
				if p != nil {
					req.Done(0, Served)
					req.Begin(g, Key{})
				}
				p, _ = req.Next(0)
			}
			req.Done(0, Failed)
			if a.effective != want {
				t.Errorf("%s: effective weight after failure %d = %d, want %d", c.line, i+1, a.effective, want)
			}
		}
	}
}

func TestReturningServerCatchesUpSlowly(t *testing.T) {
	r := newRig(t, group(t, RoundRobin, "weight=3", "weight=1"))
	r.bad["a"] = true
	r.want(r.send(), "ab")
	r.bad["a"] = false
	r.now = 11 * time.Second
	// a starts again from effective weight 0, current weight -1.
	r.want(r.sendMany(4), "b b a a")
}

func TestMaxFailsZeroNeverExcludes(t *testing.T) {
	r := newRig(t, group(t, RoundRobin, "max_fails=0", "max_fails=0"))
	r.bad["a"] = true
	r.want(r.sendMany(4), "ab b ab b")
	if a := r.g.Peers()[0]; a.fails != 2 {
		t.Errorf("fails = %d, want 2: counted all the same", a.fails)
	}
}

func TestLoneServerIsNeverExcluded(t *testing.T) {
	r := newRig(t, group(t, RoundRobin, ""))
	r.bad["a"] = true
	r.want(r.sendMany(3), "a a a")
}

func TestOneServerWithABackupIsNotLone(t *testing.T) {
	r := newRig(t, group(t, RoundRobin, "", "backup"))
	r.bad["a"] = true
	r.want(r.sendMany(3), "ab b b")
	r.bad["b"] = true
	r.want(r.sendMany(2), "b- -") // tries are left, but nobody to try
}

func TestNobodyIsTriedWhileAllAreExcluded(t *testing.T) {
	r := newRig(t, group(t, RoundRobin, "", ""))
	r.bad["a"], r.bad["b"] = true, true
	r.want(r.sendMany(3), "ab - -")
	r.bad["a"], r.bad["b"] = false, false
	r.now = 10 * time.Second
	r.want(r.sendMany(2), "- -")
	r.now = 11 * time.Second
	if got := r.send(); got == "-" {
		t.Errorf("servers after fail_timeout = %q, want one", got)
	}
}

func TestBackupsHaveTheirOwnRotation(t *testing.T) {
	r := newRig(t, group(t, RoundRobin, "down", "down", "backup", "backup weight=2"))
	r.want(r.sendMany(6), "d c d d c d")
}

func TestTriesCountServersThatAreNotDown(t *testing.T) {
	for _, c := range []struct {
		lines []string
		limit int
		want  int
	}{
		{[]string{"", "", ""}, 0, 3},
		{[]string{"", "down", ""}, 0, 2},
		{[]string{"", "drain"}, 0, 1},
		{[]string{"", "backup", "backup down"}, 0, 2},
		{[]string{"", "", ""}, 2, 2},
		{[]string{"", ""}, 5, 2},
		{[]string{"down"}, 0, 0},
	} {
		var req Request
		req.Begin(group(t, RoundRobin, c.lines...), Key{})
		req.LimitTries(c.limit)
		if req.Tries() != c.want {
			t.Errorf("servers %q, limit %d: tries = %d, want %d", c.lines, c.limit, req.Tries(), c.want)
		}
	}
}

func TestDownIsNeverChosen(t *testing.T) {
	for _, m := range []Method{RoundRobin, IPHash, Hash, ConsistentHash, LeastConn, Random, RandomTwo} {
		r := newRig(t, group(t, m, "down", "down"))
		r.key = Key{Hash: "red", Addr: []byte{192, 0, 2, 7}, Draw: func(int) int { return 0 }}
		r.want(r.send(), "-")
	}
}

func TestMaxConnsSkipsASaturatedServer(t *testing.T) {
	g := group(t, RoundRobin, "max_conns=1", "")
	var first, second, third Request
	for i, c := range []struct {
		req  *Request
		want string
	}{{&first, "a:80"}, {&second, "b:80"}, {&third, "b:80"}} {
		c.req.Begin(g, Key{})
		if p, _ := c.req.Next(0); p.Server.Name != c.want {
			t.Errorf("request %d goes to %s, want %s", i+1, p.Server.Name, c.want)
		}
	}
	first.Done(0, Served)
	if got := g.Status(0); got[0].Conns != 0 || got[1].Conns != 2 {
		t.Errorf("conns = %d %d, want 0 2", got[0].Conns, got[1].Conns)
	}
}

func TestIPHashCheckValues(t *testing.T) {
	for _, c := range []struct {
		addr     string
		hash     uint32
		two, tre string
	}{
		{"192.0.2.9", 6255, "b", "a"},
		{"192.0.2.250", 6255, "b", "a"},
		{"192.0.3.1", 6256, "a", "b"},
		{"2001:db8:5::7", 2836, "a", "b"},
	} {
		for lines, want := range map[int]string{2: c.two, 3: c.tre} {
			g := group(t, IPHash, make([]string, lines)...)
			var req Request
			req.Begin(g, Key{Addr: netip.MustParseAddr(c.addr).AsSlice()})
			p, _ := req.Next(0)
			if got := p.Server.Name[:1]; got != want || req.hash != c.hash {
				t.Errorf("%s among %d: server %s hash %d, want %s %d", c.addr, lines, got, req.hash, want, c.hash)
			}
		}
	}
}

func TestIPHashKeepsOthersWhenAServerIsDown(t *testing.T) {
	all, one := group(t, IPHash, "", "", ""), group(t, IPHash, "", "down", "")
	for net := range 256 {
		key := Key{Addr: []byte{10, 1, byte(net), 1}}
		before, after := newRig(t, all), newRig(t, one)
		before.key, after.key = key, key
		b, a := before.send(), after.send()
		if b != "b" && a != b {
			t.Errorf("10.1.%d.x moves from %s to %s, want it to stay", net, b, a)
		}
		if a == "b" {
			t.Errorf("10.1.%d.x is sent to a server that is down", net)
		}
	}
}

func TestIPHashReturnsAfterExclusion(t *testing.T) {
	r := newRig(t, group(t, IPHash, "", ""))
	r.key.Addr = []byte{192, 0, 2, 1}
	r.bad["b"] = true
	r.want(r.sendMany(2), "ba a")
	r.bad["b"] = false
	r.now = 11 * time.Second
	r.want(r.sendMany(2), "b b")
}

func TestPlainHashCheckValues(t *testing.T) {
	for key, want := range map[string][2]uint32{
		"red": {31329, 59220}, "green": {20634, 47350}, "blue": {7734, 33607},
	} {
		first := hashStep(0, key)
		if got := [2]uint32{first, first + hashStep(1, key)}; got != want {
			t.Errorf("hash of %q after one and two steps = %v, want %v", key, got, want)
		}
	}
}

func TestPlainHashMovesOnWithinARequest(t *testing.T) {
	r := newRig(t, group(t, Hash, "", "", ""))
	r.key.Hash = "red" // 31329 mod 3 = 0, 59220 mod 3 = 0
	r.want(r.send(), "a")
	r.bad["a"] = true
	got := r.send()
	if !strings.HasPrefix(got, "a") || len(got) != 2 {
		t.Errorf("servers = %q, want a and one other", got)
	}
}

func TestEmptyHashKeyIsRoundRobin(t *testing.T) {
	for _, m := range []Method{Hash, ConsistentHash} {
		r := newRig(t, group(t, m, "", ""))
		r.want(r.sendMany(4), "a b a b")
	}
}

func TestConsistentHashCheckValues(t *testing.T) {
	var servers []Server
	for _, addr := range []string{"127.0.0.21:9001", "127.0.0.22:9001", "127.0.0.23:9001"} {
		servers = append(servers, NewServer(addr))
	}
	g, err := New("lab", ConsistentHash, servers)
	if err != nil {
		t.Fatal(err)
	}
	if len(g.ring) != 480 {
		t.Errorf("points = %d, want 480", len(g.ring))
	}
	has := map[point]bool{}
	for _, p := range g.ring {
		has[p] = true
	}
	for _, p := range []point{
		{0x010cd89c, "127.0.0.21:9001"}, {0xea3b639f, "127.0.0.22:9001"}, {0x05f908a1, "127.0.0.23:9001"},
	} {
		if !has[p] {
			t.Errorf("no point %#08x of %s", p.hash, p.server)
		}
	}
	for key, want := range map[string]string{
		"red": "127.0.0.23:9001", "green": "127.0.0.23:9001", "blue": "127.0.0.21:9001",
	} {
		var req Request
		req.Begin(g, Key{Hash: key})
		if p, _ := req.Next(0); p.Server.Addr != want {
			t.Errorf("%q goes to %s, want %s", key, p.Server.Addr, want)
		}
	}
}

func TestConsistentHashIgnoresOrder(t *testing.T) {
	a, b, c := NewServer("10.0.0.1:80"), NewServer("10.0.0.2:80"), NewServer("10.0.0.3:80")
	one, _ := New("lab", ConsistentHash, []Server{a, b, c})
	two, _ := New("lab", ConsistentHash, []Server{c, a, b})
	for i := range 200 {
		key := Key{Hash: fmt.Sprint("key", i)}
		var x, y Request
		x.Begin(one, key)
		y.Begin(two, key)
		p, _ := x.Next(0)
		q, _ := y.Next(0)
		if p.Server.Addr != q.Server.Addr {
			t.Errorf("%s goes to %s and, listed otherwise, to %s", key.Hash, p.Server.Addr, q.Server.Addr)
		}
	}
}

func TestServersWithTheSameTextTakeTurns(t *testing.T) {
	same, other := NewServer("10.0.0.1:80"), NewServer("10.0.0.2:80")
	g, _ := New("lab", ConsistentHash, []Server{same, same, other})
	seen := map[int]int{}
	for range 4 {
		var req Request
		for i := 0; ; i++ {
			req.Begin(g, Key{Hash: fmt.Sprint(i)})
			if p, _ := req.Next(0); p.Server.Addr == same.Addr {
				for at, q := range g.Peers() {
					if p == q {
						seen[at]++
					}
				}
				req.Done(0, Served)
				break
			}
			req.Done(0, Served)
		}
	}
	if seen[0] != 2 || seen[1] != 2 {
		t.Errorf("turns = %v, want two each", seen)
	}
}

func TestLeastConn(t *testing.T) {
	g := group(t, LeastConn, "weight=2", "")
	var open []*Request
	var got string
	for range 6 {
		req := &Request{}
		req.Begin(g, Key{})
		p, _ := req.Next(0)
		got += p.Server.Name[:1]
		open = append(open, req)
	}
	if want := "ababaa"; got != want {
		t.Errorf("servers of parallel requests = %s, want %s", got, want)
	}
	for _, req := range open {
		req.Done(0, Served)
	}
	idle := newRig(t, group(t, LeastConn, "weight=2", ""))
	idle.want(idle.sendMany(6), "a b a a b a")
	if !LeastConn.Backups() || IPHash.Backups() {
		t.Error("least_conn must accept backups, ip_hash must not")
	}
}

func TestRandomDrawsByWeight(t *testing.T) {
	r := newRig(t, group(t, Random, "weight=2", "down", "weight=3"))
	draws := []int{0, 1, 2, 5, 3}
	r.key.Draw = func(n int) int {
		if n != 6 {
			t.Fatalf("draw from %d, want 6: down servers stay in the range", n)
		}
		d := draws[0]
		draws = draws[1:]
		return d
	}
	r.want(r.sendMany(4), "a a c c") // 2 hits the server that is down
}

func TestRandomFallsBackToRoundRobin(t *testing.T) {
	r := newRig(t, group(t, Random, "down", "", ""))
	draws := 0
	r.key.Draw = func(int) int { draws++; return 0 }
	r.want(r.send(), "b")
	if draws != maxPicks+1 {
		t.Errorf("draws = %d, want %d", draws, maxPicks+1)
	}
}

func TestRandomTwoTakesTheLessLoaded(t *testing.T) {
	g := group(t, RandomTwo, "", "", "")
	seq := func(draws ...int) func(int) int {
		return func(int) int { d := draws[0]; draws = draws[1:]; return d }
	}
	next := func(draws ...int) string {
		var req Request
		req.Begin(g, Key{Draw: seq(draws...)})
		p, _ := req.Next(0)
		return p.Server.Name[:1]
	}
	for i, c := range []struct {
		draws []int
		want  string
	}{
		{[]int{0, 0, 1}, "b"}, // equal: the second; the same one twice is drawn again
		{[]int{0, 1}, "a"},    // b is busy
		{[]int{2, 0}, "c"},
	} {
		if got := next(c.draws...); got != c.want {
			t.Errorf("request %d with draws %v goes to %s, want %s", i+1, c.draws, got, c.want)
		}
	}
}

func TestBoundRequestsGoToTheirServer(t *testing.T) {
	for _, m := range []Method{RoundRobin, IPHash, Hash, ConsistentHash, LeastConn, Random, RandomTwo} {
		r := newRig(t, group(t, m, "route=one", "route=two", "route=three drain"))
		r.key = Key{SID: "two", Hash: "red", Addr: []byte{192, 0, 3, 1}, Draw: func(n int) int { return 0 }}
		r.want(r.sendMany(3), "b b b")
		r.key.SID = "three"
		r.want(r.sendMany(2), "c c")
		r.key.SID, r.bad["b"] = "two", true
		got := r.sendMany(2)
		if got[0] != 'b' || strings.Contains(got[1:], "b") || strings.Contains(got, "c") {
			t.Errorf("%v: servers while b fails = %q, want b once, then others that are not draining", m, got)
		}
	}
}

func TestUnknownBindingIsBalanced(t *testing.T) {
	r := newRig(t, group(t, RoundRobin, "route=one", "route=two"))
	r.key.SID = "four"
	r.want(r.sendMany(4), "a b a b")
}

func TestBoundRequestsTakeOneTurnInARow(t *testing.T) {
	r := newRig(t, group(t, RoundRobin, "route=one", "route=two"))
	r.key.SID = "one"
	r.want(r.sendMany(9), "a a a a a a a a a")
	r.key.SID = ""
	r.want(r.sendMany(6), "b a b a b a") // nine bound requests count as one turn
}

func TestServerIDIsTheMD5OfTheAddress(t *testing.T) {
	s := NewServer("127.0.0.21:9001")
	if got, want := s.sid(), "0b2bb477e642bba41c6065751fbd6c5e"; got != want {
		t.Errorf("sid = %s, want %s", got, want)
	}
}

func TestParseServer(t *testing.T) {
	for _, c := range []struct {
		line, want string // want is the error, or the server
	}{
		{"10.0.0.1", "{10.0.0.1 10.0.0.1:80 1 0 1 10s false false false  }"},
		{"t1:8080 weight=3 max_conns=4 max_fails=0 fail_timeout=1m30s", "{t1:8080 t1:8080 3 4 0 1m30s false false false  }"},
		{"t1:8080 backup", "{t1:8080 t1:8080 1 0 1 10s true false false  }"},
		{"t1:8080 down drain route=t1", "{t1:8080 t1:8080 1 0 1 10s false false true t1 }"},
		{"t1:8080 drain down", "{t1:8080 t1:8080 1 0 1 10s false true false  }"},
		{"t1:8080 fail_timeout=30", "{t1:8080 t1:8080 1 0 1 30s false false false  }"},
		{"t1:8080 weight=0", `invalid parameter "weight=0"`},
		{"t1:8080 max_fails=-1", `invalid parameter "max_fails=-1"`},
		{"t1:8080 fail_timeout=500ms", `invalid parameter "fail_timeout=500ms"`},
		{"t1:8080 server t2:8080", `invalid parameter "server"`},
		{"t1:80x", `invalid port in upstream "t1:80x"`},
		{"t1:70000", `invalid port in upstream "t1:70000"`},
		{":8080", `no host in upstream ":8080"`},
	} {
		s, err := ParseServer(strings.Fields(c.line)...)
		got := fmt.Sprint(s)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("server %s: got %s, want %s", c.line, got, c.want)
		}
	}
}

func TestGroupNeedsAPrimaryServer(t *testing.T) {
	s := NewServer("10.0.0.1:80")
	s.Backup = true
	_, err := New("lab", RoundRobin, []Server{s})
	if want := `no servers in upstream "lab"`; err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func TestMoreThanSixtyFourServersAreAllTried(t *testing.T) {
	var servers []Server
	for i := range 130 {
		servers = append(servers, NewServer(fmt.Sprintf("10.0.0.%d:80", i)))
	}
	g, _ := New("lab", RoundRobin, servers)
	var req Request
	req.Begin(g, Key{})
	seen := map[*Peer]bool{}
	for {
		p, ok := req.Next(0)
		if !ok {
			break
		}
		seen[p] = true
		req.Done(0, Passed)
	}
	if len(seen) != 130 {
		t.Errorf("servers tried = %d, want 130", len(seen))
	}
}

func TestSelectionAllocatesNothing(t *testing.T) {
	g := group(t, RoundRobin, "weight=5", "", "")
	var req Request
	n := testing.AllocsPerRun(100, func() {
		req.Begin(g, Key{})
		req.Next(0)
		req.Done(0, Served)
	})
	if n != 0 {
		t.Errorf("allocations per request = %v, want 0", n)
	}
}

func FuzzParseServer(f *testing.F) {
	f.Add("t1:8080 weight=3 fail_timeout=1h30m backup")
	f.Fuzz(func(t *testing.T, line string) {
		s, err := ParseServer(strings.Fields(line)...)
		if err != nil {
			return
		}
		if s.Weight < 1 || s.MaxFails < 0 || s.FailTimeout < 0 || s.Addr == "" {
			t.Errorf("%q gives %+v", line, s)
		}
	})
}
