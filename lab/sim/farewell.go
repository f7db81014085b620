package sim

// farewell is the FIN or RST of one end on its way to the other.
type farewell struct {
	event
	s     *stream
	reset bool
	lost  lost
	freed bool // it was held, and is let go
}

func (f *farewell) leave() {
	w := f.s.w
	w.schedule(&f.event, max(f.s.lastAt, w.now+f.s.out.delay), f.s.peer.host.tie)
}

func (f *farewell) fire() {
	if !f.freed && f.s.cutOff() {
		f.lost.begin(f.s.w.now)
		f.s.w.hold(f)
		return
	}
	p := f.s.peer
	if p.closed {
		return
	}
	p.fin = true
	p.rst = p.rst || f.reset
	p.wakeBoth()
}

func (f *farewell) retry() bool {
	if f.s.cutOff() || !f.lost.due(f.s.w, f) {
		return true
	}
	f.freed = true
	f.s.w.schedule(&f.event, f.s.w.now+f.s.out.delay, 0)
	return false
}
