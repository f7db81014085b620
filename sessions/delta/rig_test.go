package delta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sessionlab/appnode"
	"sessionlab/lab/fault"
	"sessionlab/lab/loopback"
	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/sessions"
	"sessionlab/sessions/tribes"
)

// Full nodes are what the manager is made for.
var (
	_ appnode.Manager    = (*Manager)(nil)
	_ appnode.IDChanger  = (*Manager)(nil)
	_ appnode.Replicator = (*Manager)(nil)
	_ Channel            = (*tribes.Channel)(nil)
)

// rig is a lab of full nodes, with a client.
type rig struct {
	*testing.T
	ctx    context.Context
	w      world.World
	client world.Host
	nodes  []*node
	steps  int

	mu     sync.Mutex
	events []string // what the managers have traced
}

// node is one node of the rig.
type node struct {
	*rig
	name    string
	host    world.Host
	manager *Manager
	tomcat  *appnode.Node
}

// settings are what a story says about its nodes.
type settings struct {
	// nodes are booted and started, as a formed cluster.
	nodes int
	// config changes the manager's configuration of each node.
	config func(name string, c *Config)
	// valves stand before the application; nil are those that Tomcat adds.
	valves []appnode.Valve
	// release is the line of Tomcat, "" the default one.
	release string
	// processor is the background thread's delay.
	processor time.Duration
}

// play runs a story in virtual time.
func play(t *testing.T, s settings, story func(*rig)) {
	t.Helper()
	playIn(t, sim.New(sim.Config{Seed: 1}), s, story)
}

// playBoth runs a story in virtual time and on real sockets.
func playBoth(t *testing.T, s settings, story func(*rig)) {
	t.Run("sim", func(t *testing.T) { play(t, s, story) })
	t.Run("loopback", func(t *testing.T) {
		w, err := loopback.New(loopback.Config{Seed: 1, Offset: loopback.Probe})
		if err != nil {
			t.Fatal(err)
		}
		playIn(t, w, s, story)
	})
}

func playIn(t *testing.T, w world.World, s settings, story func(*rig)) {
	t.Helper()
	defer w.Close()
	err := w.Run(func(ctx context.Context) error {
		r := &rig{T: t, ctx: ctx, w: w}
		var err error
		if r.client, err = w.Boot("alice", "10.0.1.7"); err != nil {
			return err
		}
		formation := &tribes.Formation{JVMStart: 800 * time.Millisecond}
		for i := range s.nodes {
			n := &node{rig: r, name: fmt.Sprintf("tomcat%d", i+1)}
			r.nodes = append(r.nodes, n)
			n.boot()
			n.make(s, formation)
			if err := n.tomcat.Start(ctx); err != nil {
				return err
			}
		}
		formation.Complete(ctx)
		story(r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (n *node) addr() string {
	number, _ := strings.CutPrefix(n.name, "tomcat")
	return "172.16.12.10" + number
}

// boot starts the machine.
func (n *node) boot() {
	host, err := n.w.Boot(n.name, n.addr())
	if err != nil {
		n.Fatal(err)
	}
	n.host = host
}

// make puts a node on the machine, which is found up in a formation unless that is
// nil.
func (n *node) make(s settings, formation *tribes.Formation) {
	cfg := Config{
		Config: sessions.Config{JvmRoute: n.name},
		Formed: formation != nil,
		Tribes: tribes.Config{Formation: formation},
		Trace: func(e Event) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.events = append(n.events, e.String())
		},
	}
	if s.config != nil {
		s.config(n.name, &cfg)
	}
	valves := s.valves
	if valves == nil {
		valves = []appnode.Valve{appnode.JvmRouteBinderValve{}, &appnode.ReplicationValve{}}
	}
	if s.release != "" {
		release, err := sessions.ReleaseNamed(s.release)
		if err != nil {
			n.Fatal(err)
		}
		cfg.Release = release
	}
	n.manager = NewManager(n.host, cfg)
	n.tomcat = appnode.New(n.host, appnode.Config{
		Release: cfg.Release, Manager: n.manager, Valves: valves, BackgroundProcessorDelay: s.processor,
	})
}

// browser is a client with one cookie.
type browser struct {
	*rig
	cookie string
}

func (r *rig) browser() *browser { return &browser{rig: r} }

// reply is what a browser got.
type reply struct {
	status int
	cookie string // the id that was set
	err    error
	appnode.Answer
}

// value is the text of an attribute, "" if there is none.
func (a reply) value(name string) string {
	for _, at := range a.Attributes {
		if at.Name == name {
			return at.Text
		}
	}
	return ""
}

// do sends a request such as "POST /counter" to a node and follows the cookie.
func (b *browser) do(n *node, request string) reply { return b.in(b.ctx, n, request) }

// in is do in any task.
func (b *browser) in(ctx context.Context, n *node, request string) (got reply) {
	method, target, _ := strings.Cut(request, " ")
	b.steps++
	step := strconv.Itoa(b.steps)
	req, err := http.NewRequest(method, "http://"+n.addr()+":8080"+target, nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Close = true
	req.Header[appnode.RequestHeader] = []string{"alice/" + step}
	req.Header[appnode.WriteHeader] = []string{step}
	if b.cookie != "" {
		req.Header["Cookie"] = []string{"JSESSIONID=" + b.cookie}
	}
	conn, err := b.client.DialHTTP(ctx, n.addr()+":8080")
	if err != nil {
		return reply{err: err}
	}
	defer conn.Close()
	resp, err := conn.RoundTrip(ctx, req)
	if err != nil {
		return reply{err: err}
	}
	got.status = resp.StatusCode
	if set := resp.Header.Get("Set-Cookie"); set != "" {
		set, _, _ = strings.Cut(set, ";")
		got.cookie = strings.TrimPrefix(set, "JSESSIONID=")
		b.cookie = got.cookie
	}
	isJSON := strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json")
	body, err := io.ReadAll(resp.Body)
	if got.err = err; isJSON && err == nil {
		if err := appnode.ParseAnswer(body, &got.Answer); err != nil {
			b.Errorf("%s: %v in %q", request, err, body)
		}
	}
	return got
}

// meanwhile runs a request in the background; the result is there when a later
// wait has let it come.
func (b *browser) meanwhile(n *node, request string) *reply {
	got := &reply{err: errors.New("not answered yet")}
	b.client.Go("meanwhile", func(ctx context.Context) { *got = b.in(ctx, n, request) })
	return got
}

func (r *rig) wait(d time.Duration) {
	r.Helper()
	if err := r.client.Sleep(r.ctx, d); err != nil {
		r.Fatal(err)
	}
}

// quiet waits until nothing is on its way.
func (r *rig) quiet() {
	r.Helper()
	for range 1000 {
		pending := r.w.InFlight()
		for _, n := range r.nodes {
			if r.w.Up(n.name) {
				pending += n.manager.Pending()
			}
		}
		if pending == 0 {
			return
		}
		r.wait(time.Millisecond)
	}
	r.Fatal("not quiet after a second")
}

// until waits for a condition, for 5 minutes at most.
func (r *rig) until(what string, condition func() bool) {
	r.Helper()
	for range 30_000 {
		if condition() {
			return
		}
		r.wait(10 * time.Millisecond)
	}
	r.Fatalf("not after 5 minutes: %s", what)
}

func (r *rig) fault(rule fault.Rule) { r.w.Faults().Add(rule) }

func (r *rig) want(what string, got, want any) {
	r.Helper()
	if got != want {
		r.Errorf("%s = %v, want %v", what, got, want)
	}
}

// traced counts the events whose text has all these words.
func (r *rig) traced(words ...string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(e, w) }) {
			n++
		}
	}
	return n
}

// copy is what a node holds of a browser's session, such as "cart=pen count=2
// replica", or "none".
func (n *node) copy(b *browser) string {
	for _, s := range n.manager.Sessions() {
		if sessions.Base(s.ID()) == sessions.Base(b.cookie) {
			return describe(s)
		}
	}
	return "none"
}

func describe(s *sessions.Session) string {
	var st sessions.State
	s.State(&st)
	var words []string
	for _, a := range st.Attributes {
		words = append(words, a.Name+"="+a.Text)
	}
	role := "replica"
	if of(s).isPrimary() {
		role = "primary"
	}
	return strings.Join(append(words, role), " ")
}

// id is the id under which a node holds a browser's session, "" if it does not.
func (n *node) id(b *browser) string {
	for _, s := range n.manager.Sessions() {
		if sessions.Base(s.ID()) == sessions.Base(b.cookie) {
			return s.ID()
		}
	}
	return ""
}

// options is a setting of channelSendOptions.
func options(o tribes.Options) func(string, *Config) {
	return func(_ string, c *Config) { c.SendOptions = o }
}
