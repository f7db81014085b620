package proxy

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sessionlab/lab/world"
)

// slowClient asks for / and reads the head only.
func (l *lab) slowClient() (world.HTTPConn, *http.Response) {
	l.Helper()
	conn, err := l.user.DialHTTP(l.ctx, "172.16.12.1:8080")
	if err != nil {
		l.Fatal(err)
	}
	resp, err := conn.RoundTrip(l.ctx, httptest.NewRequest("GET", "http://www.test.com/", nil))
	if err != nil {
		l.Fatal(err)
	}
	return conn, resp
}

// sending makes node a answer with a run, and tells when it is done with it.
func (l *lab) sending(size int64) (done *atomic.Bool, err *error) {
	done, err = new(atomic.Bool), new(error)
	l.nodes["a"].serve(func(w http.ResponseWriter, _ *http.Request) {
		_, *err = world.WriteRun(w, world.Run{Byte: 'x', Length: size})
		done.Store(true)
	})
	return done, err
}

func (l *lab) sleep(d time.Duration) {
	l.Helper()
	if err := l.user.Sleep(l.ctx, d); err != nil {
		l.Fatal(err)
	}
}

func TestAServerIsDoneBeforeASlowClientAsFarAsBuffersAndFileGo(t *testing.T) {
	const window, buffers = world.BodyWindow, 8 * 4096
	for _, c := range []struct {
		what string
		set  func(*Config)
		size int64
		done bool // before the client reads anything
	}{
		{"by default", func(*Config) {}, 64 << 20, true},
		{"to the end of the file", func(*Config) {}, window + 1<<30, true},
		{"beyond the end of the file", func(*Config) {}, 2*window + buffers + 1<<30 + 1<<20, false},
		{"unbuffered", func(c *Config) { c.Buffering = Off }, 1 << 20, false},
		{"without a file", func(c *Config) { c.MaxTempFileSize = None }, 1 << 20, false},
		{"without a file, what buffers hold", func(c *Config) { c.MaxTempFileSize = None }, 2*window + buffers, true},
		{"a file that is full", func(c *Config) { c.MaxTempFileSize = 256 << 10 }, 1 << 20, false},
		{"more buffers", func(c *Config) { c.MaxTempFileSize, c.Buffers = None, Buffers{256, 4096} }, 1 << 20, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			config := pool(t, "a")
			c.set(&config)
			config.ClientSendTimeout = time.Hour
			run(t, config, func(l *lab) {
				done, _ := l.sending(c.size)
				_, resp := l.slowClient()
				l.sleep(30 * time.Second)
				l.want("the server is done", done.Load(), c.done)
				n, err := readRuns(resp.Body)
				l.want("bytes", n, c.size)
				l.want("error", err, error(nil))
				l.want("the server is done at the end", done.Load(), true)
			})
		})
	}
}

func readRuns(body io.Reader) (size int64, err error) {
	p := make([]byte, 4096)
	for {
		n, run, err := world.ReadRun(body, p)
		if size += int64(n) + run.Length; err == io.EOF {
			return size, nil
		} else if err != nil {
			return size, err
		}
	}
}

func TestASlowClientGetsEveryByteInOrder(t *testing.T) {
	var want bytes.Buffer
	for i := range 4000 {
		sum := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		want.Write(sum[:])
		want.WriteString(strings.Repeat(string('a'+rune(i%3)), i))
	}
	for _, buffering := range []Flag{On, Off} {
		config := pool(t, "a")
		config.Buffering = buffering
		run(t, config, func(l *lab) {
			l.nodes["a"].serve(func(w http.ResponseWriter, _ *http.Request) {
				for b := want.Bytes(); len(b) > 0; {
					n := min(len(b), 5000)
					if _, err := w.Write(b[:n]); err != nil {
						t.Error(err)
						return
					}
					w.(http.Flusher).Flush()
					b = b[n:]
				}
			})
			_, resp := l.slowClient()
			l.sleep(time.Second)
			got, err := io.ReadAll(resp.Body)
			if err != nil || !bytes.Equal(got, want.Bytes()) {
				t.Errorf("buffering %v: got %d bytes, %v, want the %d that were sent", buffering, len(got), err, want.Len())
			}
		})
	}
}

func TestAClientThatTakesNothingIsCutOffAfterSendTimeout(t *testing.T) {
	for _, buffering := range []Flag{On, Off} {
		config := pool(t, "a")
		config.Buffering, config.ClientSendTimeout = buffering, 5*time.Second
		run(t, config, func(l *lab) {
			done, sent := l.sending(2 << 20)
			_, resp := l.slowClient()
			l.sleep(4 * time.Second)
			l.want("the server is done after 4s", done.Load(), buffering == On)
			l.sleep(2 * time.Second)
			l.want("the server is done after 6s", done.Load(), true)
			if buffering == Off && !errors.Is(*sent, world.ErrReset) {
				t.Errorf("the server's write = %v, want a reset: the front has closed", *sent)
			}
			_, err := readRuns(resp.Body)
			l.want("what the client sees", world.OutcomeOf(err), world.Cut)
		})
	}
}

func TestAServerIsLetGoWhenTheClientLeavesALargeAnswer(t *testing.T) {
	for _, buffering := range []Flag{On, Off} {
		config := pool(t, "a")
		config.Buffering, config.MaxTempFileSize = buffering, None
		run(t, config, func(l *lab) {
			done, sent := l.sending(1 << 30)
			conn, _ := l.slowClient()
			l.sleep(time.Second)
			l.want("the server is done", done.Load(), false)
			conn.Close()
			l.sleep(time.Second)
			l.want("the server is done when the client has left", done.Load(), true)
			if !errors.Is(*sent, world.ErrReset) {
				t.Errorf("buffering %v: the server's write = %v, want a reset", buffering, *sent)
			}
		})
	}
}
