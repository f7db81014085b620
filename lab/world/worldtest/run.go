package worldtest

import (
	"context"
	"errors"
	"testing"

	"sessionlab/lab/world"
)

// row is one behaviour, told as a story.
type row struct {
	name  string
	story func(r *rig)
}

// chapter is a part of the contract. The events of an observed chapter are
// recorded in rig.seen; the others run without an observer.
type chapter struct {
	name     string
	observed bool
	rows     []row
}

var chapters = []chapter{
	{name: "machines", rows: machineRows},
	{name: "clock", rows: clockRows},
	{name: "contexts", rows: contextRows},
	{name: "tasks", rows: taskRows},
	{name: "signals", rows: signalRows},
	{name: "waiting", rows: waitingRows},
	{name: "rand", rows: randRows},
	{name: "disk", rows: diskRows},
	{name: "http", rows: httpRows},
	{name: "connections", rows: connectionRows},
	{name: "bodies", rows: bodyRows},
	{name: "request bodies", rows: requestBodyRows},
	{name: "bodies and partitions", rows: partitionBodyRows},
	{name: "handlers", rows: handlerRows},
	{name: "listeners", rows: listenerRows},
	{name: "transport", rows: transportRows},
	{name: "outcomes", rows: outcomeRows},
	{name: "kill", rows: killRows},
	{name: "pause", rows: pauseRows},
	{name: "datagrams", rows: packetRows},
	{name: "streams", rows: streamRows},
	{name: "rules", rows: ruleRows},
	{name: "exchange rules", rows: exchangeRuleRows},
	{name: "partition", rows: partitionRows},
	{name: "resend", rows: resendRows},
	{name: "in flight", rows: inFlightRows},
	{name: "observer", observed: true, rows: observerRows},
}

// Run plays the whole suite, one subtest for each behaviour. newWorld makes a
// fresh world whose randomness comes from seed; the suite closes it.
func Run(t *testing.T, newWorld func(t *testing.T, seed uint64) world.World) {
	for _, c := range chapters {
		t.Run(c.name, func(t *testing.T) {
			for _, row := range c.rows {
				t.Run(row.name, func(t *testing.T) {
					play(t, newWorld(t, 1), c.observed, row.story)
				})
			}
		})
	}
	t.Run("interrupt", func(t *testing.T) { interrupt(t, newWorld(t, 1)) })
	t.Run("seeds", func(t *testing.T) {
		for _, row := range seedRows {
			t.Run(row.name, func(t *testing.T) {
				row.compare(t, func(seed uint64, story func(r *rig)) {
					play(t, newWorld(t, seed), false, story)
				})
			})
		}
	})
}

// play runs a story in the operator's task of w and closes w.
func play(t *testing.T, w world.World, observed bool, story func(r *rig)) {
	r := &rig{t: t, w: w, op: w.Operator()}
	if observed {
		r.seen = new(recorder)
		w.Observe(r.seen.record)
	}
	err := w.Run(func(ctx context.Context) error {
		r.ctx = ctx
		if why := guard(func() { story(r) }); why != "" {
			return errors.New(why)
		}
		return nil
	})
	r.end()
	if err != nil {
		t.Error(err)
	}
	for range 2 { // Close is idempotent
		if err := w.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}
