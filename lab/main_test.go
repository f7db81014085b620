package lab_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sessionlab/lab"
	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/proxy"
	"sessionlab/proxy/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// room is a lab in virtual time with somebody who works its verbs.
type room struct {
	*testing.T
	*lab.Lab
	op   world.Host
	user world.Host // whose requests the lab sees
	ctx  context.Context
}

// plan has nodes behind a proxy that takes turns.
func plan(names ...string) lab.Plan {
	var p lab.Plan
	f := proxy.Front{}
	for i, name := range names {
		p.Nodes = append(p.Nodes, lab.NodePlan{Name: name, Route: name, JVMStart: 100 * time.Millisecond})
		f.Servers = append(f.Servers, upstream.NewServer(fmt.Sprintf("%s:%d", lab.DefaultNodeAddr(i), lab.DefaultNodePort)))
	}
	p.Proxy = f.Config()
	return p
}

// run brings a lab up and tells a story in it.
func run(t *testing.T, p lab.Plan, story func(r *room)) {
	t.Helper()
	w := sim.New(sim.Config{Seed: 1})
	t.Cleanup(func() { w.Close() })
	l, err := lab.New(w, p)
	if err != nil {
		t.Fatal(err)
	}
	err = w.Run(func(ctx context.Context) error {
		if err := l.Start(ctx); err != nil {
			return err
		}
		user, err := w.Boot("alice", lab.DefaultUserAddr(0))
		if err != nil {
			return err
		}
		story(&room{t, l, w.Operator(), user, ctx})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (r *room) wait(d time.Duration) {
	r.Helper()
	if err := r.op.Sleep(r.ctx, d); err != nil {
		r.Fatal(err)
	}
}

// do is for verbs that must work.
func (r *room) do(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// get has the user ask an address, and returns the body of the answer, or the
// error.
func (r *room) get(addr, target string) string {
	req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, "http://"+addr+target, nil)
	if err != nil {
		return err.Error()
	}
	req.Close = true
	resp, err := r.user.Transport().RoundTrip(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// meanwhile asks in a task of its own.
func (r *room) meanwhile(addr, target string) {
	r.user.Go("request", func(context.Context) { r.get(addr, target) })
}

func (r *room) state(name string) lab.State {
	for _, row := range r.Status() {
		if row.Name == name {
			return row.State
		}
	}
	return "unknown"
}
