//go:build !unix

package loopback

// quiet reports that a connection is open on this side; the system has no way
// to look at the other without waiting.
func (s *sock) quiet() bool { return !s.isClosed() }
