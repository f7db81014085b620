package proxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/proxy/upstream"
)

// lab is a front with nodes behind it, in virtual time.
type lab struct {
	*testing.T
	w     world.World
	ctx   context.Context
	front *Proxy
	user  world.Host
	nodes map[string]*node

	mu    sync.Mutex
	trace []TraceEvent
	// What the trace says of the latest exchange.
	addrs, statuses string
}

// node is a server whose answers a test can change.
type node struct {
	host    world.Host
	handler http.HandlerFunc
	raw     http.HandlerFunc // in its place, with the body unread

	mu     sync.Mutex
	seen   []*http.Request // what has arrived, bodies read
	bodies []string
}

const nodePort = 8080

var nodeAddr = map[string]string{"a": "172.16.12.101", "b": "172.16.12.102", "c": "172.16.12.103"}

// addr is a node's address with port.
func addr(name string) string { return fmt.Sprintf("%s:%d", nodeAddr[name], nodePort) }

// servers are server lines for nodes, with parameters.
func servers(t testing.TB, lines ...string) []upstream.Server {
	t.Helper()
	var all []upstream.Server
	for _, line := range lines {
		words := strings.Fields(line)
		name := words[0]
		words[0] = addr(name)
		s, err := upstream.ParseServer(words...)
		if err != nil {
			t.Fatal(err)
		}
		s.Name = name
		all = append(all, s)
	}
	return all
}

// run starts nodes a, b and c and a front with the configuration in virtual
// time, and runs the story.
func run(t *testing.T, config Config, story func(l *lab)) {
	t.Helper()
	runIn(t, sim.New(sim.Config{Seed: 1}), config, story)
}

// runIn does so in any world, and closes it.
func runIn(t *testing.T, w world.World, config Config, story func(l *lab)) {
	t.Helper()
	defer w.Close()
	l := &lab{T: t, w: w, nodes: map[string]*node{}}
	err := w.Run(func(ctx context.Context) error {
		l.ctx = ctx
		for _, name := range []string{"a", "b", "c"} {
			l.boot(name)
		}
		host, err := w.Boot("front", "172.16.12.1")
		if err != nil {
			return err
		}
		if l.user, err = w.Boot("user", "10.0.1.7"); err != nil {
			return err
		}
		config.Trace = func(e TraceEvent) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.trace = append(l.trace, e)
			if e.Kind == Delivered {
				l.addrs, l.statuses = e.UpstreamAddr, e.UpstreamStatus
			}
		}
		if l.front, err = New(host, config); err != nil {
			return err
		}
		if err := l.front.Start(); err != nil {
			return err
		}
		story(l)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// boot starts a node that answers with its name.
func (l *lab) boot(name string) {
	l.Helper()
	host, err := l.w.Boot(name, nodeAddr[name])
	if err != nil {
		l.Fatal(err)
	}
	n := l.nodes[name]
	if n == nil {
		n = &node{}
		l.nodes[name] = n
	}
	n.host = host
	n.handler = func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) }
	_, err = host.Serve(nodePort, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.mu.Lock()
		raw := n.raw
		n.mu.Unlock()
		if raw != nil {
			raw(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		n.mu.Lock()
		n.bodies = append(n.bodies, string(body))
		n.seen = append(n.seen, r.Clone(context.Background()))
		handler := n.handler
		n.mu.Unlock()
		handler(w, r)
	}), world.ServeOptions{})
	if err != nil {
		l.Fatal(err)
	}
}

// answer makes a node answer with a status.
func (l *lab) answer(name string, status int) {
	l.nodes[name].serve(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, name)
	})
}

// serve changes what a node answers.
func (n *node) serve(h http.HandlerFunc) {
	n.mu.Lock()
	n.handler = h
	n.mu.Unlock()
}

// readNothing gives a node a handler that reads the body itself.
func (l *lab) readNothing(name string, h http.HandlerFunc) {
	n := l.nodes[name]
	n.mu.Lock()
	n.raw = h
	n.mu.Unlock()
}

func (l *lab) kill(names ...string) {
	l.Helper()
	for _, name := range names {
		if err := l.w.Kill(name); err != nil {
			l.Fatal(err)
		}
	}
}

// sleepUntil waits until so much time has passed since time zero.
func (l *lab) sleepUntil(at time.Duration) {
	if err := l.user.Sleep(l.ctx, at-l.user.Elapsed()); err != nil {
		l.Fatal(err)
	}
}

// reply is an answer that was read to its end.
type reply struct {
	status int
	reason string // the status line
	header http.Header
	body   string
	err    error // in the body
	took   time.Duration
}

// send sends a request to port 8080 of the front over a connection of its own.
// Header lines are "Name: value".
func (l *lab) send(method, target, body string, header ...string) reply {
	l.Helper()
	conn, err := l.user.DialHTTP(l.ctx, "172.16.12.1:8080")
	if err != nil {
		l.Fatal(err)
	}
	defer conn.Close()
	req := httptest.NewRequest(method, "http://www.test.com"+target, nil)
	req.RequestURI = target
	if body != "" {
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
	req.Host = "www.test.com:8080"
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			req.Host = value
		} else {
			req.Header.Add(name, value)
		}
	}
	began := l.user.Elapsed()
	resp, err := conn.RoundTrip(l.ctx, req)
	if err != nil {
		return reply{err: err, took: l.user.Elapsed() - began}
	}
	text, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Status, resp.Header.Clone(), string(text), err, l.user.Elapsed() - began}
}

// get sends GETs and lists the bodies, or the statuses of errors.
func (l *lab) get(target string, times int, header ...string) string {
	l.Helper()
	var all []string
	for range times {
		r := l.send("GET", target, "", header...)
		switch {
		case r.err != nil:
			all = append(all, r.err.Error())
		case r.status != 200:
			all = append(all, fmt.Sprint(r.status))
		default:
			all = append(all, r.body)
		}
	}
	return strings.Join(all, " ")
}

func (l *lab) want(what string, got, want any) {
	l.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		l.Errorf("at %v: %s = %v, want %v", l.user.Elapsed(), what, got, want)
	}
}

// wantTried checks $upstream_addr, written as node names, and $upstream_status.
func (l *lab) wantTried(nodes, statuses string) {
	l.Helper()
	got := l.addrs
	for _, name := range []string{"a", "b", "c"} {
		got = strings.ReplaceAll(got, addr(name), name)
	}
	l.want("$upstream_addr", got, nodes)
	l.want("$upstream_status", l.statuses, statuses)
}

// pool is a configuration with one group and one location.
func pool(t testing.TB, lines ...string) Config {
	return Config{
		Upstreams: []Upstream{{Name: "jspserver", Servers: servers(t, lines...)}},
		Servers: []Server{{Listen: []int{8080}, Locations: []Location{
			{Path: "/", ProxyPass: "http://jspserver"},
		}}},
	}
}

func TestRoundRobin(t *testing.T) {
	run(t, pool(t, "a weight=5", "b", "c"), func(l *lab) {
		l.want("nodes", l.get("/", 7), "a a b a c a a")
		l.wantTried("a", "200")
	})
}
