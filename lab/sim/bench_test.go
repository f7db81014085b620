package sim_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"sessionlab/lab/sim"
	"sessionlab/lab/world"
)

// hop runs n requests of one user through a front that dials the node anew for
// each of them (as nginx does without keepalive), or keeps its connection.
func hop(tb testing.TB, n int, keepAlive bool) {
	w := sim.New(sim.Config{Seed: 1})
	defer w.Close()
	body := []byte(`{"node":"a","session":"0123456789ABCDEF0123456789ABCDEF.a","new":false}`)
	err := w.Run(func(ctx context.Context) error {
		node, _ := w.Boot("a", "172.16.12.101")
		node.Serve(8080, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			node.Sleep(r.Context(), 400*time.Microsecond)
			rw.Write(body)
		}), world.ServeOptions{})
		front, _ := w.Boot("front", "172.16.12.1")
		var up world.HTTPConn
		front.Serve(8080, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if up == nil || !keepAlive {
				up, _ = front.DialHTTP(r.Context(), "172.16.12.101:8080")
			}
			resp, err := up.RoundTrip(r.Context(), &http.Request{Method: r.Method, URL: r.URL, RequestURI: r.RequestURI, Header: r.Header, Host: "a"})
			if err != nil {
				rw.WriteHeader(502)
				return
			}
			var buf [512]byte
			for {
				n, err := resp.Body.Read(buf[:])
				rw.Write(buf[:n])
				if err != nil {
					break
				}
			}
			if !keepAlive {
				up.Close()
			}
		}), world.ServeOptions{ClientGone: true})
		user, _ := w.Boot("u", "10.0.1.7")
		conn, err := user.DialHTTP(ctx, "172.16.12.1:8080")
		if err != nil {
			return err
		}
		req, _ := http.NewRequest("GET", "http://172.16.12.1:8080/session", nil)
		req.RequestURI = "/session"
		for range n {
			resp, err := conn.RoundTrip(ctx, req)
			if err != nil {
				return err
			}
			io.Copy(io.Discard, resp.Body)
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func BenchmarkTwoHops(b *testing.B) {
	b.ReportAllocs()
	hop(b, b.N, false)
}

func BenchmarkTwoHopsKeepAlive(b *testing.B) {
	b.ReportAllocs()
	hop(b, b.N, true)
}
