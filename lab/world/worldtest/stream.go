package worldtest

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"

	"sessionlab/lab/world"
)

// delta is the label of a session's replication message.
func delta(session string) world.Label { return world.Label{Kind: "DELTA", Key: session} }

var ack = world.Label{Kind: "ACK"}

// listen opens a port for streams on h.
func (r *rig) listen(h world.Host, port int) world.StreamListener {
	var l world.StreamListener
	r.as(h, func(context.Context) {
		var err error
		l, err = h.Listen(port)
		r.must(err, "listen on %s", h.Name())
	})
	return l
}

// dial opens a stream from h.
func (r *rig) dial(h world.Host, addr string) world.Stream {
	var s world.Stream
	r.as(h, func(ctx context.Context) {
		var err error
		s, err = h.Dial(ctx, addr)
		r.must(err, "dial %s from %s", addr, h.Name())
	})
	return s
}

// accept takes the next stream of a listener of h.
func (r *rig) accept(h world.Host, l world.StreamListener) world.Stream {
	var s world.Stream
	r.as(h, func(ctx context.Context) {
		var err error
		s, err = l.Accept(ctx)
		r.must(err, "accept on %s", h.Name())
	})
	return s
}

// connect gives both ends of a new stream from one machine to a port of another.
func (r *rig) connect(from, to world.Host, port int) (near, far world.Stream) {
	l := r.listen(to, port)
	near = r.dial(from, l.Addr())
	return near, r.accept(to, l)
}

// write sends a message in a task of the stream's machine.
func (r *rig) write(ctx context.Context, s world.Stream, l world.Label, frame string) {
	r.must(s.Write(ctx, l, []byte(frame)), "write %s %q to %s", l.Kind, frame, s.RemoteAddr())
}

// writes sends messages with one label, as h.
func (r *rig) writes(h world.Host, s world.Stream, l world.Label, frames ...string) {
	r.as(h, func(ctx context.Context) {
		for _, f := range frames {
			r.write(ctx, s, l, f)
		}
	})
}

var streamRows = []row{
	{"messages arrive in order", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in, back := r.collect(two, far), r.collect(one, s)
		var want strings.Builder
		for n := range 300 {
			fmt.Fprintf(&want, "%d:%s;", n, strings.Repeat("x", n*7%1500))
		}
		frames := strings.SplitAfter(want.String(), ";")
		there := r.start(one, "writer", func(ctx context.Context) {
			for _, f := range frames[:300] {
				r.write(ctx, s, delta("s1"), f)
			}
		})
		r.writes(two, far, ack, frames[:300]...) // and the other way at the same time
		there.wait()
		r.eventually("all has arrived", func() bool { return len(in.text()) == want.Len() && len(back.text()) == want.Len() })
		same(r, "received in order", in.text() == want.String(), true)
		same(r, "received in order on the way back", back.text() == want.String(), true)
	}},
	{"both ends know each other's logical address", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		l := r.listen(two, 4000)
		same(r, "StreamListener.Addr", l.Addr(), "172.16.12.102:4000")
		s := r.dial(one, l.Addr())
		far := r.accept(two, l)
		same(r, "RemoteAddr of the caller", s.RemoteAddr(), "172.16.12.102:4000")
		same(r, "LocalAddr of the called", far.LocalAddr(), "172.16.12.102:4000")
		same(r, "RemoteAddr of the called", far.RemoteAddr(), s.LocalAddr())
		if host, _, err := net.SplitHostPort(s.LocalAddr()); host != "172.16.12.101" || err != nil {
			r.errorf("LocalAddr of the caller = %q, want 172.16.12.101 with a port", s.LocalAddr())
		}
	}},
	{"a large message passes", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in := r.collect(two, far)
		big := strings.Repeat("0123456789abcdef", 1<<18) // 4 MiB: more than sockets buffer
		r.writes(one, s, delta("s1"), big, "end")
		r.eventually("all has arrived", func() bool { return len(in.text()) == len(big)+3 })
		same(r, "received as sent", in.text() == big+"end", true)
	}},
	{"a read takes what fits", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		r.writes(one, s, delta("s1"), "abcdefgh")
		r.as(two, func(ctx context.Context) {
			p, got := make([]byte, 3), ""
			for len(got) < 8 {
				n, err := far.Read(ctx, p)
				r.must(err, "read")
				if n < 1 || n > 3 {
					r.stop("Read into 3 bytes = %d", n)
				}
				got += string(p[:n])
			}
			same(r, "read", got, "abcdefgh")
		})
	}},
	{"the writer keeps its buffer", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in := r.collect(two, far)
		r.as(one, func(ctx context.Context) {
			frame := []byte("kept")
			r.must(s.Write(ctx, delta("s1"), frame), "write")
			copy(frame, "lost")
		})
		r.gets("tomcat2", in, "kept")
	}},
	{"a message waits for its reader", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		l := r.listen(two, 4000)
		s := r.dial(one, l.Addr()) // nobody has accepted yet
		r.writes(one, s, delta("s1"), "early")
		same(r, "Stalled", s.Stalled(), false)
		r.settle()
		r.gets("tomcat2", r.collect(two, r.accept(two, l)), "early")
	}},
	{"close is the end of the input", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		r.as(one, func(ctx context.Context) {
			r.write(ctx, s, delta("s1"), "last words")
			r.must(s.Close(), "close")
			if err := s.Write(ctx, delta("s1"), []byte("more")); err == nil {
				r.errorf("Write on a closed stream: no error")
			}
		})
		r.as(two, func(ctx context.Context) {
			p, got := make([]byte, 4), ""
			for {
				n, err := far.Read(ctx, p)
				got += string(p[:n])
				if err != nil {
					same(r, "bytes with the end", n, 0)
					r.isError("end", err, io.EOF)
					break
				}
			}
			same(r, "received", got, "last words")
			_, err := far.Read(ctx, p)
			r.isError("Read after the end", err, io.EOF)
		})
	}},
	{"writes to a peer that is gone end in a reset", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		closed, farClosed := r.connect(one, two, 4000)
		killed, _ := r.connect(one, two, 4001)
		r.as(two, func(context.Context) { r.must(farClosed.Close(), "close") })
		r.kill("tomcat2")
		r.as(one, func(ctx context.Context) {
			for _, s := range []world.Stream{closed, killed} {
				var err error
				r.await(ctx, one, "a write fails", func() bool {
					err = s.Write(ctx, delta("s1"), []byte("x"))
					return err != nil
				})
				r.outcome("Write", err, two.Addr(), world.Reset)
				if s.Write(ctx, delta("s1"), []byte("x")) == nil {
					r.errorf("Write after an error: no error")
				}
			}
		})
	}},
	{"a kill closes", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		in := r.collect(two, far)
		r.writes(one, s, delta("s1"), "read by tomcat2")
		r.gets("tomcat2", in, "read by tomcat2")
		r.writes(two, far, delta("s1"), "left for tomcat1")
		r.settle()
		r.kill("tomcat2") // all its input is read
		back := r.collect(one, s)
		r.isError("end", back.wait(r), io.EOF)
		same(r, "received before the end", back.text(), "left for tomcat1")
	}},
	{"a kill with unread input resets", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, _ := r.connect(one, two, 4000)
		in := r.collect(one, s)
		r.writes(one, s, delta("s1"), "never read")
		r.settle()
		r.kill("tomcat2")
		r.outcome("Read", in.wait(r), two.Addr(), world.Reset)
	}},
	{"a read that gave up loses no byte", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		s, far := r.connect(one, two, 4000)
		r.as(two, func(ctx context.Context) {
			limited, cancel := two.WithTimeout(ctx, short)
			defer cancel()
			n, err := far.Read(limited, make([]byte, 8))
			same(r, "bytes of a read that gave up", n, 0)
			r.isError("Read", err, context.DeadlineExceeded)
		})
		var want strings.Builder
		for n := range 100 {
			fmt.Fprintf(&want, "%d;", n)
		}
		frames := strings.SplitAfter(want.String(), ";")[:100]
		one.Go("writer", func(ctx context.Context) {
			for _, f := range frames {
				if s.Write(ctx, delta("s1"), []byte(f)) != nil || one.Sleep(ctx, tick/2) != nil {
					return
				}
			}
		})
		r.as(two, func(ctx context.Context) {
			p, got := make([]byte, 5), ""
			for start := two.Elapsed(); len(got) < want.Len(); {
				limited, cancel := two.WithTimeout(ctx, tick/3)
				n, err := far.Read(limited, p)
				cancel()
				got += string(p[:n])
				if err != nil && world.OutcomeOf(err) != world.Canceled || two.Elapsed()-start > patience {
					r.stop("read: %v after %q", err, got)
				}
			}
			same(r, "received", got, want.String())
		})
	}},
	{"accept ends with its context and loses no caller", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		l := r.listen(two, 4000)
		r.as(two, func(ctx context.Context) {
			limited, cancel := two.WithTimeout(ctx, short)
			defer cancel()
			_, err := l.Accept(limited)
			r.isError("Accept", err, context.DeadlineExceeded)
		})
		s := r.dial(one, l.Addr())
		r.writes(one, s, delta("s1"), "hello")
		r.gets("tomcat2", r.collect(two, r.accept(two, l)), "hello")
	}},
	{"closing a listener leaves its streams", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		l := r.listen(two, 4000)
		s := r.dial(one, l.Addr())
		in := r.collect(two, r.accept(two, l))
		r.as(two, func(context.Context) { r.must(l.Close(), "close") })
		r.as(one, func(ctx context.Context) {
			_, err := one.Dial(ctx, l.Addr())
			r.outcome("Dial", err, two.Addr(), world.Refused)
			r.write(ctx, s, delta("s1"), "still here")
		})
		r.gets("tomcat2", in, "still here")
	}},
	{"a paused machine accepts", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		l := r.listen(two, 4000)
		r.pause("tomcat2")
		s := r.dial(one, l.Addr())
		r.writes(one, s, delta("s1"), "early")
		r.resume("tomcat2")
		r.gets("tomcat2", r.collect(two, r.accept(two, l)), "early")
	}},
}
