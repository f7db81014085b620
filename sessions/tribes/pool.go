package tribes

import (
	"context"
	"slices"
	"sync"

	"sessionlab/lab/world"
)

// pool lends senders. Idle ones are used in turn, new ones are made up to
// poolSize; then a message waits up to maxWait for one. A sender whose
// connection to a destination is stalled counts as busy.
// Source: Tomcat PooledParallelSender.java, PooledSender.java.
type pool struct {
	host  world.Host
	cfg   SenderConfig
	watch *watch
	pick  *pickup
	// started says that the JVM has just started when the pool is made.
	started bool

	mu      sync.Mutex // guards memory only
	open    bool
	idle    []*sender // the longest idle first
	inUse   []*sender
	waiting []world.Signal
	cold    bool // no message has been sent in this JVM
}

// first reports whether this is the first message of a JVM that has just started.
func (p *pool) first() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.cold
	p.cold = false
	return was
}

// newPool makes a pool; cold says that the JVM has just started.
func newPool(h world.Host, cfg SenderConfig, w *watch, pick *pickup, cold bool) *pool {
	return &pool{host: h, cfg: cfg, watch: w, pick: pick, cold: cold, started: cold}
}

// formed is the sender of a Formation, which has sent before; the first call makes it.
func (p *pool) formed() *sender {
	fresh := newSender(p.host, p.cfg, p.watch)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		p.idle = append(p.idle, fresh)
	}
	return p.idle[0]
}

func (p *pool) start() {
	p.mu.Lock()
	p.open = true
	p.mu.Unlock()
}

// send sends a message with one of the senders.
func (p *pool) send(ctx context.Context, to []Member, m *Message) error {
	s, err := p.take(ctx, to, m)
	if err != nil {
		return err
	}
	defer p.giveBack(s)
	late := p.pick.atSender(m)
	if s.fresh {
		s.fresh = false
		late += p.pick.opening(m, p.first())
	}
	if err := p.host.Sleep(ctx, late); err != nil {
		return err
	}
	if err := s.send(ctx, to, m); err != nil {
		return err
	}
	s.keepalive()
	if m.newThread && m.Options&UseAck == 0 {
		return p.host.Sleep(ctx, p.pick.returning(m, p.started))
	}
	return nil
}

// take waits for a sender.
func (p *pool) take(ctx context.Context, to []Member, m *Message) (*sender, error) {
	if s, err := p.tryTake(to); s != nil || err != nil {
		return s, err
	}
	waiting, cancel := p.host.WithTimeout(ctx, p.cfg.MaxWait)
	defer cancel()
	turn := p.host.NewSignal()
	p.mu.Lock()
	p.waiting = append(p.waiting, turn)
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.waiting = slices.DeleteFunc(p.waiting, func(w world.Signal) bool { return w == turn })
		p.mu.Unlock()
	}()
	// A sender may have come back before turn was entered, and a stalled
	// connection does not say when it moves: each wait lies between two looks.
	for {
		if s, err := p.tryTake(to); s != nil || err != nil {
			return s, err
		}
		if waiting.Err() == context.DeadlineExceeded && ctx.Err() == nil {
			p.watch.event(Event{Kind: PoolExhausted, Label: m.Label, Err: ErrNoSender})
			return nil, faultyAll(to, ErrNoSender)
		}
		if err := turn.Wait(waiting); err != nil && (waiting.Err() != context.DeadlineExceeded || ctx.Err() != nil) {
			return nil, err
		}
	}
}

// tryTake returns a sender that is free now, or nil.
func (p *pool) tryTake(to []Member) (*sender, error) {
	for i := 0; ; i++ {
		s, open := p.idleAt(i)
		if !open {
			return nil, ErrStopped
		}
		if s == nil {
			break
		}
		if !s.stalled(to) && p.lend(s) {
			return s, nil
		}
	}
	fresh := newSender(p.host, p.cfg, p.watch)
	fresh.fresh = true
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle)+len(p.inUse) >= p.cfg.PoolSize {
		return nil, nil
	}
	p.inUse = append(p.inUse, fresh)
	return fresh, nil
}

// idleAt is the i-th idle sender, nil if there are fewer.
func (p *pool) idleAt(i int) (s *sender, open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i < len(p.idle) {
		s = p.idle[i]
	}
	return s, p.open
}

// lend takes a sender out of the idle ones, and reports whether it was there.
func (p *pool) lend(s *sender) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.idle, s)
	if i < 0 {
		return false
	}
	p.idle = slices.Delete(p.idle, i, i+1)
	p.inUse = append(p.inUse, s)
	return true
}

// giveBack returns a sender to the pool and lets all that wait look again.
func (p *pool) giveBack(s *sender) {
	p.mu.Lock()
	if i := slices.Index(p.inUse, s); i >= 0 {
		p.inUse = slices.Delete(p.inUse, i, i+1)
	}
	open := p.open
	if open {
		p.idle = append(p.idle, s)
	}
	waiting := slices.Clone(p.waiting)
	p.mu.Unlock()
	if !open {
		s.disconnect()
	}
	for _, w := range waiting {
		w.Set()
	}
}

// heartbeat closes connections that are no longer of use.
func (p *pool) heartbeat() {
	p.mu.Lock()
	idle := slices.Clone(p.idle)
	p.mu.Unlock()
	for _, s := range idle {
		s.keepalive()
	}
}

// stop closes every connection and lets nobody wait any longer.
func (p *pool) stop() {
	p.mu.Lock()
	p.open = false
	all := append(p.idle, p.inUse...)
	p.idle = nil
	waiting := slices.Clone(p.waiting)
	p.mu.Unlock()
	for _, s := range all {
		s.disconnect()
	}
	for _, w := range waiting {
		w.Set()
	}
}
