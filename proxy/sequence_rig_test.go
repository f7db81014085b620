package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/proxy"
	"sessionlab/proxy/conf"
)

// stage is where a sequence runs: nodes, a front, and users before it.
type stage struct {
	testing.TB
	w     world.World
	ctx   context.Context
	user  world.Host // at 127.77.1.100
	users map[string]world.Host
	nodes map[string]*seqNode
	// ask sends a request to the front as a user.
	ask func(user world.Host, conn string, r *seqRequest) seqReply
	// logged is what the front says of an exchange: the access log. There is nothing
	// of a request whose header the front could not read. from is the client's
	// address, or "" where id says all.
	logged func(id, from string) logLine
	groups []string // names of upstream blocks
	kept   bool     // connections to nodes are kept

	mu      sync.Mutex
	log     map[string]logLine
	conns   map[string]world.HTTPConn
	serial  int
	started time.Duration // of the first request
}

type logLine struct {
	status         int
	addr, statuses string
}

// seqRequest is a request as a user sends it.
type seqRequest struct {
	method, target, host string
	noHost               bool
	http10               bool
	header               [][2]string
	body                 string
	chunked              bool
	keep                 bool
	gone                 time.Duration
	id                   string
}

// seqReply is what the user sees.
type seqReply struct {
	closed  bool // without an answer
	status  int
	header  http.Header
	chunked bool
	open    bool // the connection
	body    string
	cut     bool
	took    time.Duration
	from    string // the client's real address
}

// runOurs runs a sequence in virtual time, and returns what came of each step.
func runOurs(t testing.TB, s sequence) (outcomes []string) {
	t.Helper()
	config, notes, err := conf.Read("nginx.conf", []byte(s.text("")), conf.Options{})
	if s.steps[0].words[0] == "start" {
		return []string{startOutcome(config, notes, err)}
	}
	if err != nil {
		t.Fatalf("%s:%d: %v", s.file, s.line, err)
	}
	config.Files = s.files()
	w := sim.New(sim.Config{Seed: 1})
	defer w.Close()
	err = w.Run(func(ctx context.Context) error {
		g := newStage(t, w, ctx, s, 77)
		host, err := w.Boot("front", frontAddr)
		if err != nil {
			return err
		}
		config.Trace = func(e proxy.TraceEvent) {
			if e.Kind == proxy.Delivered {
				g.mu.Lock()
				g.log[e.Request] = logLine{e.Status, e.UpstreamAddr, e.UpstreamStatus}
				g.mu.Unlock()
			}
		}
		front, err := proxy.New(host, config)
		if err != nil {
			return err
		}
		if err := front.Start(); err != nil {
			return err
		}
		g.ask = g.askWorld
		g.logged = func(id, _ string) logLine {
			for range 10 {
				g.mu.Lock()
				line, ok := g.log[id]
				g.mu.Unlock()
				if ok {
					return line
				}
				g.sleep(10 * time.Millisecond)
			}
			return logLine{}
		}
		outcomes = g.run(s)
		return nil
	})
	if err != nil {
		t.Fatalf("%s:%d: %v", s.file, s.line, err)
	}
	return outcomes
}

// noPlace is where nginx names no place and the lab does.
var noPlace = regexp.MustCompile(`^(unknown "[^"]*" variable) in .*`)

// startOutcome is what "nginx -t" says.
func startOutcome(config proxy.Config, notes []conf.Diagnostic, err error) string {
	if err == nil {
		err = config.Check()
	}
	var all []string
	for _, n := range notes {
		if n.Kind == conf.Warning {
			all = append(all, fmt.Sprintf("[warn] %s in nginx.conf:%d", n.Text, n.Line))
		}
	}
	if err != nil {
		all = append(all, "[emerg] "+noPlace.ReplaceAllString(err.Error(), "$1"))
	}
	if len(all) == 0 {
		return "ok"
	}
	return strings.Join(all, " ")
}

// newStage boots nodes and users at 127.block.1.x.
func newStage(t testing.TB, w world.World, ctx context.Context, s sequence, block int) *stage {
	g := &stage{TB: t, w: w, ctx: ctx, nodes: map[string]*seqNode{}, users: map[string]world.Host{},
		log: map[string]logLine{}, conns: map[string]world.HTTPConn{}}
	for _, name := range strings.Split("abcdefgh", "") {
		host, err := w.Boot(name, inBlock(block, strings.TrimSuffix(sequenceNodes[name], ":18080")))
		if err != nil {
			t.Fatal(err)
		}
		n := &seqNode{name: name, host: host, how: [][]string{{"ok"}}, seen: map[string][]seen{}, nth: map[string]int{}}
		g.nodes[name] = n
		n.serve(t)
	}
	for _, last := range []string{"100", "101", "102"} {
		host, err := w.Boot("user"+last, inBlock(block, "127.77.1."+last))
		if err != nil {
			t.Fatal(err)
		}
		g.users[last] = host
	}
	g.user = g.users["100"]
	for _, line := range append(s.conf, "upstream app {") {
		if words := strings.Fields(line); words[0] == "upstream" {
			g.groups = append(g.groups, words[1])
			g.kept = g.kept || strings.Contains(line, "keepalive ")
		}
	}
	return g
}

// inBlock is an address of the sequences in another block of addresses.
func inBlock(block int, addr string) string {
	return strings.Replace(addr, "127.77.", fmt.Sprintf("127.%d.", block), 1)
}

// run performs the steps.
func (g *stage) run(s sequence) []string {
	out := make([]string, len(s.steps))
	for i := 0; i < len(s.steps); i++ {
		words := s.steps[i].words
		switch first := words[0]; {
		case g.nodes[first] != nil:
			g.nodes[first].become(g, words[1:])
		case first == "wait":
			g.sleep(mustDuration(g, words[1]))
		case first == "clock":
			now := g.user.Now()
			to := now.Truncate(time.Second).Add(mustDuration(g, words[1]))
			if to.Before(now) {
				to = to.Add(time.Second)
			}
			g.sleep(to.Sub(now))
		case first[0] == '+':
			last := i
			for last+1 < len(s.steps) && s.steps[last+1].words[0][0] == '+' {
				last++
			}
			g.together(s.steps[i:last+1], out[i:last+1])
			i = last
		default:
			if first[0] == '@' {
				at, _ := strconv.Atoi(first[1:])
				if at == 0 {
					g.started = g.user.Elapsed()
				}
				g.sleep(g.started + time.Duration(at)*time.Millisecond - g.user.Elapsed())
				words = words[1:]
			}
			out[i] = g.request(words)
		}
	}
	return out
}

func (g *stage) sleep(d time.Duration) {
	if d > 0 {
		if err := g.user.Sleep(g.ctx, d); err != nil {
			g.Fatal(err)
		}
	}
}

// together sends requests that run at once.
func (g *stage) together(steps []step, out []string) {
	began := g.user.Elapsed()
	done := g.user.NewSignal()
	var mu sync.Mutex
	left := len(steps)
	for i, s := range steps {
		after, _ := strconv.Atoi(s.words[0][1:])
		g.user.Go("request", func(ctx context.Context) {
			_ = g.user.Sleep(ctx, began+time.Duration(after)*time.Millisecond-g.user.Elapsed())
			text := g.request(s.words[1:])
			mu.Lock()
			out[i] = text
			left--
			mu.Unlock()
			done.Set()
		})
	}
	for {
		mu.Lock()
		n := left
		mu.Unlock()
		if n == 0 {
			return
		}
		if err := done.Wait(g.ctx); err != nil {
			g.Fatal(err)
		}
	}
}

// repeated is a letter and how often it stands, such as "h*900".
var repeated = regexp.MustCompile(`[a-z]\*[0-9]{2,}`)

// request sends the request that the words describe, once or several times.
func (g *stage) request(words []string) string {
	r := seqRequest{host: "shop.test"}
	user, conn, times := g.user, "", 1
	for i := range words {
		words[i] = repeated.ReplaceAllStringFunc(words[i], func(m string) string {
			n, _ := strconv.Atoi(m[2:])
			return strings.Repeat(m[:1], n)
		})
	}
	r.method, r.target = words[0], words[1]
	for _, word := range words[2:] {
		name, v, valued := strings.Cut(word, "=")
		switch {
		case word == "1.0":
			r.http10 = true
		case word == "nohost":
			r.noHost = true
		case word == "chunked":
			r.chunked = true
		case !valued && name[0] == 'x':
			times, _ = strconv.Atoi(name[1:])
		case name == "body":
			r.body = v
		case name == "from":
			user = g.users[v]
		case name == "conn":
			conn, r.keep = v, true
		case name == "gone":
			r.gone = mustDuration(g, v)
		case name == "Host":
			r.host = v
		default:
			r.header = append(r.header, [2]string{name, v})
		}
	}
	var all []string
	for range times {
		g.mu.Lock()
		g.serial++
		r.id = fmt.Sprintf("r/%d", g.serial)
		g.mu.Unlock()
		all = append(all, g.outcome(&r, g.ask(user, conn, &r)))
	}
	return strings.Join(all, "; ")
}

// askWorld sends a request in the way of the world.
func (g *stage) askWorld(user world.Host, name string, r *seqRequest) (reply seqReply) {
	began := user.Elapsed()
	defer func() { reply.took = user.Elapsed() - began }()
	g.mu.Lock()
	conn := g.conns[name]
	g.mu.Unlock()
	if conn == nil || name == "" {
		var err error
		if conn, err = user.DialHTTP(g.ctx, frontAddr+":"+frontPort); err != nil {
			g.Fatal(err)
		}
		if name == "" {
			defer conn.Close()
		} else {
			g.mu.Lock()
			g.conns[name] = conn
			g.mu.Unlock()
		}
	}
	ctx, cancel := g.ctx, context.CancelFunc(func() {})
	if r.gone > 0 {
		ctx, cancel = user.WithTimeout(ctx, r.gone)
	}
	defer cancel()
	resp, err := conn.RoundTrip(ctx, r.http())
	if err != nil {
		if r.gone > 0 {
			conn.Close()
		}
		return seqReply{closed: true}
	}
	reply = seqReply{status: resp.StatusCode, header: resp.Header.Clone(), chunked: len(resp.TransferEncoding) > 0, open: !resp.Close}
	text, err := io.ReadAll(resp.Body)
	reply.body, reply.cut = string(text), err != nil
	if r.gone > 0 && errors.Is(err, context.DeadlineExceeded) {
		conn.Close()
	}
	return reply
}

// http is the request for a world's connection.
func (r *seqRequest) http() *http.Request {
	path, args, marked := strings.Cut(r.target, "?")
	q := &http.Request{Method: r.method, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: r.host, RequestURI: r.target,
		URL: &url.URL{Opaque: path, RawQuery: args, ForceQuery: marked && args == ""}, Header: http.Header{}, Close: !r.keep}
	if r.http10 {
		q.Proto, q.ProtoMinor = "HTTP/1.0", 0
	}
	if r.noHost {
		q.Host = ""
	}
	for _, h := range r.header {
		q.Header.Add(h[0], h[1])
	}
	q.Header.Set(world.HeaderRequest, r.id)
	if !r.keep {
		q.Header.Set("Connection", "close")
	}
	if r.body != "" {
		q.Body, q.ContentLength = io.NopCloser(strings.NewReader(r.body)), int64(len(r.body))
		if r.chunked {
			q.ContentLength = -1
		}
	}
	return q
}
