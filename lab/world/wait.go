package world

import (
	"context"
	"slices"
	"sync"
	"time"
)

// signaller is the part of Host that the waiting structures need.
type signaller interface{ NewSignal() Signal }

// Semaphore lets at most n holders in and queues the others first come, first
// served. Make it with NewSemaphore.
type Semaphore struct {
	host signaller

	mu      sync.Mutex // guards memory only; never held while waiting
	free    int
	waiting []*waiter
}

type waiter struct {
	signal  Signal
	granted bool
}

// NewSemaphore returns a semaphore with n free places for tasks of h.
func NewSemaphore(h Host, n int) *Semaphore { return &Semaphore{host: h, free: n} }

// Acquire takes a place, waiting for one while ctx lets it.
func (s *Semaphore) Acquire(ctx context.Context) error {
	s.mu.Lock()
	if s.free > 0 && len(s.waiting) == 0 {
		s.free--
		s.mu.Unlock()
		return nil
	}
	w := &waiter{signal: s.host.NewSignal()}
	s.waiting = append(s.waiting, w)
	s.mu.Unlock()

	err := w.signal.Wait(ctx)
	if err == nil {
		return nil
	}
	s.mu.Lock()
	if w.granted {
		s.mu.Unlock()
		s.Release() // the place came together with the end of ctx: pass it on
		return err
	}
	for i, other := range s.waiting {
		if other == w {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			break
		}
	}
	s.mu.Unlock()
	return err
}

// TryAcquire takes a place if one is free now.
func (s *Semaphore) TryAcquire() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free == 0 || len(s.waiting) > 0 {
		return false
	}
	s.free--
	return true
}

// Release gives a place back, to the longest waiting task if there is one.
func (s *Semaphore) Release() {
	s.mu.Lock()
	if len(s.waiting) == 0 {
		s.free++
		s.mu.Unlock()
		return
	}
	w := s.waiting[0]
	s.waiting = s.waiting[1:]
	w.granted = true
	s.mu.Unlock()
	w.signal.Set()
}

// Waiting is how many tasks are queued.
func (s *Semaphore) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}

// Mutex is a lock that may be held while waiting for time or the wire, which
// sync.Mutex may not: holding one across a wait stops the whole sim.
type Mutex struct{ s *Semaphore }

// NewMutex returns an unlocked mutex for tasks of h.
func NewMutex(h Host) *Mutex { return &Mutex{NewSemaphore(h, 1)} }

// Lock waits for the lock while ctx lets it.
func (m *Mutex) Lock(ctx context.Context) error { return m.s.Acquire(ctx) }

// Unlock gives the lock to the longest waiting task.
func (m *Mutex) Unlock() { m.s.Release() }

// Queue is an unbounded first-in first-out queue between tasks of one host.
// Make it with NewQueue.
type Queue[T any] struct {
	host signaller

	mu      sync.Mutex // guards memory only
	items   []T
	first   int // of items; those before it are taken
	waiting []*waiter
	spare   []*waiter // that nobody uses
	closed  bool
}

// NewQueue returns an empty queue for tasks of h.
func NewQueue[T any](h Host) *Queue[T] { return &Queue[T]{host: h} }

// Put appends an item and wakes the longest waiting taker. After Close it does
// nothing and reports false.
func (q *Queue[T]) Put(item T) bool {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false
	}
	if len(q.items) == cap(q.items) && q.first > len(q.items)/2 {
		left := copy(q.items, q.items[q.first:])
		clear(q.items[left:])
		q.items, q.first = q.items[:left], 0
	}
	q.items = append(q.items, item)
	w := q.popWaiter()
	q.mu.Unlock()
	if w != nil {
		w.signal.Set()
	}
	return true
}

// Take removes the oldest item, waiting for one while ctx lets it. After Close
// it drains what is left and then answers ok=false.
func (q *Queue[T]) Take(ctx context.Context) (item T, ok bool, err error) {
	return q.take(ctx, 0)
}

// TakeWithin is Take that gives up after d, which must be above 0, of monotonic
// time with context.DeadlineExceeded.
func (q *Queue[T]) TakeWithin(ctx context.Context, d time.Duration) (item T, ok bool, err error) {
	return q.take(ctx, d)
}

// take waits for each wake-up at most for d, unless that is 0.
func (q *Queue[T]) take(ctx context.Context, d time.Duration) (item T, ok bool, err error) {
	for {
		q.mu.Lock()
		if q.first < len(q.items) {
			item = q.pop()
			q.mu.Unlock()
			return item, true, nil
		}
		if q.closed {
			q.mu.Unlock()
			return item, false, nil
		}
		w := q.newWaiter()
		q.waiting = append(q.waiting, w)
		q.mu.Unlock()

		if d > 0 {
			err = w.signal.WaitWithin(ctx, d)
		} else {
			err = w.signal.Wait(ctx)
		}
		q.mu.Lock()
		if err == nil {
			w.granted = false
			q.spare = append(q.spare, w)
			q.mu.Unlock()
			continue
		}
		granted := w.granted
		q.waiting = slices.DeleteFunc(q.waiting, func(other *waiter) bool { return other == w })
		var next *waiter
		if granted && q.first < len(q.items) {
			next = q.popWaiter() // our wake-up is somebody else's
		}
		q.mu.Unlock()
		if next != nil {
			next.signal.Set()
		}
		return item, false, err
	}
}

// pop takes the oldest item; q.mu is held.
func (q *Queue[T]) pop() (item T) {
	var zero T
	item, q.items[q.first] = q.items[q.first], zero
	if q.first++; q.first == len(q.items) {
		q.items, q.first = q.items[:0], 0
	}
	return item
}

// newWaiter is a waiter, one that was used before if there is one; q.mu is held.
func (q *Queue[T]) newWaiter() *waiter {
	if last := len(q.spare) - 1; last >= 0 {
		w := q.spare[last]
		q.spare = q.spare[:last]
		return w
	}
	return &waiter{signal: q.host.NewSignal()}
}

// Len is how many items wait.
func (q *Queue[T]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items) - q.first
}

// Close refuses further items and lets every taker drain and leave.
func (q *Queue[T]) Close() {
	q.mu.Lock()
	q.closed = true
	waiting := q.waiting
	q.waiting = nil
	q.mu.Unlock()
	for _, w := range waiting {
		w.signal.Set()
	}
}

func (q *Queue[T]) popWaiter() *waiter {
	if len(q.waiting) == 0 {
		return nil
	}
	w := q.waiting[0]
	q.waiting = slices.Delete(q.waiting, 0, 1)
	w.granted = true
	return w
}
