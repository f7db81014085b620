package lab_test

import (
	"net/http"
	"slices"
	"testing"

	"sessionlab/lab"
	"sessionlab/lab/world"
)

func TestTrailsAreTakenOnce(t *testing.T) {
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
		got := r.TakeTrail("alice/1")
		if got == nil || !slices.Equal(got.Attempts, want) {
			t.Fatalf("trail = %+v, want the attempts %v", got, want)
		}
		if len(got.Notes) != 1 || got.Notes[0].Node != "b" || got.Notes[0].Path != "/counter" || !got.Notes[0].New {
			t.Errorf("notes = %+v, want one of b, of a new session on /counter", got.Notes)
		}
		r.ReturnTrail(got)
		if got := r.TakeTrail("alice/1"); got != nil {
			t.Errorf("trail taken again = %+v, want none", got)
		}
	})
}
