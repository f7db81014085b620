package sim

import (
	"context"
	"net"
	"strconv"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

// packetBacklog is how many datagrams a socket keeps for a slow reader.
const packetBacklog = 1024

type packetConn struct {
	host    *host
	port    int
	group   string // "address:port" of the group, or ""
	closed  bool
	queue   []datagram
	waiting *task
}

type datagram struct {
	from  string
	peer  string
	label world.Label
	bytes []byte
}

func (h *host) ListenPacket(port int) (world.PacketConn, error) {
	if err := h.enter(); err != nil {
		return nil, &world.OpError{Op: "listen", Addr: h.at(port), Err: err}
	}
	if h.packets[port] != nil {
		return nil, &world.OpError{Op: "listen", Addr: h.at(port), Err: world.ErrPortTaken}
	}
	p := &packetConn{host: h, port: port}
	h.packets[port] = p
	return p, nil
}

func (h *host) JoinGroup(group string, port int) (world.PacketConn, error) {
	if !h.w.faults.Routed(h.name) {
		return nil, &world.OpError{Op: "join", Addr: group, Err: world.ErrNoRoute}
	}
	conn, err := h.ListenPacket(port)
	if err != nil {
		return nil, err
	}
	p := conn.(*packetConn)
	p.group = group + ":" + strconv.Itoa(port)
	h.w.groups[p.group] = append(h.w.groups[p.group], p)
	return p, nil
}

func (p *packetConn) ReadFrom(ctx context.Context, b []byte) (int, string, error) {
	return p.read(ctx, b, -1)
}

func (p *packetConn) ReadFromWithin(ctx context.Context, b []byte, d time.Duration) (int, string, error) {
	return p.read(ctx, b, int64(d))
}

// read waits without a limit if that is negative.
func (p *packetConn) read(ctx context.Context, b []byte, limit int64) (int, string, error) {
	if p.waiting != nil {
		panic("sim: two tasks read one datagram socket of " + p.host.name)
	}
	p.waiting = p.host.w.current
	expired, err := p.host.wait(ctx, limit, func() bool { return len(p.queue) > 0 || p.closed })
	p.waiting = nil
	if expired {
		err = context.DeadlineExceeded
	}
	if err == nil && p.closed {
		err = net.ErrClosed
	}
	if err != nil {
		return 0, "", &world.OpError{Op: "read", Addr: p.host.at(p.port), Err: err}
	}
	d := p.queue[0]
	p.queue = p.queue[1:]
	p.host.w.observe(world.Receives, p.host, d.peer, d.label, len(d.bytes))
	return copy(b, d.bytes), d.from, p.host.enter()
}

func (p *packetConn) WriteTo(l world.Label, b []byte, addr string) error {
	if err := p.host.enter(); err != nil {
		return &world.OpError{Op: "write", Addr: addr, Err: err}
	}
	if p.closed {
		return &world.OpError{Op: "write", Addr: addr, Err: net.ErrClosed}
	}
	w := p.host.w
	bytes := append([]byte(nil), b...)
	if members, ok := w.groups[addr]; ok {
		if !w.faults.Routed(p.host.name) {
			return &world.OpError{Op: "write", Addr: addr, Err: world.ErrNoRoute}
		}
		w.observe(world.Sends, p.host, addr, l, len(b))
		for _, m := range members {
			p.send(m.host.machine, m.port, l, bytes)
		}
		return p.host.enter()
	}
	m := w.machineAt(addr)
	peer := addr
	if m != nil {
		peer = m.name
	}
	w.observe(world.Sends, p.host, peer, l, len(b))
	if m != nil {
		p.send(m, portOf(addr), l, bytes)
	}
	return p.host.enter()
}

// send puts a datagram on its way to one machine.
func (p *packetConn) send(to *machine, port int, l world.Label, b []byte) {
	w := p.host.w
	out := w.link(p.host.machine, to)
	key := w.messageKey(out, l)
	var a fault.Action
	if !w.exempt(p.host, to) && to != p.host.machine {
		a = w.decide(out, l, key, fault.UDP)
	}
	if a.Drop || a.Cut {
		w.observe(world.Loses, p.host, to.name, l, len(b))
		return
	}
	f := flight{
		w: w, to: to, port: port, took: out.way(key) + int64(a.Delay), held: a.Hold,
		datagram: datagram{from: p.host.at(p.port), peer: p.host.name, label: l, bytes: b},
	}
	if a.Hold != nil {
		w.hold(&f)
		return
	}
	for range 1 + a.Copies {
		copied := f
		copied.leave()
	}
}

// flight is a datagram on its way to a port of a machine.
type flight struct {
	event
	datagram
	w    *World
	to   *machine
	port int
	took int64       // ns
	held *fault.Rule // that holds it back
}

func (f *flight) leave() {
	f.event = eventOf(f)
	f.w.schedule(&f.event, f.w.now+f.took, 0)
}

func (f *flight) retry() bool {
	if f.w.faults.Held(f.held) {
		return true
	}
	f.leave()
	return false
}

// fire is its arrival.
func (f *flight) fire() {
	if f.to.up == nil {
		return
	}
	q := f.to.up.packets[f.port]
	if q == nil || len(q.queue) >= packetBacklog {
		return
	}
	q.queue = append(q.queue, f.datagram)
	if q.waiting != nil {
		f.w.wake(q.waiting)
	}
}

func (p *packetConn) Close() error {
	if err := p.host.enter(); err != nil {
		return err
	}
	p.close()
	return nil
}

func (p *packetConn) close() {
	if p.closed {
		return
	}
	p.closed = true
	delete(p.host.packets, p.port)
	w := p.host.w
	if p.group != "" {
		members := w.groups[p.group]
		forget(&members, p)
		w.groups[p.group] = members
	}
	if p.waiting != nil {
		w.wake(p.waiting)
	}
}
