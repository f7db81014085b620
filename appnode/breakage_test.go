package appnode

import (
	"context"
	"strings"
	"testing"
	"time"

	"sessionlab/lab/world"
)

func TestBrokenAnswersKeepTheirEffects(t *testing.T) {
	tests := []struct {
		kind   string
		target string
		want   world.Outcome
		status int
		count  string // afterwards
	}{
		{"close", "/counter?add=1", world.Closed, 0, "2/2/2"},
		{"close", "/counter?add=1&size=100000", world.Closed, 0, "2/2/2"},
		{"close", "/counter?add=1&flush=1", world.Closed, 0, "2/2/2"},
		{"reset", "/counter?add=1", world.Reset, 0, "2/2/2"},
		{"invalid_header", "/counter?add=1", world.BadHead, 0, "2/2/2"},
		{"partial", "/counter?add=1", world.Cut, 200, "2/2/2"},
		{"partial", "/counter?add=1&size=100000", world.Cut, 200, "2/2/2"},
		{"http09", "/counter?add=1", world.OK, 200, "2/2/2"},
		{"http09", "/counter?add=1&size=100000", world.OK, 200, "2/2/2"},
		{"500", "/counter?add=1", world.OK, 500, "1/1/1"},
		{"302", "/counter?add=1", world.OK, 302, "1/1/1"},
		{"ok", "/counter?add=1", world.OK, 200, "2/2/2"},
	}
	for _, tt := range tests {
		playBoth(t, nil, func(r *rig) {
			r.post("/counter")
			if err := r.node.Answer(tt.kind, 1); err != nil {
				t.Fatal(err)
			}
			got := r.get(tt.target)
			if outcome := world.OutcomeOf(got.err); outcome != tt.want || got.status != tt.status {
				t.Errorf("answer %s, GET %s: %v with status %d, want %v, %d", tt.kind, tt.target, outcome, got.status, tt.want, tt.status)
			}
			after := r.get("/counter")
			if a := after.attribute("count"); a != tt.count || after.err != nil {
				t.Errorf("answer %s, GET %s: count afterwards %q, error %v, want %q", tt.kind, tt.target, a, after.err, tt.count)
			}
		})
	}
}

func TestPartialAnswerAnnouncesTheWholeAndSendsHalf(t *testing.T) {
	play(t, nil, func(r *rig) {
		if err := r.node.Answer("partial", 0); err != nil {
			t.Fatal(err)
		}
		for _, size := range []string{"1000", "20000"} {
			got := r.get("/session?size=" + size)
			r.want("Content-Length", got.header.Get("Content-Length"), size)
			r.want("bytes of "+size, len(got.body)*2, map[string]int{"1000": 1000, "20000": 20000}[size])
		}
	})
}

func TestATextWithoutAHeadIsTheWholePage(t *testing.T) {
	play(t, nil, func(r *rig) {
		whole := r.get("/session?size=20000")
		if err := r.node.Answer("http09", 1); err != nil {
			t.Fatal(err)
		}
		got := r.get("/session?size=20000")
		r.want("body", len(got.body), len(whole.body))
		r.want("lines of the head", len(got.header), 0)
	})
}

func TestAStatusBringsTheCookiesThatAreOrdered(t *testing.T) {
	play(t, nil, func(r *rig) {
		if err := r.node.Answer("200", 1, "SID=s1", "SID=s2; Path=/"); err != nil {
			t.Fatal(err)
		}
		got := r.get("/session")
		r.want("Set-Cookie", strings.Join(got.header["Set-Cookie"], " and "), "SID=s1 and SID=s2; Path=/")
		r.want("Set-Cookie of the next", len(r.get("/session").header["Set-Cookie"]), 0)
		if err := r.node.Answer("close", 1, "SID=s1"); err == nil {
			t.Error("close with a cookie: no error")
		}
	})
}

func TestBreakageLastsAsLongAsOrdered(t *testing.T) {
	play(t, nil, func(r *rig) {
		if err := r.node.Answer("503", 2); err != nil {
			t.Fatal(err)
		}
		for _, want := range []int{503, 503, 200, 200} {
			r.want("status", r.get("/session").status, want)
		}
		if err := r.node.Answer("503", 0); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			r.want("status", r.get("/session").status, 503)
		}
		if err := r.node.Answer("ok", 0); err != nil {
			t.Fatal(err)
		}
		r.want("status", r.get("/session").status, 200)
	})
}

func TestHangingAnswerComesAfterTheNextOrder(t *testing.T) {
	play(t, nil, func(r *rig) {
		r.post("/counter")
		if err := r.node.Answer("hang", 1); err != nil {
			t.Fatal(err)
		}
		done := r.client.NewSignal()
		var got reply
		r.client.Go("user", func(ctx context.Context) {
			cookie := r.cookie
			got = r.as(ctx, &cookie, "GET", "/counter?add=1")
			done.Set()
		})
		if err := r.client.Sleep(r.ctx, time.Hour); err != nil {
			t.Fatal(err)
		}
		r.want("status while it hangs", got.status, 0)
		r.want("busy threads", r.node.Status().Counts.Busy, 1)
		if err := r.node.Answer("ok", 0); err != nil {
			t.Fatal(err)
		}
		if err := done.Wait(r.ctx); err != nil {
			t.Fatal(err)
		}
		r.want("status", got.status, 200)
		r.want("count", got.attribute("count"), "2/2/2")
	})
}

func TestUnknownBreakageIsAnError(t *testing.T) {
	play(t, nil, func(r *rig) {
		for _, kind := range []string{"", "slow", "199", "600", "OK"} {
			if err := r.node.Answer(kind, 1); err == nil {
				t.Errorf("Answer(%q) succeeded, want an error", kind)
			}
		}
		if err := r.node.Answer("500", -1); err == nil {
			t.Error("Answer(500, -1) succeeded, want an error")
		}
	})
}
