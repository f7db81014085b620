package worldtest

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"

	"sessionlab/lab/world"
)

// belongings are what a machine held when it died.
type belongings struct {
	host      world.Host
	signal    world.Signal
	conn      world.HTTPConn
	stream    world.Stream
	listener  world.StreamListener
	packets   world.PacketConn
	disk      world.Disk
	transport http.RoundTripper
}

// settleIn gives a machine one of everything.
func (r *rig) settleIn(h, peer world.Host) *belongings {
	r.serve(peer, hello)
	b := &belongings{host: h, disk: h.Disk(), transport: h.Transport(), signal: h.NewSignal()}
	b.stream, _ = r.connect(h, peer, 4000)
	r.as(h, func(ctx context.Context) {
		var err error
		b.conn = r.dialHTTP(ctx, h, web(peer))
		r.ok("exchange", r.get(ctx, b.conn, "/"), "hello")
		b.listener, err = h.Listen(4001)
		r.must(err, "listen")
		b.packets, err = h.ListenPacket(4002)
		r.must(err, "listen for datagrams")
	})
	return b
}

// areDead makes every call that can fail, and sees it fail.
func (b *belongings) areDead(r *rig, peer world.Host) {
	r.t.Helper()
	ctx, h, p := r.ctx, b.host, make([]byte, 8)
	check := func(what string, err error) {
		r.t.Helper()
		r.isError(what+" on a dead host", err, world.ErrHostDown)
		r.outcome(what+" on a dead host", err, "", world.Down)
	}
	check("Sleep", h.Sleep(ctx, tick))
	check("Sleep of no time", h.Sleep(ctx, 0))
	check("Signal.Wait", h.NewSignal().Wait(ctx))
	check("Wait of an older signal", b.signal.Wait(ctx))
	_, err := h.Serve(9000, http.HandlerFunc(hello), world.ServeOptions{})
	check("Serve", err)
	_, err = h.DialHTTP(ctx, web(peer))
	check("DialHTTP", err)
	_, err = h.Dial(ctx, web(peer))
	check("Dial", err)
	_, err = h.Listen(9001)
	check("Listen", err)
	_, err = h.ListenPacket(9002)
	check("ListenPacket", err)
	_, err = h.JoinGroup("228.0.0.4", 45564)
	check("JoinGroup", err)
	check("Transport", through(ctx, h.Transport(), peer, "/").err)
	check("an older Transport", through(ctx, b.transport, peer, "/").err)
	check("HTTPConn.RoundTrip", r.get(ctx, b.conn, "/").err)
	_, err = b.stream.Read(ctx, p)
	check("Stream.Read", err)
	check("Stream.Write", b.stream.Write(ctx, delta("s1"), p))
	_, err = b.listener.Accept(ctx)
	check("Accept", err)
	_, _, err = b.packets.ReadFrom(ctx, p)
	check("ReadFrom", err)
	check("WriteTo", b.packets.WriteTo(heartbeat, p, peer.Addr()+":4002"))
	check("Disk.WriteFile", b.disk.WriteFile("x", p))
}

var killRows = []row{
	{"every call of a dead host fails", func(r *rig) {
		h, peer := r.boot("tomcat1"), r.boot("tomcat2")
		b := r.settleIn(h, peer)
		r.kill("tomcat1")
		b.areDead(r, peer)
	}},
	{"the old incarnation stays dead after a boot", func(r *rig) {
		h, peer := r.boot("tomcat1"), r.boot("tomcat2")
		b := r.settleIn(h, peer)
		r.kill("tomcat1")
		next := r.boot("tomcat1")
		b.areDead(r, peer)
		r.as(next, func(ctx context.Context) {
			r.ok("the new one", r.get(ctx, r.dialHTTP(ctx, next, web(peer)), "/"), "hello")
		})
	}},
	{"a new incarnation has an empty memory and works at the same port", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, hello)
		for n := range 3 {
			r.ok("before the kill", r.ask(alice, web(h), "/").wait(), "hello")
			r.kill("tomcat1")
			r.refused(alice, web(h))
			h = r.boot("tomcat1")
			r.refused(alice, web(h)) // until it serves again
			if n%2 == 0 {
				r.kill("tomcat1")
				h = r.boot("tomcat1")
			}
			r.serve(h, hello)
		}
		r.ok("after the last boot", r.ask(alice, web(h), "/").wait(), "hello")
	}},
	{"a dead machine's connections are closed", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, hello)
		var c world.HTTPConn
		r.as(alice, func(ctx context.Context) {
			c = r.dialHTTP(ctx, alice, web(h))
			r.ok("exchange", r.get(ctx, c, "/"), "hello")
		})
		s, _ := r.connect(alice, h, 4000)
		in := r.collect(alice, s)
		r.kill("tomcat1")
		r.as(alice, func(ctx context.Context) {
			r.await(ctx, alice, "the idle connection is closed", func() bool { return !c.Alive() })
			err := r.get(ctx, c, "/").err
			if o := world.OutcomeOf(err); o != world.Closed && o != world.Reset {
				r.errorf("request on it: outcome %v (%v), want closed or reset", o, err)
			}
		})
		r.isError("stream", in.wait(r), io.EOF)
	}},
	{"a dead task's defers heal nothing", func(r *rig) {
		h, peer := r.boot("tomcat1"), r.boot("tomcat2")
		s, other := r.connect(h, peer, 4000)
		in := r.collect(peer, other)
		var waiting atomic.Bool
		d := h.Disk()
		h.Go("healer", func(ctx context.Context) {
			defer func() {
				s.Write(context.Background(), delta("s1"), []byte("goodbye"))
				d.WriteFile("session", []byte("saved"))
				h.Go("late", func(context.Context) { d.WriteFile("session", []byte("saved later")) })
			}()
			if s.Write(ctx, delta("s1"), []byte("hello ")) != nil {
				return
			}
			waiting.Store(true)
			h.Sleep(ctx, 6*patience)
		})
		r.eventually("the task waits", waiting.Load)
		r.eventually("the first message is there", func() bool { return in.text() == "hello " })
		r.kill("tomcat1")
		r.isError("stream", in.wait(r), io.EOF)
		r.settle()
		same(r, "received", in.text(), "hello ")
		next := r.boot("tomcat1")
		r.as(next, func(context.Context) {
			if names, err := next.Disk().List(""); err != nil || len(names) > 0 {
				r.errorf("on the disk: %v, %v, want nothing", names, err)
			}
		})
	}},
	{"a server survives its client", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var g gate
		r.serve(h, g.handler(h))
		r.ask(alice, web(h), "/")
		r.eventually("the request is being executed", func() bool { return g.in.Load() == 1 })
		r.kill("alice")
		r.settle()
		g.open.Store(true)
		r.eventually("the request is executed to its end", func() bool { return g.out.Load() == 1 })
		r.ok("another client", r.ask(r.boot("bob"), web(h), "/").wait(), "hello")
	}},
	{"others do not notice a kill", func(r *rig) {
		h, other, alice := r.boot("tomcat1"), r.boot("tomcat2"), r.boot("alice")
		r.serve(h, hello)
		var g gate
		r.serve(other, g.handler(other))
		running := r.ask(alice, web(other), "/")
		r.eventually("the request is being executed", func() bool { return g.in.Load() == 1 })
		r.kill("tomcat1")
		g.open.Store(true)
		r.ok("request to the other machine", running.wait(), "hello")
	}},
	{"what was answered before the kill arrives", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var read atomic.Bool
		r.serve(h, hello)
		var a answer
		asking := r.start(alice, "slow reader", func(ctx context.Context) {
			resp, err := r.dialHTTP(ctx, alice, web(h)).RoundTrip(ctx, newRequest("/"))
			r.must(err, "head")
			read.Store(true)
			r.await(ctx, alice, "the server is dead", func() bool { return !r.w.Up("tomcat1") })
			a = wholeAnswer(resp)
		})
		r.eventually("the head is there", read.Load)
		r.settle()
		r.kill("tomcat1")
		asking.wait()
		r.ok("answer", a, "hello")
	}},
}
