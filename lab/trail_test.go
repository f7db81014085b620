package lab_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sessionlab/lab"
	"sessionlab/lab/world"
	"sessionlab/proxy"
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

func TestAServerGoesOutOfServiceOnceInEachGroup(t *testing.T) {
	p := plan("a", "b")
	second := p.Proxy.Upstreams[0]
	second.Name = "second"
	p.Proxy.Upstreams = append(p.Proxy.Upstreams, second)
	p.Proxy.Servers[0].Locations = append(p.Proxy.Servers[0].Locations, proxy.Location{Path: "/set", ProxyPass: "http://second"})
	run(t, p, func(r *room) {
		var told []string
		r.Watch(func(e lab.Event) {
			if e.Peer == "a" && e.Text != "" && (e.Kind == lab.Excludes || e.Kind == lab.Readmits) {
				told = append(told, e.Text)
			}
		})
		pass := func(d time.Duration) {
			r.wait(d)
			for range 4 {
				r.get(r.Front(), "/counter")
			}
			r.get(r.Front(), "/set?name=x&value=1")
			r.get(r.Front(), "/set?name=x&value=1")
		}
		r.do(r.Kill("a"))
		pass(0)
		pass(11 * time.Second) // tried again, and still out
		r.do(r.StartNode("a"))
		pass(11 * time.Second)
		r.do(r.Kill("a"))
		pass(0)
		out, in := "the proxy takes a out of service in upstream ", "the proxy has a in service again in upstream "
		want := []string{out + "jspserver", out + "second", in + "jspserver", in + "second", out + "jspserver", out + "second"}
		if !slices.Equal(told, want) {
			t.Errorf("told\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
		}
	})
}
