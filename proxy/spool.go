package proxy

import (
	"context"
	"net/http"
	"sync"
	"time"

	"sessionlab/lab/world"
)

// outflow is an answer's body on its way to the client. What the client's window
// takes is written at once. An answer of more than that goes through a spool, so
// that the server is done with it whether the client reads it or not; with
// proxy_buffering off it goes at the client's pace.
type outflow struct {
	written int64
	limited bool
	spool   *spool
}

// passBytes passes bytes on, then a run. It flushes them if more is to come. The error
// is errClientGone.
func (x *exchange) passBytes(l *location, p []byte, run world.Run, more bool) error {
	o := &x.flow
	o.written += int64(len(p)) + run.Length
	if o.written > world.BodyWindow && !o.limited {
		o.limited = true
		limitWrites(x.w, l.clientSend)
		if !l.unbuffered {
			o.spool = x.openSpool(l)
		}
	}
	if o.spool != nil {
		return o.spool.put(x.r.Context(), p, run)
	}
	return write(x.w, p, run, more)
}

func limitWrites(w http.ResponseWriter, d time.Duration) {
	if w, ok := w.(world.WriteLimiter); ok {
		w.LimitWrites(d)
	}
}

func write(w http.ResponseWriter, p []byte, run world.Run, more bool) error {
	if len(p) > 0 {
		if _, err := w.Write(p); err != nil {
			return errClientGone
		}
	}
	if _, err := world.WriteRun(w, run); err != nil {
		return errClientGone
	}
	if !more {
		return nil
	}
	if f, ok := w.(http.Flusher); ok {
		f.Flush() // a length that is not known is none that is counted afterwards
	}
	return nil
}

// spool holds what has come of an answer and its client has not taken. One task
// puts and one takes. Bytes beyond memory count as written to a file; when that
// is full, nothing more is taken from the server until the client has taken what
// memory holds too much.
//
// Source: nginx ngx_event_pipe.c, ngx_event_pipe_read_upstream: the file's offset
// only grows.
type spool struct {
	memory, file int64 // proxy_buffers, proxy_max_temp_file_size; in bytes
	room, more   world.Signal

	mu     sync.Mutex
	kept   store
	held   int64 // bytes of all that is kept
	filed  int64 // bytes that went to the file
	over   bool  // nothing more is put
	broken bool  // the client takes nothing more
	ended  bool  // the task that takes is over
}

func (x *exchange) openSpool(l *location) *spool {
	host := x.p.host
	s := &spool{memory: l.buffers, file: l.tempFile, room: host.NewSignal(), more: host.NewSignal()}
	w := x.w
	host.Go("send to client", func(ctx context.Context) { s.sendTo(ctx, w) })
	return s
}

// put appends bytes or a run, and waits first while the spool is full. The error
// is errClientGone or errStoreFull.
func (s *spool) put(ctx context.Context, p []byte, run world.Run) error {
	for !s.admits() {
		if s.room.Wait(ctx) != nil {
			return errClientGone
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return errClientGone
	}
	n := int64(len(p)) + run.Length
	if s.held+n > s.memory {
		s.filed += n
	}
	s.held += n
	if err := s.kept.put(p, run); err != nil {
		return err
	}
	s.more.Set()
	return nil
}

func (s *spool) admits() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken || s.held < s.memory || s.filed < s.file
}

// take waits for the next piece. It reports false when there is none any more.
func (s *spool) take(ctx context.Context) (next piece, ok bool) {
	for {
		s.mu.Lock()
		if len(s.kept.pieces) > 0 {
			next = s.kept.first()
			s.held -= next.length()
			s.mu.Unlock()
			s.room.Set()
			return next, true
		}
		over := s.over
		s.mu.Unlock()
		if over || s.more.Wait(ctx) != nil {
			return piece{}, false
		}
	}
}

// sendTo writes to the client what is put, until nothing more is.
func (s *spool) sendTo(ctx context.Context, w http.ResponseWriter) {
	broken := false
	for !broken {
		p, ok := s.take(ctx)
		if !ok {
			break
		}
		broken = write(w, p.bytes, p.run, true) != nil
	}
	s.mu.Lock()
	s.broken, s.ended = broken, true
	s.kept = store{}
	s.mu.Unlock()
	s.room.Set()
}

// drain waits until the client has taken everything, or has gone: then it
// returns errClientGone.
func (s *spool) drain() error {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.more.Set()
	for {
		s.mu.Lock()
		ended, broken := s.ended, s.broken
		s.mu.Unlock()
		if broken {
			return errClientGone
		}
		if ended {
			return nil
		}
		if s.room.Wait(context.Background()) != nil {
			return errClientGone // the host is down
		}
	}
}
