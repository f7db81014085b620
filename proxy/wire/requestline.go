package wire

import (
	"net/http"
	"strings"

	"sessionlab/lab/world"
)

// requestLine is the first line of a request.
type requestLine struct {
	method       string
	host, target string // host of an absolute target, without port
	absolute     bool
	major, minor int // 0, 9 where there is no version
}

// uri is the target in the form that a front knows: "/path?args", or
// "http://HOST/path?args" whatever the scheme was.
func (l *requestLine) uri() string {
	if l.absolute {
		return "http://" + l.host + l.target
	}
	return l.target
}

// path is the target's, without arguments and fragment; "" where it has none.
func (l *requestLine) path() string {
	path, _, _ := strings.Cut(l.target, "#")
	path, _, _ = strings.Cut(path, "?")
	if l.absolute && path == "" {
		return "/"
	}
	return path
}

// readRequestLine reads the line byte by byte, so that nothing that cannot
// become a request is waited for.
//
// Source: nginx ngx_http_parse.c, ngx_http_parse_request_line.
func (s *head) readRequestLine(l *requestLine) error {
	l.major, l.minor = 1, 0 // what an error is answered in
	c, err := s.next()
	for c == '\r' || c == '\n' {
		s.room.begun = s.size // blank lines take no room
		s.room.end = s.size + s.room.First
		c, err = s.next()
	}
	s.room.begun = s.size - 1
	if err := s.readMethod(l, c, err); err != nil {
		return err
	}
	c, err = s.next()
	for c == ' ' && err == nil {
		c, err = s.next()
	}
	if err != nil {
		return err
	}
	switch {
	case l.method == http.MethodConnect && s.rules.Authority:
		return s.readAuthority(l, c)
	case c == '/':
		return s.readTarget(l, c)
	case isLetter(c):
		return s.readAbsolute(l)
	}
	return bad("invalid request")
}

func (s *head) readMethod(l *requestLine, c byte, err error) error {
	var method strings.Builder
	for ; ; c, err = s.next() {
		switch {
		case err != nil:
			return err
		case c == ' ' && method.Len() > 0:
			l.method = method.String()
			return nil
		case (c < 'A' || c > 'Z') && c != '_' && c != '-':
			return bad("invalid method")
		}
		method.WriteByte(c)
	}
}

// readTarget reads a target that begins with c, and the version behind it.
func (s *head) readTarget(l *requestLine, c byte) error {
	target := []byte{c}
	for {
		c, err := s.next()
		switch {
		case err != nil:
			return err
		case c == ' ':
			l.target = string(target)
			return s.readVersion(l)
		case c == '\r' || c == '\n':
			l.target = string(target)
			return s.endOfLine09(l, c)
		case isControl(c):
			return bad("invalid request")
		}
		target = append(target, c)
	}
}

// readAbsolute reads a target of any scheme whose first letter was read.
func (s *head) readAbsolute(l *requestLine) error {
	l.absolute = true
	for {
		c, err := s.next()
		switch {
		case err != nil:
			return err
		case isLetter(c), isDigit(c), c == '+', c == '-', c == '.':
			continue
		case c != ':':
			return bad("invalid request")
		}
		break
	}
	for range 2 {
		if c, err := s.next(); err != nil {
			return err
		} else if c != '/' {
			return bad("invalid request")
		}
	}
	c, err := s.readHost(l)
	if c == ':' && err == nil {
		for c, err = s.next(); err == nil && isDigit(c); c, err = s.next() {
		}
	}
	switch {
	case err != nil:
		return err
	case c == '/', c == '?':
		return s.readTarget(l, c)
	case c == ' ':
		return s.readVersion(l)
	}
	return bad("invalid request")
}

// readHost reads a host and the byte behind it.
func (s *head) readHost(l *requestLine) (byte, error) {
	var host strings.Builder
	c, err := s.next()
	if c == '[' {
		for err == nil && c != ']' {
			host.WriteByte(c)
			if c, err = s.next(); err == nil && !inLiteral(c) {
				return 0, bad("invalid request")
			}
		}
		host.WriteByte(c)
		c, err = s.next()
	} else {
		for ; err == nil && (inName(c) || c == '.'); c, err = s.next() {
			host.WriteByte(c)
		}
	}
	l.host = host.String()
	return c, err
}

func inLiteral(c byte) bool {
	return isLetter(c) || isDigit(c) || strings.IndexByte(":]-._~!$&'()*+,;=", c) >= 0
}

// readAuthority reads the target of CONNECT, whose first byte was read.
func (s *head) readAuthority(l *requestLine, c byte) error {
	target := []byte{c}
	for {
		c, err := s.next()
		if err != nil {
			return err
		}
		if c == ' ' {
			break
		}
		target = append(target, c)
		if isControl(c) || c == '/' {
			return bad("invalid request")
		}
	}
	l.target = string(target)
	i := strings.LastIndexByte(l.target, ':')
	if i < 1 || strings.Trim(l.target[i+1:], "0123456789") != "" || i == len(l.target)-1 {
		return bad("invalid request")
	}
	return s.readVersion(l)
}

// readVersion reads what stands behind the target and its blank, up to the end of
// the line.
func (s *head) readVersion(l *requestLine) error {
	c, err := s.next()
	for c == ' ' && err == nil {
		c, err = s.next()
	}
	switch {
	case err != nil:
		return err
	case c == '\r' || c == '\n':
		return s.endOfLine09(l, c)
	case c != 'H':
		return bad("invalid request")
	}
	for _, want := range []byte("TTP/") {
		if c, err := s.next(); err != nil {
			return err
		} else if c != want {
			return bad("invalid request")
		}
	}
	if err := s.readMajor(); err != nil {
		return err
	}
	return s.readMinor(l)
}

// readMajor reads a 1 and the dot.
func (s *head) readMajor() error {
	for major := 0; ; {
		c, err := s.next()
		switch {
		case err != nil:
			return err
		case c == '.' && major > 0:
			return nil
		case !isDigit(c), c == '0' && major == 0:
			return bad("invalid request")
		}
		if major = major*10 + int(c-'0'); major > 1 {
			return &world.Malformed{Status: http.StatusHTTPVersionNotSupported, Why: "invalid version"}
		}
	}
}

func (s *head) readMinor(l *requestLine) error {
	minor := -1
	for {
		c, err := s.next()
		switch {
		case err != nil:
			return err
		case isDigit(c) && minor <= 99:
			minor = max(minor, 0)*10 + int(c-'0')
			continue
		case minor < 0:
			return bad("invalid request")
		}
		for c == ' ' && err == nil {
			c, err = s.next()
		}
		if err != nil {
			return err
		}
		if err := s.endOfLine(c); err != nil {
			return err
		}
		l.minor = minor
		return nil
	}
}

// endOfLine reads the rest of a line that ends with c.
func (s *head) endOfLine(c byte) error {
	if c == '\n' {
		return nil
	}
	if c == '\r' {
		if c, err := s.next(); err != nil {
			return err
		} else if c == '\n' {
			return nil
		}
	}
	return bad("invalid request")
}

// endOfLine09 is endOfLine for one without a version.
func (s *head) endOfLine09(l *requestLine, c byte) error {
	if err := s.endOfLine(c); err != nil {
		return err
	}
	l.major, l.minor = 0, 9
	if l.method != http.MethodGet {
		return bad("invalid method in HTTP/0.9 request")
	}
	return nil
}
