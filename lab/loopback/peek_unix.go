//go:build unix

package loopback

import (
	"errors"
	"os"
	"syscall"
)

// quiet reports, without waiting, that a connection is open and that nothing
// has arrived on it.
func (s *sock) quiet() bool {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return false
	}
	for {
		s.conn.SetReadDeadline(noDeadline)
		open := false
		err := raw.Read(func(fd uintptr) bool {
			var b [1]byte
			_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
			open = err == syscall.EAGAIN || err == syscall.EINTR
			return true
		})
		if !errors.Is(err, os.ErrDeadlineExceeded) { // else a kick came in between
			return err == nil && open
		}
	}
}
