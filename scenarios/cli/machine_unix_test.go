//go:build unix

package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"sessionlab/scenarios/report"
)

// busy is a lab that wants some hundred sockets.
const busy = `nodes  tomcat1 tomcat2
users  40 journey=shop think=5ms
end    1s
expect requests.failed == 0
`

// program prepares sessionlab run with a scenario, by a shell that first does
// something else. It has half a minute.
func program(t *testing.T, first, scenario, flags string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "lab.txt")
	if err := os.WriteFile(file, []byte(scenario), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	cmd = exec.CommandContext(ctx, "sh", "-c", first+"exec sessionlab run "+file+" "+flags)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

func exitOf(cmd *exec.Cmd) int {
	_ = cmd.Run() // the status tells
	return cmd.ProcessState.ExitCode()
}

func TestLackOfOpenFilesIsNoResultOfAScenario(t *testing.T) {
	for _, files := range []int{24, 48, 64} {
		cmd, stdout, stderr := program(t, fmt.Sprintf("ulimit -n %d; ", files), busy, "--quiet")
		got := exitOf(cmd)
		limit := fmt.Sprintf("too many open files (this process may have %d files and sockets open: ulimit -n)", files)
		if got != 3 || stdout.Len() > 0 || !strings.Contains(stderr.String(), limit) || !strings.Contains(stderr.String(), `hint: "ulimit -n 4096"`) {
			t.Errorf("with %d files: got exit status %d, want 3, and %q with a hint:\n%s%s", files, got, limit, stderr, stdout)
		}
	}
	cmd, stdout, stderr := program(t, "ulimit -n 4096; ", busy, "--quiet")
	if got := exitOf(cmd); got == 3 {
		t.Errorf("with 4096 files: got exit status %d\n%s%s", got, stderr, stdout)
	}
	cmd, stdout, stderr = program(t, "ulimit -n 24; ", busy, "--world sim")
	if got := exitOf(cmd); got != 0 {
		t.Errorf("with 24 files in sim: got exit status %d, want 0\n%s%s", got, stderr, stdout)
	}
}

// TestCallThatLacksAFileIsNamed has the one side of a connection run out of files:
// a frozen front accepts nothing, and only a front accepts what strangers dial.
func TestCallThatLacksAFileIsNamed(t *testing.T) {
	frozen := strings.Replace(busy, "end ", "pause  proxy\nend ", 1)
	cmd, stdout, stderr := program(t, "ulimit -n 40; ", frozen, "--quiet")
	if got := exitOf(cmd); got != 3 || !strings.Contains(stderr.String(), " cannot connect to 172.16.12.1:8080: too many open files") {
		t.Errorf("users of a frozen front: got exit status %d, want 3 and a user who cannot connect\n%s%s", got, stderr, stdout)
	}

	cmd, stdout, stderr = program(t, "ulimit -n 24; ", "nodes tomcat1\nuser alice\nend 1s\n", "")
	cmd.Args[2] = strings.Replace(cmd.Args[2], "sessionlab run", "sessionlab up --free", 1)
	cmd.Stdout = nil
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe() // open: the lab stays up
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var strangers []net.Conn
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fmt.Fprintln(stdout, lines.Text())
		at := regexp.MustCompile(`proxy +http://(\S+)/`).FindStringSubmatch(lines.Text())
		for at != nil && len(strangers) < 24 {
			c, err := net.Dial("tcp4", at[1])
			if err != nil {
				break // the lab is over
			}
			strangers = append(strangers, c)
		}
	}
	_ = cmd.Wait() // the status tells
	for _, c := range strangers {
		c.Close()
	}
	if got := cmd.ProcessState.ExitCode(); got != 3 || !strings.Contains(stderr.String(), "proxy cannot accept on 172.16.12.1:8080: too many open files") {
		t.Errorf("strangers at a front: got exit status %d, want 3 and a proxy that cannot accept\n%s%s", got, stderr, stdout)
	}
}

// TestLabThatWasStoppedMeanwhileProvesNothing freezes the whole process, as a
// debugger or a machine that is put to sleep does.
func TestLabThatWasStoppedMeanwhileProvesNothing(t *testing.T) {
	cmd, stdout, _ := program(t, "", `nodes  tomcat1 tomcat2
user   alice timeout=400ms
alice  GET /session
kill   tomcat1
end    2s
expect alice.ok == 7
`, "--format json")
	cmd.Stderr = nil
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if !stopped && strings.Contains(lines.Text(), "tomcat1 is killed") {
			stopped = true
			send(t, cmd.Process, syscall.SIGSTOP)
			frozen := time.NewTimer(600 * time.Millisecond)
			<-frozen.C
			send(t, cmd.Process, syscall.SIGCONT)
		}
	}
	_ = cmd.Wait() // the status tells
	var r report.Report
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil || !stopped {
		t.Fatalf("no report (%v); stopped: %t\n%s", err, stopped, stdout)
	}
	if got := cmd.ProcessState.ExitCode(); got != 4 || r.Verdict != report.Inconclusive {
		t.Errorf("got verdict %s and exit status %d, want inconclusive and 4\n%s", r.Verdict, got, stdout)
	}
	if got := strings.Join(r.Void, "\n"); !strings.Contains(got, "the lab itself was too late") {
		t.Errorf("why it is void: got %q, want that the lab was too late", got)
	}
	if len(r.Expectations) != 1 || r.Expectations[0].Holds != report.False {
		t.Errorf("expectations: got %+v, want one that is false", r.Expectations)
	}
}

func send(t *testing.T, p *os.Process, s os.Signal) {
	t.Helper()
	if err := p.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func TestLackOfADirectoryForDisksIsNoResultOfAScenario(t *testing.T) {
	cmd, stdout, stderr := program(t, "export TMPDIR=/nowhere; ", `nodes  tomcat1
manager StandardManager pathname=SESSIONS.ser
user   alice
alice  POST /counter
stop   tomcat1
end    500ms
expect requests.failed == 0
`, "--quiet")
	if got := exitOf(cmd); got != 3 || !strings.Contains(stderr.String(), "no place for its disk") || !strings.Contains(stderr.String(), "set TMPDIR") {
		t.Errorf("got exit status %d, want 3, and what is missing with a hint\n%s%s", got, stderr, stdout)
	}
}
