package loopback_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"sessionlab/lab/loopback"
	"sessionlab/lab/world"
)

// program is another program of this machine that has a TCP and a UDP port on
// every address.
type program struct {
	port int
	tcp  *net.TCPListener
	udp  *net.UDPConn
}

func startProgram(t *testing.T) program {
	t.Helper()
	for range 20 {
		tcp, err := net.ListenTCP("tcp4", nil)
		if err != nil {
			t.Fatal(err)
		}
		port := tcp.Addr().(*net.TCPAddr).Port
		udp, err := net.ListenUDP("udp4", &net.UDPAddr{Port: port})
		if err != nil {
			tcp.Close()
			continue
		}
		t.Cleanup(func() { tcp.Close(); udp.Close() })
		return program{port, tcp, udp}
	}
	t.Fatal("no port is free for TCP and UDP at once")
	return program{}
}

// hasHeard reports whether anything has come to the program.
func (p program) hasHeard() bool {
	now := time.Unix(1, 0)
	p.tcp.SetDeadline(now)
	p.udp.SetDeadline(now)
	c, err := p.tcp.Accept()
	if err == nil {
		c.Close()
	}
	_, _, also := p.udp.ReadFrom(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded) || !errors.Is(also, os.ErrDeadlineExceeded)
}

func TestPortOfAnotherProgramIsFreeInTheLab(t *testing.T) {
	p := startProgram(t)
	w := open(t, loopback.Config{Offset: loopback.Probe})
	a, b := boot(t, w, "a", "172.16.12.101"), boot(t, w, "b", "172.16.12.102")
	at := netip.AddrPortFrom(netip.MustParseAddr(a.Addr()), uint16(p.port)).String()
	l, err := a.Listen(p.port)
	if err != nil {
		t.Fatal(err)
	}
	if l.Addr() != at {
		t.Errorf("address of the port: got %s, want %s", l.Addr(), at)
	}
	if _, err := a.Listen(p.port); !errors.Is(err, world.ErrPortTaken) {
		t.Errorf("the same port once more: got %v, want %v", err, world.ErrPortTaken)
	}
	out, err := b.Dial(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	in, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if in.LocalAddr() != at || out.RemoteAddr() != at {
		t.Errorf("the server is %s to itself and %s to its client, want %s", in.LocalAddr(), out.RemoteAddr(), at)
	}

	const group = "228.0.0.4"
	sender, err := a.JoinGroup(group, p.port)
	if err != nil {
		t.Fatal(err)
	}
	member, err := b.JoinGroup(group, p.port)
	if err != nil {
		t.Fatal(err)
	}
	to := netip.AddrPortFrom(netip.MustParseAddr(group), uint16(p.port)).String()
	if err := sender.WriteTo(world.Label{Kind: "HEARTBEAT"}, []byte("here"), to); err != nil {
		t.Fatal(err)
	}
	n, from, err := member.ReadFrom(t.Context(), make([]byte, 10))
	if n != 4 || from != at || err != nil {
		t.Errorf("a member of the group got %d bytes from %s (%v), want 4 from %s", n, from, err, at)
	}
	if p.hasHeard() {
		t.Error("something came to the other program")
	}
}

func TestNothingIsSentToAPortThatTheLabHasLeftToAnotherProgram(t *testing.T) {
	p := startProgram(t)
	for name, mapped := range map[string]bool{"mapped": true, "port table": false} {
		w := open(t, loopback.Config{Offset: loopback.Probe, PortTable: !mapped})
		a, b := boot(t, w, "a", "172.16.12.101"), boot(t, w, "b", "172.16.12.102")
		at := netip.AddrPortFrom(netip.MustParseAddr(a.Addr()), uint16(p.port)).String()
		sender, err := b.ListenPacket(0)
		if err != nil {
			t.Fatal(err)
		}
		ask := func(when string) {
			t.Helper()
			if _, err := b.Dial(t.Context(), at); !errors.Is(err, world.ErrRefused) {
				t.Errorf("%s, %s: dial: got %v, want %v", name, when, err, world.ErrRefused)
			}
			if err := sender.WriteTo(world.Label{Kind: "NOTE"}, []byte("hello"), at); err != nil {
				t.Errorf("%s, %s: datagram: %v", name, when, err)
			}
		}
		ask("before anybody listens")
		if _, err := a.Listen(p.port); err != nil {
			t.Fatal(err)
		}
		if _, err := a.ListenPacket(p.port); err != nil {
			t.Fatal(err)
		}
		if err := w.Kill("a"); err != nil {
			t.Fatal(err)
		}
		ask("after the machine was killed")
	}
	if p.hasHeard() {
		t.Error("something came to the other program")
	}
}

func TestMovedPortStaysWhereItIsWhenItsMachineIsBootedAgain(t *testing.T) {
	p := startProgram(t)
	w := open(t, loopback.Config{Offset: loopback.Probe})
	var urls []string
	for range 3 {
		h := boot(t, w, "front", front)
		l, err := h.Listen(p.port)
		if err != nil {
			t.Fatal(err)
		}
		urls = append(urls, w.URL(l.Addr()))
		if err := w.Kill("front"); err != nil {
			t.Fatal(err)
		}
	}
	if urls[0] != urls[1] || urls[1] != urls[2] {
		t.Errorf("the port was at %v, want it at one place", urls)
	}
}

func TestFixedPortIsNotMoved(t *testing.T) {
	p := startProgram(t)
	for name, table := range map[string]bool{"mapped": false, "port table": true} {
		fixed := netip.AddrPortFrom(netip.MustParseAddr(front), uint16(p.port))
		w := open(t, loopback.Config{Offset: loopback.Probe, PortTable: table, Fixed: []netip.AddrPort{fixed}})
		h := boot(t, w, "front", front)
		if _, err := h.Listen(p.port); !errors.Is(err, world.ErrPortTaken) {
			t.Errorf("%s: another program has the port: got %v, want %v", name, err, world.ErrPortTaken)
		}
		if _, err := h.ListenPacket(p.port); err != nil {
			t.Errorf("%s: datagrams on a fixed port of streams: %v", name, err)
		}
	}
}
