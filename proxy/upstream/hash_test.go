package upstream

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestTheRingOfAConsistentHashHasABound(t *testing.T) {
	servers := func(weights ...int) (all []Server) {
		for i, w := range weights {
			s := NewServer(fmt.Sprintf("10.0.0.%d:8080", i+1))
			s.Weight = w
			all = append(all, s)
		}
		return all
	}
	if _, err := New("u", ConsistentHash, servers(maxRing-1, 1)); err != nil {
		t.Errorf("weights of %d together: %v, want a group", maxRing, err)
	}
	_, err := New("u", ConsistentHash, servers(maxRing, 1))
	if err == nil || !strings.Contains(err.Error(), "10001 together: at most 10000") {
		t.Errorf("weights of %d together: error %v, want the bound", maxRing+1, err)
	}
	if _, err := New("u", Hash, servers(math.MaxInt32)); err != nil {
		t.Errorf("a hash without a ring: %v, want a group", err)
	}
}
