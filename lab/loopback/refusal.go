package loopback

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"

	"sessionlab/lab/world"
)

// refusal is the answer to bytes that are no request. It implements
// http.ResponseWriter.
type refusal struct {
	header http.Header
	status int
	line   string
	noHead bool // of HTTP/0.9
	noBody bool // the request was a HEAD
	body   bytes.Buffer
}

var _ interface {
	http.ResponseWriter
	world.StatusWriter
} = (*refusal)(nil)

func (r *refusal) Header() http.Header { return r.header }

func (r *refusal) WriteHeader(status int) { r.WriteStatus(status, world.StatusLine(status)) }

func (r *refusal) WriteStatus(status int, line string) {
	if r.status == 0 {
		r.status, r.line = status, line
	}
}

func (r *refusal) WriteNoHead() {
	r.WriteHeader(http.StatusOK)
	r.noHead = true
}

func (r *refusal) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusBadRequest)
	return r.body.Write(p)
}

// bytes are the whole answer.
func (r *refusal) bytes() []byte {
	if r.noHead {
		return r.body.Bytes()
	}
	if r.header["Content-Length"] == nil {
		r.header.Set("Content-Length", strconv.Itoa(r.body.Len()))
	}
	r.header.Set("Connection", "close")
	var out bytes.Buffer
	fmt.Fprintf(&out, "HTTP/1.1 %s\r\n", r.line)
	writeHeader(&out, r.header)
	out.WriteString("\r\n")
	if !r.noBody {
		out.Write(r.body.Bytes())
	}
	return out.Bytes()
}
