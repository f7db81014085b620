package tribes_test

import (
	"context"
	"fmt"
	"testing"

	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/sessions/tribes"
)

// talk has one of three nodes send messages, one after the other.
func talk(t testing.TB, options tribes.Options, messages int) {
	w := sim.New(sim.Config{Seed: 1})
	defer w.Close()
	run(t, w, func(r *rig) {
		var hosts []world.Host
		cfg := tribes.Config{Formation: &tribes.Formation{}}
		for i := range 3 {
			hosts = append(hosts, r.boot(i+1))
		}
		var channels []*tribes.Channel
		got := 0
		for _, h := range hosts {
			c := tribes.NewChannel(h, cfg)
			c.OnMessage(func(context.Context, *tribes.Message) { got++ })
			r.must(c.Start(r.ctx))
			channels = append(channels, c)
		}
		cfg.Formation.Complete(r.ctx)
		body := make([]byte, 100)
		for range messages {
			m := &tribes.Message{Label: world.Label{Kind: "DELTA", Key: "S"}, Body: body, Options: options}
			r.must(channels[0].Send(r.ctx, channels[0].Members(), m))
			r.sleep(10 * ms)
		}
		if got != 2*messages {
			t.Errorf("options %d: %d messages arrived, want %d", options, got, 2*messages)
		}
	})
}

// TestMessageAllocatesLittle counts a message's whole way to two members, the
// heartbeats meanwhile included.
func TestMessageAllocatesLittle(t *testing.T) {
	const messages = 1000
	for _, c := range []struct {
		options tribes.Options
		most    float64
	}{{8, 6}, {0, 6}, {6, 18}} {
		few := testing.AllocsPerRun(1, func() { talk(t, c.options, 100) })
		many := testing.AllocsPerRun(1, func() { talk(t, c.options, 100+messages) })
		got := (many - few) / messages
		if got > c.most {
			t.Errorf("options %d: %.1f allocations per message, want at most %.0f", c.options, got, c.most)
		}
	}
}

func BenchmarkMessage(b *testing.B) {
	for _, options := range []tribes.Options{8, 6} {
		b.Run(fmt.Sprint("options ", options), func(b *testing.B) {
			b.ReportAllocs()
			talk(b, options, b.N)
		})
	}
}
