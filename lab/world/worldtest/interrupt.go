package worldtest

import (
	"context"
	"errors"
	"testing"

	"sessionlab/lab/world"
)

// interrupt plays the one story that Run does not come back from by itself: a
// run that is interrupted ends, and says so.
func interrupt(t *testing.T, w world.World) {
	const enough = 100_000 // looks, after which an interruption would have been heard
	op := w.Operator()
	err := w.Run(func(ctx context.Context) error {
		for i := range enough {
			if i == 3 {
				w.Interrupt()
			}
			if err := op.Sleep(ctx, tick); err != nil {
				return err
			}
		}
		return nil
	})
	if !errors.Is(err, world.ErrInterrupted) {
		t.Errorf("Run after Interrupt: got %v, want ErrInterrupted", err)
	}
	if got := w.Elapsed(); got <= 0 {
		t.Errorf("Elapsed of a run that slept: got %v, want more than nothing", got)
	}
	if err := w.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
