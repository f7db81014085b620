package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sessionlab/lab/loopback"
	"sessionlab/lab/loopback/nginxtest"
	"sessionlab/lab/world"
)

// nginxVariable names the program that TestSequencesInNginx holds the sequences
// against, such as /usr/sbin/nginx of release 1.22.1. SEQUENCES_WRITE=1 writes
// what it does into the files.
const nginxVariable = "SEQUENCES_NGINX"

// nginx is a configuration of a real nginx.
type nginx struct {
	dir     string
	program string
	conf    string
}

// newNginx writes a configuration for a program.
func newNginx(t testing.TB, program string, s sequence) *nginx {
	n := &nginx{dir: t.TempDir(), program: program}
	n.conf = nginxtest.Main(n.dir) + s.text(
		"log_format r '$http_x_sessionlab_request|$status|$upstream_addr|$upstream_status|$remote_addr:$remote_port'; access_log "+n.dir+"/log r;"+
			nginxtest.Paths(n.dir))
	for name, text := range s.files() {
		if err := os.MkdirAll(filepath.Dir(n.dir+"/"+name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(n.dir+"/"+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// pid is what stands before every message.
var pid = regexp.MustCompile(`^[0-9]+#[0-9]+: (\*[0-9]+ )?`)

// test runs nginx -t.
func (n *nginx) test(t testing.TB) string {
	t.Helper()
	file := n.dir + "/nginx.conf"
	if err := os.WriteFile(file, []byte(n.conf), 0o644); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command(n.program, "-t", "-p", n.dir, "-c", file, "-e", "stderr").CombinedOutput()
	var all []string
	for _, line := range strings.Split(string(out), "\n") {
		line = strings.ReplaceAll(line, n.dir+"/", "")
		for _, level := range []string{"[warn]", "[emerg]"} {
			if i := strings.Index(line, level); i >= 0 {
				all = append(all, level+" "+pid.ReplaceAllString(line[i+len(level)+1:], ""))
			}
		}
	}
	if len(all) == 0 {
		return "ok"
	}
	return strings.Join(all, " ")
}

// logged waits for a line of the access log. That of a request which could not be
// read has no identity, but the client's address.
func (n *nginx) logged(id, from string) (found logLine) {
	nginxtest.Await(7*time.Second, func() bool {
		data, _ := os.ReadFile(n.dir + "/log")
		for line := range strings.Lines(string(data)) {
			f := strings.Split(strings.TrimSuffix(line, "\n"), "|")
			switch {
			case len(f) != 5 || !strings.HasSuffix(line, "\n"): // it is being written
			case f[0] == id:
				status, _ := strconv.Atoi(f[1])
				found = logLine{status, f[2], f[3]}
				return true
			case f[0] == "-" && f[4] == from:
				return true
			}
		}
		return false
	})
	return found
}

// runNginx runs a sequence against nginx on loopback addresses. late is how late
// the machine was meanwhile: times in the sequence were off by as much.
func runNginx(t testing.TB, program string, s sequence) (outcomes []string, late time.Duration) {
	t.Helper()
	n := newNginx(t, program, s)
	if s.steps[0].words[0] == "start" {
		return []string{n.test(t)}, 0
	}
	w, err := loopback.New(loopback.Config{Seed: 1, Offset: loopback.Probe})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var moved int // where the world puts 127.0.x.y
	if _, err := fmt.Sscanf(w.URL("127.0.1.1:80"), "127.%d.1.1:80", &moved); err != nil {
		t.Fatal(err)
	}
	defer nginxtest.Start(t, program, n.dir, n.conf, frontAddr+":"+frontPort).Stop()
	err = w.Run(func(ctx context.Context) error {
		g := newStage(t, w, ctx, s, (77-moved+256)%256)
		conns := map[string]*rawConn{}
		g.ask = func(user world.Host, name string, r *seqRequest) seqReply {
			g.mu.Lock()
			c := conns[name]
			if c == nil || name == "" {
				c = &rawConn{}
				d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.77.1." + user.Addr()[strings.LastIndexByte(user.Addr(), '.')+1:])}}
				if c.Conn, err = d.Dial("tcp", frontAddr+":"+frontPort); err != nil {
					t.Fatal(err)
				}
				c.br = bufio.NewReader(c.Conn)
				if name != "" {
					conns[name] = c
				}
			}
			g.mu.Unlock()
			reply := c.ask(r)
			if name == "" || r.gone > 0 {
				c.Close()
			}
			return reply
		}
		g.logged = n.logged
		outcomes = g.run(s)
		for _, c := range conns {
			c.Close()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return outcomes, w.Lateness().By
}

// rawConn is a client's connection that sends bytes as they are.
type rawConn struct {
	net.Conn
	br *bufio.Reader
}

func (c *rawConn) ask(r *seqRequest) (reply seqReply) {
	began := time.Now()
	defer func() { reply.took, reply.from = time.Since(began), c.LocalAddr().String() }()
	var b strings.Builder
	proto := "1.1"
	if r.http10 {
		proto = "1.0"
	}
	fmt.Fprintf(&b, "%s %s HTTP/%s\r\n", r.method, r.target, proto)
	if !r.noHost {
		fmt.Fprintf(&b, "Host: %s\r\n", r.host)
	}
	if !r.keep {
		b.WriteString("Connection: close\r\n")
	}
	fmt.Fprintf(&b, "%s: %s\r\n", world.HeaderRequest, r.id)
	for _, h := range r.header {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	switch {
	case r.chunked:
		fmt.Fprintf(&b, "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(r.body), r.body)
	case r.body != "":
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(r.body), r.body)
	default:
		if r.method == "POST" || r.method == "PUT" || r.method == "PATCH" {
			b.WriteString("Content-Length: 0\r\n")
		}
		b.WriteString("\r\n")
	}
	if _, err := io.WriteString(c, b.String()); err != nil {
		return seqReply{closed: true}
	}
	deadline := 20 * time.Second
	if r.gone > 0 {
		deadline = r.gone
	}
	_ = c.SetReadDeadline(time.Now().Add(deadline))
	resp, err := http.ReadResponse(c.br, &http.Request{Method: r.method})
	for err == nil && resp.StatusCode == http.StatusContinue {
		resp, err = http.ReadResponse(c.br, &http.Request{Method: r.method})
	}
	if err != nil {
		return seqReply{closed: true}
	}
	reply = seqReply{status: resp.StatusCode, header: resp.Header, chunked: len(resp.TransferEncoding) > 0, open: !resp.Close}
	text, err := io.ReadAll(resp.Body)
	reply.body, reply.cut = string(text), err != nil
	return reply
}

// tooLate is how late the machine may be in a sequence; its steps are some tens of
// milliseconds apart.
const tooLate = 20 * time.Millisecond

// askNginx is runNginx, and again where a machine that was too late may be why the
// outcomes are not those of the sequence.
func askNginx(t testing.TB, program string, s sequence) (outcomes []string) {
	for range 3 {
		var late time.Duration
		outcomes, late = runNginx(t, program, s)
		asWanted := func(got string, at step) bool { return got == at.want }
		if late < tooLate || slices.EqualFunc(outcomes, s.steps, asWanted) {
			break
		}
	}
	return outcomes
}

// TestSequencesInNginx holds the sequences against a real nginx.
func TestSequencesInNginx(t *testing.T) {
	program := os.Getenv(nginxVariable)
	if program == "" {
		t.Skip(nginxVariable + " names no nginx")
	}
	files, _ := filepath.Glob("testdata/sequences/*.txt")
	for _, file := range files {
		group := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(group, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(string(data), "\n")
			for _, s := range readSequences(t, file) {
				t.Run(s.name, func(t *testing.T) {
					for i, got := range askNginx(t, program, s) {
						at := s.steps[i]
						if got == at.want {
							continue
						}
						if os.Getenv("SEQUENCES_WRITE") != "" {
							do, _, _ := strings.Cut(lines[at.line-1], " => ")
							lines[at.line-1] = do + " => " + got
							continue
						}
						t.Errorf("%s:%d: %s\ngot  %s\nwant %s", s.file, at.line, strings.Join(at.words, " "), got, at.want)
					}
				})
			}
			if os.Getenv("SEQUENCES_WRITE") != "" {
				if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
