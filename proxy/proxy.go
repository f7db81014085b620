package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sessionlab/lab/world"
	"sessionlab/proxy/wire"
)

// Proxy is a running nginx: one worker process on one host.
type Proxy struct {
	host    world.Host
	config  Config
	release release
	zero    time.Time // what the wall clock said at time zero
	servers []*server
	ports   []int
	skipped []*passage

	readsBytes atomic.Bool // heads arrive as bytes, and were measured by package wire
	listeners  []world.Listener

	mu         sync.Mutex // guards memory only
	groups     []*group
	byName     map[string]*group
	anonymous  map[string]int
	dateHeader []string
	dateAt     int64       // in seconds
	rested     []*exchange // to be used again
}

// Check reads a configuration as New does, for its errors alone.
func (c Config) Check() error {
	_, err := compilerOf(&c)
	return err
}

func compilerOf(config *Config) (*compiler, error) {
	r, err := releaseOf(config.Release)
	if err != nil {
		return nil, err
	}
	c := &compiler{config: config, release: r}
	return c, c.compile()
}

// New checks a configuration and makes a proxy of it; Start opens its ports.
// Errors have the texts of "nginx -t". The proxy keeps the configuration, which
// must not be changed any more.
func New(h world.Host, config Config) (*Proxy, error) {
	p := &Proxy{host: h, config: config, anonymous: map[string]int{}}
	c, err := compilerOf(&p.config)
	if err != nil {
		return nil, err
	}
	p.release = c.release
	p.servers, p.groups, p.byName, p.skipped = c.servers, c.order, c.groups, c.skipped
	for _, s := range p.servers {
		for _, port := range s.ports {
			if !slices.Contains(p.ports, port) {
				p.ports = append(p.ports, port)
			}
		}
	}
	p.zero = h.Now().Add(-h.Elapsed())
	return p, nil
}

// Start opens the ports. If one cannot be opened, none stays open.
func (p *Proxy) Start() error {
	for _, port := range p.ports {
		own := p.defaultServer(port).settings
		opts := world.ServeOptions{
			ClientGone:    true,
			HeaderKept:    true,
			ReadRequest:   p.reader(port, own),
			Malformed:     portHandler{p, port, p.defaultServer(port)}.refuse,
			IdleTimeout:   own.clientIdle,
			HeaderTimeout: own.clientHead,
		}
		l, err := p.host.Serve(port, p.Handler(port), opts)
		if err != nil {
			return errors.Join(fmt.Errorf("start %s: %w", p.host.Name(), err), p.close())
		}
		p.listeners = append(p.listeners, l)
	}
	return nil
}

// reader reads the requests to a port by the settings of its default server, and
// of the one that a request is for as soon as that is known.
func (p *Proxy) reader(port int, own *settings) world.RequestReader {
	rules := p.release.wire
	rules.Buffers = own.headBuffers()
	if len(p.servers) > 1 {
		rules.BuffersOf = func(host string) wire.Buffers {
			x := &exchange{p: p, port: port, own: p.defaultServer(port)}
			x.takeHost(host)
			return p.serverFor(x).settings.headBuffers()
		}
	}
	rules.Path = func(path string) bool {
		_, ok := normalPath(path, !own.separate)
		return ok
	}
	return func(in *bufio.Reader) (*http.Request, int, error) {
		p.readsBytes.Store(true)
		return rules.ReadRequest(in)
	}
}

// Shutdown closes the ports, waits for running exchanges while ctx lets it, and
// closes the idle connections to the servers.
func (p *Proxy) Shutdown(ctx context.Context) error {
	var all []error
	for _, l := range p.listeners {
		all = append(all, l.Shutdown(ctx))
	}
	p.listeners = nil
	p.mu.Lock()
	groups := slices.Clone(p.groups)
	p.mu.Unlock()
	for _, g := range groups {
		g.cache.closeAll()
	}
	return errors.Join(all...)
}

func (p *Proxy) close() error {
	var all []error
	for _, l := range p.listeners {
		all = append(all, l.Close())
	}
	p.listeners = nil
	return errors.Join(all...)
}

// Ports are the configured ports in the order of the configuration.
func (p *Proxy) Ports() []int { return slices.Clone(p.ports) }

// ServeHTTP answers a request as if it had come to the first port.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.serve(w, r, p.ports[0], p.defaultServer(p.ports[0]))
}

// Handler answers requests to one of the ports.
func (p *Proxy) Handler(port int) http.Handler { return portHandler{p, port, p.defaultServer(port)} }

type portHandler struct {
	p    *Proxy
	port int
	own  *server // its default server
}

func (h portHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.p.serve(w, r, h.port, h.own)
}

// refuse answers bytes that are no request with an error, of the server that
// their Host names, if that was read.
//
// Source: nginx ngx_http_request.c, ngx_http_finalize_request.
func (h portHandler) refuse(w http.ResponseWriter, r *http.Request, status int) {
	x := h.p.begin(w, r, h.port, h.own)
	x.method, x.rawURI, x.bodyRead = r.Method, r.RequestURI, true
	x.takeHost(r.Host)
	x.srv = h.p.serverFor(x)
	x.loc = &x.srv.root
	x.run(status)
	h.p.end(x)
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request, port int, own *server) {
	x := p.begin(w, r, port, own)
	x.run(x.accept())
	if x.ends && x.keeper != nil {
		x.keeper.KeepFor(time.Nanosecond)
	}
	p.end(x)
}

func (p *Proxy) begin(w http.ResponseWriter, r *http.Request, port int, own *server) *exchange {
	x := p.takeExchange()
	x.p, x.w, x.r, x.port, x.own = p, w, r, port, own
	x.keeper, _ = w.(world.ConnectionKeeper)
	if id := r.Header[world.HeaderRequest]; len(id) > 0 {
		x.id = id[0]
	}
	return x
}

func (p *Proxy) end(x *exchange) {
	if p.config.Trace != nil {
		x.trace(TraceEvent{Kind: Delivered, Status: x.status, Cut: x.cut,
			UpstreamAddr: x.upstreamAddr(), UpstreamStatus: x.upstreamStatus()})
	}
	if x.spoilt {
		return
	}
	x.forget()
	p.mu.Lock()
	p.rested = append(p.rested, x)
	p.mu.Unlock()
}

// takeExchange returns one that has been used before, if there is one at rest. A
// sync.Pool would do the same, and keep the whole proxy alive until the garbage
// has been collected twice.
func (p *Proxy) takeExchange() *exchange {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.rested); n > 0 {
		x := p.rested[n-1]
		p.rested = p.rested[:n-1]
		return x
	}
	return &exchange{
		buf: make([]byte, relayBuffer),
		out: &http.Request{URL: &url.URL{}, Header: make(http.Header, 8)},
	}
}

// relayBuffer is how much of an answer is passed on at once.
const relayBuffer = 8192

// forget drops everything that belongs to a request; what was made for it is
// kept for the next one.
func (x *exchange) forget() {
	clear(x.out.Header)
	clear(x.vars)
	clear(x.maps.values)
	*x = exchange{passed: x.passed[:0], vars: x.vars[:0], maps: evaluation{values: x.maps.values}, attempts: x.attempts[:0], buf: x.buf, out: x.out, sentHost: x.sentHost, hostOfSent: x.hostOfSent}
}
