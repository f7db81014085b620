package proxy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
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
	// logged is what the front says of an exchange: the access log.
	logged func(id string) logLine
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
}

// seqNode is a node whose behaviour a sequence sets.
type seqNode struct {
	name string
	host world.Host
	lis  world.Listener

	mu    sync.Mutex
	how   [][]string // what comes next; the last one stays
	count int
	seen  map[string][]seen // by request id
	conns []string          // client addresses of connections, in order
	nth   map[string]int
}

// seen is a request that a node got.
type seen struct {
	r    *http.Request
	body string
	conn string
	sent string // what it answered; "\x00" for nothing
}

// serve opens the node's port.
func (n *seqNode) serve(t testing.TB) {
	lis, err := n.host.Serve(18080, http.HandlerFunc(n.handle), world.ServeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n.lis = lis
}

// become sets the behaviour: words of
//
//	ok, STATUS, close, reset, hang, refuse, bad_head, conn_close, drop_idle,
//	size=N, delay=D, unframed, cut=N (of size), pieces=N every=D, body=TEXT
//
// and headers. A comma of its own begins what holds for the next request.
func (n *seqNode) become(t testing.TB, words []string) {
	var all [][]string
	for {
		i := slices.Index(words, ",")
		if i < 0 {
			all = append(all, words)
			break
		}
		all = append(all, words[:i])
		words = words[i+1:]
	}
	switch {
	case words[0] == "refuse" || words[0] == "drop_idle":
		if n.lis != nil {
			n.lis.Close()
			n.lis = nil
		}
		if words[0] == "refuse" {
			return
		}
		n.serve(t)
		return
	case n.lis == nil:
		n.serve(t)
	}
	n.mu.Lock()
	n.how = all
	n.mu.Unlock()
}

func (n *seqNode) handle(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	n.mu.Lock()
	n.count++
	how := n.how[0]
	if len(n.how) > 1 {
		n.how = n.how[1:]
	}
	if !slices.Contains(n.conns, r.RemoteAddr) {
		n.conns = append(n.conns, r.RemoteAddr)
	}
	n.nth[r.RemoteAddr]++
	got := seen{r: r.Clone(context.Background()), body: string(body), sent: "\x00",
		conn: fmt.Sprintf("#%d.%d", 1+slices.Index(n.conns, r.RemoteAddr), n.nth[r.RemoteAddr])}
	text := fmt.Sprintf("%s#%d", n.name, n.count)
	id := r.Header.Get(world.HeaderRequest)
	at := len(n.seen[id])
	n.seen[id] = append(n.seen[id], got)
	n.mu.Unlock()

	status, pieces, every, cut := 200, 1, time.Duration(0), -1
	framed := true
	for _, word := range how {
		name, v, _ := strings.Cut(word, "=")
		number, _ := strconv.Atoi(v)
		d, _ := time.ParseDuration(v)
		switch name {
		case "ok":
		case "close":
			w.(world.ResponseCutter).Cut(world.Closed)
			return
		case "reset":
			w.(world.ResponseCutter).Cut(world.Reset)
			return
		case "bad_head":
			w.(world.ResponseCutter).Cut(world.BadHead)
			return
		case "hang":
			_ = n.host.Sleep(r.Context(), time.Hour)
			return
		case "delay":
			_ = n.host.Sleep(r.Context(), d)
		case "conn_close":
			w.Header().Set("Connection", "close")
		case "size":
			text = strings.Repeat("x", number)
		case "body":
			text = v
		case "unframed":
			framed = false
		case "pieces":
			pieces = number
		case "every":
			every = d
		case "cut":
			cut = number
		default:
			if code, err := strconv.Atoi(name); err == nil {
				status = code
			} else {
				w.Header().Add(name, v)
			}
		}
	}
	if status == 204 || status == 304 {
		text = ""
	} else if framed {
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	}
	n.mu.Lock()
	n.seen[id][at].sent = text
	n.mu.Unlock()
	w.WriteHeader(status)
	flush := func() { w.(http.Flusher).Flush() }
	if cut >= 0 {
		_, _ = io.WriteString(w, text[:cut])
		flush()
		w.(world.ResponseCutter).Cut(world.Cut)
		return
	}
	for i := range pieces {
		if i > 0 {
			flush()
			_ = n.host.Sleep(r.Context(), every)
		}
		if _, err := io.WriteString(w, text[len(text)*i/pieces:len(text)*(i+1)/pieces]); err != nil {
			return
		}
	}
	if !framed && pieces == 1 {
		flush()
	}
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
		g := newStage(t, w, ctx, s)
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
		g.logged = func(id string) logLine {
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

// newStage boots nodes and users.
func newStage(t testing.TB, w world.World, ctx context.Context, s sequence) *stage {
	g := &stage{TB: t, w: w, ctx: ctx, nodes: map[string]*seqNode{}, users: map[string]world.Host{},
		log: map[string]logLine{}, conns: map[string]world.HTTPConn{}}
	for _, name := range strings.Split("abcdefgh", "") {
		host, err := w.Boot(name, strings.TrimSuffix(sequenceNodes[name], ":18080"))
		if err != nil {
			t.Fatal(err)
		}
		n := &seqNode{name: name, host: host, how: [][]string{{"ok"}}, seen: map[string][]seen{}, nth: map[string]int{}}
		g.nodes[name] = n
		n.serve(t)
	}
	for _, last := range []string{"100", "101", "102"} {
		host, err := w.Boot("user"+last, "127.77.1."+last)
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

// repeated is a letter so many times, such as "h*900".
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

// outcome writes down what came of a request.
func (g *stage) outcome(r *seqRequest, reply seqReply) string {
	log := g.logged(r.id)
	addr := log.addr
	for name, at := range sequenceNodes {
		addr = strings.ReplaceAll(addr, at, name)
	}
	addr = strings.NewReplacer(", ", ">", " : ", ">").Replace(addr)
	trail := strings.Split(addr, ">")
	for i, one := range trail {
		if slices.Contains(g.groups, one) {
			trail[i] = "nobody"
		}
	}
	addr = strings.Join(trail, ">")
	statuses := strings.NewReplacer(", ", ",", " : ", ":").Replace(log.statuses)
	if addr == "-" {
		addr, statuses = "", ""
	}
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	status := strconv.Itoa(reply.status)
	switch {
	case reply.closed:
		status = strconv.Itoa(log.status)
		add("closed %s", status)
	case reply.status != 200 || addr == "":
		add("%s", status)
	}
	if addr != "" {
		add("%s", addr)
	}
	if addr != "" && statuses != status {
		add("us=%s", statuses)
	}
	last := ""
	for _, name := range strings.Split("abcdefgh", "") {
		n := g.nodes[name]
		n.mu.Lock()
		for _, got := range n.seen[r.id] {
			if d := g.difference(r, got); d != "" {
				add("%s[%s]", name, d)
			}
			if name == trail[len(trail)-1] {
				last = got.sent
			}
		}
		n.mu.Unlock()
	}
	if reply.closed {
		return strings.Join(out, " ")
	}
	switch builtin := strings.Contains(reply.body, "<hr><center>nginx"); {
	case builtin && last != "" && last != "\x00":
		add("page")
	case !builtin && reply.body != last && reply.body != "" && !reply.cut:
		add("%.60q", reply.body)
	}
	if reply.cut {
		add("cut")
	}
	if reply.chunked {
		add("chunked")
	}
	for _, name := range []string{"Location", "Refresh", "Set-Cookie", "Www-Authenticate", "Vary", "Allow"} {
		for _, v := range reply.header[name] {
			add("%s=%s", name, v)
		}
	}
	for _, v := range reply.header["Content-Type"] {
		if v != "text/plain" && v != "text/html" {
			add("Content-Type=%s", v)
		}
	}
	var own []string
	for name := range reply.header {
		if strings.HasPrefix(name, "X-") {
			own = append(own, name)
		}
	}
	slices.Sort(own)
	for _, name := range own {
		for _, v := range reply.header[name] {
			add("%s=%s", name, v)
		}
	}
	if r.keep {
		if reply.open {
			add("open")
		} else {
			add("closed")
		}
	}
	if reply.took > 200*time.Millisecond {
		add("~%v", reply.took.Round(100*time.Millisecond))
	}
	return strings.Join(out, " ")
}

// difference is what a node got that is not simply what the client sent.
func (g *stage) difference(r *seqRequest, got seen) string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if got.r.Method != r.method {
		add("%s", got.r.Method)
	}
	if got.r.RequestURI != r.target {
		add("%s", got.r.RequestURI)
	}
	if g.kept {
		if got.conn != "#1.1" {
			add("%s", got.conn)
		}
	} else if got.r.ProtoAtLeast(1, 1) {
		add("1.1")
	}
	if !slices.Contains(g.groups, got.r.Host) {
		add("Host=%s", plainAddr(got.r.Host))
	}
	sent := http.Header{}
	for _, h := range r.header {
		sent.Add(h[0], h[1])
	}
	ignored := map[string]bool{"Host": true, world.HeaderRequest: true, "Content-Length": true, "User-Agent": true, "Accept-Encoding": true}
	names := map[string]bool{}
	for name := range sent {
		names[name] = true
	}
	for name := range got.r.Header {
		names[name] = true
	}
	var sorted []string
	for name := range names {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	for _, name := range sorted {
		switch value := strings.Join(got.r.Header[name], "|"); {
		case ignored[name], name == "Connection" && (value == "close" || value == ""):
		case value == strings.Join(sent[name], "|"):
		case got.r.Header[name] == nil:
			add("-%s", name)
		default:
			add("%s=%s", name, plainAddr(value))
		}
	}
	if !bytes.Equal([]byte(got.body), []byte(r.body)) {
		add("body=%s", got.body)
	}
	return strings.Join(out, " ")
}

// plainAddr writes a node's address as @NAME.
func plainAddr(text string) string {
	for name, at := range sequenceNodes {
		text = strings.ReplaceAll(text, at, "@"+name)
	}
	return text
}
