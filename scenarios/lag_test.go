package scenarios_test

import (
	"testing"

	"sessionlab/scenarios/report"
)

// TestLagEndsWhenTheMessageHasBeenProcessed holds a message on its way, then
// freezes the node that has got one: both are lag.
func TestLagEndsWhenTheMessageHasBeenProcessed(t *testing.T) {
	for name, text := range map[string]string{
		"held on its way": `nodes a b
manager DeltaManager
cluster channelSendOptions=8
user    alice
hold    DELTA
alice   POST /counter
after 1s release DELTA
end     2s
expect  replication.lag.max >= 1s and replication.lag.max < 1100ms
`,
		"at a frozen receiver": `nodes a b
manager DeltaManager
cluster channelSendOptions=8
user    alice
alice   POST /counter
pause   b
alice   POST /counter on a
after 1s resume b
end     2s
expect  replication.lag.max >= 1s and replication.lag.max < 1100ms
`,
		"neither": `nodes a b
manager DeltaManager
user    alice
alice   POST /counter
end     1s
expect  replication.lag.max < 100ms and replication.lag.p50 > 0ms
`,
	} {
		r, err := attempt(name, []byte(text), "sim", inSim)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if r.Verdict != report.Pass {
			t.Errorf("%s: %+v", name, r.Expectations)
		}
	}
}
