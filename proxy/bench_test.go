package proxy

import (
	"context"
	"io"
	"net/http"
	"testing"

	"sessionlab/lab/sim"
	"sessionlab/lab/world"
)

// TestProxiedRequestAllocatesLittle holds the hot path to 15 allocations: a
// proxied request over kept connections on both sides, without trace.
func TestProxiedRequestAllocatesLittle(t *testing.T) {
	for _, c := range []struct {
		what   string
		config Config
		most   float64
	}{
		{"keepalive to the node", keepalive(t, "a"), 15},
		{"a connection for each request", pool(t, "a"), 40},
	} {
		w := sim.New(sim.Config{Seed: 1})
		err := w.Run(func(ctx context.Context) error {
			exchange, err := proxied(ctx, w, c.config)
			if err != nil {
				return err
			}
			if n := testing.AllocsPerRun(200, exchange); n > c.most {
				t.Errorf("%s: allocations per request = %v, want at most %v", c.what, n, c.most)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		w.Close()
	}
}

// proxied gives a function that sends one request through a front to node a.
func proxied(ctx context.Context, w world.World, config Config) (func(), error) {
	node, err := w.Boot("a", nodeAddr["a"])
	if err != nil {
		return nil, err
	}
	length := []string{"5"}
	kind := []string{"text/plain"}
	body := []byte("hello")
	_, err = node.Serve(nodePort, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Length"], w.Header()["Content-Type"] = length, kind
		_, _ = w.Write(body)
	}), world.ServeOptions{})
	if err != nil {
		return nil, err
	}
	host, err := w.Boot("front", "172.16.12.1")
	if err != nil {
		return nil, err
	}
	config.ClientMaxRequests = 1 << 30
	front, err := New(host, config)
	if err != nil {
		return nil, err
	}
	if err := front.Start(); err != nil {
		return nil, err
	}
	conn, err := w.Operator().DialHTTP(ctx, "172.16.12.1:8080")
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest("GET", "http://www.test.com/index.jsp", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Cookie", "JSESSIONID=0123456789ABCDEF.a")
	buf := make([]byte, 512)
	return func() {
		resp, err := conn.RoundTrip(ctx, req)
		if err != nil || resp.StatusCode != 200 {
			panic(err)
		}
		for err == nil {
			_, err = resp.Body.Read(buf)
		}
		if err != io.EOF {
			panic(err)
		}
	}, nil
}

func BenchmarkProxiedRequest(b *testing.B) {
	for _, bench := range []struct {
		name   string
		config Config
	}{{"keepalive", keepalive(b, "a")}, {"connection for each", pool(b, "a")}} {
		b.Run(bench.name, func(b *testing.B) {
			w := sim.New(sim.Config{Seed: 1})
			defer w.Close()
			err := w.Run(func(ctx context.Context) error {
				exchange, err := proxied(ctx, w, bench.config)
				if err != nil {
					return err
				}
				b.ReportAllocs()
				for b.Loop() {
					exchange()
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}
