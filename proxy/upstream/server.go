package upstream

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Server is one server line of an upstream block. NewServer and ParseServer
// fill in nginx's defaults; in a literal a zero is a zero (max_fails=0 never
// excludes).
//
// Source: nginx ngx_http_upstream.c, ngx_http_upstream_server.
type Server struct {
	Name        string        // as written, such as "tomcat1:8080"; consistent hashing looks at this text
	Addr        string        // logical "address:port"; what $upstream_addr shows
	Weight      int           // 1 or more
	MaxConns    int           // requests in flight; 0: no limit
	MaxFails    int           // failures that exclude; 0: never
	FailTimeout time.Duration // length of an exclusion, in whole seconds
	Backup      bool          // only when no other server can be chosen
	Down        bool          // never chosen
	Drain       bool          // only bound requests
	Route       string        // the server's id for sticky; "": the MD5 of Addr in hex
	Pos         string        // "FILE:LINE" for messages; may be empty
}

// NewServer returns a server with nginx's defaults: weight=1, max_fails=1,
// fail_timeout=10s.
func NewServer(addr string) Server {
	return Server{Name: addr, Addr: addr, Weight: 1, MaxFails: 1, FailTimeout: 10 * time.Second}
}

// ParseServer reads the words of a server line: the address, then parameters
// such as "weight=5" or "backup". Addr is the address as written, with port 80
// if it has none; it is for the caller to resolve a name. Errors have nginx's
// texts.
func ParseServer(words ...string) (Server, error) {
	if len(words) == 0 {
		return Server{}, fmt.Errorf(`invalid number of arguments in "server" directive`)
	}
	s := NewServer(words[0])
	host, port, found := strings.Cut(words[0], ":")
	if !found {
		s.Addr = host + ":80"
	} else if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return Server{}, fmt.Errorf(`invalid port in upstream "%s"`, words[0])
	}
	if host == "" {
		return Server{}, fmt.Errorf(`no host in upstream "%s"`, words[0])
	}
	for _, word := range words[1:] {
		if !s.parameter(word) {
			return Server{}, fmt.Errorf(`invalid parameter "%s"`, word)
		}
	}
	return s, nil
}

// parameter applies one parameter of a server line.
func (s *Server) parameter(word string) bool {
	name, value, _ := strings.Cut(word, "=")
	var ok bool
	switch name {
	case "weight":
		s.Weight, ok = count(value)
		return ok && s.Weight > 0
	case "max_conns":
		s.MaxConns, ok = count(value)
		return ok
	case "max_fails":
		s.MaxFails, ok = count(value)
		return ok
	case "fail_timeout":
		s.FailTimeout, ok = ParseTime(value, true)
		return ok
	case "route":
		s.Route = value
		return value != "" && len(value) <= 32
	}
	switch word {
	case "backup":
		s.Backup = true
	case "down":
		s.Down, s.Drain = true, false // the later word wins
	case "drain":
		s.Down, s.Drain = false, true
	default:
		return false
	}
	return true
}

// count reads digits only, as nginx does: no sign, no blank.
func count(text string) (int, bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// sid is the server's id in sticky cookies and routes.
func (s *Server) sid() string {
	if s.Route != "" {
		return s.Route
	}
	sum := md5.Sum([]byte(s.Addr))
	return hex.EncodeToString(sum[:])
}
