package tribes

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"sessionlab/lab/world"
)

// dispatcher queues asynchronous messages for a pool of threads that send them.
// The threads overtake each other; what they fail to send is only traced.
// Source: Tomcat MessageDispatchInterceptor.java.
type dispatcher struct {
	passing
	channel *Channel
	cfg     DispatchConfig
	threads *threads[dispatch]

	mu     sync.Mutex // guards memory only
	run    bool
	queued int64 // bytes, those being sent included
	begun  int   // threads of the core that have been started
}

// dispatch is one queued message.
type dispatch struct {
	to []Member
	m  *Message
}

func newDispatcher(c *Channel) *dispatcher {
	d := &dispatcher{channel: c, cfg: c.cfg.Dispatch}
	d.threads = newThreads(c.host, d.cfg, d.send)
	return d
}

func (d *dispatcher) start(ctx context.Context, services StartOptions) error {
	d.mu.Lock()
	d.run = services&SendMessages != 0
	d.mu.Unlock()
	return d.next.start(ctx, services)
}

// stop discards what is queued. What is sent from now on is sent at once.
func (d *dispatcher) stop(ctx context.Context, services StartOptions) {
	d.mu.Lock()
	d.run, d.queued = false, 0
	d.mu.Unlock()
	if n := d.threads.stop(); n > 0 {
		d.channel.watch.event(Event{Kind: Discarded, Detail: fmt.Sprintf("%d messages", n)})
		d.channel.forget(n)
	}
	d.next.stop(ctx, services)
}

func (d *dispatcher) sendMessage(ctx context.Context, to []Member, m *Message) error {
	size := int64(m.size())
	d.mu.Lock()
	async := d.run && m.Options&Asynchronous != 0
	full := async && d.queued+size > d.cfg.MaxQueueSize
	if async && !full {
		d.queued += size
		if m.newThread = d.begun < d.cfg.MaxSpareThreads; m.newThread {
			d.begun++
		}
	}
	d.mu.Unlock()
	switch {
	case !async:
		return d.next.sendMessage(ctx, to, m)
	case full && d.cfg.NoAlwaysSend:
		d.channel.watch.event(Event{Kind: QueueFull, Label: m.Label, Err: ErrQueueFull})
		return fmt.Errorf("send %s: %w", m.Label.Kind, ErrQueueFull)
	case full:
		d.channel.watch.event(Event{Kind: QueueFull, Label: m.Label, Detail: "sent by the caller"})
		return d.next.sendMessage(ctx, to, m)
	}
	d.channel.begin(m)
	d.threads.submit(dispatch{to, m})
	return nil
}

// send is what a thread does with one message.
func (d *dispatcher) send(ctx context.Context, job dispatch) {
	c := d.channel
	defer c.finish(job.m)
	err := d.next.sendMessage(ctx, job.to, job.m)
	ended := ctx.Err() != nil || errors.Is(err, world.ErrHostDown)
	if _, traced := err.(*ChannelError); err != nil && !traced && !ended {
		c.watch.event(Event{Kind: SendFailed, Label: job.m.Label, Err: err})
	}
	d.mu.Lock()
	d.queued = max(0, d.queued-int64(job.m.size()))
	d.mu.Unlock()
}
