package loopback_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/lab/loopback"
	"sessionlab/lab/world"
)

// connect gives both ends of a stream from alice to tomcat1.
func connect(t testing.TB, w *loopback.World) (out, in world.Stream) {
	t.Helper()
	l, err := boot(t, w, "tomcat1", tomcat).Listen(4000)
	if err != nil {
		t.Fatal(err)
	}
	if out, err = boot(t, w, "alice", alice).Dial(t.Context(), tomcat+":4000"); err != nil {
		t.Fatal(err)
	}
	if in, err = l.Accept(t.Context()); err != nil {
		t.Fatal(err)
	}
	return out, in
}

// readAll reads a stream to its end.
func readAll(t testing.TB, s world.Stream) string {
	t.Helper()
	var all bytes.Buffer
	buf := make([]byte, 100)
	for {
		n, err := s.Read(t.Context(), buf)
		all.Write(buf[:n])
		if err == io.EOF {
			return all.String()
		}
		if err != nil {
			t.Fatalf("after %q: %v", all.String(), err)
		}
	}
}

var delta = world.Label{Kind: "DELTA", Key: "s1"}

func TestDelayedMessageOutlivesItsSender(t *testing.T) {
	for name, end := range map[string]func(w *loopback.World, s world.Stream) error{
		"closed": func(_ *loopback.World, s world.Stream) error { return s.Close() },
		"killed": func(w *loopback.World, _ world.Stream) error { return w.Kill("alice") },
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, loopback.Config{Offset: loopback.Probe})
			out, in := connect(t, w)
			w.Faults().Add(fault.Rule{Verb: fault.Delay, By: 20 * time.Millisecond})
			if err := out.Write(t.Context(), delta, []byte("on its way")); err != nil {
				t.Fatal(err)
			}
			if out.Stalled() {
				t.Error("Stalled with a delayed message = true, want false")
			}
			if err := end(w, out); err != nil {
				t.Fatal(err)
			}
			if got, want := readAll(t, in), "on its way"; got != want {
				t.Errorf("received %q, want %q", got, want)
			}
			if got := w.InFlight(); got != 0 {
				t.Errorf("InFlight after the end = %d, want 0", got)
			}
		})
	}
}

func TestHeldMessageIsLostWithItsSender(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	out, in := connect(t, w)
	w.Faults().Add(fault.Rule{Verb: fault.Hold, Kind: "DELTA"})
	for _, frame := range []string{"held", "behind it"} {
		if err := out.Write(t.Context(), delta, []byte(frame)); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.InFlight(); got != 2 || !out.Stalled() {
		t.Errorf("InFlight = %d, Stalled = %v, want 2 and true", got, out.Stalled())
	}
	if err := w.Kill("alice"); err != nil {
		t.Fatal(err)
	}
	if got := w.InFlight(); got != 0 {
		t.Errorf("InFlight after the kill = %d, want 0", got)
	}
	if got := readAll(t, in); got != "" {
		t.Errorf("received %q, want nothing", got)
	}
}

func TestMessageNobodyAcceptsIsNotInFlight(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	l, err := boot(t, w, "tomcat1", tomcat).Listen(4000)
	if err != nil {
		t.Fatal(err)
	}
	out, err := boot(t, w, "alice", alice).Dial(t.Context(), tomcat+":4000")
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Write(t.Context(), delta, []byte("unseen")); err != nil {
		t.Fatal(err)
	}
	if got := w.InFlight(); got != 1 {
		t.Errorf("InFlight before accept = %d, want 1", got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := w.InFlight(); got != 0 {
		t.Errorf("InFlight after the port was closed = %d, want 0", got)
	}
}

func TestDatagramFromOutsideTheLab(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	p, err := boot(t, w, "tomcat1", tomcat).ListenPacket(4100)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("udp4", w.URL(tomcat+":4100"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "hello")
	buf := make([]byte, 100)
	n, from, err := p.ReadFrom(t.Context(), buf)
	if err != nil || string(buf[:n]) != "hello" || from != conn.LocalAddr().String() {
		t.Errorf("received %q from %s (%v), want hello from %v", buf[:n], from, err, conn.LocalAddr())
	}
}

func TestMachineIsBackOnItsPortAtOnce(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	user := boot(t, w, "alice", alice)
	for range 3 {
		serve(t, boot(t, w, "tomcat1", tomcat), world.ServeOptions{}, echo)
		if status, _ := get(t, user, "http://"+tomcat+":8080/"); status != http.StatusOK {
			t.Errorf("status %d, want 200", status)
		}
		if err := w.Kill("tomcat1"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPanicOfATaskEndsTheRun(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	err := w.Run(func(ctx context.Context) error {
		boot(t, w, "tomcat1", tomcat).Go("receiver", func(context.Context) { panic("on purpose") })
		<-ctx.Done()
		return ctx.Err()
	})
	if err == nil || !strings.Contains(err.Error(), "task receiver of tomcat1 panicked: on purpose") {
		t.Errorf("Run: error %v, want the panic of the task", err)
	}
}

func TestCloseRemovesTheDisks(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	w := open(t, loopback.Config{Offset: loopback.Probe})
	disk := boot(t, w, "tomcat1", tomcat).Disk()
	if files := filesIn(t, tmp); len(files) != 0 {
		t.Errorf("before the first write there is %v, want nothing", files)
	}
	for _, name := range []string{"a", "a/b", "%-", "..a", "%2e%2e"} {
		if err := disk.WriteFile(name, []byte(name)); err != nil {
			t.Errorf("WriteFile(%q): %v", name, err)
		}
		if got, err := disk.ReadFile(name); err != nil || string(got) != name {
			t.Errorf("ReadFile(%q) = %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"", ".", "..", "../x", "/etc/passwd", "a//b", "a/../../x"} {
		if err := disk.WriteFile(name, nil); err == nil {
			t.Errorf("WriteFile(%q): no error", name)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if files := filesIn(t, tmp); len(files) != 0 {
		t.Errorf("after Close there is %v, want nothing", files)
	}
	if _, err := disk.ReadFile("a"); !errors.Is(err, world.ErrHostDown) {
		t.Errorf("ReadFile after Close: error %v, want %v", err, world.ErrHostDown)
	}
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(big, bytes.Repeat([]byte("x"), 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	w := open(t, loopback.Config{Offset: loopback.Probe})
	serve(t, boot(t, w, "front", front), world.ServeOptions{}, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil || n > 0 && n != 2<<20 {
			w.WriteHeader(http.StatusBadRequest)
		}
		io.WriteString(w, strings.Repeat("y", 10000))
	})
	url := "http://" + w.URL(front+":8080") + "/"
	for name, args := range map[string][]string{
		"get":                 {url},
		"head":                {"--head", url},
		"HTTP/1.0":            {"--http1.0", url},
		"two on a connection": {url, url},
		"upload":              {"--data-binary", "@" + big, url},
		"upload in chunks":    {"--header", "Transfer-Encoding: chunked", "--data-binary", "@" + big, url},
	} {
		args = append([]string{"--silent", "--show-error", "--fail", "--max-time", "20", "--noproxy", "*"}, args...)
		out, err := exec.Command(curl, args...).CombinedOutput()
		if err != nil {
			t.Errorf("%s: curl: %v: %.200s", name, err, out)
		}
	}
}

func TestAVerbOnTheWrongMachineSaysWhatIsWrong(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	boot(t, w, "tomcat1", tomcat)
	for _, row := range []struct {
		err  error
		want string
	}{
		{w.Resume("tomcat1"), "resume tomcat1: it is not paused"},
		{w.Pause("tomcat1"), ""},
		{w.Pause("tomcat1"), "pause tomcat1: it is paused"},
		{w.Kill("tomcat1"), ""},
		{w.Kill("tomcat1"), "kill tomcat1: it is down"},
		{w.Pause("tomcat1"), "pause tomcat1: it is down"},
		{w.Resume("tomcat1"), "resume tomcat1: it is down"},
		{w.Skew("tomcat1", 1), ""},
		{w.Kill("tomcat2"), "kill tomcat2: no such machine"},
		{w.Pause("tomcat2"), "pause tomcat2: no such machine"},
		{w.Resume("tomcat2"), "resume tomcat2: no such machine"},
		{w.Skew("tomcat2", 1), "skew tomcat2: no such machine"},
	} {
		got := ""
		if row.err != nil {
			got = row.err.Error()
		}
		if got != row.want {
			t.Errorf("error = %q, want %q", got, row.want)
		}
	}
}

func TestADelayedMessageIsTheSendersToChange(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	out, in := connect(t, w)
	w.Faults().Add(fault.Rule{Verb: fault.Delay, By: 20 * time.Millisecond})
	frame := []byte("as it was written")
	if err := out.Write(t.Context(), delta, frame); err != nil {
		t.Fatal(err)
	}
	clear(frame)
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, in); got != "as it was written" {
		t.Errorf("received %q, want what was written", got)
	}
}

func TestAMessageToAClosedEndIsToldAsLost(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	var told []world.EventOp
	w.Observe(func(e world.Event) { told = append(told, e.Op) })
	out, in := connect(t, w)
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	_ = out.Write(t.Context(), delta, []byte("too late")) // the kernel may know already
	if len(told) != 1 || told[0] != world.Loses {
		t.Errorf("told %v, want one %v", told, world.Loses)
	}
}

// A machine's datagrams to itself go over no link.
func TestNoRuleIsAboutAMachinesDatagramsToItself(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	node := boot(t, w, "tomcat1", tomcat)
	group, err := node.JoinGroup("228.0.0.4", 45564)
	if err != nil {
		t.Fatal(err)
	}
	w.Faults().Add(fault.Rule{Verb: fault.Drop})
	if err := group.WriteTo(delta, []byte("to us all"), "228.0.0.4:45564"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	buf := make([]byte, 20)
	n, from, err := group.ReadFrom(ctx, buf)
	if err != nil || string(buf[:n]) != "to us all" || from != tomcat+":45564" {
		t.Errorf("received %q from %s, %v, want the datagram", buf[:n], from, err)
	}
}
