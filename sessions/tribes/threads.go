package tribes

import (
	"context"
	"errors"
	"sync"
	"time"

	"sessionlab/lab/world"
)

// threads runs jobs as Java's ThreadPoolExecutor does behind Tomcat's
// TaskQueue: core threads first, whatever is idle; then, only when all are busy,
// more up to max, which end after keepAlive without work; only then does a job
// wait in the queue. Nothing orders the threads among themselves.
// Source: Tomcat ExecutorFactory.java, TaskQueue; Java ThreadPoolExecutor.
type threads[T any] struct {
	host      world.Host
	core, max int
	keepAlive time.Duration
	run       func(ctx context.Context, job T)
	queue     *world.Queue[T]
	ctx       context.Context // ends at stop
	end       context.CancelFunc

	mu   sync.Mutex // guards memory only
	size int        // threads
	jobs int        // queued and running
}

// grow decides whether the next job gets a new thread.
func (t *threads[T]) grow() bool {
	return t.size < t.core || t.jobs >= t.size && t.size < t.max
}

func newThreads[T any](h world.Host, cfg DispatchConfig, run func(context.Context, T)) *threads[T] {
	t := &threads[T]{host: h, core: cfg.MaxSpareThreads, max: cfg.MaxThreads, keepAlive: cfg.KeepAliveTime, run: run}
	t.queue = world.NewQueue[T](h)
	t.ctx, t.end = h.WithCancel(context.Background())
	return t
}

// submit has a thread run the job.
func (t *threads[T]) submit(job T) {
	t.mu.Lock()
	grow := t.grow()
	t.jobs++
	if grow {
		t.size++
	}
	t.mu.Unlock()
	if !grow {
		t.queue.Put(job)
		return
	}
	t.host.Go("tribes dispatch", func(context.Context) { t.work(job) })
}

// work is the life of one thread.
func (t *threads[T]) work(job T) {
	for {
		t.run(t.ctx, job)
		t.mu.Lock()
		t.jobs--
		t.mu.Unlock()
		var ok bool
		if job, ok = t.nextJob(); !ok {
			return
		}
	}
}

// nextJob waits for work; ok=false says that the thread ends: the pool has
// stopped, the host is down, or a spare thread was idle for too long.
func (t *threads[T]) nextJob() (job T, ok bool) {
	for t.ctx.Err() == nil {
		t.mu.Lock()
		spare := t.size > t.core
		t.mu.Unlock()
		var err error
		if spare {
			job, ok, err = t.queue.TakeWithin(t.ctx, t.keepAlive)
		} else {
			job, ok, err = t.queue.Take(t.ctx)
		}
		if err == nil {
			return job, ok
		}
		idle := errors.Is(err, context.DeadlineExceeded)
		t.mu.Lock()
		leave := !idle || t.size > t.core
		if leave {
			t.size--
		}
		t.mu.Unlock()
		if leave {
			return job, false
		}
	}
	return job, false
}

// stop lets the threads end without taking what is queued, and says how much
// that is. A job that runs is left to its context.
func (t *threads[T]) stop() (discarded int) {
	t.end()
	discarded = t.queue.Len()
	t.queue.Close()
	return discarded
}

// figures are the threads there are, how many are busy, and the queued jobs.
func (t *threads[T]) figures() (size, busy, queued int) {
	queued = t.queue.Len()
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.size, max(0, t.jobs-queued), queued
}
