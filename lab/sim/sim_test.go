package sim_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"sessionlab/lab/sim"
)

func get(ctx context.Context, rt http.RoundTripper, url string) (int, string, error) {
	req, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestSimpleExchange(t *testing.T) {
	w := sim.New(sim.Config{Seed: 1})
	defer w.Close()
	err := w.Run(func(ctx context.Context) error {
		n, err := w.Boot("a", "172.16.12.101")
		if err != nil {
			return err
		}
		n.Serve(8080, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			n.Sleep(r.Context(), 3*time.Millisecond)
			fmt.Fprintf(rw, "hello %s %s", r.RemoteAddr, r.Host)
		}), struct {
			ClientGone  bool
			IdleTimeout time.Duration
			MaxRequests int
			Backlog     int
		}{})
		u, _ := w.Boot("u", "10.0.1.7")
		for i := 0; i < 3; i++ {
			code, body, err := get(ctx, u.Transport(), "http://172.16.12.101:8080/x")
			t.Log(u.Elapsed(), code, body, err)
		}
		w.Kill("a")
		code, body, err := get(ctx, u.Transport(), "http://172.16.12.101:8080/x")
		t.Log(u.Elapsed(), code, body, err)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
