package loopback

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

// Config says how a World is laid out on this machine. The zero value maps
// 172.16.12.101 to 127.16.12.101 with seed 0.
type Config struct {
	// Seed is what every random draw depends on, beside its identity.
	Seed uint64
	// Offset from 0 to 255 is added, modulo 256, to the second octet of every
	// logical address. A block that another lab holds is world.ErrPortTaken.
	// Probe and ProbeFromZero look for a free block.
	Offset int
	// PortTable puts every logical address:port on a free port of 127.0.0.1.
	// It is also what happens where only 127.0.0.1 can be bound.
	PortTable bool
	// Fixed are logical "address:port"s of TCP that stand at their own number on
	// this machine, too, or not at all: one that another program has is
	// world.ErrPortTaken. Every other is moved to a free port where its own is
	// taken.
	Fixed []netip.AddrPort
}

// Values of Config.Offset that look for a block no other lab holds.
const (
	Probe         = -1 // start at a place that depends on the process
	ProbeFromZero = -2 // take offset 0 if it is free
)

// World is a machine room on loopback sockets. Make it with New and end it
// with Close. It implements world.World.
type World struct {
	seed   uint64
	zero   time.Time // carries the monotonic reading
	addrs  *addresses
	faults fault.Table
	links  links
	wires  wires
	post   post
	disks  disks
	late   lateness

	observer atomic.Pointer[func(world.Event)]
	operator *host
	broken   atomic.Pointer[error] // the panic of a task, or a world.Shortage

	ctx   context.Context // ends at Close
	end   context.CancelFunc
	tasks sync.WaitGroup

	mu       sync.Mutex
	machines map[string]*machine
	byAddr   map[netip.Addr]string // logical address -> name, the operator's included
	ended    bool
}

// machine is what survives a kill: a name, its address, its clock's error.
type machine struct {
	name  string
	addr  netip.Addr   // logical
	ahead atomic.Int64 // skew of the wall clock in nanoseconds
	host  *host        // the incarnation that is up, or nil; guarded by World.mu
	disk  disk
}

const operatorName = "operator"

// New opens a machine room and holds its block of addresses until Close.
// Errors wrap world.ErrPortTaken when the block belongs to another lab.
func New(cfg Config) (*World, error) {
	if short := tooFewThreads(); short != nil {
		return nil, short
	}
	addrs, err := claim(cfg)
	if short := shortage("open a socket for the lab", err); err != nil && short != nil {
		return nil, short
	}
	if err != nil {
		return nil, fmt.Errorf("open loopback world: %w", err)
	}
	w := &World{
		seed:     cfg.Seed,
		zero:     time.Now(),
		addrs:    addrs,
		machines: map[string]*machine{},
		byAddr:   map[netip.Addr]string{},
	}
	w.ctx, w.end = context.WithCancel(context.Background())
	w.links.changed = make(chan struct{})
	w.disks.calls = make(chan struct{}, mostDiskCalls)
	w.faults.OnChange(w.links.wake)
	w.operator = newHost(w, w.newMachine(operatorName, operatorAddr))
	return w, nil
}

// newMachine enters a machine; w.mu is held, or w is not shared yet.
func (w *World) newMachine(name string, addr netip.Addr) *machine {
	m := &machine{name: name, addr: addr}
	m.disk = disk{disks: &w.disks, dir: fmt.Sprint(len(w.byAddr))}
	w.byAddr[addr] = name
	return m
}

// URL is the real "address:port" under which this machine's browsers find a
// logical "address:port", or "" if that is no address of a lab. While the port
// is not open it is where the port would be if nobody else had it; with a port
// table that is not known.
func (w *World) URL(logical string) string {
	ap, err := netip.ParseAddrPort(logical)
	if err != nil {
		return ""
	}
	if real, ok := w.addrs.tcp.real(ap); ok {
		return real.String()
	}
	if w.addrs.table || !ap.Addr().Is4() {
		return ""
	}
	return netip.AddrPortFrom(w.addrs.mapped(ap.Addr()), ap.Port()).String()
}

// Run implements world.World. The context ends at Close. A panic of any task
// ends it too, and comes back as Run's error; so does a *world.Shortage.
func (w *World) Run(f func(ctx context.Context) error) error {
	w.spawn(w.beats)
	err := f(w.ctx)
	w.stop()
	if broken := w.broken.Load(); broken != nil {
		return *broken
	}
	return err
}

// Elapsed implements world.World.
func (w *World) Elapsed() time.Duration { return w.elapsed() }

// Interrupt implements world.World.
func (w *World) Interrupt() { w.fail(world.ErrInterrupted) }

// fail ends the run because a task panicked, or because this machine has too
// little of something; the first one counts.
func (w *World) fail(err error) {
	w.broken.CompareAndSwap(nil, &err)
	w.end()
}

// Operator implements world.World. Its logical address is 192.0.2.1.
func (w *World) Operator() world.Host { return w.operator }

// Boot implements world.World. Besides a name that is up and an address that
// changed, two machines whose addresses meet in one 127.b.c.d are an error.
func (w *World) Boot(name, addr string) (world.Host, error) {
	logical, err := netip.ParseAddr(addr)
	if err != nil || logical.Is4In6() || logical.Zone() != "" {
		return nil, fmt.Errorf("boot %s: %q is no address of a machine", name, addr)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return nil, fmt.Errorf("boot %s: the run is over", name)
	}
	if name == operatorName {
		return nil, fmt.Errorf("boot %s: the name belongs to the operator", name)
	}
	m := w.machines[name]
	if m == nil {
		if err := w.addressFree(logical); err != nil {
			return nil, fmt.Errorf("boot %s: %w", name, err)
		}
		m = w.newMachine(name, logical)
		w.machines[name] = m
	}
	if m.addr != logical {
		return nil, fmt.Errorf("boot %s: its address is %v, not %v", name, m.addr, logical)
	}
	if m.host != nil {
		return nil, fmt.Errorf("boot %s: it is up", name)
	}
	m.host = newHost(w, m)
	return m.host, nil
}

// addressFree reports why a new machine cannot have a logical address.
func (w *World) addressFree(logical netip.Addr) error {
	real, tabled := w.addrs.mapped(logical), w.addrs.tabled(logical)
	for other, name := range w.byAddr {
		if other == logical {
			return fmt.Errorf("%v is the address of %s", logical, name)
		}
		if !tabled && !w.addrs.tabled(other) && w.addrs.mapped(other) == real {
			return fmt.Errorf("%v and %v of %s are both %v", logical, other, name, real)
		}
	}
	if !tabled && real == localhost {
		return fmt.Errorf("%v would be %v, which is every real client's", logical, real)
	}
	return nil
}

// Kill implements world.World. It does not wait for the tasks of the machine,
// which may be the caller.
func (w *World) Kill(name string) error {
	w.mu.Lock()
	h, err := w.running("kill", name)
	if err == nil {
		h.machine.host = nil
	}
	w.mu.Unlock()
	if err != nil {
		return err
	}
	h.kill()
	return nil
}

// running is the incarnation that a verb is meant for. w.mu is held.
func (w *World) running(verb, name string) (*host, error) {
	m := w.machines[name]
	if m == nil {
		return nil, fmt.Errorf("%s %s: no such machine", verb, name)
	}
	if m.host == nil {
		return nil, fmt.Errorf("%s %s: it is down", verb, name)
	}
	return m.host, nil
}

// Pause implements world.World.
func (w *World) Pause(name string) error {
	w.mu.Lock()
	h, err := w.running("pause", name)
	w.mu.Unlock()
	if err != nil {
		return err
	}
	if !h.pause() {
		return fmt.Errorf("pause %s: it is paused", name)
	}
	return nil
}

// Resume implements world.World.
func (w *World) Resume(name string) error {
	w.mu.Lock()
	h, err := w.running("resume", name)
	w.mu.Unlock()
	if err != nil {
		return err
	}
	if !h.resume() {
		return fmt.Errorf("resume %s: it is not paused", name)
	}
	return nil
}

// Skew implements world.World.
func (w *World) Skew(name string, ahead time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.machines[name]
	if m == nil {
		return fmt.Errorf("skew %s: no such machine", name)
	}
	m.ahead.Store(int64(ahead))
	return nil
}

// Up implements world.World.
func (w *World) Up(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.machines[name]
	return m != nil && m.host != nil
}

// Faults implements world.World.
func (w *World) Faults() *fault.Table { return &w.faults }

// Observe implements world.World.
func (w *World) Observe(f func(world.Event)) { w.observer.Store(&f) }

// emit tells the observer what happened. The operator's own messages are not
// among it.
func (w *World) emit(e world.Event) {
	if f := w.observer.Load(); f != nil && e.Host != operatorName && w.broken.Load() == nil {
		e.At = w.elapsed()
		(*f)(e)
	}
}

// InFlight implements world.World.
func (w *World) InFlight() int { return int(w.wires.inFlight.Load()) }

// Close implements world.World. It waits for every task to end.
func (w *World) Close() error {
	w.stop()
	return errors.Join(w.disks.remove(), w.addrs.release())
}

// stop ends every machine and waits for every task.
func (w *World) stop() {
	w.mu.Lock()
	w.ended = true
	hosts := []*host{w.operator}
	for _, m := range w.machines {
		if m.host != nil {
			hosts = append(hosts, m.host)
			m.host = nil
		}
	}
	w.mu.Unlock()
	for _, h := range slices.Backward(hosts) {
		h.kill()
	}
	w.end()
	w.tasks.Wait()
	w.post.close() // no task is left to open it again
}

// spawn starts a goroutine that Close waits for. It reports false once the run
// is over.
func (w *World) spawn(f func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return false
	}
	w.tasks.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				w.fail(world.NewPanic("a goroutine of the lab", p))
			}
		}()
		f()
	})
	return true
}

func (w *World) elapsed() time.Duration { return time.Since(w.zero) }

// nameOf is the machine at a logical address; an address that is no machine's
// stands for itself.
func (w *World) nameOf(addr netip.Addr) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if name, ok := w.byAddr[addr]; ok {
		return name
	}
	return addr.String()
}

var _ world.World = (*World)(nil)
