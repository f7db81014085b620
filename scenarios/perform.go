package scenarios

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"sessionlab/lab"
	"sessionlab/lab/fault"
	"sessionlab/scenarios/history"
	"sessionlab/scenarios/script"
)

// perform goes through the script's lines in their order. A line with triggers
// is armed when its turn comes; a line that waits holds up the others.
func (r *run) perform(ctx context.Context) {
	for i, st := range r.sc.Script {
		if r.crash() != nil {
			return
		}
		if len(st.Triggers) > 0 && st.Triggers[0].Kind == "at" {
			continue
		}
		if ctx.Err() != nil {
			r.miss(r.sc.Script[i:])
			return
		}
		if len(st.Triggers) > 0 {
			r.arm(st, st.Triggers)
			continue
		}
		r.wait(ctx, st)
	}
}

// miss notes the lines that the scenario's end left undone, the first of them by
// name. Each expectation has its own word in the report, and a pause tests nothing.
func (r *run) miss(lines []script.Statement) {
	var missed []script.Statement
	for _, st := range lines {
		_, expect := st.Act.(script.Expect)
		_, pause := st.Act.(script.Wait)
		if !expect && !pause && (len(st.Triggers) == 0 || st.Triggers[0].Kind != "at") {
			missed = append(missed, st)
		}
	}
	if len(missed) == 0 {
		return
	}
	why := fmt.Sprintf("the end came before line %d: %s", missed[0].Pos.Line, missed[0])
	if more := len(missed) - 1; more > 0 {
		why += fmt.Sprintf(" (and %d more)", more)
	}
	r.unfinish("%s", why)
}

func (r *run) crash() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.crashed
}

// acts says which line is acting now, for the timeline; it returns which was.
func (r *run) acts(step int) (before int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, r.acting = r.acting, step
	return before
}

// placed is an error at a line of the scenario.
func (r *run) placed(st script.Statement, msg, hint string) error {
	file := r.sc.Name
	if r.live {
		file = "" // typed at a prompt
	}
	return &script.Error{File: file, Pos: st.Pos, Text: st.String(), Msg: msg, Hint: hint}
}

// fail ends the script with an error, unless one has ended it before. At a
// prompt the error is the line's, and nothing ends.
func (r *run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.crashed != nil {
		return
	}
	r.crashed = err
	if !r.live && r.over != nil {
		r.over()
	}
}

// wait does a line of the sequential thread, and comes back when it is done.
func (r *run) wait(ctx context.Context, st script.Statement) {
	switch a := st.Act.(type) {
	case script.Wait:
		_ = r.op.Sleep(ctx, a.For)
	case script.WaitFor:
		key := a.User
		if a.Label != "" {
			key += "." + a.Label
		}
		if err := r.pending.wait(ctx, r.op, key); err != nil {
			r.leave(st)
		}
	case script.WaitUntil:
		if err := r.waitEvent(ctx, st, a.Event); err != nil {
			r.leave(st)
		}
	case script.Step:
		if a.Meanwhile {
			r.act(st, a, false)
			return
		}
		r.pending.begin(pendingKeys(a))
		r.steps(ctx, st, a)
	default:
		r.act(st, st.Act, false)
	}
}

// leave notes a line that the scenario's end cut short.
func (r *run) leave(st script.Statement) {
	r.unfinish("line %d was not finished at the end: %s", st.Pos.Line, st)
}

// unfinish notes once that something did not come to its end, for the verdict.
func (r *run) unfinish(format string, args ...any) {
	why := fmt.Sprintf(format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.unfinished, why) {
		r.unfinished = append(r.unfinished, why)
	}
}

func (r *run) waitEvent(ctx context.Context, st script.Statement, e script.Event) error {
	if e.Verb == "quiet" && r.lab.Quiet() {
		return nil
	}
	s := r.op.NewSignal()
	r.watch(&watch{event: e, act: s.Set, st: st})
	return s.Wait(ctx)
}

// transports are what a partition may be limited to, by their words.
var transports = map[string]fault.Transport{"tcp": fault.TCP, "udp": fault.UDP}

// act does something that waits for nobody. It may be called at the seam, in
// the task of whoever caused an event.
func (r *run) act(st script.Statement, act script.Act, triggered bool) {
	defer r.acts(r.acts(st.Step))
	var err error
	switch a := act.(type) {
	case script.Verb:
		err = r.verb(st, a)
	case script.Partition:
		at := r.now()
		r.parted(st, r.lab.Faults().PartitionOver(transports[a.Over], a.One, a.Other))
		r.tell(at, st, "partition", "", "the network parts: "+a.String())
	case script.Skew:
		err = r.lab.Skew(a.Host, a.By)
	case script.Answer:
		how := a.How
		if a.Status != 0 {
			how = strconv.Itoa(a.Status)
		}
		var cookies []string
		if a.SetCookie != "" {
			cookies = []string{a.SetCookie}
		}
		if err = r.lab.Answer(a.Host, how, a.Count, cookies...); err == nil {
			r.answers(st, a)
		}
	case script.Rule:
		r.rule(st, a)
	case script.Step:
		u := r.users[a.User]
		r.pending.begin(pendingKeys(a))
		u.Host().Go("step", func(context.Context) { r.steps(r.scriptCtx, st, a) })
	case script.Expect:
		r.expect(st, a)
	case script.Remember:
		r.remember(a)
	case script.Together:
		for _, each := range a.Acts {
			r.act(st, each, triggered)
		}
	case script.Wait, script.WaitFor, script.WaitUntil:
		err = fmt.Errorf("a wait belongs to the sequential thread of the script")
	default:
		err = fmt.Errorf("nothing is known of %T", act)
	}
	if err != nil {
		if triggered {
			// A machine that is already down cannot be killed again: told, not fatal.
			why := fmt.Sprintf("line %d did nothing: %v", st.Pos.Line, err)
			r.mu.Lock()
			if r.touches.idle[why]++; r.touches.idle[why] > 1 {
				r.mu.Unlock()
				return
			}
			r.mu.Unlock()
			r.tell(r.now(), st, "skipped", "", why)
			return
		}
		r.fail(r.placed(st, err.Error(), ""))
	}
}

// tell puts what a line has done at a time into the timeline.
func (r *run) tell(at time.Duration, st script.Statement, kind, node, text string) {
	r.rec.AddEvent(history.Event{At: at, Step: st.Step, Kind: kind, Node: node, Text: text})
	if r.opts.Observe != nil {
		r.opts.Observe(lab.Event{At: at, Kind: lab.Told, Host: node, Verb: kind, Text: text})
	}
}

func (r *run) remember(a script.Remember) {
	v, ok := a.Sum.Eval(r.lookupNow())
	r.mu.Lock()
	defer r.mu.Unlock()
	if ok {
		r.remembered[a.Name] = v
	}
}
