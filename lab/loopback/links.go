package loopback

import (
	"context"
	"net"
	"sync"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

// The kinds of the two messages of an HTTP exchange.
const (
	requestKind  = "REQUEST"
	responseKind = "RESPONSE"
)

// links remembers how many messages of which kind went over each link, and
// wakes those who wait for a change of the fault table.
type links struct {
	mu      sync.Mutex
	counts  map[flow]uint64
	changed chan struct{} // closed and replaced at every change
}

// flow is the identity of a sequence of messages.
type flow struct{ from, to, kind, key string }

// next numbers the messages of a flow from 0. Every message counts, so that a
// rule added or taken away changes no other message's draw.
func (l *links) next(f flow) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[flow]uint64{}
	}
	n := l.counts[f]
	l.counts[f] = n + 1
	return n
}

func (l *links) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *links) change() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// decide asks the fault table about one message between two machines. The
// operator's messages touch no rule.
func (w *World) decide(from, to string, label world.Label, by fault.Transport) fault.Action {
	if from == operatorName || to == operatorName {
		return fault.Action{}
	}
	var nth uint64
	alike := !identified(label)
	if alike {
		nth = w.links.next(flow{from, to, label.Kind, label.Key})
	}
	if w.faults.Quick() {
		return fault.Action{}
	}
	key := world.NewKey(w.seed).Str("delay").Str(from).Str(to).Str(label.Kind).Str(label.Key)
	if alike {
		key = key.Int(nth)
	}
	return w.faults.Decide(fault.Message{From: from, To: to, Kind: label.Kind, By: by}, func(rule uint64) float64 {
		return key.Str("fault").Int(rule).Float()
	})
}

// identified reports whether a label's key alone tells the message from all
// others, as that of a request with an identity does.
func identified(l world.Label) bool {
	return l.Key != "" && (l.Kind == requestKind || l.Kind == responseKind)
}

// passable reports whether what a rule held, or a partition, may go now.
func (w *World) passable(from, to string, hold *fault.Rule) bool {
	return !w.faults.Held(hold) && w.faults.Reachable(from, to)
}

// awaitResend waits until the kernel sends again, with success, what a partition
// has just swallowed; again says when it tries, as fault.Resend does. The errors are
// those of await.
func (w *World) awaitResend(ctx context.Context, deadline time.Time, quit <-chan struct{}, from, to string, again func(time.Duration) time.Duration) error {
	lost := time.Now()
	passable := func() bool { return w.passable(from, to, nil) }
	for {
		if err := w.await(ctx, deadline, quit, passable); err != nil {
			return err
		}
		at := lost.Add(again(time.Since(lost)))
		timer := time.AfterFunc(time.Until(at), w.links.wake)
		err := w.await(ctx, deadline, quit, func() bool { return !time.Now().Before(at) })
		timer.Stop()
		if err != nil || passable() {
			return err
		}
	}
}

// await waits until ok answers true, looking again after every change of the
// fault table. It fails with ctx's error, with world.ErrReadTimeout at the
// deadline unless that is zero, and with net.ErrClosed when quit is closed.
func (w *World) await(ctx context.Context, deadline time.Time, quit <-chan struct{}, ok func() bool) error {
	var expired <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		expired = timer.C
	}
	for {
		changed := w.links.change() // before ok: no change is missed
		if ok != nil && ok() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-expired:
			return world.ErrReadTimeout
		case <-quit:
			return net.ErrClosed
		}
	}
}
