package world

import (
	"context"
	"errors"
	"time"

	"sessionlab/lab/fault"
)

// World is the machine room: what the operator may do and a node may not.
// Machines are known by name; a name keeps its address and its disk for the
// whole life of the world. The operator verbs take effect at once.
type World interface {
	// Run runs f as a task of the operator and returns what it returns. It may
	// be called once. In sim this is what drives virtual time; when f returns,
	// the run is over and everything that is still up is ended.
	Run(f func(ctx context.Context) error) error

	// Operator is a machine outside the lab: never killed, paused or skewed,
	// its messages touch no rule.
	Operator() Host

	// Boot starts a machine, new or killed before, as a new incarnation, at an IPv4
	// or IPv6 address. The name must be new or carry the same address as before;
	// booting a machine that is up is an error.
	Boot(name, addr string) (Host, error)

	// Kill ends a machine as kill -9 ends a process: memory is gone, disk
	// stays, open connections get FIN (RST where input lay unread), later
	// connects are refused. Killing a machine that is down is an error.
	Kill(name string) error

	// Pause freezes a machine as SIGSTOP does: its kernel accepts, nothing
	// answers, nothing is dropped; Resume lets it execute what arrived.
	Pause(name string) error
	Resume(name string) error

	// Skew sets how far a machine's wall clock is ahead (or behind). It applies
	// to later incarnations too.
	Skew(name string, ahead time.Duration) error

	// Up reports whether the machine is booted; a paused machine is up.
	Up(name string) bool

	// ReadDisk returns the content of a file on a machine's disk, whether the
	// machine is up or not. A missing machine or file is fs.ErrNotExist.
	ReadDisk(machine, file string) ([]byte, error)

	// Faults is the table that decides about every message.
	Faults() *fault.Table

	// Observe sets the function that the world calls with every event at the seam,
	// in the task that caused it and before that task goes on. There is one
	// observer; it is set before Run.
	// f may use the operator verbs. On loopback it may be called from several
	// goroutines at once.
	Observe(f func(Event))

	// InFlight counts the messages on streams that were written and that their
	// receiver has not finished with: a message counts until the receiver asks
	// its stream for more. Held messages count.
	InFlight() int

	// Elapsed is how far the world's time has come. Any goroutine may ask; in sim
	// the answer may be some hundred events old.
	Elapsed() time.Duration

	// Interrupt ends the run where it is: Run returns ErrInterrupted, and what f
	// was about to do is not done. Any goroutine may call it, at any time.
	Interrupt()

	// Lateness says how exactly this world has kept time so far.
	Lateness() Lateness

	// Close ends every machine and frees everything. It is idempotent.
	Close() error
}

// ErrInterrupted is what Run returns after Interrupt.
var ErrInterrupted = errors.New("interrupted")

// Lateness is how exactly a world has kept time. Where time is virtual it is zero.
// What an operator does to a machine, such as a pause, is no lateness.
type Lateness struct {
	By       time.Duration // how late the latest timer has fired
	Due      time.Duration // when that one was due, since time zero
	Host     string        // whose timer it was; "" for the world's own
	Shortest time.Duration // the shortest timeout that was in force: of Host.WithTimeout, of a dial, of reading HTTP; 0 for none
}

// EventOp says what happened to a message, or to a machine.
type EventOp uint8

const (
	Sends    EventOp = iota + 1 // the message has left Host for Peer
	Receives                    // Host has got the message from Peer
	Loses                       // the message from Host to Peer is lost
	Panics                      // a handler on Host panicked; see Panic
)

func (op EventOp) String() string {
	return [...]string{"?", "sends", "receives", "loses", "panics"}[op]
}

// Event is something seen at the seam between a host and the wire.
type Event struct {
	At    time.Duration // since time zero
	Op    EventOp
	Host  string // where it happened
	Peer  string // the other end; a group's address for a datagram to a group
	Label Label
	Size  int    // bytes
	Panic *Panic // of Panics
}
