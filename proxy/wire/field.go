package wire

// field is a line of a header.
type field struct{ name, value string }

// readField reads one line of a header; last says that it was the blank one. A
// second status line of a server is passed over. Only blanks, no tabs, are taken
// off a value. Names that ignore_invalid_headers drops are read, too.
//
// Source: nginx ngx_http_parse.c, ngx_http_parse_header_line.
func readField(s *input, server bool) (f field, last bool, err error) {
	var name []byte
	for {
		c, err := s.next()
		switch {
		case err != nil:
			return f, false, err
		case c == ':' && len(name) > 0:
			f.name = string(name)
			f.value, err = readValue(s)
			return f, false, err
		case c == '\n', c == '\r':
			if len(name) == 0 {
				return f, true, endOfHeader(s, c)
			}
			f.name = string(name)
			return f, false, endOfField(s, c)
		case server && c == '/' && string(name) == "HTTP":
			if err := skipLine(s); err != nil {
				return f, false, err
			}
			name, f = nil, field{}
			continue
		case c <= ' ', c == 0x7f, c == ':':
			return f, false, bad("invalid header line")
		}
		name = append(name, c)
	}
}

func readValue(s *input) (string, error) {
	c, err := s.next()
	for c == ' ' && err == nil {
		c, err = s.next()
	}
	var value []byte
	kept := 0 // without the blanks at its end
	for ; ; c, err = s.next() {
		switch {
		case err != nil:
			return "", err
		case c == '\n', c == '\r':
			return string(value[:kept]), endOfField(s, c)
		case c == 0:
			return "", bad("invalid header line")
		}
		value = append(value, c)
		if c != ' ' {
			kept = len(value)
		}
	}
}

// endOfField reads the rest of a line that ends with c. There may be several CRs.
func endOfField(s *input, c byte) (err error) {
	for c == '\r' {
		if c, err = s.next(); err != nil {
			return err
		}
	}
	if c != '\n' {
		return bad("invalid header line")
	}
	return nil
}

// endOfHeader reads the rest of the blank line.
func endOfHeader(s *input, c byte) (err error) {
	if c == '\r' {
		if c, err = s.next(); err != nil {
			return err
		}
	}
	if c != '\n' {
		return bad("invalid header line")
	}
	return nil
}

func skipLine(s *input) error {
	for {
		if c, err := s.next(); err != nil || c == '\n' {
			return err
		}
	}
}
