package appnode

import (
	"net/http"
	"net/url"
	"testing"

	"sessionlab/lab/sim"
	"sessionlab/sessions"
)

// sink is a response that goes nowhere and is used again.
type sink struct {
	header http.Header
	status int
	body   []byte
}

func (s *sink) Header() http.Header    { return s.header }
func (s *sink) WriteHeader(status int) { s.status = status }
func (s *sink) Write(b []byte) (int, error) {
	s.body = append(s.body, b...)
	return len(b), nil
}

// serving returns a function that serves one more request of one session.
func serving(tb testing.TB, target string) func() *sink {
	w := sim.New(sim.Config{Seed: 1})
	tb.Cleanup(func() { w.Close() })
	host, err := w.Boot("tomcat1", nodeAddr)
	if err != nil {
		tb.Fatal(err)
	}
	noted := 0
	n := New(host, Config{Manager: sessions.NewStandardManager(host, sessions.StandardConfig{}), Noted: func(*Note) { noted++ }})
	u, err := url.ParseRequestURI(target)
	if err != nil {
		tb.Fatal(err)
	}
	out := &sink{header: http.Header{}}
	request := &http.Request{Method: "GET", URL: u, Host: "lab", Header: http.Header{
		RequestHeader: {"alice/1"}, WriteHeader: {"7"}}}
	serve := func() *sink {
		clear(out.header)
		out.body = out.body[:0]
		n.ServeHTTP(out, request)
		return out
	}
	cookie := serve().header.Get("Set-Cookie")
	request.Header["Cookie"] = []string{"other=x; " + cookie[:len("JSESSIONID=")+32]}
	return serve
}

func TestServingAKnownSessionAllocatesLittle(t *testing.T) {
	for _, tt := range []struct {
		target string
		most   float64
	}{
		{"/counter", 2},       // the content length: a string in a slice
		{"/counter?add=1", 3}, // and the new count
	} {
		serve := serving(t, tt.target)
		if n := testing.AllocsPerRun(200, func() { serve() }); n > tt.most {
			t.Errorf("GET %s: %v allocations, want at most %v", tt.target, n, tt.most)
		}
		if got := serve(); got.status != 200 || len(got.header["Set-Cookie"]) != 0 {
			t.Errorf("GET %s: status %d, headers %v, want 200 without a new cookie", tt.target, got.status, got.header)
		}
	}
}

func BenchmarkCounter(b *testing.B) {
	serve := serving(b, "/counter?add=1")
	b.ReportAllocs()
	for b.Loop() {
		serve()
	}
}
