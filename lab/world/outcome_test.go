package world_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"sessionlab/lab/world"
)

func TestOutcomeOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want world.Outcome
		word string
	}{
		{nil, world.OK, "ok"},
		{world.ErrRefused, world.Refused, "refused"},
		{world.ErrConnectTimeout, world.ConnectTimeout, "connect_timeout"},
		{io.EOF, world.Closed, "closed"},
		{world.ErrReset, world.Reset, "reset"},
		{world.ErrReadTimeout, world.ReadTimeout, "read_timeout"},
		{world.ErrBadHead, world.BadHead, "invalid_header"},
		{io.ErrUnexpectedEOF, world.Cut, "cut"},
		{world.ErrHostDown, world.Down, "host_down"},
		{context.Canceled, world.Canceled, "canceled"},
		{context.DeadlineExceeded, world.Canceled, "canceled"},
		{world.ErrPortTaken, world.Other, "error"},
		{net.ErrClosed, world.Other, "error"},
	} {
		for _, err := range []error{c.err, wrapped(c.err)} {
			got := world.OutcomeOf(err)
			if got != c.want || got.String() != c.word {
				t.Errorf("OutcomeOf(%v) = %v, want %s", err, got, c.word)
			}
		}
	}
}

// wrapped is an error as a caller meets it.
func wrapped(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("proxy: %w", &world.OpError{Op: "read", Addr: "172.16.12.101:8080", Err: err})
}

// A connect that ran into its timeout is a timeout, whatever the context behind it
// says.
func TestConnectTimeoutIsNoCancel(t *testing.T) {
	err := &world.OpError{Op: "dial", Err: errors.Join(context.DeadlineExceeded, world.ErrConnectTimeout)}
	if got := world.OutcomeOf(err); got != world.ConnectTimeout {
		t.Errorf("OutcomeOf(%q) = %v, want connect_timeout", err, got)
	}
}

func TestOpErrorSaysWhatFailedWhere(t *testing.T) {
	err := error(&world.OpError{Op: "dial", Addr: "172.16.12.101:8080", Err: world.ErrRefused})
	if got, want := err.Error(), "dial 172.16.12.101:8080: connection refused"; got != want {
		t.Errorf("Error = %q, want %q", got, want)
	}
}

func TestEventsReadAsInAScenario(t *testing.T) {
	for op, want := range map[world.EventOp]string{
		world.Sends: "sends", world.Receives: "receives", world.Loses: "loses", world.Panics: "panics",
	} {
		if op.String() != want {
			t.Errorf("event %d = %q, want %q", op, op, want)
		}
	}
}
