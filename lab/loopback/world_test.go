package loopback_test

import (
	"testing"

	"sessionlab/lab/loopback"
	"sessionlab/lab/world"
	"sessionlab/lab/world/worldtest"
)

func TestContract(t *testing.T) {
	for name, cfg := range map[string]loopback.Config{
		"mapped":     {Offset: loopback.Probe},
		"port table": {PortTable: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			worldtest.Run(t, func(t *testing.T, seed uint64) world.World {
				cfg.Seed = seed
				w, err := loopback.New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				return w
			})
		})
	}
}
