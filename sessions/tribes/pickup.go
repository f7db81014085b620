package tribes

import (
	"math/rand/v2"
	"sync"
	"time"

	"sessionlab/lab/world"
)

// pickup is the time that threads take until they run. A thread that is woken
// runs at once if a core is free, and otherwise when it gets one. The draws are a
// message's own, so that nothing else in a run changes them; what they mean depends
// on whether the receiving node is at work.
type pickup struct {
	host world.Host
	mean time.Duration // Config.Pickup
	// What the draws are for.
	sending, open, back, selector, receipt, process world.Key

	mu        sync.Mutex // guards memory only
	generator rand.PCG
	draws     *rand.Rand // of the generator, which is seeded for each message
}

func newPickup(h world.Host, mean time.Duration) *pickup {
	here := func(purpose string) world.Key { return h.Key(purpose).Str(h.Name()) }
	p := &pickup{host: h, mean: mean, sending: here("tribes send"), open: here("tribes open"), back: here("tribes return"), selector: here("tribes selector"),
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

// opening is what the first message of a new sender takes besides, while the sender
// opens its selector; in a JVM that has just started all that is loaded and run for
// the first time. A message that comes meanwhile gets a sender, and with it a
// connection, of its own. Both stay for good, so that what is decided here is what
// can overtake what ever after. The parts are estimates, 0.3 and 9 ms by default:
// with them some nodes have one connection and some have two, as with Tomcat.
// Source: Tomcat PooledSender.java, getSender; ParallelNioSender.java, its constructor.
func (p *pickup) opening(m *Message, first bool) time.Duration {
	parts := 1.0
	if first {
		parts = 30
	}
	return p.draw(p.open, m.UniqueID, func(r *rand.Rand) float64 { return r.ExpFloat64() * parts })
}

// returning is how long a thread of the dispatcher that has just been started takes
// to return the sender after it has written its first message, beside the request that
// goes on; in a JVM that has just started all that is loaded and run for the first time.
// It is an estimate, 0.3 and 30 ms by default: with it a node whose sender has a
// connection mostly opens a second one at its first new session, and later seldom.
// Tomcat 10.1.60 does: of 18 to 20 sessions made while the other node was frozen 6 to
// 10 missed their first write there, and of 31 made while TCP was cut off none needed
// a new connection.
// Source: Tomcat MessageDispatchInterceptor.java, startQueue; PooledParallelSender.java,
// sendMessage.
func (p *pickup) returning(m *Message, started bool) time.Duration {
	parts := 1.0
	if started {
		parts = 100
	}
	return p.draw(p.back, m.UniqueID, func(r *rand.Rand) float64 { return r.ExpFloat64() * parts })
}

// A receiver has one thread that selects and a pool that reads and processes. The
// selector runs behind the threads that are at work when a message comes, which
// are a few and short; more often many where the node has requests of its own. A
// thread of the pool that wakes the selector may lose its core to it; and now and
// then another process has the core for a whole slice. These shares, and the parts
// of the mean below, were not measured one by one: they are such that the rates of
// DefaultPickup come out.
const (
	selectorTurns = 3     // threads that run before the selector
	crowded       = 0.015 // how often they are many
	crowdedAtWork = 0.08  // and how often on a node that is at work
	handsOver     = 0.15  // how often the selector takes the core
	loses         = 0.003 // how often another process does
)

// atWork is for how long after a message of its own a node is taken to have
// requests.
const atWork = 2 * time.Millisecond

// atSelector is how long it takes until the receiver's selector sees that the
// message with this id has arrived. All that arrives meanwhile, on whatever
// connection, is seen with it, and handed to threads at the same time: the order in
// which it came is lost. Source: Tomcat NioReceiver.java, listen.
func (p *pickup) atSelector(id [16]byte, working bool) time.Duration {
	often := crowded
	if working {
		often = crowdedAtWork
	}
	return p.draw(p.selector, id, func(r *rand.Rand) float64 {
		if r.Float64() < often {
			return r.ExpFloat64() * 4
		}
		turns := 0.0
		for range selectorTurns {
			turns += r.ExpFloat64()
		}
		return turns * 0.4 / selectorTurns
	})
}

// atReceiver is how long it takes until a thread of the receiver's pool has read
// a message and handed the connection back to the selector, whose wake-up may
// cost it the core. Threads overtake each other here.
// Source: Tomcat NioReplicationTask.java, registerForRead.
func (p *pickup) atReceiver(m *Message) time.Duration {
	return p.draw(p.receipt, m.UniqueID, func(r *rand.Rand) float64 {
		if r.Float64() < handsOver {
			return r.ExpFloat64() * 0.8
		}
		return r.ExpFloat64() / 8
	})
}

// inProcess is what the same thread takes for the message itself.
func (p *pickup) inProcess(m *Message) time.Duration {
	return p.draw(p.process, m.UniqueID, func(r *rand.Rand) float64 {
		if r.Float64() < loses {
			return r.ExpFloat64() * 10
		}
		return r.ExpFloat64() / 8
	})
}

// loading is how long a JVM that has just started takes to load the classes of a
// part of the channel and to run them for the first time. It is an estimate, 6 ms on
// average by default.
func (p *pickup) loading(part string) time.Duration {
	if p.mean < 0 {
		return 0
	}
	draw := p.host.Key("tribes loading").Str(p.host.Name()).Str(part).Int(uint64(p.host.Elapsed())).Rand()
	return time.Duration(draw.ExpFloat64() * float64(p.mean) * 20)
}

// draw is a time that belongs to a message; parts says how many parts of the mean.
func (p *pickup) draw(purpose world.Key, id [16]byte, parts func(*rand.Rand) float64) time.Duration {
	if p.mean < 0 {
		return 0
	}
	key := purpose.Str(string(id[:]))
	p.mu.Lock()
	defer p.mu.Unlock()
	key.Seed(&p.generator)
	return time.Duration(parts(p.draws) * float64(p.mean))
}
