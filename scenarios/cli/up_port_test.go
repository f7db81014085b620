package cli

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"sessionlab/lab/world"
)

// stranger is another program that has a port of this machine until the test
// ends, or until it is closed.
func stranger(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// taken has somebody have a port until the test ends; a real program may.
func taken(t *testing.T, addr string) {
	t.Helper()
	l, err := net.Listen("tcp4", addr)
	switch {
	case err == nil:
		t.Cleanup(func() { l.Close() })
	case !errors.Is(err, syscall.EADDRINUSE):
		t.Error(err)
	}
}

var address = regexp.MustCompile(`http://(127[0-9.]+:\d+)/`)

func TestUpTellsWhereAFrontIsWhosePortIsTaken(t *testing.T) {
	d := newDesk(t, twoNodes)
	open := d.env.Worlds[0].New
	d.env.Worlds[0].New = func(seed uint64, n Network, p Place) (world.World, error) {
		w, err := open(seed, n, p)
		taken(t, d.world.URL("172.16.12.1:8080"))
		return w, err
	}
	d.env.Worlds[0].URL = func(_ world.World, addr string) string { return d.world.URL(addr) }
	lines, write := io.Pipe()
	d.env.Args, d.env.Stdin = []string{"sessionlab", "up", d.file}, lines
	status := make(chan int)
	go func() { status <- Main(d.env) }()
	d.out.shows(t, "Ctrl-C ends the lab", 1)
	front := address.FindStringSubmatch(d.out.String())[1]
	resp, err := http.Get("http://" + front + "/session")
	if err != nil {
		t.Fatalf("the front is not where it is said to be: %v\n%s", err, d.out.String())
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	fmt.Fprintln(write, "expect alice.requests == 0")
	write.Close()
	if got := <-status; got != exitPass {
		t.Errorf("exit status: got %d, want %d\n%s", got, exitPass, d.errs.String())
	}
	_, port, _ := net.SplitHostPort(front)
	if want := "Not free on this machine: port 8080."; port == "8080" || !strings.Contains(d.out.String(), want) {
		t.Errorf("the first screen lacks %q or an address with another port:\n%s", want, d.out.String())
	}
}

func TestUpRefusesAFrontWhoseWrittenPortIsTaken(t *testing.T) {
	const usual = "nodes  tomcat1\nproxy  round_robin port=18077\nuser   alice\nend    1s\n"
	const attached = "nodes  tomcat1\nuser   alice\nend    1s\n-- nginx.conf --\nevents {}\nhttp { server { listen 18077; location / { proxy_pass http://tomcat1:8080; } } }\n"
	const addr = "172.16.12.1:18077"
	refused := func(scenario string) (hint string) {
		t.Helper()
		d := newDesk(t, scenario)
		d.env.Worlds[0].URL = func(_ world.World, addr string) string { return d.world.URL(addr) }
		if got := d.types("status\n"); got != exitLab {
			t.Fatalf("exit status: got %d, want %d\n%s", got, exitLab, d.out.String())
		}
		said, hint, _ := strings.Cut(d.errs.String(), "hint: ")
		if want := "proxy cannot listen on " + addr + ": address already in use (127."; !strings.Contains(said, want) {
			t.Errorf("the message lacks %q:\n%s", want, said)
		}
		return hint
	}
	comesUp := func(what, scenario string, flags ...string) {
		t.Helper()
		d := newDesk(t, scenario)
		if got := d.types("alice GET /session\nexpect alice.ok == 1\n", flags...); got != exitPass {
			t.Errorf("%s: exit status: got %d, want %d\n%s%s", what, got, exitPass, d.out.String(), d.errs.String())
		}
	}

	program := stranger(t, "0.0.0.0:18077")
	hint := refused(usual)
	other := regexp.MustCompile(`--set proxy\.port=\d+ takes another port`).FindString(hint)
	for _, want := range []string{other, "or end that program", "--free takes addresses and ports that are free"} {
		if want == "" || !strings.Contains(hint, want) {
			t.Errorf("the hint lacks %q: %s", want, hint)
		}
	}
	comesUp("another port", usual, strings.Fields(other)[:2]...)
	comesUp("free", usual, "--free")

	hint = refused(attached)
	for _, want := range []string{"have it listen on another port in nginx.conf", "or end that program", "--free takes addresses and ports that are free"} {
		if !strings.Contains(hint, want) {
			t.Errorf("the hint lacks %q: %s", want, hint)
		}
	}
	comesUp("another port in nginx.conf", strings.Replace(attached, "18077", "18078", 1))
	comesUp("free, with an nginx.conf", attached, "--free")

	program.Close()
	comesUp("without that program", usual)
	comesUp("without that program, with an nginx.conf", attached)
}
