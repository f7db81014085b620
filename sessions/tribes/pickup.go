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
	mean             time.Duration // Config.Pickup
	sending, receipt world.Key

	mu        sync.Mutex // guards memory only
	generator rand.PCG
	draws     *rand.Rand // of the generator, which is seeded for each message
}

func newPickup(h world.Host, mean time.Duration) *pickup {
	p := &pickup{mean: mean, sending: h.Key("tribes send").Str(h.Name()), receipt: h.Key("tribes receipt").Str(h.Name())}
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

// busyCores is how often a receiver's thread finds no free core.
const busyCores = 0.27

// atReceiver is how long it takes until a thread of the receiver's pool has read
// a message, after the selector's thread has seen it. Connections have threads
// of their own, so messages on different ones overtake each other here.
// Source: Tomcat NioReceiver.java, readDataFromSocket; NioReplicationTask.java.
func (p *pickup) atReceiver(m *Message) time.Duration {
	if p.mean < 0 {
		return 0
	}
	key := p.receipt.Str(string(m.UniqueID[:]))
	p.mu.Lock()
	defer p.mu.Unlock()
	key.Seed(&p.generator)
	mean := p.mean / 8
	if p.draws.Float64() < busyCores {
		mean = p.mean * 8 / 3
	}
	return time.Duration(p.draws.ExpFloat64() * float64(mean))
}
