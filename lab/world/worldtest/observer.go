package worldtest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

// recorder keeps what an observer saw, and may act on it.
type recorder struct {
	mu     sync.Mutex
	events []world.Event
	act    func(world.Event)
}

func (o *recorder) record(e world.Event) {
	o.mu.Lock()
	o.events = append(o.events, e)
	act := o.act
	o.mu.Unlock()
	if act != nil {
		act(e)
	}
}

// once calls f, within the observer, for the first event with this op, host and
// kind.
func (o *recorder) once(op world.EventOp, host, kind string, f func()) {
	var done atomic.Bool
	o.mu.Lock()
	defer o.mu.Unlock()
	o.act = func(e world.Event) {
		if e.Op == op && e.Host == host && e.Label.Kind == kind && done.CompareAndSwap(false, true) {
			f()
		}
	}
}

// of returns the events of these kinds of messages.
func (o *recorder) of(kinds ...string) []world.Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []world.Event
	for _, e := range o.events {
		if slices.Contains(kinds, e.Label.Kind) {
			list = append(list, e)
		}
	}
	return list
}

// panics returns the panics of handlers.
func (o *recorder) panics() []world.Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []world.Event
	for _, e := range o.events {
		if e.Op == world.Panics {
			list = append(list, e)
		}
	}
	return list
}

// told is what of returns, in words, without times.
func (o *recorder) told(kinds ...string) []string {
	var list []string
	for _, e := range o.of(kinds...) {
		list = append(list, fmt.Sprintf("%s %v %s %s %s", e.Host, e.Op, e.Label.Kind, e.Label.Key, e.Peer))
	}
	return list
}

// saw checks what was seen of some kinds of messages.
func (r *rig) saw(what string, got []string, want ...string) {
	r.t.Helper()
	if !slices.Equal(got, want) {
		r.errorf("%s: seen\n\t%s\nwant\n\t%s", what, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

var observerRows = []row{
	{"a message is sent, then received", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in := r.collect(two, far)
		before := one.Elapsed()
		for n := range 20 {
			r.writes(one, s, delta("s1"), "12345")
			r.eventually("it is there", func() bool { return len(in.text()) == 5*(n+1) })
		}
		events := r.seen.of("DELTA")
		if len(events) != 40 {
			r.stop("20 messages gave %d events, want 40", len(events))
		}
		at := before
		for i, e := range events {
			want := world.Event{At: e.At, Op: world.Sends, Host: "tomcat1", Peer: "tomcat2", Label: delta("s1"), Size: 5}
			if i%2 == 1 {
				want.Op, want.Host, want.Peer = world.Receives, "tomcat2", "tomcat1"
			}
			if e != want {
				r.errorf("event %d = %+v, want %+v", i, e, want)
			}
			if e.At < at || e.At > one.Elapsed() {
				r.errorf("event %d at %v, want it from %v to now", i, e.At, at)
			}
			at = e.At
		}
	}},
	{"an exchange is two messages", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, hello)
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			for range 2 {
				r.ok("request", r.get(ctx, c, "/"), "hello")
			}
		})
		var got []string
		for _, e := range r.seen.of("REQUEST", "RESPONSE") {
			got = append(got, fmt.Sprintf("%s %v %s %s", e.Host, e.Op, e.Label.Kind, e.Peer))
		}
		one := []string{"alice sends REQUEST tomcat1", "tomcat1 receives REQUEST alice",
			"tomcat1 sends RESPONSE alice", "alice receives RESPONSE tomcat1"}
		r.saw("two exchanges", got, append(slices.Clone(one), one...)...)
	}},
	{"datagrams are seen", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		in := r.receive(two, 4002)
		r.datagram(one, 4003, world.Label{Kind: "PING", Key: "7"}, "ping", two.Addr()+":4002")
		r.gets("tomcat2", in, "ping|")
		r.saw("a datagram", r.seen.told("PING"),
			"tomcat1 sends PING 7 tomcat2", "tomcat2 receives PING 7 tomcat1")

		r.w.Faults().Add(fault.Rule{Verb: fault.Drop, Kind: "LOST"})
		r.datagram(one, 4003, world.Label{Kind: "LOST"}, "lost", two.Addr()+":4002")
		r.eventually("the loss is seen", func() bool {
			return slices.Contains(r.seen.told("LOST"), "tomcat1 loses LOST  tomcat2")
		})
		r.w.Faults().Partition([]string{"tomcat1"}, []string{"tomcat2"})
		r.datagram(one, 4003, world.Label{Kind: "CUT"}, "lost", two.Addr()+":4002")
		r.eventually("the loss is seen", func() bool {
			return slices.Contains(r.seen.told("CUT"), "tomcat1 loses CUT  tomcat2")
		})
		for _, e := range r.seen.of("LOST", "CUT") {
			if e.Op == world.Receives {
				r.errorf("a lost datagram was received: %+v", e)
			}
		}
	}},
	{"a datagram to a group is sent to the group", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		c, in1 := r.join(one)
		_, in2 := r.join(two)
		r.as(one, func(context.Context) { r.must(c.WriteTo(heartbeat, []byte("1"), group), "send") })
		r.gets("tomcat1", in1, "1|")
		r.gets("tomcat2", in2, "1|")
		events := r.seen.of("HEARTBEAT")
		if len(events) == 0 || events[0].Op != world.Sends || events[0].Host != "tomcat1" || !strings.HasPrefix(events[0].Peer, groupAddr) {
			r.errorf("events %+v, want first that tomcat1 sends to %s", events, groupAddr)
		}
		receivers := []string{}
		for _, e := range events {
			if e.Op == world.Receives {
				receivers = append(receivers, e.Host)
			}
		}
		slices.Sort(receivers)
		r.saw("receivers", receivers, "tomcat1", "tomcat2")
	}},
	{"a held message is sent at release", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in := r.collect(two, far)
		r.w.Faults().Add(fault.Rule{Verb: fault.Hold, Kind: "DELTA"})
		r.writes(one, s, delta("s1"), "held")
		r.writes(one, s, ack, "behind")
		r.settle()
		r.saw("while held", r.seen.told("DELTA", "ACK"))
		r.w.Faults().Clear()
		r.gets("tomcat2", in, "heldbehind")
		sends := slices.DeleteFunc(r.seen.told("DELTA", "ACK"), func(s string) bool { return strings.Contains(s, "receives") })
		r.saw("sends after release", sends, "tomcat1 sends DELTA s1 tomcat2", "tomcat1 sends ACK  tomcat2")
		receives := slices.DeleteFunc(r.seen.told("DELTA", "ACK"), func(s string) bool { return strings.Contains(s, "sends") })
		r.saw("receives after release", receives, "tomcat2 receives DELTA s1 tomcat1", "tomcat2 receives ACK  tomcat1")
	}},
	{"a dropped message is lost, not sent", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in := r.collect(two, far)
		r.w.Faults().Add(fault.Rule{Verb: fault.Drop, Kind: "DELTA"})
		r.writes(one, s, delta("s1"), "lost")
		r.writes(one, s, ack, "sent")
		r.gets("tomcat2", in, "sent")
		r.saw("events", r.seen.told("DELTA", "ACK"),
			"tomcat1 loses DELTA s1 tomcat2", "tomcat1 sends ACK  tomcat2", "tomcat2 receives ACK  tomcat1")
	}},
	{"a dropped request is lost", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, hello)
		r.w.Faults().Add(fault.Rule{Verb: fault.Drop, Kind: "REQUEST"})
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			c.SetReadDeadline(short)
			r.outcome("request", r.get(ctx, c, "/").err, h.Addr(), world.ReadTimeout)
		})
		events := r.seen.of("REQUEST", "RESPONSE")
		if len(events) != 1 || events[0].Op != world.Loses || events[0].Host != "alice" || events[0].Peer != "tomcat1" {
			r.errorf("events %+v, want only that alice loses the request to tomcat1", events)
		}
	}},
	{"a panic is seen with its stack", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, func(http.ResponseWriter, *http.Request) { panicOnPurpose() })
		r.outcome("request", r.ask(alice, web(h), "/").wait().err, h.Addr(), world.Closed)
		var panics []world.Event
		r.eventually("the panic is seen", func() bool {
			panics = r.seen.panics()
			return len(panics) > 0
		})
		if e := panics[0]; e.Host != "tomcat1" || e.Panic == nil || !strings.Contains(string(e.Panic.Stack), "panicOnPurpose") {
			r.errorf("event %+v, want a panic on tomcat1 with panicOnPurpose in its stack", e)
		}
	}},
	{"the sender killed as its message leaves", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in := r.collect(two, far)
		var wentOn atomic.Bool
		r.seen.once(world.Sends, "tomcat1", "DELTA", func() { r.w.Kill("tomcat1") })
		one.Go("writer", func(ctx context.Context) {
			if s.Write(ctx, delta("s1"), []byte("the last")) == nil {
				wentOn.Store(true)
			}
			s.Write(ctx, delta("s1"), []byte(", or not"))
		})
		r.isError("end", in.wait(r), io.EOF)
		same(r, "received", in.text(), "the last")
		r.settle()
		same(r, "the dead sender went on", wentOn.Load(), false)
		same(r, "Up", r.w.Up("tomcat1"), false)
	}},
	{"the receiver killed as the message leaves", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in, back := r.collect(two, far), r.collect(one, s)
		r.seen.once(world.Sends, "tomcat1", "DELTA", func() { r.w.Kill("tomcat2") })
		one.Go("writer", func(ctx context.Context) { s.Write(ctx, delta("s1"), []byte("too late")) })
		if err := back.wait(r); world.OutcomeOf(err) != world.Reset && world.OutcomeOf(err) != world.Closed {
			r.errorf("the sender's read: %v, want closed or reset", err)
		}
		r.settle()
		same(r, "received", in.text(), "")
		r.saw("events", r.seen.told("DELTA"), "tomcat1 sends DELTA s1 tomcat2")
	}},
	{"the server killed as its answer leaves", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, hello)
		r.seen.once(world.Sends, "tomcat1", "RESPONSE", func() { r.w.Kill("tomcat1") })
		r.ok("request", r.ask(alice, web(h), "/").wait(), "hello")
		same(r, "Up", r.w.Up("tomcat1"), false)
	}},
	{"the server killed as it gets a request", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var executed atomic.Bool
		r.serve(h, func(http.ResponseWriter, *http.Request) { executed.Store(true) })
		r.seen.once(world.Receives, "tomcat1", "REQUEST", func() { r.w.Kill("tomcat1") })
		err := r.ask(alice, web(h), "/").wait().err
		if o := world.OutcomeOf(err); o != world.Closed && o != world.Reset {
			r.errorf("request: outcome %v (%v), want closed or reset", o, err)
		}
		r.settle()
		same(r, "executed", executed.Load(), false)
	}},
	{"a rule made as a message leaves meets the next", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in := r.collect(two, far)
		r.seen.once(world.Sends, "tomcat1", "DELTA", func() {
			r.w.Faults().Add(fault.Rule{Verb: fault.Hold, Kind: "DELTA"})
		})
		r.writes(one, s, delta("s1"), "first ", "second")
		r.gets("tomcat2", in, "first ")
		r.settle()
		same(r, "received before release", in.text(), "first ")
		r.w.Faults().Clear()
		r.gets("tomcat2", in, "first second")
	}},
	{"a machine paused as it gets a message", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in := r.collect(two, far)
		r.seen.once(world.Receives, "tomcat2", "DELTA", func() { r.w.Pause("tomcat2") })
		r.writes(one, s, delta("s1"), "1")
		r.eventually("the message is seen", func() bool { return len(r.seen.of("DELTA")) == 2 })
		r.writes(one, s, delta("s1"), "2")
		r.settle()
		if got := in.text(); got == "12" {
			r.errorf("a paused machine received the next message")
		}
		r.resume("tomcat2")
		r.gets("tomcat2", in, "12")
	}},
}

//go:noinline
func panicOnPurpose() { panic("on purpose") }
