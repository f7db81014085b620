package worldtest

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

// What the kernel does about a partition, by the times of fault.Resend.
var resendRows = []row{
	{"what a partition has swallowed arrives when the kernel sends it again", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in := r.collect(two, far)
		r.partition()
		r.writes(one, s, delta("s1"), "within ")
		sent := one.Elapsed()
		r.pass(250 * time.Millisecond)
		r.w.Faults().Heal()
		r.gets("tomcat2", in, "within ")
		// Sent again after 0.2 s, still within the partition, and after 0.6 s.
		if took := two.Elapsed() - sent; took < 590*time.Millisecond {
			r.errorf("arrived %v after it was written, want at least 0.6 s", took)
		}
		r.writes(one, s, delta("s1"), "after ")
		r.gets("tomcat2", in, "within after ")
	}},
	{"a stream that is closed within a partition delivers what was written, then its end", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in := r.collect(two, far)
		r.partition()
		r.writes(one, s, delta("s1"), "last words")
		r.as(one, func(context.Context) { r.must(s.Close(), "close") })
		r.settle()
		same(r, "received across the partition", in.text(), "")
		r.w.Faults().Heal()
		r.gets("tomcat2", in, "last words")
		r.eventually("tomcat2 sees the end", in.ended)
	}},
	{"a run ends while a partition keeps back what was written", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in := r.collect(two, far)
		r.partition()
		r.writes(one, s, delta("s1"), "never sent again")
		r.settle()
		same(r, "received across the partition", in.text(), "")
	}},
	{"a writer into a partition waits for room", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in := r.collect(two, far)
		r.partition()
		frame := strings.Repeat("x", world.StreamWindow/2)
		var written atomic.Int32
		writing := r.start(one, "writer", func(ctx context.Context) {
			for range 5 {
				r.write(ctx, s, delta("s1"), frame)
				written.Add(1)
			}
		})
		r.eventually("the window is full", func() bool { return written.Load() == 3 })
		r.settle()
		same(r, "written into the partition", written.Load(), int32(3))
		same(r, "Writable", s.Writable(), false)
		r.w.Faults().Heal()
		writing.wait()
		r.eventually("all has arrived", func() bool { return len(in.text()) == 5*len(frame) })
	}},
	{"a connect that began within a partition succeeds when the kernel tries again", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		l := r.listen(two, 4000)
		r.partition()
		began := one.Elapsed()
		dialed := r.start(one, "dial", func(ctx context.Context) {
			s, err := one.Dial(ctx, l.Addr())
			r.must(err, "dial")
			if took := one.Elapsed() - began; took < 990*time.Millisecond {
				r.errorf("connected after %v, want at least 1 s", took)
			}
			r.must(s.Close(), "close")
		})
		r.settle()
		r.w.Faults().Heal()
		dialed.wait()
	}},
	{"a partition of connections lets datagrams pass, and the other way round", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in, beats := r.collect(two, far), r.receive(two, 4002)
		beat := func(text string) { r.datagram(one, 4003, heartbeat, text, two.Addr()+":4002") }
		sides := func(over fault.Transport) { r.w.Faults().PartitionOver(over, []string{"tomcat1"}, []string{"tomcat2"}) }

		sides(fault.UDP)
		beat("lost")
		r.writes(one, s, delta("s1"), "stream ")
		r.gets("tomcat2", in, "stream ")
		same(r, "tomcat1 reaches tomcat2", r.w.Faults().Reachable("tomcat1", "tomcat2"), true)
		r.w.Faults().Heal()

		sides(fault.TCP)
		r.writes(one, s, delta("s1"), "later")
		beat("beat")
		r.gets("tomcat2", beats, "beat|")
		r.settle()
		same(r, "received on the stream", in.text(), "stream ")
		r.w.Faults().Heal()
		r.gets("tomcat2", in, "stream later")
	}},
}
