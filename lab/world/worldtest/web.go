package worldtest

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"

	"sessionlab/lab/world"
)

const webPort = 8080

// web is where a machine serves.
func web(h world.Host) string { return net.JoinHostPort(h.Addr(), "8080") }

// hello answers with a body of known length.
func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "5")
	io.WriteString(w, "hello")
}

// serve serves on the machine's web port.
func (r *rig) serve(h world.Host, handler http.HandlerFunc, opts ...world.ServeOptions) world.Listener {
	var o world.ServeOptions
	if len(opts) > 0 {
		o = opts[0]
	}
	var l world.Listener
	r.as(h, func(context.Context) {
		var err error
		l, err = h.Serve(webPort, handler, o)
		r.must(err, "serve on %s", h.Name())
	})
	return l
}

// dialHTTP connects from a task of h.
func (r *rig) dialHTTP(ctx context.Context, h world.Host, addr string) world.HTTPConn {
	c, err := h.DialHTTP(ctx, addr)
	r.must(err, "dial %s from %s", addr, h.Name())
	return c
}

// request makes a request for a path of any machine. An empty body is none.
func request(method, path, body string) *http.Request {
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, "http://lab"+path, content)
	if err != nil {
		panic(err)
	}
	return req
}

// oldRequest is a request as nginx sends it by default.
func oldRequest(path string) *http.Request {
	req := request("GET", path, "")
	req.Proto, req.ProtoMajor, req.ProtoMinor = "HTTP/1.0", 1, 0
	req.Header.Set("Connection", "close")
	return req
}

// answer is what a client saw of an exchange. It is the client's own.
type answer struct {
	status   int // 0: no head came
	header   http.Header
	length   int64
	encoding []string
	body     string
	err      error // of RoundTrip, or else of the body
}

// exchange sends req and reads the whole answer.
func exchange(ctx context.Context, c world.HTTPConn, req *http.Request) answer {
	resp, err := c.RoundTrip(ctx, req)
	if err != nil {
		return answer{err: err}
	}
	return wholeAnswer(resp)
}

// wholeAnswer reads an answer to its end.
func wholeAnswer(resp *http.Response) answer {
	a := answer{
		status:   resp.StatusCode,
		header:   resp.Header.Clone(),
		length:   resp.ContentLength,
		encoding: append([]string(nil), resp.TransferEncoding...),
	}
	var body []byte
	body, a.err = io.ReadAll(resp.Body)
	a.body = string(body)
	resp.Body.Close()
	return a
}

// get does a GET on a connection.
func (r *rig) get(ctx context.Context, c world.HTTPConn, path string) answer {
	return exchange(ctx, c, request("GET", path, ""))
}

// ok checks a whole answer.
func (r *rig) ok(what string, a answer, body string) {
	r.t.Helper()
	if a.err != nil || a.status != http.StatusOK || a.body != body {
		r.errorf("%s: status %d, body %.40q (%d bytes), error %v; want 200, %.40q (%d bytes), no error",
			what, a.status, a.body, len(a.body), a.err, body, len(body))
	}
}

// asking is a task that does an exchange of its own.
type asking struct {
	*task
	answer answer
}

// ask starts a client task: one connection, one GET, the whole answer.
func (r *rig) ask(client world.Host, addr, path string) *asking {
	a := new(asking)
	a.task = r.start(client, client.Name()+"'s request", func(ctx context.Context) {
		a.answer = r.get(ctx, r.dialHTTP(ctx, client, addr), path)
	})
	return a
}

// wait waits for the answer.
func (a *asking) wait() answer {
	a.task.wait()
	return a.answer
}
