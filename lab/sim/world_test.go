package sim_test

import (
	"testing"

	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/lab/world/worldtest"
)

func TestWorld(t *testing.T) {
	worldtest.Run(t, func(_ *testing.T, seed uint64) world.World { return sim.New(sim.Config{Seed: seed}) })
}
