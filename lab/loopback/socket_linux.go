package loopback

import (
	"net"
	"syscall"
)

// ipBindAddressNoPort has connect choose the port, so that one may be used
// again towards another server. Source: ip(7), IP_BIND_ADDRESS_NO_PORT.
const ipBindAddressNoPort = 24

func latePort(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		// Without it there are only fewer ports to dial from.
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, ipBindAddressNoPort, 1)
	})
}

// limitBacklog sets how many connections wait to be accepted.
// Source: listen(2); a second call changes the backlog of a listening socket.
func limitBacklog(l *net.TCPListener, n int) error {
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = syscall.Listen(int(fd), n) }); err != nil {
		return err
	}
	return failed
}
