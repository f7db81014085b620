package loopback

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"sessionlab/lab/world"
)

func TestGuardPassesByAProgramThatHasItsPortOnEveryAddress(t *testing.T) {
	program, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	port := addrPort(program.Addr()).Port()
	block := netip.MustParseAddr("127.250.255.254")
	guard, err := guardAt(block, port)
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	if got := addrPort(guard.Addr()).Port(); got == port {
		t.Errorf("the guard has port %d, which is the program's", got)
	}
	if second, err := guardAt(block, port); !errors.Is(err, world.ErrPortTaken) {
		if err == nil {
			second.Close()
		}
		t.Errorf("the guard of a second lab in the block: got %v, want %v", err, world.ErrPortTaken)
	}
}
