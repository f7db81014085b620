package loopback

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"sessionlab/lab/world"
)

// TestShortageEndsTheRunAndNoMachineSeesIt has a system call of a machine fail
// for want of something.
func TestShortageEndsTheRunAndNoMachineSeesIt(t *testing.T) {
	for _, row := range []struct {
		err   error
		short bool
	}{
		{syscall.EMFILE, true},
		{syscall.ENFILE, true},
		{syscall.ENOBUFS, true},
		{syscall.ENOMEM, true},
		{syscall.EADDRNOTAVAIL, true},
		{syscall.EPERM, true},
		{syscall.ENOSPC, true},
		{syscall.ECONNREFUSED, false},
		{syscall.ECONNRESET, false},
		{syscall.EACCES, false},
		{os.ErrNotExist, false},
		{nil, false},
	} {
		w, err := New(Config{Offset: Probe})
		if err != nil {
			t.Fatal(err)
		}
		h, err := w.Boot("tomcat1", "172.16.12.101")
		if err != nil {
			t.Fatal(err)
		}
		var seen, after error
		got := w.Run(func(context.Context) error {
			var system error
			if row.err != nil {
				system = fmt.Errorf("accept4: %w", row.err)
			}
			seen = h.(*host).enough(system, "accept on", "172.16.12.101:8080")
			_, after = h.Listen(4000)
			return errors.New("what a machine made of it")
		})
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		var short *world.Shortage
		if errors.As(got, &short) != row.short {
			t.Errorf("%v: the run ended with %v; want a shortage: %t", row.err, got, row.short)
		}
		if !row.short {
			if !errors.Is(seen, row.err) || after != nil {
				t.Errorf("%v: the machine saw %v, and then %v; want the error itself, and nil", row.err, seen, after)
			}
			continue
		}
		if short.Doing != "tomcat1 cannot accept on 172.16.12.101:8080" || !errors.Is(got, row.err) || short.Remedy == "" {
			t.Errorf("%v: got %+v, want one that says who could not do what, why, and a remedy", row.err, short)
		}
		if seen != world.ErrHostDown || !errors.Is(after, world.ErrHostDown) {
			t.Errorf("%v: the machine saw %v, and then %v; want %v", row.err, seen, after, world.ErrHostDown)
		}
	}
}
