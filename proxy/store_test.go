package proxy

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"sessionlab/lab/world"
)

func TestAStoreGivesBackWhatWasPut(t *testing.T) {
	var s store
	var want []byte
	put := func(p string, run world.Run) {
		t.Helper()
		if err := s.put([]byte(p), run); err != nil {
			t.Fatal(err)
		}
		want = append(append(want, p...), bytes.Repeat([]byte{run.Byte}, int(run.Length))...)
	}
	for i := range 200 {
		put(strings.Repeat("ab", i*37%500), world.Run{})
		put("", world.Run{Byte: byte('x' + i%2), Length: int64(i) * 900})
		put("xx", world.Run{Byte: 'x', Length: int64(i % 3)})
	}
	if s.size != int64(len(want)) {
		t.Errorf("size %d, want %d", s.size, len(want))
	}
	if s.bytes > 110_000 {
		t.Errorf("%d bytes are kept beside runs, want those alone that are in none", s.bytes)
	}
	if err := iotest.TestReader(&storeReader{of: &s}, want); err != nil {
		t.Error(err)
	}
	var got []byte
	for len(s.pieces) > 0 {
		p := s.first()
		got = append(append(got, p.bytes...), bytes.Repeat([]byte{p.run.Byte}, int(p.run.Length))...)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes in pieces, want the %d that were put", len(got), len(want))
	}
}

func TestAStoreIsFull(t *testing.T) {
	s := store{bytes: maxStored - 1, size: maxStored - 1}
	if err := s.put([]byte("ab"), world.Run{}); err != errStoreFull {
		t.Errorf("one byte too many: %v, want %v", err, errStoreFull)
	}
	if err := s.put([]byte("a"), world.Run{Byte: 'x', Length: 1 << 40}); err != nil {
		t.Errorf("the last byte and a run: %v, want none", err)
	}
}

// putting is a request with a body of size bytes.
func putting(size int64) *http.Request {
	req, err := http.NewRequest("PUT", "http://www.test.com/", io.NopCloser(&storeReader{
		of: &store{pieces: []piece{{run: world.Run{Byte: 'x', Length: size}}}, size: size}}))
	if err != nil {
		panic(err)
	}
	req.ContentLength = size
	return req
}

func TestALargeRequestBodyCostsLittleAndIsSentAgain(t *testing.T) {
	const size = 1 << 30
	config := pool(t, "a", "b")
	config.MaxBodySize = Unlimited
	run(t, config, func(l *lab) {
		var got [2]int64
		for i, name := range []string{"a", "b"} {
			l.readNothing(name, func(w http.ResponseWriter, r *http.Request) {
				got[i], _ = readRuns(r.Body)
				if name == "a" {
					w.(world.ResponseCutter).Cut(world.Closed)
				}
			})
		}
		conn, err := l.user.DialHTTP(l.ctx, "172.16.12.1:8080")
		if err != nil {
			t.Fatal(err)
		}
		resp, err := conn.RoundTrip(l.ctx, putting(size))
		if err != nil {
			t.Fatal(err)
		}
		l.want("status and bytes", []any{resp.StatusCode, got}, []any{200, [2]int64{size, size}})
	})
}

func TestALengthThatIsAnnouncedCostsNothing(t *testing.T) {
	config := pool(t, "a")
	config.MaxBodySize = Unlimited
	run(t, config, func(l *lab) {
		conn, err := l.user.DialHTTP(l.ctx, "172.16.12.1:8080")
		if err != nil {
			t.Fatal(err)
		}
		req := putting(10)
		req.ContentLength = 1 << 62
		if resp, err := conn.RoundTrip(l.ctx, req); err == nil {
			t.Errorf("status %d, want no answer to a body that ends early", resp.StatusCode)
		}
		l.sleep(time.Second)
		l.want("the next request", l.get("/", 1), "a")
	})
}

func TestALargeBodyIsGivenUpWhenTheServerTakesNothing(t *testing.T) {
	config := pool(t, "a", "b")
	config.MaxBodySize, config.SendTimeout, config.ReadTimeout = Unlimited, 5*time.Second, time.Hour
	run(t, config, func(l *lab) {
		for name, pause := range map[string]time.Duration{"a": time.Minute, "b": 0} {
			l.readNothing(name, func(_ http.ResponseWriter, r *http.Request) {
				_ = l.nodes[name].host.Sleep(r.Context(), pause)
				_, _ = readRuns(r.Body)
			})
		}
		conn, err := l.user.DialHTTP(l.ctx, "172.16.12.1:8080")
		if err != nil {
			t.Fatal(err)
		}
		began := l.user.Elapsed()
		resp, err := conn.RoundTrip(l.ctx, putting(1<<20))
		if err != nil {
			t.Fatal(err)
		}
		l.want("status", resp.StatusCode, 200)
		l.wantTried("a, b", "504, 200")
		if took := (l.user.Elapsed() - began).Round(time.Second); took != 5*time.Second {
			t.Errorf("it took %v, want the 5s of proxy_send_timeout", took)
		}
	})
}

func TestTheTimeToReadBeginsWhenALargeBodyHasBeenSent(t *testing.T) {
	config := pool(t, "a")
	config.MaxBodySize, config.ReadTimeout = Unlimited, 5*time.Second
	run(t, config, func(l *lab) {
		l.readNothing("a", func(_ http.ResponseWriter, r *http.Request) {
			p := make([]byte, 64<<10)
			for {
				if _, err := io.ReadFull(r.Body, p); err != nil {
					return
				}
				_ = l.nodes["a"].host.Sleep(r.Context(), time.Second)
			}
		})
		conn, err := l.user.DialHTTP(l.ctx, "172.16.12.1:8080")
		if err != nil {
			t.Fatal(err)
		}
		resp, err := conn.RoundTrip(l.ctx, putting(1<<20))
		if err != nil {
			t.Fatal(err)
		}
		l.want("status after 16s of sending", resp.StatusCode, 200)
	})
}
