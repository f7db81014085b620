// Package wire reads requests and answers from bytes as nginx does: what it
// takes that others refuse, what it refuses, with which status and how early.
//
// Start with Rules, which say what differs between releases. Rules.ReadRequest
// is a world.RequestReader for the ports of a front, the result of
// Rules.AnswerReader a world.AnswerReader for its connections to the servers.
// Both are pure: bytes in, a message or an error out. The files follow nginx's:
// requestline.go and field.go ngx_http_parse.c, request.go ngx_http_request.c,
// chunk.go ngx_http_parse_chunked, answer.go ngx_http_proxy_module.c.
//
// Names of header lines are brought into Go's canonical form; nginx passes them
// on as they are written. A target is checked as far as the request line's states
// go; what it means is the front's to say.
package wire

// Rules are those of a release of nginx. The zero value is 1.22.
//
// Source: nginx CHANGES.
type Rules struct {
	StrictAnswers bool // a server's framing must be sound, 1.23.0
	Authority     bool // CONNECT takes host and port, 1.29.3
	StrictChunks  bool // chunks end in CR LF, 1.29.4

	// Buffers take the head of a request, and those of BuffersOf the rest of it as
	// soon as it is known which host it is for. Nil: the same.
	Buffers   Buffers
	BuffersOf func(host string) Buffers
	// Path reports whether the path of a target, without arguments, can be one. It
	// is asked as soon as the request line is there. Nil: any can.
	Path func(path string) bool
}

// Buffers are client_header_buffer_size and large_client_header_buffers. Sizes
// are in bytes; the zero value stands for nginx's default.
type Buffers struct{ First, Large, Count int }

// orDefault is b, or 1k, then up to four of 8k.
//
// Source: nginx ngx_http_core_module.c, ngx_http_core_merge_srv_conf.
func (b Buffers) orDefault() Buffers {
	if b == (Buffers{}) {
		return Buffers{1 << 10, 8 << 10, 4}
	}
	return b
}

// inName reports what a name of a header line may consist of.
func inName(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-'
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// isControl reports what stands in no target and no name.
func isControl(c byte) bool { return c < ' ' || c == 0x7f }
