package world

import (
	"io"
	"net/http"
	"sync"
)

// HeaderRequest carries the identity of a request, such as "alice/3". A world
// uses it as Label.Key of the REQUEST and its RESPONSE, so that their delays
// depend on the request and on nothing else.
const HeaderRequest = "X-Sessionlab-Request"

// NewTransport returns a client with keep-alive connections built on
// Host.DialHTTP: one idle connection per address, no request ever repeated. It
// is what Host.Transport answers in every world.
func NewTransport(h Host) http.RoundTripper {
	return &transport{host: h, idle: map[string]HTTPConn{}}
}

type transport struct {
	host Host

	mu   sync.Mutex // guards memory only
	idle map[string]HTTPConn
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	addr := req.URL.Host
	if req.URL.Port() == "" {
		addr += ":80"
	}
	conn := t.take(addr)
	if conn == nil {
		var err error
		if conn, err = t.host.DialHTTP(req.Context(), addr); err != nil {
			return nil, err
		}
	}
	resp, err := conn.RoundTrip(req.Context(), req)
	if err != nil {
		conn.Close()
		return nil, err
	}
	own := *resp // the connection's copy is valid until its next RoundTrip only
	own.Header = resp.Header.Clone()
	own.Body = &transportBody{ReadCloser: resp.Body, done: func(whole bool) {
		if !whole || own.Close || req.Close {
			conn.Close()
			return
		}
		t.put(addr, conn)
	}}
	return &own, nil
}

func (t *transport) take(addr string) HTTPConn {
	t.mu.Lock()
	conn := t.idle[addr]
	delete(t.idle, addr)
	t.mu.Unlock()
	if conn != nil && !conn.Alive() {
		conn.Close()
		return nil
	}
	return conn
}

func (t *transport) put(addr string, conn HTTPConn) {
	t.mu.Lock()
	old := t.idle[addr]
	t.idle[addr] = conn
	t.mu.Unlock()
	if old != nil {
		old.Close()
	}
}

// CloseIdleConnections closes what is kept; http.Client calls it.
func (t *transport) CloseIdleConnections() {
	t.mu.Lock()
	var idle []HTTPConn
	for addr, conn := range t.idle {
		idle = append(idle, conn)
		delete(t.idle, addr)
	}
	t.mu.Unlock()
	for _, conn := range idle {
		conn.Close()
	}
}

// transportBody tells once how the reading of the body ended.
type transportBody struct {
	io.ReadCloser
	done func(whole bool)
}

func (b *transportBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.finish(err == io.EOF)
	}
	return n, err
}

func (b *transportBody) Close() error {
	b.finish(false)
	return nil
}

func (b *transportBody) finish(whole bool) {
	if b.done != nil {
		done := b.done
		b.done = nil
		done(whole)
	}
}
