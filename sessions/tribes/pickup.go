package tribes

import (
	"math/rand/v2"
	"sync"
	"time"

	"sessionlab/lab/world"
)

// pickup is the time that threads take until they run. A thread that is woken
// runs at once if a core is free, and after about a millisecond if it has to wait
// for one. The draws are a message's own, so that nothing else in a run changes
// them.
type pickup struct {
	mean time.Duration // Config.Pickup
	// What the draws are for.
	sending, selector, receipt, process world.Key

	mu        sync.Mutex // guards memory only
	generator rand.PCG
	draws     *rand.Rand // of the generator, which is seeded for each message
}

func newPickup(h world.Host, mean time.Duration) *pickup {
	here := func(purpose string) world.Key { return h.Key(purpose).Str(h.Name()) }
	p := &pickup{mean: mean, sending: here("tribes send"), selector: here("tribes selector"),
		receipt: here("tribes receipt"), process: here("tribes process")}
	p.draws = rand.New(&p.generator)
	return p
}

// atSender is how long a sender's selector takes to see that it may write.
// Meanwhile the sender is busy, and the next message takes another.
// Source: Tomcat ParallelNioSender.java, doLoop.
func (p *pickup) atSender(m *Message) time.Duration {
	if p.mean < 0 {
		return 0
	}
	key := p.sending.Str(m.Label.Kind).Str(m.Label.Key).Int(m.nth)
	p.mu.Lock()
	defer p.mu.Unlock()
	key.Seed(&p.generator)
	return time.Duration(p.draws.ExpFloat64() * float64(p.mean/6))
}

// A receiver has one thread that selects and a pool that reads and processes.
// How often the one and the other find no free core, at each point where they may
// have to wait for one:
const (
	busySelector = 0.10
	busyWorker   = 0.25
	busyProcess  = 0.01
)

// wakeUp is how long a thread takes to run once a message has woken it.
func (p *pickup) wakeUp(purpose world.Key, m *Message, busy float64, long time.Duration) time.Duration {
	if p.mean < 0 {
		return 0
	}
	key := purpose.Str(string(m.UniqueID[:]))
	p.mu.Lock()
	defer p.mu.Unlock()
	key.Seed(&p.generator)
	mean := p.mean / 8
	if p.draws.Float64() < busy {
		mean = long
	}
	return time.Duration(p.draws.ExpFloat64() * float64(mean))
}

// atSelector is how long it takes until the receiver's selector sees that a
// message has arrived. All that arrives meanwhile, on whatever connection, is
// seen with it. Source: Tomcat NioReceiver.java, listen.
func (p *pickup) atSelector(m *Message) time.Duration {
	return p.wakeUp(p.selector, m, busySelector, p.mean*8/3)
}

// atReceiver is how long it takes until a thread of the receiver's pool has read
// a message and handed the connection back to the selector, whose wake-up may
// cost it the core. Threads overtake each other here.
// Source: Tomcat NioReplicationTask.java, registerForRead.
func (p *pickup) atReceiver(m *Message) time.Duration {
	return p.wakeUp(p.receipt, m, busyWorker, p.mean*4/3)
}

// inProcess is what the same thread takes for the message itself; having written
// an acknowledgement may cost it the core, too.
func (p *pickup) inProcess(m *Message) time.Duration {
	return p.wakeUp(p.process, m, busyProcess, p.mean*8/3)
}
