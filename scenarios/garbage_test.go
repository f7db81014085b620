package scenarios_test

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"
	"weak"

	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/scenarios/script"
)

// A program that runs one lab after the other must not carry the old ones along.
func TestLabsThatAreOverAreGarbageAtOnce(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var worlds []weak.Pointer[sim.World]
	for range 5 {
		_, err := attempt("reference", fmt.Appendf(nil, reference, "DeltaManager"), "sim",
			func(*script.Scenario) (world.World, error) {
				w := sim.New(sim.Config{Seed: 1})
				worlds = append(worlds, weak.Make(w))
				return w, nil
			})
		if err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	left := 0
	for _, w := range worlds {
		if w.Value() != nil {
			left++
		}
	}
	if left > 1 { // the latest may still be on the stack of a goroutine that ends
		t.Errorf("%d of %d labs that are over are still there after a collection, want none but the latest", left, len(worlds))
	}
}
