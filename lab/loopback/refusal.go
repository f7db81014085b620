package loopback

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"sessionlab/lab/world"
)

// What bytes are refused for.
var (
	errBadRequest     = errors.New("malformed request")
	errBadVersion     = fmt.Errorf("%w: not HTTP/1", errBadRequest)
	errNotImplemented = fmt.Errorf("%w: transfer encoding", errBadRequest)
)

// statusOf is what is answered to a request that could not be read; 0 when
// nobody is there to be answered.
func statusOf(err error) int {
	switch {
	case errors.Is(err, errBadVersion):
		return http.StatusHTTPVersionNotSupported
	case errors.Is(err, errNotImplemented):
		return http.StatusNotImplemented
	case errors.Is(err, errBadRequest):
		return http.StatusBadRequest
	}
	return 0
}

// refusal is the answer to bytes that are no request. It implements
// http.ResponseWriter.
type refusal struct {
	header http.Header
	status int
	reason string
	body   bytes.Buffer
}

var _ interface {
	http.ResponseWriter
	world.StatusWriter
} = (*refusal)(nil)

func (r *refusal) Header() http.Header { return r.header }

func (r *refusal) WriteHeader(status int) { r.WriteStatus(status, http.StatusText(status)) }

func (r *refusal) WriteStatus(status int, reason string) {
	if r.status == 0 {
		r.status, r.reason = status, reason
	}
}

func (r *refusal) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusBadRequest)
	return r.body.Write(p)
}

// bytes are the whole answer.
func (r *refusal) bytes() []byte {
	r.header.Set("Content-Length", strconv.Itoa(r.body.Len()))
	r.header.Set("Connection", "close")
	var out bytes.Buffer
	fmt.Fprintf(&out, "HTTP/1.1 %03d %s\r\n", r.status, r.reason)
	_ = r.header.Write(&out) // a bytes.Buffer takes everything
	out.WriteString("\r\n")
	out.Write(r.body.Bytes())
	return out.Bytes()
}
