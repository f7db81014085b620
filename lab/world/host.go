package world

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"
)

// Host is what a process may ask of the machine it runs on.
//
// A Host is one incarnation of a machine: from Boot to Kill. After Kill every
// call fails with ErrHostDown (or does nothing, where it returns no error), in
// whatever task it is made, and stays so when the machine is booted again:
// that gives a new Host.
//
// While the machine is paused every call blocks until it is resumed.
// All methods may be called from any task of the host.
type Host interface {
	// Name is the machine's name, such as "tomcat1".
	Name() string

	// Addr is the machine's logical address without a port, such as
	// "172.16.12.101" or "2001:db8::7". Logical addresses are what the whole core
	// sees; where the bytes really go is the world's business.
	Addr() string

	// Now reads this machine's wall clock. It can be skewed by the operator
	// and then jumps. Session expiry, dropTime and fail_timeout are driven by it.
	Now() time.Time

	// Elapsed is the monotonic time since the lab's time zero. It is the same
	// on every machine and never skewed.
	Elapsed() time.Duration

	// Sleep waits for d of monotonic time. It returns nil, or the error of ctx
	// when that ends first, or ErrHostDown.
	Sleep(ctx context.Context, d time.Duration) error

	// WithTimeout derives a context that ends after d of monotonic time with
	// context.DeadlineExceeded. Its Deadline method answers ok=false in every
	// world, so that no library compares virtual with real time.
	WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)

	// WithCancel derives a context that ends when cancel is called.
	WithCancel(ctx context.Context) (context.Context, context.CancelFunc)

	// Go starts a task. Its context ends with the host. The name is for
	// diagnostics: it names the task in watchdog reports and panics. On a paused
	// host the task begins when the host goes on; a caller from elsewhere does
	// not wait for that.
	Go(name string, f func(ctx context.Context))

	// NewSignal returns an unset signal that belongs to this host.
	NewSignal() Signal

	// Serve answers HTTP/1.0 and 1.1 requests on a port until the listener or
	// the host is closed. Each connection runs in a task of its own.
	Serve(port int, h http.Handler, opts ServeOptions) (Listener, error)

	// DialHTTP opens one connection for HTTP to a logical "address:port".
	// Errors are of the outcome table: Refused, ConnectTimeout (when ctx ends
	// by its deadline).
	DialHTTP(ctx context.Context, addr string) (HTTPConn, error)

	// DialHTTPWithin is DialHTTP that gives up after limit, which must be above
	// 0, with ConnectTimeout. It costs less than a context of its own.
	DialHTTPWithin(ctx context.Context, addr string, limit time.Duration) (HTTPConn, error)

	// Transport is a client with keep-alive connections, one idle per address,
	// built on DialHTTP. It never repeats a request.
	Transport() http.RoundTripper

	// Listen accepts byte streams on a port. While the host is paused
	// StreamBacklog of them wait to be accepted.
	Listen(port int) (StreamListener, error)

	// Dial opens a byte stream to a logical "address:port". Errors as DialHTTP.
	Dial(ctx context.Context, addr string) (Stream, error)

	// ListenPacket opens a datagram socket on a port.
	ListenPacket(port int) (PacketConn, error)

	// JoinGroup opens a datagram socket that receives what is sent to a group
	// (such as "228.0.0.4") on a port, the host's own datagrams included.
	// WriteTo the group's "address:port" reaches every member, known or not.
	JoinGroup(group string, port int) (PacketConn, error)

	// Disk is this machine's disk. It survives Kill and Boot.
	Disk() Disk

	// Rand returns a source that is a pure function of the world's seed, the
	// purpose and the identity (strings, integers). The same identity always
	// gives the same draws, whatever else happens in the run. No setting of a
	// scenario belongs in an identity.
	Rand(purpose string, identity ...any) *rand.Rand

	// Key is the identity that Rand begins with for a purpose, for single draws
	// that must cost little: Key(p).Str("a").Float() needs no allocation.
	Key(purpose string) Key
}

// StreamWindow is about how many bytes a stream takes that its other end has not
// read yet, in flight or kept back by a fault; a writer waits for room beyond it.
// A real socket may take some more, between two machines of a lab without faults.
const StreamWindow = 256 << 10

// StreamBacklog is how many connections wait to be accepted on a port of Listen:
// what Java takes where nobody says a number, and Tomcat's receiver says none.
// Source: java.net.ServerSocket.bind; Tomcat ReceiverBase.java, bind.
const StreamBacklog = 50

// Signal is the one waiting primitive: an event that resets itself.
// Set makes one Wait return, the current one or the next. Sets do not add up.
// One task at a time may wait on a Signal; any task may Set it, and does not
// wait for a paused host.
type Signal interface {
	Set()
	// Wait returns nil once the signal was set, the error of ctx when that
	// ends first, or ErrHostDown.
	Wait(ctx context.Context) error
	// WaitWithin is Wait that gives up after d, which must be above 0, of monotonic
	// time with context.DeadlineExceeded. It costs less than a context of its own.
	WaitWithin(ctx context.Context, d time.Duration) error
}

// Label says what a message is, for the fault table, the triggers and the
// randomness of its delay. It is known on both ends but is not in the bytes.
type Label struct {
	Kind string // such as "DELTA"
	Key  string // what the message is about, such as a session id without route
}

// StreamListener accepts byte streams.
type StreamListener interface {
	Addr() string
	Accept(ctx context.Context) (Stream, error)
	Close() error
}

// Stream is an ordered byte stream whose writes are labelled messages.
// One task may read while another writes.
type Stream interface {
	// Read fills p with what has arrived, waiting for at least one byte. At the
	// end it returns 0 and io.EOF, or ErrReset. A ctx that ends leaves the
	// stream usable: no byte is lost.
	Read(ctx context.Context, p []byte) (int, error)
	// Write sends one message. It may wait for room, as long as ctx lets it;
	// after any error the stream is unusable.
	Write(ctx context.Context, l Label, frame []byte) error
	// Writable reports whether the next Write is sure not to wait. A world that
	// cannot know answers false.
	Writable() bool
	// Stalled reports whether written bytes have not left this machine yet,
	// because a rule holds them. What a partition keeps back has left the process:
	// the kernel has it, and sends it again by the times of fault.Resend.
	Stalled() bool
	LocalAddr() string
	RemoteAddr() string
	Close() error
}

// PacketConn sends and receives datagrams, which may be lost, doubled and
// reordered. The largest datagram is 64 KiB.
type PacketConn interface {
	ReadFrom(ctx context.Context, p []byte) (n int, from string, err error)
	// ReadFromWithin is ReadFrom that gives up after d, which must be above 0, with
	// context.DeadlineExceeded, so that its caller can look around. That is no
	// timeout in the sense of Lateness.
	ReadFromWithin(ctx context.Context, p []byte, d time.Duration) (n int, from string, err error)
	// WriteTo sends to a logical "address:port" or to a group's. An unreachable
	// destination is no error; a machine without a route for groups has ErrNoRoute.
	WriteTo(l Label, p []byte, addr string) error
	Close() error
}

// Disk holds whole files by name. Names are slash-separated relative paths.
type Disk interface {
	// ReadFile returns the content; a missing file is fs.ErrNotExist.
	ReadFile(name string) ([]byte, error)
	// WriteFile creates or replaces a file; after a kill it is there as a whole
	// or not at all.
	WriteFile(name string, data []byte) error
	// Remove deletes a file; a missing file is fs.ErrNotExist.
	Remove(name string) error
	// List returns the names that start with prefix, sorted.
	List(prefix string) ([]string, error)
}
