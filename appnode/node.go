package appnode

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"sessionlab/lab/world"
	"sessionlab/sessions"
)

// Config configures a node. Every zero value is Tomcat's default, but Manager
// must be set.
type Config struct {
	// Release is whose behaviour is meant. The zero value is that of 10.1.
	Release sessions.Release
	// Manager keeps the sessions; the node owns it from New on.
	Manager Manager
	// Valves stand before the application, in this order. There are none by
	// default: which ones a cluster brings along is the caller's business.
	Valves []Valve

	// Port is the connector's port; zero is 8080.
	Port int
	// MaxThreads is how many requests run at a time; the others wait their
	// turn. Idle connections hold no thread. Zero is 200.
	MaxThreads int
	// AcceptCount is how many connections the kernel accepts on behalf of a
	// node that does not; zero is 100.
	AcceptCount int
	// KeepAliveTimeout closes an idle connection. Zero is 20 s, the
	// connectionTimeout of conf/server.xml; below zero it stays open.
	KeepAliveTimeout time.Duration
	// MaxKeepAliveRequests is how many requests a connection serves before it is
	// closed. Zero is 100; below zero there is no limit.
	MaxKeepAliveRequests int
	// MaxHTTPHeaderSize is how many bytes the request line and the header lines of
	// a request may have together. Zero is 8192, as in every release.
	// Source: Tomcat AbstractHttp11Protocol.java, maxHttpHeaderSize.
	MaxHTTPHeaderSize int
	// UnloadDelay is how long a graceful stop waits for running requests, about:
	// it looks up to 21 times each twentieth of the delay. Zero is 2 s.
	// Source: Tomcat StandardWrapper.java, unload.
	UnloadDelay time.Duration
	// StopTime is what a graceful stop takes beside running requests and the
	// manager. The zero value takes none.
	StopTime time.Duration
	// BackgroundProcessorDelay is the time between two ticks of the background
	// thread; zero is 10 s.
	BackgroundProcessorDelay time.Duration

	// SessionCookieName names the cookie; "" is JSESSIONID. A name that is set
	// is the URL parameter's too, which is jsessionid otherwise.
	// Source: Tomcat SessionConfig.java.
	SessionCookieName string
	// SessionCookiePath is the cookie's path; "" is the application's, which is
	// "/". A browser sends the cookie to that path and what lies below it only.
	SessionCookiePath string
	// SessionCookieDomain is the cookie's domain; "" sets none. One that Tomcat
	// finds malformed makes every request fail that gets a new session.
	SessionCookieDomain string
	// NoHTTPOnly is useHttpOnly="false": scripts in the browser may read the
	// cookie.
	NoHTTPOnly bool
	// NoCookies is cookies="false": no session cookie is set or looked at, and an
	// id comes by the URL only.
	NoCookies bool
	// Service is what every request takes on its thread.
	Service Service
	// Number says which node of the lab this is, from 1 on: it picks the colour
	// of the page's heading. Zero is 1.
	Number int
	// Trace is called with every event, in the task that causes it. It may be nil.
	Trace func(Event)
	// Noted is called with the note of each execution of a request, in its task,
	// which it must not hold up; the note is lent for the call. It may be nil.
	Noted func(*Note)
	// Received is called with every request as it has come, in its task, and must
	// not keep it. It may be nil.
	Received func(*http.Request)
}

// Service is the time that a request takes on its thread, the most of it before
// the valves, some before the page looks at the session, the rest after the page
// has changed it: Time, and up to Spread more, drawn for the request. The share
// Stalled of the requests (0 to 1) waits for a core or a collection of garbage
// before all that, for Stall on average. The first request of a process that has
// just started takes First more. The zero value takes no time.
type Service struct {
	Time, Spread time.Duration
	First        time.Duration
	Stalled      float64
	Stall        time.Duration
}

// Event is something that happened to a session on a node.
type Event struct {
	Node string
	sessions.Event
}

// Node is one Tomcat-like node. Make it with New; it runs from Start to Stop,
// or until its host is killed, and is not started again.
type Node struct {
	host             world.Host
	cfg              Config
	manager          Manager
	pipeline         Pipeline
	threads          *world.Semaphore
	sessionParameter string
	cookie           sessionCookie
	// What the draws of requests are for.
	serviceKey, stallKey world.Key

	listener       world.Listener     // set by Init
	stopBackground context.CancelFunc // set by Start

	mu      sync.Mutex
	fault   breakage
	hanging []world.Signal
	spare   []*Request
	counts  Counts
}

// Counts are what a node's connector has done since it was made.
type Counts struct {
	Requests int // requests begun
	Errors   int // answers with a status of 400 or more
	Busy     int // requests on a thread now
	Waiting  int // requests waiting for a thread now
}

// Status is a node's row in a table.
type Status struct {
	Name     string
	JvmRoute string
	Counts   Counts
	Sessions sessions.Figures
	// Replication is nil unless the node's ReplicationValve keeps statistics.
	Replication *ReplicationStatistics
}

// New returns a node on h that is not started.
func New(h world.Host, cfg Config) *Node {
	if cfg.Release.Name == "" {
		cfg.Release = sessions.Releases()[0]
	}
	orInt := func(v *int, def int) {
		if *v == 0 {
			*v = def
		}
	}
	orInt(&cfg.Port, 8080)
	orInt(&cfg.MaxThreads, 200)
	orInt(&cfg.AcceptCount, 100)
	orInt(&cfg.MaxKeepAliveRequests, 100)
	orInt(&cfg.MaxHTTPHeaderSize, 8<<10)
	orInt(&cfg.Number, 1)
	orTime := func(v *time.Duration, def time.Duration) {
		if *v == 0 {
			*v = def
		}
	}
	orTime(&cfg.KeepAliveTimeout, 20*time.Second)
	orTime(&cfg.UnloadDelay, 2*time.Second)
	orTime(&cfg.BackgroundProcessorDelay, 10*time.Second)

	parameter := cfg.SessionCookieName
	if parameter == "" {
		parameter, cfg.SessionCookieName = "jsessionid", "JSESSIONID"
	}
	n := &Node{
		host:             h,
		cfg:              cfg,
		manager:          cfg.Manager,
		threads:          world.NewSemaphore(h, cfg.MaxThreads),
		sessionParameter: parameter,
		cookie:           newSessionCookie(&cfg),
		serviceKey:       h.Key("service time").Str(h.Name()),
		stallKey:         h.Key("stall").Str(h.Name()),
	}
	n.pipeline = append(append(n.pipeline, cfg.Valves...), newApplication(h.Name(), cfg.Number))
	n.manager.Observe(func(e sessions.Event) {
		if cfg.Trace != nil {
			cfg.Trace(Event{Node: h.Name(), Event: e})
		}
	})
	return n
}

// Init binds the connector's port. Until Start has returned, the kernel takes
// connections on it that nobody accepts.
// Source: Tomcat AbstractEndpoint.java, bindOnInit; StandardService.java,
// initInternal.
func (n *Node) Init() error {
	listener, err := n.host.Serve(n.cfg.Port, n, world.ServeOptions{
		HeaderKept:  true,
		Malformed:   n.refuse,
		IdleTimeout: max(0, n.cfg.KeepAliveTimeout),
		MaxRequests: max(0, n.cfg.MaxKeepAliveRequests),
		Backlog:     n.cfg.AcceptCount,
		Unready:     true,
	})
	if err != nil {
		return fmt.Errorf("init %s: %w", n.host.Name(), err)
	}
	n.listener = listener
	return nil
}

// Start starts the manager, and when that has returned accepts connections: no
// request is answered while the manager loads or fetches sessions. It calls Init
// if nobody has. Source: Tomcat StandardService.java, startInternal;
// LifecycleBase.java, start.
func (n *Node) Start(ctx context.Context) error {
	if n.listener == nil {
		if err := n.Init(); err != nil {
			return err
		}
	}
	if err := n.manager.Start(ctx); err != nil {
		return fmt.Errorf("start %s: %w", n.host.Name(), err)
	}
	n.listener.Ready()
	background, stop := n.host.WithCancel(context.Background())
	n.stopBackground = stop
	n.host.Go("ContainerBackgroundProcessor", func(context.Context) {
		for n.host.Sleep(background, n.cfg.BackgroundProcessorDelay) == nil {
			n.manager.Background(background)
		}
	})
	return nil
}

// Stop stops a started node gracefully: it accepts no more connections, running
// requests get UnloadDelay to end, the manager stops, and at last the port
// closes. Who has connected meanwhile is reset, and what still runs is cut off.
// A request that runs when the stop begins costs a twentieth of UnloadDelay at
// least, however short it is.
// Source: Tomcat StandardService.java, stopInternal; AbstractEndpoint.java,
// pause and destroy.
func (n *Node) Stop(ctx context.Context) error {
	began, step := n.host.Elapsed(), n.cfg.UnloadDelay/20
	drain, done := n.host.WithTimeout(ctx, untilUnload+21*step)
	// Requests that outlast the delay are cut off with the port.
	_ = n.listener.Drain(drain)
	done()
	_ = n.host.Sleep(ctx, nextLook(n.host.Elapsed()-began, step))
	n.stopBackground()
	stopped := n.manager.Stop(ctx)
	_ = n.host.Sleep(ctx, n.cfg.StopTime)
	closed := n.listener.Close()
	if err := errors.Join(stopped, closed); err != nil {
		return fmt.Errorf("stop %s: %w", n.host.Name(), err)
	}
	return nil
}

// untilUnload is from the pause of the connector to the first look for requests
// that run. Measured with Tomcat 10.1.52.
const untilUnload = 5 * time.Millisecond

// nextLook is how long a stop whose requests took so long to end goes on waiting:
// until it looks again.
func nextLook(took, step time.Duration) time.Duration {
	if took <= untilUnload || step == 0 {
		return 0
	}
	late := (took - untilUnload) % step
	if late == 0 {
		return 0
	}
	return step - late
}

// Busy is how many requests are on a thread now.
func (n *Node) Busy() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.counts.Busy
}

// Status is the node's present state.
func (n *Node) Status() Status {
	waiting := n.threads.Waiting()
	n.mu.Lock()
	counts := n.counts
	n.mu.Unlock()
	counts.Waiting = waiting
	return Status{
		Name:        n.host.Name(),
		JvmRoute:    n.manager.JvmRoute(),
		Counts:      counts,
		Sessions:    n.manager.Figures(),
		Replication: n.replicationStatistics(),
	}
}

func (n *Node) replicationStatistics() *ReplicationStatistics {
	for _, v := range n.cfg.Valves {
		if replication, ok := v.(*ReplicationValve); ok {
			if s, on := replication.Statistics(); on {
				return &s
			}
		}
	}
	return nil
}
