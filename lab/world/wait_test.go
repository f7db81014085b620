package world_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sessionlab/lab/world"
)

// fakeHost is a host that is only asked for signals.
type fakeHost struct {
	world.Host
	down chan struct{} // closed when the host is down
}

func newFakeHost() *fakeHost { return &fakeHost{down: make(chan struct{})} }

func (h *fakeHost) NewSignal() world.Signal {
	return &fakeSignal{host: h, set: make(chan struct{}, 1)}
}

type fakeSignal struct {
	host *fakeHost
	set  chan struct{}
}

func (s *fakeSignal) Set() {
	select {
	case s.set <- struct{}{}:
	default:
	}
}

func (s *fakeSignal) Wait(ctx context.Context) error {
	select {
	case <-s.set:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.host.down:
		return world.ErrHostDown
	}
}

func (s *fakeSignal) WaitWithin(ctx context.Context, d time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return s.Wait(limited)
}

func TestSemaphoreLetsNInAndServesTheRestInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := world.NewSemaphore(newFakeHost(), 2)
		for range 2 {
			if err := s.Acquire(t.Context()); err != nil {
				t.Fatalf("Acquire of a free place: %v", err)
			}
		}
		if s.TryAcquire() {
			t.Error("TryAcquire of a full semaphore = true")
		}
		var mu sync.Mutex
		var order []int
		for n := range 4 {
			go func() {
				if err := s.Acquire(t.Context()); err != nil {
					t.Errorf("Acquire: %v", err)
				}
				mu.Lock()
				order = append(order, n)
				mu.Unlock()
			}()
			synctest.Wait()
			if got := s.Waiting(); got != n+1 {
				t.Errorf("Waiting = %d, want %d", got, n+1)
			}
		}
		for range 4 {
			s.Release()
			synctest.Wait()
		}
		if want := []int{0, 1, 2, 3}; !slices.Equal(order, want) {
			t.Errorf("served in order %v, want %v", order, want)
		}
		s.Release()
		if !s.TryAcquire() || s.TryAcquire() {
			t.Error("after one more release: want exactly one free place")
		}
	})
}

func TestSemaphoreIsNotOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := world.NewSemaphore(newFakeHost(), 1)
		s.Acquire(t.Context())
		served := false
		go func() {
			s.Acquire(t.Context())
			served = true
		}()
		synctest.Wait()
		s.Release()
		if s.TryAcquire() { // the place is the waiting task's, though it has not run yet
			t.Error("TryAcquire overtook a waiting task")
		}
		synctest.Wait()
		if !served {
			t.Error("the waiting task was not served")
		}
	})
}

func TestSemaphoreForgetsWhoGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := world.NewSemaphore(newFakeHost(), 1)
		s.Acquire(t.Context())
		impatient, giveUp := context.WithCancel(t.Context())
		var gaveUp, served error = nil, errors.New("not served")
		go func() { gaveUp = s.Acquire(impatient) }()
		synctest.Wait()
		go func() { served = s.Acquire(t.Context()) }()
		synctest.Wait()
		giveUp()
		synctest.Wait()
		if !errors.Is(gaveUp, context.Canceled) || s.Waiting() != 1 {
			t.Errorf("Acquire given up = %v with %d waiting, want canceled with 1", gaveUp, s.Waiting())
		}
		s.Release()
		synctest.Wait()
		if served != nil {
			t.Errorf("Acquire of the next = %v, want none", served)
		}
	})
}

// A place that was granted in the moment in which its task gave up goes to the
// next task.
func TestSemaphorePassesOnAPlaceGrantedTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := world.NewSemaphore(lateHost{}, 1)
		s.Acquire(t.Context())
		impatient, giveUp := context.WithCancel(t.Context())
		first := errors.New("still waiting")
		go func() { first = s.Acquire(impatient) }()
		synctest.Wait()
		s.Release() // granted, but the task sees only the end of its context
		giveUp()
		synctest.Wait()
		if !errors.Is(first, context.Canceled) {
			t.Errorf("Acquire = %v, want canceled", first)
		}
		if !s.TryAcquire() {
			t.Error("the place is lost")
		}
	})
}

// lateHost has signals that are heard only by the end of the context.
type lateHost struct{ world.Host }

func (lateHost) NewSignal() world.Signal { return deafSignal{} }

type deafSignal struct{}

func (deafSignal) Set() {}
func (deafSignal) Wait(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}
func (d deafSignal) WaitWithin(ctx context.Context, _ time.Duration) error { return d.Wait(ctx) }

func TestWaitingEndsWithTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newFakeHost()
		s, q := world.NewSemaphore(h, 0), world.NewQueue[int](h)
		var acquired, taken error
		go func() { acquired = s.Acquire(t.Context()) }()
		go func() { _, _, taken = q.Take(t.Context()) }()
		synctest.Wait()
		close(h.down)
		synctest.Wait()
		if !errors.Is(acquired, world.ErrHostDown) || !errors.Is(taken, world.ErrHostDown) {
			t.Errorf("Acquire = %v, Take = %v, want host down for both", acquired, taken)
		}
	})
}

func TestMutexExcludes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := world.NewMutex(newFakeHost())
		inside, most := 0, 0
		for range 5 {
			go func() {
				for range 10 {
					if err := m.Lock(t.Context()); err != nil {
						t.Errorf("Lock: %v", err)
					}
					inside++
					most = max(most, inside)
					yield()
					inside--
					m.Unlock()
				}
			}()
		}
		synctest.Wait()
		if most != 1 || inside != 0 {
			t.Errorf("at most %d tasks inside, %d left; want 1, 0", most, inside)
		}
	})
}

// yield lets the other goroutines run.
func yield() {
	c := make(chan struct{})
	go close(c)
	<-c
}

func TestQueueIsFirstInFirstOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := world.NewQueue[int](newFakeHost())
		for n := range 5 {
			q.Put(n)
		}
		if got := q.Len(); got != 5 {
			t.Errorf("Len = %d, want 5", got)
		}
		for want := range 5 {
			if n, ok, err := q.Take(t.Context()); n != want || !ok || err != nil {
				t.Errorf("Take = %d, %v, %v, want %d, true, nil", n, ok, err, want)
			}
		}
	})
}

func TestQueueWakesOneTakerForEachItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := world.NewQueue[int](newFakeHost())
		taken := make([]int, 3)
		for i := range taken {
			taken[i] = -1
			go func() { taken[i], _, _ = q.Take(t.Context()) }()
			synctest.Wait()
		}
		q.Put(10)
		synctest.Wait()
		if want := []int{10, -1, -1}; !slices.Equal(taken, want) {
			t.Errorf("taken after one item: %v, want %v", taken, want)
		}
		q.Put(11)
		q.Put(12)
		synctest.Wait()
		slices.Sort(taken)
		if want := []int{10, 11, 12}; !slices.Equal(taken, want) {
			t.Errorf("taken by the three: %v, want %v", taken, want)
		}
	})
}

func TestQueueForgetsWhoGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := world.NewQueue[int](newFakeHost())
		impatient, giveUp := context.WithCancel(t.Context())
		var gaveUp error
		got := -1
		go func() { _, _, gaveUp = q.Take(impatient) }()
		synctest.Wait()
		go func() { got, _, _ = q.Take(t.Context()) }()
		synctest.Wait()
		giveUp()
		synctest.Wait()
		q.Put(10)
		synctest.Wait()
		if !errors.Is(gaveUp, context.Canceled) || got != 10 {
			t.Errorf("the first: %v, the second took %d; want canceled, 10", gaveUp, got)
		}
	})
}

// A wake-up that came in the moment in which its taker gave up is the next
// taker's.
func TestQueuePassesOnAWakeUpThatCameTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &mixedHost{fakeHost: newFakeHost(), deaf: 1}
		q := world.NewQueue[int](h)
		impatient, giveUp := context.WithCancel(t.Context())
		var gaveUp error
		got := -1
		go func() { _, _, gaveUp = q.Take(impatient) }()
		synctest.Wait()
		go func() { got, _, _ = q.Take(t.Context()) }()
		synctest.Wait()
		q.Put(10) // wakes the first, who does not hear it
		giveUp()
		synctest.Wait()
		if !errors.Is(gaveUp, context.Canceled) || got != 10 {
			t.Errorf("the first: %v, the second took %d; want canceled, 10", gaveUp, got)
		}
	})
}

// mixedHost gives deaf signals first.
type mixedHost struct {
	*fakeHost
	deaf int
}

func (h *mixedHost) NewSignal() world.Signal {
	if h.deaf > 0 {
		h.deaf--
		return deafSignal{}
	}
	return h.fakeHost.NewSignal()
}

func TestClosedQueueDrainsAndLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := world.NewQueue[string](newFakeHost())
		var left atomic.Int32
		for range 3 {
			go func() {
				if _, ok, err := q.Take(t.Context()); ok || err != nil {
					t.Errorf("Take of a closed queue = %v, %v, want false, nil", ok, err)
				}
				left.Add(1)
			}()
			synctest.Wait()
		}
		q.Close()
		synctest.Wait()
		if got := left.Load(); got != 3 {
			t.Errorf("%d takers left, want 3", got)
		}
		if q.Put("late") || q.Len() != 0 {
			t.Error("Put after Close was taken")
		}
	})

	q := world.NewQueue[string](newFakeHost())
	q.Put("a")
	q.Put("b")
	q.Close()
	q.Close()
	for _, want := range []string{"a", "b", ""} {
		item, ok, err := q.Take(t.Context())
		if item != want || ok != (want != "") || err != nil {
			t.Errorf("Take after Close = %q, %v, %v, want %q", item, ok, err, want)
		}
	}
}
