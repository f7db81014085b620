package sim

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"sessionlab/lab/fault"
	"sessionlab/lab/world"
)

// connectTimeout is when a kernel gives up a connect that nobody answers.
// Source: tcp(7), tcp_syn_retries 6.
const connectTimeout = 127 * time.Second

const defaultBacklog = 128

// connect finds the host that listens on addr. It takes a round trip; a host
// that cannot be reached, or whose backlog is full, lets the caller wait, at most
// for limit. The backlog fills while the host is paused or the port is held. The
// port is that of addr.
func (h *host) connect(ctx context.Context, addr string, limit time.Duration, find func(*host, int) (backlog *int, limit int, held bool)) (*host, int, error) {
	if err := h.enter(); err != nil {
		return nil, 0, err
	}
	w := h.w
	m := w.machineAt(addr)
	port := portOf(addr)
	giveUp := w.now + int64(limit)
	if m != nil {
		if _, err := h.wait(ctx, min(w.roundTrip(), int64(limit)), nil); err != nil {
			return nil, 0, connectError(err)
		}
	}
	var first int64 // when the first SYN was lost
	met := false
	for {
		if w.now >= giveUp {
			return nil, 0, world.ErrConnectTimeout
		}
		if m != nil && !w.exempt(h, m) && !w.faults.Reachable(h.name, m.name) {
			if !met {
				met, first = true, w.now
				w.faults.MeetCut(h.name, m.name)
			}
			// Nobody hears the SYN; the kernel sends it again at its own times.
			again := first + int64(fault.Reconnect(time.Duration(w.now-first+1)))
			if _, err := h.wait(ctx, min(again, giveUp)-w.now, nil); err != nil {
				return nil, 0, connectError(err)
			}
			continue
		} else {
			if m == nil || m.up == nil {
				return nil, 0, world.ErrRefused
			}
			pending, limit, held := find(m.up, port)
			if pending == nil {
				return nil, 0, world.ErrRefused
			}
			if !m.up.paused && !held {
				*pending = 0
				return m.up, port, nil
			}
			if *pending < limit {
				*pending++
				return m.up, port, nil
			}
		}
		// Nobody answers the SYN; it is sent again every now and then.
		w.connecting = append(w.connecting, w.current)
		_, err := h.wait(ctx, min(int64(time.Second), giveUp-w.now), func() bool { return w.stirred(w.current) })
		w.connecting = slices.DeleteFunc(w.connecting, func(t *task) bool { return t == w.current })
		if err != nil {
			return nil, 0, connectError(err)
		}
	}
}

func connectError(err error) error {
	if err == context.DeadlineExceeded {
		return world.ErrConnectTimeout
	}
	return err
}

func portOf(addr string) int {
	i := strings.LastIndexByte(addr, ':')
	port, _ := strconv.Atoi(addr[i+1:])
	return port
}
