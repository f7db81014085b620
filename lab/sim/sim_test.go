package sim_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sessionlab/lab/sim"
	"sessionlab/lab/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestThePanicOfATaskEndsTheRunWithItsOwnStack(t *testing.T) {
	w := sim.New(sim.Config{Seed: 1})
	defer w.Close()
	err := w.Run(func(ctx context.Context) error {
		h, err := w.Boot("tomcat1", "172.16.12.101")
		if err != nil {
			return err
		}
		h.Go("unlucky", func(context.Context) { panicHere() })
		return h.Sleep(ctx, time.Second)
	})
	var p *world.Panic
	if !errors.As(err, &p) || err.Error() != "task unlucky of tomcat1 panicked: no luck" || !strings.Contains(string(p.Stack), "panicHere") {
		t.Errorf("Run = %.300v, want the panic with its stack", err)
	}
}

func panicHere() { panic("no luck") }

func TestARunThatCanNeverEndSaysWhoWaits(t *testing.T) {
	w := sim.New(sim.Config{Seed: 1})
	defer w.Close()
	err := w.Run(func(ctx context.Context) error {
		h, err := w.Boot("tomcat1", "172.16.12.101")
		if err != nil {
			return err
		}
		h.Go("waiter", func(ctx context.Context) { h.NewSignal().Wait(ctx) })
		return w.Operator().NewSignal().Wait(ctx)
	})
	if err == nil || !strings.Contains(err.Error(), "tomcat1: waiter") || !strings.Contains(err.Error(), "operator: main") {
		t.Errorf("Run = %v, want both parked tasks named", err)
	}
}

func TestUnwindingRunsDefersThatHealNothing(t *testing.T) {
	w := sim.New(sim.Config{Seed: 1})
	defer w.Close()
	var after error
	ran := false
	err := w.Run(func(ctx context.Context) error {
		h, err := w.Boot("tomcat1", "172.16.12.101")
		if err != nil {
			return err
		}
		h.Go("parked", func(ctx context.Context) {
			defer func() {
				ran = true
				after = h.Disk().WriteFile("late", nil)
			}()
			h.NewSignal().Wait(ctx)
		})
		return w.Operator().Sleep(ctx, time.Second)
	})
	if err != nil {
		t.Fatal(err)
	}
	if !ran || !errors.Is(after, world.ErrHostDown) {
		t.Errorf("defer ran = %v, its write = %v; want true, %v", ran, after, world.ErrHostDown)
	}
}

func TestAHungRunIsToldToWhoCanEndIt(t *testing.T) {
	told := make(chan *world.Panic, 1)
	w := sim.New(sim.Config{Watchdog: 10 * time.Millisecond, Hung: func(p *world.Panic) { told <- p }})
	defer w.Close()
	var got *world.Panic
	err := w.Run(func(context.Context) error {
		got = <-told // as a lock would that nobody gives back
		return nil
	})
	if err != nil || got == nil || !strings.Contains(got.Error(), "no progress for 10ms") {
		t.Errorf("Run = %v, told %v; want no error, and that there is no progress", err, got)
	}
}
