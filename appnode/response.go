package appnode

import (
	"net/http"
	"strconv"

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
	committed   bool
	reasoned    bool // the status line has a reason phrase
	headless    bool // the answer leaves without its head
	held        bool // nothing leaves before finish, however much it is
	cut         bool // the exchange was broken off
}

func (p *response) begin(w http.ResponseWriter, reasoned bool) {
	*p = response{w: w, status: http.StatusOK, reasoned: reasoned, buf: p.buf[:0]}
}

// write appends to the body, and sends the full buffer whenever more is to come.
func (p *response) write(b []byte) {
	for !p.held && len(p.buf)+len(b) > bufferSize {
		n := bufferSize - len(p.buf)
		p.buf = append(p.buf, b[:n]...)
		b = b[n:]
		p.flush()
	}
	p.buf = append(p.buf, b...)
}

// reset takes back body and headers but the session cookie. It reports false if
// the head has left.
func (p *response) reset(status int) bool {
	if p.committed {
		return false
	}
	p.status, p.contentType, p.buf = status, "", p.buf[:0]
	return true
}

// flush sends the head, if it has not left, and what is in the buffer.
func (p *response) flush() {
	if p.held {
		return
	}
	p.commit(-1)
	p.send()
	if f, ok := p.w.(http.Flusher); ok {
		f.Flush()
	}
}

// finish sends what is left. The length is announced if nothing has left yet.
func (p *response) finish() {
	if p.cut {
		return
	}
	p.commit(len(p.buf))
	p.send()
}

// finishHalf sends the head, with the length, and half of the body.
func (p *response) finishHalf() {
	p.held = false
	p.commit(len(p.buf))
	p.buf = p.buf[:len(p.buf)/2]
	p.flush()
}

func (p *response) commit(length int) {
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

func (p *response) send() {
	if len(p.buf) > 0 && bodyAllowed(p.status) {
		// A client that has left does not concern the application.
		_, _ = p.w.Write(p.buf)
	}
	p.buf = p.buf[:0]
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
func contentLength(n int) []string {
	if n < len(lengths) {
		return lengths[n : n+1 : n+1]
	}
	return []string{strconv.Itoa(n)}
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
