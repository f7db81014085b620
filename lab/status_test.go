package lab_test

import (
	"testing"
	"time"

	"sessionlab/lab"
	"sessionlab/sessions/delta"
)

func TestStatusCountsMessagesWhereStatisticsAreKept(t *testing.T) {
	for _, on := range []delta.Flag{delta.True, delta.False} {
		p := plan("a", "b")
		p.Manager.Class, p.Manager.Delta.EnableStatistics = "DeltaManager", on
		run(t, p, func(r *room) {
			row := r.Status()[0]
			if counted := row.Delta != nil; counted != (on == delta.True) {
				t.Errorf("enableStatistics %v: messages are counted: %v", on, counted)
			}
			if row.Channel == nil || len(row.Members) != 1 {
				t.Errorf("channel %v, members %v, want a channel and one member", row.Channel, row.Members)
			}
		})
	}
}

// The proxy's wall clock says when a server that failed may be tried again.
func TestStatusOfTheProxyGoesByItsOwnClock(t *testing.T) {
	run(t, plan("a", "b"), func(r *room) {
		out := func() bool { return r.ProxyStatus()[0].Servers[0].State != r.ProxyStatus()[0].Servers[1].State }
		r.do(r.Kill("a"))
		r.get(r.Front(), "/counter")
		r.get(r.Front(), "/counter")
		if !out() {
			t.Fatalf("servers after a failure = %+v, want a out of service", r.ProxyStatus()[0].Servers)
		}
		r.do(r.Skew("b", time.Hour))
		if !out() {
			t.Error("the clock of b has brought a back in")
		}
		r.do(r.Skew(lab.ProxyName, time.Hour))
		if out() {
			t.Errorf("servers an hour later by the proxy's clock = %+v, want a no longer out", r.ProxyStatus()[0].Servers)
		}
	})
}
