package loopback_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"sessionlab/lab/loopback"
	"sessionlab/lab/world"
)

// tellRemote answers with the client's address as the handler sees it.
func tellRemote(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RemoteAddr) }

// openAt opens a world at the first of the offsets that nobody else uses now.
func openAt(t *testing.T, offsets ...int) (*loopback.World, int) {
	t.Helper()
	for _, offset := range offsets {
		w, err := loopback.New(loopback.Config{Offset: offset})
		if err == nil {
			t.Cleanup(func() { w.Close() })
			return w, offset
		}
		t.Logf("offset %d: %v", offset, err)
	}
	t.Fatal("all offsets are taken")
	return nil, 0
}

func TestOffsetMovesTheSecondOctet(t *testing.T) {
	w, offset := openAt(t, 243, 242, 241, 239, 238)
	for logical, want := range map[string]string{
		tomcat + ":8080":   fmt.Sprintf("127.%d.12.101:8080", (16+offset)%256),
		alice + ":80":      fmt.Sprintf("127.%d.1.7:80", offset),
		"nowhere":          "",
		"[2001:db8::1]:80": "",
	} {
		if got := w.URL(logical); got != want {
			t.Errorf("URL(%q) = %q, want %q", logical, got, want)
		}
	}
}

func TestRemoteAddressIsLogicalInBothDirections(t *testing.T) {
	for name, cfg := range map[string]loopback.Config{
		"mapped":     {Offset: loopback.Probe},
		"port table": {PortTable: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, cfg)
			serve(t, boot(t, w, "tomcat1", tomcat), world.ServeOptions{}, tellRemote)
			user := boot(t, w, "alice", alice)
			_, got := get(t, user, "http://"+tomcat+":8080/")
			if ap, err := netip.ParseAddrPort(got); err != nil || ap.Addr().String() != alice || ap.Port() == 0 {
				t.Errorf("RemoteAddr of alice's request = %q, want a port of %s", got, alice)
			}
			// The operator and all of IPv6 share one real address.
			for _, addr := range []string{"2001:db8::7", "2001:db8::8"} {
				six := boot(t, w, "at "+addr, addr)
				if _, got := get(t, six, "http://"+tomcat+":8080/"); !strings.HasPrefix(got, "["+addr+"]:") {
					t.Errorf("RemoteAddr of a request from %s = %q", addr, got)
				}
			}
			_, got = get(t, w.Operator(), "http://"+tomcat+":8080/")
			if want := w.Operator().Addr() + ":"; !strings.HasPrefix(got, want) {
				t.Errorf("RemoteAddr of the operator's request = %q, want a port of %s", got, want)
			}
		})
	}
}

func TestStreamAddressesAreLogicalWithAPortTable(t *testing.T) {
	w := open(t, loopback.Config{PortTable: true})
	node := boot(t, w, "tomcat1", tomcat)
	l, err := node.Listen(4000)
	if err != nil {
		t.Fatal(err)
	}
	user := boot(t, w, "alice", alice)
	out, err := user.Dial(t.Context(), tomcat+":4000")
	if err != nil {
		t.Fatal(err)
	}
	in, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := in.RemoteAddr(), out.LocalAddr(); got != want || !strings.HasPrefix(got, alice) {
		t.Errorf("accepted from %q, dialed from %q, want the same address of %s", got, want, alice)
	}
	if got, want := in.LocalAddr(), tomcat+":4000"; got != want || out.RemoteAddr() != want {
		t.Errorf("server's end is %q, dialed as %q, want %q", got, out.RemoteAddr(), want)
	}
}

func TestRealClientAppearsAsItself(t *testing.T) {
	for name, cfg := range map[string]loopback.Config{
		"mapped":     {Offset: loopback.Probe},
		"port table": {PortTable: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, cfg)
			serve(t, boot(t, w, "front", front), world.ServeOptions{}, tellRemote)
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			resp, err := client.Get("http://" + w.URL(front+":8080") + "/")
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || !strings.HasPrefix(string(body), "127.0.0.1:") {
				t.Errorf("RemoteAddr of a real client = %q (%v), want a port of 127.0.0.1", body, err)
			}
		})
	}
}

func TestMachinesThatMeetInOneAddressAreRefused(t *testing.T) {
	w := open(t, loopback.Config{Offset: loopback.Probe})
	boot(t, w, "tomcat1", "172.16.12.101")
	for _, row := range []struct{ name, addr, says string }{
		{"tomcat2", "172.16.12.101", "tomcat1"},
		{"tomcat2", "10.16.12.101", "tomcat1"},
		{"tomcat2", "172.16.255.254", "operator"},
		{"operator", "172.16.12.102", "operator"},
		{"tomcat2", "tomcat2.example", "no address"},
		{"tomcat2", "::ffff:10.0.0.1", "no address"},
		{"tomcat2", "fe80::1%lo", "no address"},
	} {
		if _, err := w.Boot(row.name, row.addr); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("Boot(%q, %q): error %v, want one that names %s", row.name, row.addr, err, row.says)
		}
	}
}

func TestRealClientsAddressIsNoMachines(t *testing.T) {
	w, offset := openAt(t, 199, 198, 197, 196, 195)
	if _, err := w.Boot("tomcat1", fmt.Sprintf("172.%d.0.1", 256-offset)); err == nil { // modulo 256 their sum is 0
		t.Error("Boot at 127.0.0.1: no error")
	}
}

func TestPortTableHoldsAddressesThatWouldMeet(t *testing.T) {
	w := open(t, loopback.Config{PortTable: true})
	for name, addr := range map[string]string{"tomcat1": "172.16.12.101", "tomcat2": "10.16.12.101"} {
		serve(t, boot(t, w, name, addr), world.ServeOptions{}, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, name) })
	}
	user := boot(t, w, "alice", alice)
	for name, addr := range map[string]string{"tomcat1": "172.16.12.101", "tomcat2": "10.16.12.101"} {
		if _, got := get(t, user, "http://"+addr+":8080/"); got != name {
			t.Errorf("GET from %s: answered by %q, want %s", addr, got, name)
		}
	}
	if got := w.URL("172.16.12.101:9"); got != "" {
		t.Errorf("URL of a closed port = %q, want none", got)
	}
}

func TestTwoLabsNeverShareABlock(t *testing.T) {
	const addr = tomcat + ":8080"
	first := open(t, loopback.Config{Offset: loopback.Probe})
	second := open(t, loopback.Config{Offset: loopback.Probe})
	if a, b := first.URL(addr), second.URL(addr); a == b {
		t.Errorf("two labs both have %s", a)
	}
	for _, w := range []*loopback.World{first, second} {
		serve(t, boot(t, w, "tomcat1", tomcat), world.ServeOptions{}, tellRemote)
	}
}

func TestBlockOfAnotherLabIsTaken(t *testing.T) {
	for range 3 {
		first, offset := openAt(t, 77, 78, 79, 80, 81)
		_, err := loopback.New(loopback.Config{Offset: offset})
		if guard := fmt.Sprintf("127.%d.255.254:", 16+offset); !errors.Is(err, world.ErrPortTaken) || !strings.Contains(err.Error(), guard) {
			t.Fatalf("New at a block that is held: error %v, want %v with its address %s", err, world.ErrPortTaken, guard)
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := loopback.New(loopback.Config{Offset: offset})
		if err == nil {
			again.Close()
			return
		}
		t.Logf("a block given back cannot be had: %v; does somebody else want one?", err)
	}
	t.Error("a block given back could not be had three times")
}

func TestTakenPortIsNamed(t *testing.T) {
	for name, cfg := range map[string]loopback.Config{
		"mapped":     {Offset: loopback.Probe},
		"port table": {PortTable: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, cfg)
			h := boot(t, w, "tomcat1", tomcat)
			serve(t, h, world.ServeOptions{}, tellRemote)
			_, err := h.Listen(8080)
			if !errors.Is(err, world.ErrPortTaken) || !strings.Contains(err.Error(), tomcat+":8080") {
				t.Errorf("second listener: error %v, want %v with its address", err, world.ErrPortTaken)
			}
			if _, err := h.ListenPacket(8080); err != nil {
				t.Errorf("datagrams on a port of streams: %v", err)
			}
			if _, err := h.ListenPacket(8080); !errors.Is(err, world.ErrPortTaken) {
				t.Errorf("second datagram socket: error %v, want %v", err, world.ErrPortTaken)
			}
		})
	}
}

func TestOffsetOutOfRangeIsRefused(t *testing.T) {
	for _, offset := range []int{-3, 256} {
		if w, err := loopback.New(loopback.Config{Offset: offset}); err == nil {
			w.Close()
			t.Errorf("New with offset %d: no error", offset)
		}
	}
}
