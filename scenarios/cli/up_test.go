package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sessionlab/appnode"
	"sessionlab/lab"
	"sessionlab/lab/loopback"
	"sessionlab/lab/world"
	"sessionlab/proxy"
	"sessionlab/proxy/upstream"
	"sessionlab/scenarios/report"
	"sessionlab/sessions"
)

// twoNodes is a lab in which nothing moves by itself.
const twoNodes = `title  Two nodes
nodes  tomcat1 tomcat2
proxy  round_robin
user   alice
end    1s
`

// desk is somebody in front of "sessionlab up", in this process.
type desk struct {
	t       *testing.T
	env     Env
	file    string // a scenario
	out     screen
	errs    bytes.Buffer
	signals chan os.Signal
	world   *loopback.World
	opened  chan struct{} // closed when there is a world
}

func newDesk(t *testing.T, scenario string) *desk {
	t.Helper()
	d := &desk{t: t, file: filepath.Join(t.TempDir(), "lab.txt"), signals: make(chan os.Signal, 1), opened: make(chan struct{})}
	if err := os.WriteFile(d.file, []byte(scenario), 0o600); err != nil {
		t.Fatal(err)
	}
	d.env = Env{
		Stdout: &d.out, Stderr: &d.errs, Getenv: func(string) string { return "" },
		Worlds: []WorldKind{{
			Name: "loopback", Real: true,
			New: func(seed uint64, _ Network, p Place) (world.World, error) {
				w, err := loopback.New(loopback.Config{Seed: seed, Offset: loopback.Probe, Fixed: p.Fixed})
				d.world = w
				close(d.opened)
				return w, err
			},
			URL: func(_ world.World, addr string) string { return addr },
		}},
		Interrupts: func() (<-chan os.Signal, func()) { return d.signals, func() {} },
	}
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
	return d
}

// types has lines come from a pipe and returns the exit status.
func (d *desk) types(lines string, flags ...string) int {
	d.env.Args = append([]string{"sessionlab", "up", d.file}, flags...)
	d.env.Stdin = strings.NewReader(lines)
	return Main(d.env)
}

// screen keeps what is written and can be waited on.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// shows waits until a text has appeared the given number of times.
func (s *screen) shows(t *testing.T, text string, times int) {
	t.Helper()
	eventually(t, fmt.Sprintf("the screen shows %q %d times", text, times), s.String,
		func() bool { return strings.Count(s.String(), text) >= times })
}

func eventually(t *testing.T, what string, state func() string, come func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !come() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited in vain until %s; there is:\n%s", what, state())
		}
	}
}

var clock = regexp.MustCompile(` {0,6}\d+\.\d{3}s`)

func TestUpTakesLinesFromAPipe(t *testing.T) {
	d := newDesk(t, twoNodes)
	status := d.types(`alice POST /counter 2 times
# a remark

kil tomcat1
kill tomcat1
alice GET /counter
expect alice.ok == 3
kill tomcat1
heal
status
sessions
users
timeline 2
timeline zero
help drop
`)
	if status != exitMisuse {
		t.Errorf("exit status after wrong lines: got %d, want %d", status, exitMisuse)
	}
	want := `Two nodes

  proxy    http://172.16.12.1:8080/    open this one in a browser, and reload
  tomcat1  http://172.16.12.101:8080/  this node itself
  tomcat2  http://172.16.12.102:8080/  this node itself

alice does what you type: alice GET /counter, for instance.
Try: status, sessions, kill tomcat1, help. Tab completes; Ctrl-C ends the lab.
lab> alice POST /counter 2 times
alice: POST /counter -> 200 from tomcat1, session B01DC5DE.tomcat1 NEW, count=1
alice: POST /counter -> 200 from tomcat2, session E20FD47E.tomcat2 NEW, count=1
lab> # a remark
lab> 
lab> kil tomcat1
     ^
unknown word "kil"
hint: did you mean "kill"?
lab> kill tomcat1
TIME  tomcat1 is killed
lab> alice GET /counter
TIME  the proxy takes tomcat1 out of service in upstream jspserver
alice: GET /counter -> 200 from tomcat2 (tried tomcat1 refused, tomcat2 200), session E20FD47E.tomcat2, count=1
lab> expect alice.ok == 3
holds: alice.ok = 3
lab> kill tomcat1
     ^
kill tomcat1: it is down
lab> heal
TIME  the network is whole again
lab> status
NODE     STATE  ADDRESS                     REQUESTS  BUSY  WAITING  ERRORS  SESSIONS
tomcat1  down   http://172.16.12.101:8080/         -     -        -       -         -
tomcat2  up     http://172.16.12.102:8080/         2     0        0       0         1

PROXY SENDS TO  STATE    WEIGHT  FAILS  IN FLIGHT  REQUESTS
tomcat1         unavail       1      1          0         2
tomcat2         up            1      0          0         2
lab> sessions
SESSION   USER   tomcat1 (down)  tomcat2
E20FD47E  alice  -               S .tomcat2 count=1
S the only copy there is, - none; .route is the end of the id that this copy has
lab> users
USER   FROM      DOES           REQUESTS  FAILED  SESSIONS  LAST ANSWER BY  SESSION
alice  10.0.1.7  what you type         3       0         2  tomcat2         E20FD47E.tomcat2
lab> timeline 2
TIME  the proxy takes tomcat1 out of service in upstream jspserver
TIME  the network is whole again
lab> timeline zero
timeline takes a number of lines
hint: such as timeline 30
lab> help drop
drop KIND [from HOST] [to HOST] [P%] [N times]
    lose messages in the sender's queue
`
	if got := clock.ReplaceAllString(d.out.String(), "TIME"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if d.errs.Len() > 0 {
		t.Errorf("standard error: got %q, want nothing", d.errs.String())
	}
}

func TestUpSilencesThePopulationAndWakesIt(t *testing.T) {
	lines := `wait until user1 is answered
users quiet
wait 200ms
remember then = requests.total
wait 200ms
expect requests.total - then == 0
users go
wait until user1 is answered
expect requests.total - then > 0
`
	d, got := typed(t, "nodes 1\nusers 2 journey=counter think=10ms\nend 1s\n", lines)
	if got != exitPass {
		t.Errorf("exit status: got %d, want %d; there is:\n%s", got, exitPass, d.out.String())
	}
	d = newDesk(t, twoNodes)
	if got := d.types("users quiet\n"); got != exitMisuse {
		t.Errorf("a lab without a population: got exit status %d, want %d", got, exitMisuse)
	}
}

func TestATableThatIsTooWideIsSeveral(t *testing.T) {
	tb := &table{}
	tb.head("NODE", ">REQUESTS", ">ERRORS", "SEES")
	tb.row(plain("upstream a"))
	tb.row(plain("tomcat1"), number(12), number(0), plain("tomcat2 tomcat3 tomcat4"))
	for _, c := range []struct {
		width int
		want  string
	}{
		{60, "NODE     REQUESTS  ERRORS  SEES\nupstream a\ntomcat1        12       0  tomcat2 tomcat3 tomcat4\n"},
		{26, "NODE     REQUESTS  ERRORS\nupstream a\ntomcat1        12       0\n" +
			"NODE     SEES\nupstream a\ntomcat1  tomcat2 tomcat3\n         tomcat4\n"},
	} {
		var b strings.Builder
		for _, part := range tb.fit(c.width) {
			part.write(&b, false)
		}
		if got := b.String(); got != c.want {
			t.Errorf("width %d: got\n%s\nwant\n%s", c.width, got, c.want)
		}
	}
}

// typed types lines into a lab of their own, and gives the exit status. A lab that
// this machine makes void judges nothing: the lines are typed again.
func typed(t *testing.T, scenario, lines string) (d *desk, status int) {
	t.Helper()
	for range 3 {
		d = newDesk(t, scenario)
		if status = d.types(lines); status != exitInconclusive {
			break
		}
	}
	return d, status
}

func TestUpExitStatusIsThatOfTheLines(t *testing.T) {
	for _, c := range []struct {
		lines string
		want  int
	}{
		{"", exitPass},
		{"status\nquit\nbogus\n", exitPass},
		{"expect requests.total == 0\n", exitPass},
		{"expect requests.total == 1\n", exitFail},
		{"expect alice.last.node == \"tomcat1\"\n", exitInconclusive},
		{"status now\n", exitMisuse},
		{"expect requests.total == 1\nsessions some\n", exitMisuse},
	} {
		d, got := typed(t, twoNodes, c.lines)
		if got != c.want {
			t.Errorf("lines %q: got exit status %d, want %d; there is:\n%s", c.lines, got, c.want, d.out.String())
		}
	}
}

func TestUpSaysOnceThatARequestPassesASkippedLine(t *testing.T) {
	d := newDesk(t, `nodes tomcat1
user alice
end 1s
-- nginx.conf --
events {}
http { server { listen 8080; location / { deny all; proxy_pass http://tomcat1:8080; } } }
`)
	if got := d.types("alice GET /session 3 times\nexpect alice.ok == 2\n", "--free"); got != exitInconclusive {
		t.Errorf("exit status %d, want %d: a void lab refutes nothing", got, exitInconclusive)
	}
	d.out.shows(t, "a request passes deny (", 1)
	if n := strings.Count(d.out.String(), "a request passes "); n != 1 {
		t.Errorf("told %d times, want once:\n%s", n, d.out.String())
	}
}

func TestUpShowsControlCharactersEscaped(t *testing.T) {
	d := newDesk(t, twoNodes)
	d.types("alice GET /set?name=x&value=%1b%5b31m\nsessions\nfoo \x1b[31m\n")
	if got := d.out.String(); strings.Contains(got, "\x1b") {
		t.Errorf("the terminal gets control characters:\n%q", got)
	}
	d.out.shows(t, `x=\x1b[31m`, 2)
}

func TestUpQuietTellsOnlyAnswers(t *testing.T) {
	d := newDesk(t, twoNodes)
	d.types("kill tomcat1\nalice GET /session\ntell\nkill tomcat2\nquiet\nstart tomcat1\n", "--quiet")
	out := d.out.String()
	for text, want := range map[string]bool{
		"tomcat1 is killed": false, "alice: GET /session -> 200": true, "tomcat2 is killed": true, "tomcat1 is started": false,
	} {
		if got := strings.Contains(out, text); got != want {
			t.Errorf("%q is told: got %v, want %v", text, got, want)
		}
	}
}

func TestUpShowsWhatIsUnderWayAndFrozen(t *testing.T) {
	d := newDesk(t, twoNodes)
	d.types("pause tomcat2\nmeanwhile alice GET /session on tomcat2\nwait 100ms\nstop tomcat1\nwait until tomcat1 is down\nstart tomcat1\nstatus\nusers\n")
	for _, want := range []string{"tomcat1  starting  ", "tomcat2  paused  ", "what you type, waits"} {
		if !strings.Contains(d.out.String(), want) {
			t.Errorf("the tables lack %q:\n%s", want, d.out.String())
		}
	}
}

func TestUpWaitsForNobodyThatIsFrozen(t *testing.T) {
	d := newDesk(t, twoNodes)
	status := d.types(`answer tomcat1 hang
meanwhile alice GET /session on tomcat1
wait 50ms
pause tomcat1
answer tomcat1 ok
stop tomcat1
pause proxy
skew proxy 5s
status
pause proxy
resume proxy
resume tomcat1
wait until tomcat1 is down
wait for alice
expect alice.ok == 1
`)
	out := d.out.String()
	for _, want := range []string{"the proxy is frozen\n", "the proxy is paused\n", "the clock of the proxy is set 5s ahead\n",
		"pause proxy: it is paused\n", "s  tomcat1 is down\n", "holds: alice.ok = 1\n"} {
		if strings.Count(out, want) != 1 {
			t.Errorf("got %d times %q, want it once:\n%s", strings.Count(out, want), want, out)
		}
	}
	if status != exitMisuse {
		t.Errorf("exit status after a second pause: got %d, want %d", status, exitMisuse)
	}
}

func TestUpRefusesALineWithoutAnEnd(t *testing.T) {
	d := newDesk(t, twoNodes)
	if got := d.types("status\nalice GET /" + strings.Repeat("x", longestLine)); got != exitMisuse {
		t.Errorf("exit status: got %d, want %d", got, exitMisuse)
	}
	if want := "no more lines: one has more than 65536 bytes\n"; !strings.HasSuffix(d.out.String(), want) {
		t.Errorf("got\n%s\nwant %q at its end", d.out.String(), want)
	}
}

func TestUpDisarms(t *testing.T) {
	d := newDesk(t, twoNodes)
	d.types(`after 1s kill tomcat1
every 1s kill tomcat1
when tomcat2 is down alice GET /session
whenever alice is answered alice GET /session
disarm
wait 1200ms
alice GET /session
kill tomcat2
wait 50ms
after 10ms kill tomcat1
wait until tomcat1 is down
expect alice.requests == 1
disarm now
`)
	out := d.out.String()
	for want, times := range map[string]int{"nothing is armed any more\n": 1, "s  tomcat1 is killed\n": 1, "holds: alice.requests = 1\n": 1, "disarm takes no arguments": 1} {
		if got := strings.Count(out, want); got != times {
			t.Errorf("got %d times %q, want %d:\n%s", got, want, times, out)
		}
	}
}

func TestUpSaysWhyARestartIsImpossible(t *testing.T) {
	d := newDesk(t, twoNodes)
	d.types("kill tomcat1\nrestart tomcat1\n")
	if want := "restart tomcat1: it is not up\n"; !strings.Contains(d.out.String(), want) {
		t.Errorf("got\n%s\nwant %q in it", d.out.String(), want)
	}
}

func TestUpJudgesSoFar(t *testing.T) {
	d := newDesk(t, twoNodes)
	if got := d.types("alice POST /counter\nalice POST /counter\nexpect sessions.lost == 1 and availability == 100%\n"); got != exitPass {
		t.Errorf("exit status: got %d, want %d:\n%s", got, exitPass, d.out.String())
	}
}

func TestUpReportsWithoutEndingTheLab(t *testing.T) {
	d := newDesk(t, twoNodes+"expect sessions.lost == 0\n")
	d.types("alice POST /counter\nreport\nalice POST /counter\n")
	out := d.out.String()
	if !strings.Contains(out, "sessions kept    1 of 1 session") {
		t.Errorf("the report does not count alice's session:\n%s", out)
	}
	if strings.Contains(out, "sessions.lost == 0") {
		t.Errorf("the report judges what the scenario expects of its script:\n%s", out)
	}
	if strings.Count(out, "alice: POST /counter -> 200") != 2 {
		t.Errorf("the lab is not up after the report:\n%s", out)
	}
}

func TestUpOpensForBrowsersAndLeavesNothingBehind(t *testing.T) {
	d := newDesk(t, twoNodes)
	lines, write := io.Pipe()
	d.env.Args, d.env.Stdin = []string{"sessionlab", "up", d.file}, lines
	status := make(chan int)
	go func() { status <- Main(d.env) }()
	d.out.shows(t, "Try: ", 1)

	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Get("http://" + d.world.URL("172.16.12.1:8080") + "/")
	if err != nil {
		t.Fatal(err)
	}
	page, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if !bytes.Contains(page, []byte("test.tomcat1")) {
		t.Errorf("the page is not that of tomcat1:\n%s", page)
	}
	fmt.Fprintln(write, "sessions")
	d.out.shows(t, "visitor  S .tomcat1 test.org=test.org", 1)

	var addrs []string
	for _, logical := range []string{"172.16.12.1:8080", "172.16.12.101:8080", "172.16.12.102:8080"} {
		addrs = append(addrs, d.world.URL(logical))
	}
	d.signals <- os.Interrupt
	if got := <-status; got != exitPass {
		t.Errorf("exit status after Ctrl-C while nothing is done: got %d, want %d", got, exitPass)
	}
	write.Close()
	for _, addr := range addrs {
		if _, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial %s after the end: got %v, want connection refused", addr, err)
		}
	}
}

func TestUpInterruptedInTheMiddleOfALine(t *testing.T) {
	d := newDesk(t, twoNodes)
	lines, write := io.Pipe()
	d.env.Args, d.env.Stdin = []string{"sessionlab", "up", d.file}, lines
	status := make(chan int)
	go func() { status <- Main(d.env) }()
	fmt.Fprintln(write, "wait 1h")
	d.out.shows(t, "lab> wait 1h", 1)
	d.signals <- os.Interrupt
	if got := <-status; got != exitInterrupted {
		t.Errorf("exit status: got %d, want %d", got, exitInterrupted)
	}
	write.Close()
	if !strings.Contains(d.out.String(), "cut short") {
		t.Errorf("the line was not cut short:\n%s", d.out.String())
	}
}

func TestUpWithoutANameTakesALabOfTheLibrary(t *testing.T) {
	d := newDesk(t, twoNodes)
	d.file = ""
	d.env.Args, d.env.Stdin = []string{"sessionlab", "up"}, strings.NewReader("status\n")
	if got := Main(d.env); got != exitPass || !strings.Contains(d.out.String(), "tomcat2  up ") {
		t.Errorf("got exit status %d, want %d, and a second node in\n%s%s", got, exitPass, d.out.String(), d.errs.String())
	}
	d.env.Args = []string{"sessionlab", "up", "kill", "sticky"}
	if got := Main(d.env); got != exitMisuse {
		t.Errorf("two names: got exit status %d, want %d", got, exitMisuse)
	}
}

func TestNewsThatComesOverAndOverIsToldNowAndThen(t *testing.T) {
	n := newNews(false)
	plain := func(_ report.Colour, text string) string { return text }
	drop := func(at time.Duration, peer string) {
		n.happened(lab.Event{At: at, Kind: lab.Broken, Host: "tomcat1", Peer: peer, Label: world.Label{Kind: "DELTA"}, Text: "no DELTA to " + peer})
	}
	for at := time.Second; at < 12*time.Second; at += time.Second {
		drop(at, "tomcat2")
	}
	drop(12*time.Second, "tomcat3")
	want := `   1.000s  no DELTA to tomcat2
   6.000s  no DELTA to tomcat2 (and 4 like it before)
  11.000s  no DELTA to tomcat2 (and 4 like it before)
  12.000s  no DELTA to tomcat3
`
	if got := n.take(plain, 0); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNewsOfAClassIsToldNowAndThen(t *testing.T) {
	n := newNews(false)
	for _, at := range []time.Duration{time.Second, 2 * time.Second, 6 * time.Second} {
		n.happened(lab.Event{At: at, Kind: lab.Session, Host: "tomcat1", Class: "drops", Text: "drops one of " + at.String()})
	}
	want := "   1.000s  drops one of 1s\n   6.000s  drops one of 6s (and 1 like\n           it before)\n"
	if got := n.take(func(_ report.Colour, text string) string { return text }, 40); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAMemberOfTwoLivesIsListedOnce(t *testing.T) {
	if got, want := seen([]string{"tomcat1", "tomcat1", "tomcat2"}), "2x tomcat1 tomcat2"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func copyOf(role appnode.Role, id string, created int64, attributes ...sessions.Attribute) appnode.Copy {
	return appnode.Copy{State: sessions.State{ID: id, Created: created, Valid: true, Attributes: attributes}, Role: role}
}

func attr(name, text string, write uint64) sessions.Attribute {
	return sessions.Attribute{Name: name, Value: sessions.Value{Text: text, Write: write, Writes: write}}
}

func TestSessionTableShowsWhereCopiesDiffer(t *testing.T) {
	const one, two, three, four, five = "1111111111AAAAAA", "2222222222AAAAAA", "3333333333AAAAAA", "4444444444AAAAAA", "5555555555AAAAAA"
	held := []holder{
		{name: "tomcat1", copies: []appnode.Copy{
			copyOf(appnode.Primary, one+".tomcat1", 10, attr("cart", "pen", 1), attr("count", "3", 3)),
			copyOf(appnode.Replica, two+".tomcat2", 5, attr("count", "4", 4)),
			copyOf(appnode.Primary, three+".tomcat1", 20),
			copyOf(appnode.Replica, five+".tomcat1", 40, attr("count", "7", 8)),
		}},
		{name: "tomcat2", copies: []appnode.Copy{
			copyOf(appnode.Replica, one+".tomcat1", 10, attr("cart", "pen", 1), attr("count", "3", 3)),
			copyOf(appnode.Primary, two+".tomcat2", 5, attr("count", "5", 5)),
			copyOf(appnode.Primary, three+".tomcat2", 20),
			copyOf(appnode.Sole, four, 30, attr("note", "a rather long value", 1)),
			copyOf(appnode.Replica, five+".tomcat1", 40, attr("count", "7", 9)),
			copyOf(appnode.Primary, five+".tomcat2", 40, attr("count", "7", 8)),
		}},
		{name: "tomcat3", absent: lab.NodeDown},
	}
	var b strings.Builder
	sessionTable(held, sessionRows(held, map[string]string{one: "alice", two: "bob"}), false).write(&b, false)
	want := `SESSION   USER     tomcat1                tomcat2                                  tomcat3 (down)
22222222  bob      c .tomcat2 count=4     P .tomcat2 count=5                       -               attributes differ
11111111  alice    P .tomcat1 count=3 +1  c .tomcat1 count=3 +1                    -
33333333  visitor  P .tomcat1 empty       P .tomcat2 empty                         -               ids differ
44444444  visitor  -                      S note=a rather long...                  -
55555555  visitor  c .tomcat1 count=7     c .tomcat1 count=7 + P .tomcat2 count=7  -               attributes differ, ids differ
`
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	b.Reset()
	sessionTable(held, sessionRows(held, nil)[1:2], true).write(&b, false)
	want = "SESSION   USER     tomcat1       tomcat2       tomcat3 (down)\n11111111  visitor  P count=3 +1  c count=3 +1  -\n"
	if got := b.String(); got != want {
		t.Errorf("narrow: got\n%s\nwant\n%s", got, want)
	}
	b.Reset()
	sessionTable(held, sessionRows(held, nil)[3:4], true).write(&b, false)
	if got, want := b.String(), "S note=a rat..."; !strings.Contains(got, want+"  ") {
		t.Errorf("narrow: got\n%s\nwant %s", got, want)
	}
}

func TestWhatATableSaysIsBrokenBetweenWords(t *testing.T) {
	tb := &table{fold: 30}
	tb.row(coloured(report.Bold, "Look at all of this, which is no column"))
	tb.row(coloured(report.Bold, "kill NODE"), plain("memory is gone, the disk stays"))
	tb.row(plain("heal"), plain("end it"))
	for _, paint := range []bool{false, true} {
		var b strings.Builder
		tb.write(&b, paint)
		want := report.Paint(paint, report.Bold, "Look at all of this, which is no column") + "\n" +
			report.Paint(paint, report.Bold, "kill NODE") + "  memory is gone, the\n           disk stays\nheal       end it\n"
		if got := b.String(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestStatusTables(t *testing.T) {
	nodes := []lab.NodeStatus{
		{Name: "tomcat1", Addr: "172.16.12.101:8080", State: lab.NodeUp, Members: []string{"tomcat2", "tomcat3"}, Node: appnode.Status{
			Counts: appnode.Counts{Requests: 1234, Errors: 2, Busy: 200, Waiting: 7}, Sessions: sessions.Figures{Active: 31},
		}},
		{Name: "tomcat2", Addr: "172.16.12.102:8080", State: lab.NodeUp},
		{Name: "tomcat3", Addr: "172.16.12.103:8080", State: lab.NodeStarting},
		{Name: "b", Addr: "172.16.12.104:8080", State: lab.NodeDown},
	}
	frozen := func(name string) bool { return name == "tomcat2" || name == lab.ProxyName }
	url := func(addr string) string { return "http://" + addr + "/" }
	groups := []proxy.GroupStatus{
		{Name: "jspserver", Servers: []upstream.Status{
			{Addr: "172.16.12.101:8080", State: upstream.Up, Weight: 5, Requests: 1200, Conns: 207},
			{Addr: "172.16.12.102:8080", State: upstream.Unavail, Weight: 1, Fails: 1, Requests: 3},
		}},
		{Name: "other", Servers: []upstream.Status{{Addr: "172.16.12.9:80", State: upstream.Draining, Weight: 1, Backup: true}}},
	}
	var b strings.Builder
	nodeTable(nodes[2:3], true, frozen, nil).write(&b, false)
	if got, want := b.String(), "NODE     STATE     REQUESTS  BUSY  WAITING  ERRORS  SESSIONS  SEES\ntomcat3  starting         -     -        -       -         -  -\n"; got != want {
		t.Errorf("without addresses: got\n%s\nwant\n%s", got, want)
	}
	b.Reset()
	nodeTable(nodes, true, frozen, url).write(&b, false)
	proxyTable(groups, frozen, map[string]string{"172.16.12.101:8080": "tomcat1", "172.16.12.102:8080": "tomcat2"}).write(&b, false)
	want := `NODE     STATE     ADDRESS                     REQUESTS  BUSY  WAITING  ERRORS  SESSIONS  SEES
tomcat1  up        http://172.16.12.101:8080/      1234   200        7       2        31  tomcat2 tomcat3
tomcat2  paused    http://172.16.12.102:8080/         0     0        0       0         0  -
tomcat3  starting  http://172.16.12.103:8080/         -     -        -       -         -  -
b        down      http://172.16.12.104:8080/         -     -        -       -         -  -
PROXY SENDS TO  STATE             WEIGHT  FAILS  IN FLIGHT  REQUESTS
the proxy is paused
upstream jspserver
tomcat1         up                     5      0        207      1200
tomcat2         unavail                1      1          0         3
upstream other
172.16.12.9:80  draining, backup       1      0          0         0
`
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestColoursDoNotMoveColumns(t *testing.T) {
	tb := &table{}
	tb.row(coloured(report.Red, "down"), number(7))
	tb.row(plain("starting"), number(12))
	var b strings.Builder
	tb.write(&b, true)
	if got, want := b.String(), report.Paint(true, report.Red, "down")+"       7\nstarting  12\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTabOffersWhatMayStandThere(t *testing.T) {
	v := vocabulary{nodes: []string{"tomcat1", "tomcat2"}, users: []string{"alice"}, own: []string{"status", "sessions", "help"}}
	for _, c := range []struct {
		line string
		want string // the words offered
	}{
		{"ki", "kill"},
		{"st", "status stop start"},
		{"kill ", "tomcat1 tomcat2"},
		{"kill tomcat1 ", "tomcat2"},
		{"pause p", "proxy"},
		{"al", "alice"},
		{"alice P", "POST PUT PATCH"},
		{"alice GET /c", "/counter"},
		{"alice GET /counter o", "on"},
		{"alice GET /counter on ", "tomcat1 tomcat2"},
		{"meanwhile alice GET /s", "/session /set?name= /status/"},
		{"drop DE", "DELTA"},
		{"drop DELTA from ", "tomcat1 tomcat2 proxy alice"},
		{"delay DELTA from tomcat1 ", "to by"},
		{"delay DELTA by 2s ", "from to spread"},
		{"wait ", "until for"},
		{"wait until tomcat1 is ", "up down idle"},
		{"wait until tomcat1 is up ", ""},
		{"after ", ""},
		{"after 2s kill ", "tomcat1 tomcat2"},
		{"every 2s u", "until unroute"},
		{"when proxy ex", "excludes"},
		{"when tomcat1 sends DELTA t", "to together"},
		{"when tomcat1 sends DELTA to tomcat2 ki", "kill"},
		{"when tomcat1 is idle after 1s resume t", "tomcat1 tomcat2"},
		{"whenever alice is a", "answered"},
		{"together kill tomcat1; st", "stop start"},
		{"answer tomcat1 h", "hang http09"},
		{"partition tomcat1 ", "tomcat2 proxy |"},
		{"partition tomcat1 | ", "tomcat2 proxy"},
		{"expect sessions.l", "sessions.lost sessions.leaked"},
		{"expect alice.last.s", "alice.last.status alice.last.session"},
		{"expect proxy.ex", "proxy.excluded(tomcat1) proxy.excluded(tomcat2)"},
		{"sessions ", "all"},
		{"help rel", "release"},
		{"heal ", ""},
		{"nonsense ", ""},
	} {
		words, _ := v.complete(c.line)
		if got := strings.Join(words, " "); got != c.want {
			t.Errorf("%q: got %q, want %q", c.line, got, c.want)
		}
	}
}

func TestTabPutsInWhatIsCertain(t *testing.T) {
	offer := func(words ...string) completer {
		return func(line string) ([]string, int) { return words, len(line) - strings.LastIndexByte(line, ' ') - 1 }
	}
	for _, c := range []struct {
		line     string
		pos      int
		words    []string
		want     string
		wantPos  int
		wantShow string
	}{
		{"ki", 2, []string{"kill"}, "kill ", 5, ""},
		{"kill t", 6, []string{"tomcat1", "tomcat2"}, "kill tomcat", 11, ""},
		{"kill tomcat", 11, []string{"tomcat1", "tomcat2"}, "kill tomcat", 11, "tomcat1  tomcat2\n"},
		{"kill x", 6, nil, "kill x", 6, ""},
		{"ki tomcat1", 2, []string{"kill"}, "kill tomcat1", 5, ""},
	} {
		var shown strings.Builder
		line, pos, ok := edit(&shown, offer(c.words...), c.line, c.pos, keyTab)
		if line != c.want || pos != c.wantPos || !ok || shown.String() != c.wantShow {
			t.Errorf("Tab in %q at %d: got %q at %d, %q shown; want %q at %d, %q", c.line, c.pos, line, pos, shown.String(), c.want, c.wantPos, c.wantShow)
		}
	}
}

func TestUpAndDownKeysSkipEmptyAndRepeatedLines(t *testing.T) {
	var p pastLines
	for _, line := range []string{"status", "", "status", "kill a", "status"} {
		p.Add(line)
	}
	var got []string
	for i := range p.Len() {
		got = append(got, p.At(i))
	}
	if want := []string{"status", "kill a", "status"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUpKnowsThatASessionIsGoneAndThatNobodyHasLooked(t *testing.T) {
	d := newDesk(t, "nodes a b\nmanager StandardManager\nuser bob\nend 1s\n")
	if got := d.types("bob POST /counter\nexpect sessions.lost == 0\nexpect sessions.kept == 1\nkill a b\nexpect sessions.lost == 1\nreport\n", "--free"); got != exitInconclusive {
		t.Errorf("exit status %d, want %d: nobody knows yet what is kept", got, exitInconclusive)
	}
	d.out.shows(t, "no data: sessions.kept: no data", 1)
	d.out.shows(t, "holds: sessions.lost = 1", 1)
	d.out.shows(t, "nobody has looked since", 1)
}
