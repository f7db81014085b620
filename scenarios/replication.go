package scenarios

import (
	"slices"
	"time"

	"sessionlab/lab"
)

// Replication is what the nodes told each other about sessions.
type Replication struct {
	Messages int
	Bytes    int64
	// Lag is from a message's being handed to the sender's channel until the
	// receiver has processed it.
	LagP50, LagP99, LagMax time.Duration
}

// replicates reports whether replication consists of messages of a kind.
func replicates(kind string) bool {
	switch kind {
	case "CREATED", "DELTA", "EXPIRED", "ACCESSED", "CHANGE_ID", "GET_ALL", "STATE", "TRANSFER_COMPLETE":
		return true
	}
	return false
}

// traffic counts what the lab's events tell.
type traffic struct {
	messages int
	bytes    int64
	lags     []time.Duration
	tries    map[string]int
	excluded map[string]int
}

func newTraffic() traffic {
	return traffic{tries: map[string]int{}, excluded: map[string]int{}}
}

func (t *traffic) count(e *lab.Event) {
	switch e.Kind {
	case lab.Tries:
		t.tries[e.Peer]++
	case lab.Excludes:
		t.excluded[e.Peer]++
	case lab.Sends:
		if replicates(e.Label.Kind) {
			t.messages++
			t.bytes += int64(e.Size)
		}
	case lab.Applies:
		if replicates(e.Label.Kind) {
			t.lags = append(t.lags, e.Took)
		}
	}
}

func (t *traffic) replication() Replication {
	r := Replication{Messages: t.messages, Bytes: t.bytes}
	if n := len(t.lags); n > 0 {
		sorted := slices.Sorted(slices.Values(t.lags))
		r.LagP50, r.LagP99, r.LagMax = sorted[(n-1)/2], sorted[(n-1)*99/100], sorted[n-1]
	}
	return r
}
