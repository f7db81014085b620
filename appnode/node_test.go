package appnode

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sessionlab/lab/loopback"
	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/sessions"
)

// rig is a lab of one node in virtual time, with a client that keeps its cookie.
type rig struct {
	*testing.T
	ctx     context.Context
	w       world.World
	node    *Node
	manager *sessions.StandardManager
	cluster *clustered // stands before the manager if it is set
	client  world.Host
	cookie  string
	steps   atomic.Int64

	mu     sync.Mutex
	events []string
}

// reply is what the client got.
type reply struct {
	status int
	header http.Header
	body   string
	err    error
	Answer
}

const nodeAddr = "172.16.12.101"

// play runs a story in virtual time against a node that was set up by configure.
func play(t *testing.T, configure func(*Config, *sessions.StandardConfig), story func(*rig)) {
	t.Helper()
	playIn(t, sim.New(sim.Config{Seed: 1}), nil, configure, story)
}

// playBoth runs a story in virtual time and on real sockets.
func playBoth(t *testing.T, configure func(*Config, *sessions.StandardConfig), story func(*rig)) {
	t.Run("sim", func(t *testing.T) { play(t, configure, story) })
	t.Run("loopback", func(t *testing.T) {
		w, err := loopback.New(loopback.Config{Seed: 1, Offset: loopback.Probe})
		if err != nil {
			t.Fatal(err)
		}
		playIn(t, w, nil, configure, story)
	})
}

func playIn(t *testing.T, w world.World, c *clustered, configure func(*Config, *sessions.StandardConfig), story func(*rig)) {
	t.Helper()
	defer w.Close()
	err := w.Run(func(ctx context.Context) error {
		r := &rig{T: t, ctx: ctx, w: w, cluster: c}
		var err error
		if r.client, err = w.Boot("alice", "10.0.1.7"); err != nil {
			return err
		}
		r.boot(configure)
		if err := r.node.Start(ctx); err != nil {
			return err
		}
		story(r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// boot makes a node on a new incarnation of the machine; it is not started.
func (r *rig) boot(configure func(*Config, *sessions.StandardConfig)) {
	host, err := r.w.Boot("tomcat1", nodeAddr)
	if err != nil {
		r.Fatal(err)
	}
	cfg := Config{Trace: func(e Event) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.events = append(r.events, fmt.Sprint(e.Node, " ", e.Kind, " ", len(e.Session)))
	}}
	manager := sessions.StandardConfig{Config: sessions.Config{JvmRoute: "tomcat1"}}
	if configure != nil {
		configure(&cfg, &manager)
	}
	r.manager = sessions.NewStandardManager(host, manager)
	cfg.Manager = r.manager
	if r.cluster != nil {
		r.cluster.StandardManager = r.manager
		cfg.Manager = r.cluster
	}
	r.node = New(host, cfg)
}

// do sends one request on a connection of its own and follows the cookie.
func (r *rig) do(method, target string, header ...string) reply {
	return r.as(r.ctx, &r.cookie, method, target, header...)
}

// postForm is a POST with a form as its body.
func (r *rig) postForm(target, form string) reply {
	return r.do("POST", target, "Content-Type", "application/x-www-form-urlencoded", "Body", form)
}

func (r *rig) get(target string) reply  { return r.do("GET", target) }
func (r *rig) post(target string) reply { return r.do("POST", target) }

// as is do for a client with a cookie jar of its own, in any task.
func (r *rig) as(ctx context.Context, cookie *string, method, target string, header ...string) reply {
	step := strconv.FormatInt(r.steps.Add(1), 10)
	req, err := http.NewRequest(method, "http://"+nodeAddr+":8080"+target, nil)
	if err != nil {
		r.Fatal(err)
	}
	req.Close = true
	req.Header[RequestHeader] = []string{"alice/" + step}
	req.Header[WriteHeader] = []string{step}
	if *cookie != "" {
		req.Header["Cookie"] = []string{*cookie}
	}
	for i := 0; i < len(header); i += 2 {
		switch name, value := header[i], header[i+1]; name {
		case "Host":
			req.Host = value
		case "Body":
			req.Body, req.ContentLength = io.NopCloser(strings.NewReader(value)), int64(len(value))
		case "Cookie":
			req.Header[name] = append(req.Header[name], value)
		default:
			req.Header[name] = []string{value}
		}
	}
	var got reply
	conn, err := r.client.DialHTTP(ctx, nodeAddr+":8080")
	if err != nil {
		return reply{err: err}
	}
	defer conn.Close()
	resp, err := conn.RoundTrip(ctx, req)
	if err != nil {
		return reply{err: err}
	}
	got.status, got.header = resp.StatusCode, resp.Header.Clone()
	body, err := io.ReadAll(resp.Body)
	got.body, got.err = string(body), err
	if set := got.header.Get("Set-Cookie"); set != "" {
		*cookie, _, _ = strings.Cut(set, ";")
	}
	if got.header.Get("Content-Type") == typeJSON && len(body) > 0 && got.err == nil {
		if err := ParseAnswer(body, &got.Answer); err != nil {
			r.Errorf("%s %s: %v in %q", method, target, err, body)
		}
	}
	return got
}

// attribute is "value/write/writes" of an attribute, "" if there is none.
func (a Answer) attribute(name string) string {
	for _, at := range a.Attributes {
		if at.Name == name {
			return fmt.Sprintf("%s/%d/%d", at.Text, at.Write, at.Writes)
		}
	}
	return ""
}

func (r *rig) want(what string, got, want any) {
	r.Helper()
	if got != want {
		r.Errorf("%s = %v, want %v", what, got, want)
	}
}

func TestCounterCountsWithinOneSession(t *testing.T) {
	playBoth(t, nil, func(r *rig) {
		first := r.post("/counter")
		r.want("status", first.status, 200)
		r.want("new in first answer", first.New, true)
		r.want("count", first.attribute("count"), "1/1/1")
		r.want("route", sessions.RouteOf(first.Session), "tomcat1")
		r.want("Set-Cookie", first.header.Get("Set-Cookie"), "JSESSIONID="+first.Session+"; Path=/; HttpOnly")
		r.want("Content-Length", first.header.Get("Content-Length"), strconv.Itoa(len(first.body)))

		second := r.get("/counter?add=1")
		r.want("count", second.attribute("count"), "2/2/2")
		r.want("new in second answer", second.New, false)
		r.want("id", second.Session, first.Session)
		r.want("Set-Cookie in second answer", second.header.Get("Set-Cookie"), "")
		r.want("created", second.Created, first.Created)

		third := r.get("/counter")
		r.want("count after reading", third.attribute("count"), "2/2/2")
		if third.Accessed < second.Accessed || second.Accessed < second.Created {
			t.Errorf("accessed times %d, %d do not grow from %d", second.Accessed, third.Accessed, second.Created)
		}
	})
}

func TestIdleSessionExpiresByWallClock(t *testing.T) {
	play(t, nil, func(r *rig) {
		first := r.post("/counter")
		if err := r.client.Sleep(r.ctx, 30*time.Minute-2*time.Second); err != nil {
			t.Fatal(err)
		}
		r.want("id before the interval has passed", r.get("/session").Session, first.Session)
		if err := r.w.Skew("tomcat1", 30*time.Minute); err != nil {
			t.Fatal(err)
		}
		r.want("id after the clock jumped", r.get("/session").Session, "")
	})
}
