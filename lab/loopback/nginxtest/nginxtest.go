// Package nginxtest runs a real nginx on loopback addresses, for tests and
// benchmarks that hold the front against it. Begin with Installed and Start; a
// test is skipped where there is no nginx.
package nginxtest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Program is where the nginx in the PATH is. Without one the test is skipped.
func Program(t testing.TB) string {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed")
	}
	return program
}

// Installed is Program of a series such as "1.22", and its version. With another
// one the test is skipped.
func Installed(t testing.TB, series string) (program, version string) {
	t.Helper()
	program = Program(t)
	out, err := exec.Command(program, "-v").CombinedOutput()
	if err != nil {
		t.Skipf("nginx does not run here: %v: %s", err, out)
	}
	_, version, _ = strings.Cut(strings.TrimSpace(string(out)), "nginx/")
	if !strings.HasPrefix(version, series+".") {
		t.Skipf("nginx %s is installed, %s is what was recorded", version, series)
	}
	return program, version
}

// FreeAddress is an "address:port" of 127.0.0.1 that nobody has.
func FreeAddress(t testing.TB) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	return free.Addr().String()
}

// Main is what keeps nginx in the foreground and its files in dir: the beginning
// of a configuration, in one line. What nginx says of errors goes to its standard
// error.
func Main(dir string) string {
	user := ""
	if os.Geteuid() == 0 {
		user = "user root; " // who may read dir
	}
	return user + "daemon off; pid " + dir + "/pid; error_log stderr error; "
}

// Paths is what an http block says to keep nginx's files in dir, in one line.
func Paths(dir string) string {
	var paths strings.Builder
	for _, module := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&paths, "%s_temp_path %s/%[1]s; ", module, dir)
	}
	return paths.String()
}

// Nginx is an nginx that runs.
type Nginx struct {
	process *os.Process
	ended   chan struct{}
}

// Start starts a program with a configuration that has Main, waits until it
// accepts connections at addr, and stops it with the test. dir is where its files
// are. Another program at addr fails the test: it would answer instead.
func Start(t testing.TB, program, dir, conf, addr string) *Nginx {
	t.Helper()
	taken, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatalf("nginx cannot be started: %v", err)
	}
	taken.Close()
	file := dir + "/nginx.conf"
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer // to be read when the process has ended
	cmd := exec.Command(program, "-p", dir, "-c", file, "-e", "stderr")
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n := &Nginx{process: cmd.Process, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // it ends as Stop wants it, or Start tells what it said
		close(n.ended)
	}()
	t.Cleanup(n.Stop)
	open := Await(10*time.Second, func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err == nil || n.over()
	})
	if !open || n.over() {
		n.Stop()
		t.Fatalf("nginx does not accept connections at %s: %s", addr, said.String())
	}
	return n
}

func (n *Nginx) over() bool {
	select {
	case <-n.ended:
		return true
	default:
		return false
	}
}

// Stop ends nginx and all its workers. It is idempotent.
func (n *Nginx) Stop() {
	_ = n.process.Signal(os.Interrupt) // a fast shutdown; of one that has ended it is no news
	<-n.ended
}

// Await waits until a condition holds, which it looks at again every few
// milliseconds, and reports false if it does not within the limit.
func Await(limit time.Duration, holds func() bool) bool {
	again, end := time.NewTicker(2*time.Millisecond), time.NewTimer(limit)
	defer again.Stop()
	defer end.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-end.C:
			return false
		}
	}
	return true
}
