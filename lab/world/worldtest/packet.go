package worldtest

import (
	"bytes"
	"context"
	"strings"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

var heartbeat = world.Label{Kind: "HEARTBEAT"}

const (
	groupPort = 45564
	groupAddr = "228.0.0.4"
	group     = "228.0.0.4:45564"
)

// receive opens a datagram socket on h and collects what it receives: the text
// has a bar after each datagram.
func (r *rig) receive(h world.Host, port int) *inbox {
	var c world.PacketConn
	r.as(h, func(context.Context) {
		var err error
		c, err = h.ListenPacket(port)
		r.must(err, "listen for datagrams on %s", h.Name())
	})
	return r.collectPackets(h, c)
}

// join makes h a member of the group and collects what it receives.
func (r *rig) join(h world.Host) (world.PacketConn, *inbox) {
	var c world.PacketConn
	r.as(h, func(context.Context) {
		var err error
		c, err = h.JoinGroup(groupAddr, groupPort)
		r.must(err, "join on %s", h.Name())
	})
	return c, r.collectPackets(h, c)
}

func (r *rig) collectPackets(h world.Host, c world.PacketConn) *inbox {
	in := new(inbox)
	h.Go("packet reader", func(ctx context.Context) {
		p := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFrom(ctx, p)
			if err != nil {
				in.end(err)
				return
			}
			in.add(append(p[:n:n], '|'), from, h.Elapsed())
		}
	})
	return in
}

// datagram sends one from a port of h, which is free again afterwards.
func (r *rig) datagram(h world.Host, port int, l world.Label, content, to string) {
	r.as(h, func(ctx context.Context) {
		c, err := h.ListenPacket(port)
		r.must(err, "listen for datagrams on %s", h.Name())
		r.must(c.WriteTo(l, []byte(content), to), "send %q to %s", content, to)
		r.must(c.Close(), "close")
	})
}

var packetRows = []row{
	{"a datagram is delivered with its sender", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		in := r.receive(two, 4002)
		r.datagram(one, 4003, heartbeat, "beat", two.Addr()+":4002")
		r.gets("tomcat2", in, "beat|")
		same(r, "from", in.last().from, "172.16.12.101:4003")
	}},
	{"datagrams keep their borders", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		in := r.receive(two, 4002)
		big := strings.Repeat("x", 60000)
		r.datagram(one, 4003, heartbeat, big, two.Addr()+":4002")
		r.eventually("the big one is there", func() bool { return in.text() == big+"|" })
		r.datagram(one, 4003, heartbeat, "", two.Addr()+":4002")
		r.eventually("the empty one is there", func() bool { return in.text() == big+"||" })
	}},
	{"the sender keeps its buffer", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		in := r.receive(two, 4002)
		r.as(one, func(ctx context.Context) {
			c, err := one.ListenPacket(4002)
			r.must(err, "listen")
			p := []byte("kept")
			r.must(c.WriteTo(heartbeat, p, two.Addr()+":4002"), "send")
			copy(p, "lost")
		})
		r.gets("tomcat2", in, "kept|")
	}},
	{"an unreachable destination is no error", func(r *rig) {
		one := r.boot("tomcat1")
		r.boot("tomcat2")
		r.boot("tomcat3")
		r.kill("tomcat3")
		in := r.receive(one, 4002)
		for _, to := range []string{"172.16.12.222:4002", addresses["tomcat2"] + ":4002", addresses["tomcat3"] + ":4002"} {
			r.datagram(one, 4003, heartbeat, "lost", to)
		}
		r.datagram(one, 4003, heartbeat, "to itself", one.Addr()+":4002")
		r.gets("tomcat1", in, "to itself|")
	}},
	{"a read ends with its context and loses nothing", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		r.as(two, func(ctx context.Context) {
			c, err := two.ListenPacket(4002)
			r.must(err, "listen")
			p := make([]byte, 16)
			limited, cancel := two.WithTimeout(ctx, short)
			defer cancel()
			_, _, err = c.ReadFrom(limited, p)
			r.isError("ReadFrom", err, context.DeadlineExceeded)
			two.Go("sender", func(context.Context) { c.WriteTo(heartbeat, []byte("beat"), two.Addr()+":4002") })
			n, from, err := c.ReadFrom(ctx, p)
			if string(p[:n]) != "beat" || from != two.Addr()+":4002" || err != nil {
				r.errorf("ReadFrom = %q from %s, %v", p[:n], from, err)
			}
		})
		same(r, "Up", r.w.Up(one.Name()), true)
	}},
	{"a read gives up after its limit, which is no timeout, and loses nothing", func(r *rig) {
		one := r.boot("tomcat1")
		before := r.w.Lateness().Shortest
		r.as(one, func(ctx context.Context) {
			c, err := one.ListenPacket(4002)
			r.must(err, "listen")
			p := make([]byte, 16)
			_, _, err = c.ReadFromWithin(ctx, p, short)
			r.isError("ReadFromWithin", err, context.DeadlineExceeded)
			r.must(c.WriteTo(heartbeat, []byte("beat"), one.Addr()+":4002"), "write")
			n, from, err := c.ReadFromWithin(ctx, p, patience)
			if string(p[:n]) != "beat" || from != one.Addr()+":4002" || err != nil {
				r.errorf("ReadFromWithin = %q from %s, %v", p[:n], from, err)
			}
		})
		same(r, "shortest timeout in force", r.w.Lateness().Shortest, before)
	}},
	{"a datagram port is taken once and apart from streams", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(context.Context) {
			c, err := h.ListenPacket(4000)
			r.must(err, "listen")
			_, err = h.ListenPacket(4000)
			r.isError("second ListenPacket", err, world.ErrPortTaken)
			_, err = h.Listen(4000)
			r.must(err, "listen for streams on the same number")
			r.must(c.Close(), "close")
			_, err = h.ListenPacket(4000)
			r.must(err, "listen again")
		})
	}},
	{"a group reaches every member, the sender too", func(r *rig) {
		one, two, three := r.boot("tomcat1"), r.boot("tomcat2"), r.boot("tomcat3")
		c, in1 := r.join(one)
		_, in2 := r.join(two)
		outside := r.receive(three, 4002)
		r.as(one, func(context.Context) { r.must(c.WriteTo(heartbeat, []byte("1"), group), "send") })
		r.gets("tomcat1", in1, "1|")
		r.gets("tomcat2", in2, "1|")
		if from := in2.last().from; !strings.HasPrefix(from, "172.16.12.101:") {
			r.errorf("from = %q, want tomcat1's address", from)
		}
		_, in3 := r.join(three) // a member joined later gets what is sent later
		r.as(one, func(context.Context) { r.must(c.WriteTo(heartbeat, []byte("2"), group), "send") })
		r.gets("tomcat1", in1, "1|2|")
		r.gets("tomcat2", in2, "1|2|")
		r.gets("tomcat3", in3, "2|")
		same(r, "received outside the group", outside.text(), "")
	}},
	{"who is no member can send to a group", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		_, in := r.join(two)
		r.datagram(one, 4003, heartbeat, "hello", group)
		r.gets("tomcat2", in, "hello|")
		same(r, "from", in.last().from, "172.16.12.101:4003")
	}},
	{"a member leaves the group with its socket or its machine", func(r *rig) {
		one, two, three := r.boot("tomcat1"), r.boot("tomcat2"), r.boot("tomcat3")
		c1, in1 := r.join(one)
		c2, in2 := r.join(two)
		r.join(three)
		r.as(two, func(context.Context) { r.must(c2.Close(), "close") })
		r.kill("tomcat3")
		r.as(one, func(context.Context) { r.must(c1.WriteTo(heartbeat, []byte("1"), group), "send") })
		r.gets("tomcat1", in1, "1|")
		next := r.boot("tomcat3")
		_, in3 := r.join(next)
		r.as(one, func(context.Context) { r.must(c1.WriteTo(heartbeat, []byte("2"), group), "send") })
		r.gets("tomcat3", in3, "2|")
		same(r, "received after leaving", in2.text(), "")
	}},
	{"drop loses the datagrams of one link", func(r *rig) {
		one, two, three := r.boot("tomcat1"), r.boot("tomcat2"), r.boot("tomcat3")
		c, in1 := r.join(one)
		_, in2 := r.join(two)
		_, in3 := r.join(three)
		rule := r.w.Faults().Add(fault.Rule{Verb: fault.Drop, Kind: "HEARTBEAT", From: "tomcat1", To: "tomcat2"})
		r.as(one, func(context.Context) {
			r.must(c.WriteTo(heartbeat, []byte("1"), group), "send")
			r.must(c.WriteTo(world.Label{Kind: "OTHER"}, []byte("2"), group), "send")
		})
		r.eventually("tomcat1 has got both", func() bool { return in1.sorted() == "1|2|" })
		r.eventually("tomcat3 has got both", func() bool { return in3.sorted() == "1|2|" })
		r.gets("tomcat2", in2, "2|")
		r.settle()
		same(r, "received behind a drop", in2.text(), "2|")
		same(r, "Hits", r.w.Faults().Hits(rule), 1)
	}},
	{"duplicate delivers a datagram twice", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		in := r.receive(two, 4002)
		r.w.Faults().Add(fault.Rule{Verb: fault.Duplicate, Kind: "HEARTBEAT", Count: 1})
		r.datagram(one, 4003, heartbeat, "1", two.Addr()+":4002")
		r.datagram(one, 4003, heartbeat, "2", two.Addr()+":4002")
		r.eventually("three have arrived", func() bool { return in.sorted() == "1|1|2|" })
	}},
	{"delay lets a later datagram overtake", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		in := r.receive(two, 4002)
		r.w.Faults().Add(fault.Rule{Verb: fault.Delay, Kind: "HEARTBEAT", Count: 1, By: 10 * short})
		start := one.Elapsed()
		r.datagram(one, 4003, heartbeat, "late", two.Addr()+":4002")
		r.datagram(one, 4003, heartbeat, "early", two.Addr()+":4002")
		r.gets("tomcat2", in, "early|late|")
		if took := in.last().at - start; took < 10*short {
			r.errorf("the delayed datagram took %v, want %v or more", took, 10*short)
		}
	}},
	{"hold keeps a datagram until release", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		in := r.receive(two, 4002)
		r.w.Faults().Add(fault.Rule{Verb: fault.Hold, Kind: "HEARTBEAT"})
		r.datagram(one, 4003, heartbeat, "held", two.Addr()+":4002")
		r.datagram(one, 4003, world.Label{Kind: "OTHER"}, "free", two.Addr()+":4002")
		r.gets("tomcat2", in, "free|")
		r.settle()
		same(r, "received before release", in.text(), "free|")
		r.w.Faults().Release("HEARTBEAT", "", "")
		r.gets("tomcat2", in, "free|held|")
	}},
	{"a partition loses datagrams", func(r *rig) {
		one, two, three := r.boot("tomcat1"), r.boot("tomcat2"), r.boot("tomcat3")
		c, in1 := r.join(one)
		_, in2 := r.join(two)
		_, in3 := r.join(three)
		r.w.Faults().Partition([]string{"tomcat1"}, []string{"tomcat2"})
		r.as(one, func(context.Context) { r.must(c.WriteTo(heartbeat, []byte("1"), group), "send") })
		r.gets("tomcat1", in1, "1|")
		r.gets("tomcat3", in3, "1|")
		r.settle()
		r.w.Faults().Heal()
		r.as(one, func(context.Context) { r.must(c.WriteTo(heartbeat, []byte("2"), group), "send") })
		r.gets("tomcat3", in3, "1|2|")
		r.gets("tomcat2", in2, "2|")
	}},
	{"a machine without a route for groups cannot send to one, nor join", func(r *rig) {
		one, two, three := r.boot("tomcat1"), r.boot("tomcat2"), r.boot("tomcat3")
		c, in1 := r.join(one)
		c2, in2 := r.join(two)
		cut := r.w.Faults().Unroute("tomcat1")
		r.w.Faults().Unroute("tomcat3")
		r.as(one, func(context.Context) {
			r.isError("WriteTo the group", c.WriteTo(heartbeat, []byte("lost"), group), world.ErrNoRoute)
		})
		r.as(three, func(context.Context) {
			_, err := three.JoinGroup(groupAddr, groupPort)
			r.isError("JoinGroup", err, world.ErrNoRoute)
		})
		same(r, "CutHits", r.w.Faults().CutHits(cut), 1)
		r.as(two, func(context.Context) { r.must(c2.WriteTo(heartbeat, []byte("heard"), group), "send") })
		r.gets("tomcat1", in1, "heard|")
		in := r.receive(two, 4002)
		r.datagram(one, 4003, heartbeat, "to one", two.Addr()+":4002")
		r.gets("tomcat2", in, "to one|")
		r.w.Faults().Heal()
		r.as(one, func(context.Context) { r.must(c.WriteTo(heartbeat, []byte("again"), group), "send") })
		r.gets("tomcat2", in2, "heard|again|")
	}},
	{"a percentage loses some", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		in := r.receive(two, 4002)
		const sent = 100
		rule := r.w.Faults().Add(fault.Rule{Verb: fault.Drop, Kind: "HEARTBEAT", Percent: 40})
		r.as(one, func(ctx context.Context) {
			c, err := one.ListenPacket(4003)
			r.must(err, "listen")
			for range sent {
				r.must(c.WriteTo(heartbeat, []byte("x"), two.Addr()+":4002"), "send")
			}
			r.must(c.WriteTo(world.Label{Kind: "LAST"}, []byte("."), two.Addr()+":4002"), "send")
		})
		lost := r.w.Faults().Hits(rule)
		if lost < sent/5 || lost > sent*3/5 {
			r.errorf("lost %d of %d at 40 percent", lost, sent)
		}
		r.eventually("the others have arrived", func() bool { return bytes.Count([]byte(in.text()), []byte("|")) == sent-lost+1 })
		r.pass(10 * time.Millisecond)
		same(r, "arrived", strings.Count(in.text(), "x|"), sent-lost)
	}},
}
