package scenarios

import (
	"context"

	"sessionlab/scenarios/script"
)

// maxEvery bounds an every without an until.
const maxEvery = 100_000

// armTimed arms the lines that begin with at: their times are absolute, so it
// does not matter where in the script they stand.
func (r *run) armTimed() {
	for _, st := range r.sc.Script {
		if len(st.Triggers) > 0 && st.Triggers[0].Kind == "at" {
			r.arm(st, st.Triggers)
		}
	}
}

// arm lets the rest of a line's triggers run; then the line is done, at once
// and waiting for nobody.
func (r *run) arm(st script.Statement, triggers []script.Trigger) {
	if len(triggers) == 0 {
		r.act(st, st.Act, true)
		return
	}
	t, rest := triggers[0], triggers[1:]
	next := func() { r.arm(st, rest) }
	armed := r.armed()
	switch t.Kind {
	case "at", "after":
		come := r.expectTime(st, len(rest))
		r.op.Go("timer", func(context.Context) {
			d := t.D
			if t.Kind == "at" {
				d = r.left(t.D)
			}
			if r.op.Sleep(armed, d) == nil {
				come()
				next()
			}
		})
	case "every":
		come := r.expectTime(st, len(rest))
		r.op.Go("timer", func(context.Context) {
			for n := 0; n < maxEvery; n++ {
				if r.op.Sleep(armed, t.D) != nil || t.Until > 0 && r.now() > t.Until {
					return
				}
				come()
				next()
			}
			r.unfinish("line %d was done %d times, and then no more: until TIME ends it earlier", st.Pos.Line, maxEvery)
		})
	case "when", "whenever":
		r.watch(&watch{event: t.Event, repeat: t.Kind == "whenever", act: next, st: st})
	}
}

// armed is the context of the lines that are armed now.
func (r *run) armed() context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.armCtx
}

// disarm ends every line that waits for its time or its event.
func (r *run) disarm() {
	ctx, cancel := r.op.WithCancel(r.scriptCtx)
	r.mu.Lock()
	over := r.disarming
	r.armCtx, r.disarming, r.watches = ctx, cancel, nil
	r.mu.Unlock()
	if over != nil {
		over()
	}
}
