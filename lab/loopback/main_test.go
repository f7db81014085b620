package loopback_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sessionlab/lab/loopback"
	"sessionlab/lab/world"
)

// TestMain fails the run when a goroutine outlives the worlds of the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	front  = "172.16.12.1"
	tomcat = "172.16.12.101"
	alice  = "10.0.1.7"
)

// open makes a world that ends with the test.
func open(t testing.TB, cfg loopback.Config) *loopback.World {
	t.Helper()
	w, err := loopback.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return w
}

func boot(t testing.TB, w *loopback.World, name, addr string) world.Host {
	t.Helper()
	h, err := w.Boot(name, addr)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func serve(t testing.TB, h world.Host, opts world.ServeOptions, f http.HandlerFunc) world.Listener {
	t.Helper()
	l, err := h.Serve(8080, f, opts)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// get asks on a new connection and returns status and body.
func get(t testing.TB, from world.Host, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := from.Transport().RoundTrip(req)
	if err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("GET %s: body: %v", url, err)
	}
	return resp.StatusCode, string(body)
}

// eventually waits until cond holds.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		}
	}
}
