package lab_test

import (
	"net/http"
	"slices"
	"testing"

	"sessionlab/lab"
	"sessionlab/lab/world"
)

func TestAttemptsAreTakenOnce(t *testing.T) {
	run(t, plan("a", "b"), func(r *room) {
		r.do(r.Kill("a"))
		req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, "http://"+r.Front()+"/counter", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(world.HeaderRequest, "alice/1")
		resp, err := r.user.Transport().RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		want := []lab.Attempt{{Node: "a", Outcome: "refused"}, {Node: "b", Outcome: "200"}}
		if got := r.TakeAttempts("alice/1"); !slices.Equal(got, want) {
			t.Errorf("attempts = %v, want %v", got, want)
		}
		if got := r.TakeAttempts("alice/1"); got != nil {
			t.Errorf("attempts taken again = %v, want none", got)
		}
	})
}
