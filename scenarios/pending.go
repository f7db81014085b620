package scenarios

import (
	"context"
	"sync"

	"sessionlab/lab/world"
	"sessionlab/scenarios/script"
)

// pending counts the script's requests that have not been answered, and knows who
// waits for them.
type pending struct {
	mu      sync.Mutex // guards memory only
	count   map[string]int
	waiting map[string][]world.Signal
}

func newPending() pending {
	return pending{count: map[string]int{}, waiting: map[string][]world.Signal{}}
}

// pendingKeys are the names under which a line's requests can be waited for.
func pendingKeys(a script.Step) []string {
	if a.Label == "" {
		return []string{a.User}
	}
	return []string{a.User, a.User + "." + a.Label}
}

// begin counts a line's requests from now on: a wait for them may come before the
// task that sends them has begun.
func (p *pending) begin(keys []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range keys {
		p.count[k]++
	}
}

// done ends what begin has begun.
func (p *pending) done(keys []string) {
	p.mu.Lock()
	var wake []world.Signal
	for _, k := range keys {
		if p.count[k]--; p.count[k] == 0 {
			wake = append(wake, p.waiting[k]...)
			delete(p.waiting, k)
		}
	}
	p.mu.Unlock()
	for _, s := range wake {
		s.Set()
	}
}

// wait waits until nothing is pending under a name, or ctx ends.
func (p *pending) wait(ctx context.Context, host world.Host, key string) error {
	for {
		p.mu.Lock()
		if p.count[key] == 0 {
			p.mu.Unlock()
			return nil
		}
		s := host.NewSignal()
		p.waiting[key] = append(p.waiting[key], s)
		p.mu.Unlock()
		if err := s.Wait(ctx); err != nil {
			return err
		}
	}
}
