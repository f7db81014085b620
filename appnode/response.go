package appnode

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"sessionlab/lab/world"
)

// bufferSize is the response buffer: an answer that fits stays on the node until
// the valves have returned, a larger one is committed as soon as the buffer is
// full. Source: Tomcat Response.java, OutputBuffer.java.
const bufferSize = 8 * 1024

// response is the answer under construction.
type response struct {
	w           http.ResponseWriter
	status      int
	contentType string
	language    string
	setCookie   string // the session cookie to be set, "" for none
	closing     bool   // the connection ends with this answer
	buf         []byte
	padding     world.Run     // behind buf, of an answer that is held
	tail        []byte        // behind padding
	timeout     time.Duration // how long a client may take nothing
	committed   bool
	reasoned    bool // the status line has a reason phrase
	headless    bool // the answer leaves without its head
	held        bool // nothing leaves before finish, however much it is
	cut         bool // the exchange was broken off
}

func (p *response) begin(w http.ResponseWriter, cfg *Config) {
	p.w, p.status = w, http.StatusOK
	p.reasoned, p.timeout = cfg.Release.ReasonPhrase, cfg.KeepAliveTimeout
}

// write appends to the body, and sends the full buffer whenever more is to come.
func (p *response) write(b []byte) {
	for !p.held && len(p.buf)+len(b) > bufferSize {
		n := bufferSize - len(p.buf)
		p.buf = append(p.buf, b[:n]...)
		b = b[n:]
		p.flush()
	}
	if p.padding.Length > 0 {
		p.tail = append(p.tail, b...)
		return
	}
	p.buf = append(p.buf, b...)
}

// pad is write for n times the same byte, once in an answer. Whole buffers of it
// are sent as a run.
func (p *response) pad(with byte, n int64) {
	run := world.Run{Byte: with, Length: n}
	switch {
	case p.held:
		p.padding = run
		return
	case int64(len(p.buf))+n > bufferSize:
		run = p.fill(run)
		p.flush()
		whole := world.Run{Byte: with, Length: (run.Length - 1) / bufferSize * bufferSize}
		p.send(nil, whole)
		run.Length -= whole.Length
	}
	p.fill(run)
}

// fill writes of a run what fits into the buffer, and returns the rest.
func (p *response) fill(run world.Run) (rest world.Run) {
	used := len(p.buf)
	p.buf = slices.Grow(p.buf, bufferSize-used)[:bufferSize]
	n, rest := run.Fill(p.buf[used:])
	p.buf = p.buf[:used+n]
	return rest
}

// reset takes back body and headers but the session cookie. It reports false if
// the head has left.
func (p *response) reset(status int) bool {
	if p.committed {
		return false
	}
	p.status, p.contentType, p.buf = status, "", p.buf[:0]
	p.padding, p.tail = world.Run{}, nil
	return true
}

// flush sends the head, if it has not left, and what is in the buffer.
func (p *response) flush() {
	if p.held {
		return
	}
	if w, ok := p.w.(world.WriteLimiter); ok && !p.committed && p.timeout > 0 {
		w.LimitWrites(p.timeout)
	}
	p.commit(-1)
	p.sendAll()
	if f, ok := p.w.(http.Flusher); ok {
		f.Flush()
	}
}

// length is how much of the body has not been sent.
func (p *response) length() int64 { return int64(len(p.buf)+len(p.tail)) + p.padding.Length }

// finish sends what is left. The length is announced if nothing has left yet.
func (p *response) finish() {
	if p.cut {
		return
	}
	p.commit(p.length())
	p.sendAll()
}

// finishHalf sends the head, with the length, and half of the body.
func (p *response) finishHalf() {
	p.held = false
	half := p.length() / 2
	p.commit(p.length())
	n := min(half, int64(len(p.buf)))
	p.buf = p.buf[:n]
	p.padding.Length = min(half-n, p.padding.Length)
	p.tail = p.tail[:half-n-p.padding.Length]
	p.flush()
}

func (p *response) commit(length int64) {
	if p.committed {
		return
	}
	p.committed = true
	h := p.w.Header()
	if p.contentType != "" && bodyAllowed(p.status) {
		h["Content-Type"] = contentTypes[p.contentType]
	}
	if p.language != "" {
		h["Content-Language"] = []string{p.language}
	}
	if p.setCookie != "" {
		h["Set-Cookie"] = []string{p.setCookie}
	}
	if p.closing {
		h["Connection"] = []string{"close"}
	}
	if length >= 0 && bodyAllowed(p.status) {
		h["Content-Length"] = contentLength(length)
	}
	s, ok := p.w.(world.StatusWriter)
	if ok && p.headless {
		s.WriteNoHead()
		return
	}
	if ok && !p.reasoned {
		s.WriteStatus(p.status, world.BareStatusLine(p.status))
		return
	}
	p.w.WriteHeader(p.status)
}

// sendAll sends what has not been sent of the body.
func (p *response) sendAll() {
	p.send(p.buf, p.padding)
	p.send(p.tail, world.Run{})
	p.buf, p.padding, p.tail = p.buf[:0], world.Run{}, nil
}

// send sends bytes, then a run. A client that has left, or that takes nothing,
// does not concern the application.
func (p *response) send(b []byte, run world.Run) {
	if !bodyAllowed(p.status) {
		return
	}
	if len(b) > 0 {
		_, _ = p.w.Write(b)
	}
	if run.Length > 0 {
		_, _ = world.WriteRun(p.w, run)
	}
}

// cutOff ends the exchange the way a broken server does.
func (p *response) cutOff(how world.Outcome) {
	p.cut = true
	if c, ok := p.w.(world.ResponseCutter); ok {
		c.Cut(how)
	}
}

func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// contentLength is the header for a body; those of short ones are shared.
func contentLength(n int64) []string {
	if n < int64(len(lengths)) {
		return lengths[n : n+1 : n+1]
	}
	return []string{strconv.FormatInt(n, 10)}
}

var lengths = func() (all [1024]string) {
	for n := range all {
		all[n] = strconv.Itoa(n)
	}
	return all
}()

const (
	typeJSON  = "application/json"
	typePage  = "text/html;charset=ISO-8859-1"
	typeError = "text/html;charset=utf-8"
)

var contentTypes = map[string][]string{
	typeJSON:  {typeJSON},
	typePage:  {typePage},
	typeError: {typeError},
}
