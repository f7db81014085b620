package scenarios

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sessionlab/lab"
	"sessionlab/lab/fault"
	"sessionlab/scenarios/history"
	"sessionlab/scenarios/script"
	"sessionlab/scenarios/users"
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
// name. Expectations are told of one by one, and a pause tests nothing.
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
	r.mu.Lock()
	r.unfinished = append(r.unfinished, why)
	r.mu.Unlock()
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

func (r *run) fail(st script.Statement, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.crashed == nil {
		r.crashed = r.placed(st, err.Error(), "")
		if !r.live {
			r.over()
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
			r.mu.Lock()
			r.unfinished = append(r.unfinished, fmt.Sprintf("line %d was done %d times, and then no more: until TIME ends it earlier", st.Pos.Line, maxEvery))
			r.mu.Unlock()
		})
	case "when", "whenever":
		w := &watch{event: t.Event, repeat: t.Kind == "whenever", act: next, st: st}
		if t.Event.Verb == "quiet" {
			r.poll(w)
			return
		}
		r.watch(w)
	}
}

// expectTime enters a line that waits for a time, with so many triggers to come
// after that one. The returned function says that the time has come.
func (r *run) expectTime(st script.Statement, rest int) (come func()) {
	key := timer{st.Step, rest}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.touches.timers[key]; !known {
		r.touches.timers[key] = false
		r.touches.timed = append(r.touches.timed, timedLine{key, st})
	}
	return func() {
		r.mu.Lock()
		r.touches.timers[key] = true
		r.mu.Unlock()
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

// poll watches for quiet, which no single event makes.
func (r *run) poll(w *watch) {
	r.noteWatch(w)
	armed := r.armed()
	r.op.Go("quiet", func(context.Context) {
		for was := false; r.op.Sleep(armed, time.Millisecond) == nil; {
			quiet := r.lab.Quiet()
			if quiet && !was {
				w.fired++
				w.act()
				if !w.repeat {
					return
				}
			}
			was = quiet
		}
	})
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
		if err := r.waitFor(ctx, key); err != nil {
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
		r.pend(a)
		r.steps(ctx, st, a)
	default:
		r.act(st, st.Act, false)
	}
}

// leave notes a line that the scenario's end cut short.
func (r *run) leave(st script.Statement) {
	why := fmt.Sprintf("line %d was not finished at the end: %s", st.Pos.Line, st)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.unfinished, why) {
		r.unfinished = append(r.unfinished, why)
	}
}

func (r *run) waitFor(ctx context.Context, key string) error {
	for {
		r.mu.Lock()
		if r.pending[key] == 0 {
			r.mu.Unlock()
			return nil
		}
		s := r.op.NewSignal()
		r.waiting[key] = append(r.waiting[key], s)
		r.mu.Unlock()
		if err := s.Wait(ctx); err != nil {
			return err
		}
	}
}

func (r *run) waitEvent(ctx context.Context, st script.Statement, e script.Event) error {
	s := r.op.NewSignal()
	w := &watch{event: e, act: s.Set, st: st}
	if e.Verb == "quiet" {
		if r.lab.Quiet() {
			return nil
		}
		r.poll(w)
	} else {
		r.watch(w)
	}
	return s.Wait(ctx)
}

// pend counts a line's requests as unanswered from now on: a wait for them may
// come before the task that sends them has begun.
func (r *run) pend(a script.Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range pendingKeys(a) {
		r.pending[k]++
	}
}

// pendingKeys are the names under which a line's requests can be waited for.
func pendingKeys(a script.Step) []string {
	if a.Label == "" {
		return []string{a.User}
	}
	return []string{a.User, a.User + "." + a.Label}
}

// steps sends a line's requests, which are pending, one after the other.
func (r *run) steps(ctx context.Context, st script.Statement, a script.Step) {
	u := r.users[a.User]
	for n := range max(1, a.Count) {
		if n > 0 {
			if think := a.Options.Duration("think", 0); think > 0 {
				_ = r.op.Sleep(ctx, think)
			}
		}
		if ctx.Err() != nil {
			r.leave(st)
			break
		}
		req := users.Request{
			Method: a.Method, Target: a.Target, On: a.On, Step: st.Step, Label: a.Label,
			Timeout: a.Options.Duration("timeout", 0),
		}
		if a.Options.Has("cookie") {
			header, known := r.foreign(a.Options.String("cookie", ""), a.Target)
			if !known {
				r.mu.Lock()
				r.unfinished = append(r.unfinished, fmt.Sprintf("line %d was not sent: no session was remembered for it: %s", st.Pos.Line, st))
				r.mu.Unlock()
				break
			}
			req.Foreign, req.Header = true, header
		}
		rec := u.Do(ctx, req)
		if rec.Err != "" && ctx.Err() != nil {
			r.leave(st)
			break
		}
	}
	r.mu.Lock()
	var wake []interface{ Set() }
	for _, k := range pendingKeys(a) {
		if r.pending[k]--; r.pending[k] == 0 {
			for _, s := range r.waiting[k] {
				wake = append(wake, s)
			}
			delete(r.waiting, k)
		}
	}
	r.mu.Unlock()
	for _, s := range wake {
		s.Set()
	}
}

// foreign is the Cookie header that a step's cookie option stands for; known is
// false for a session id that has not been remembered.
func (r *run) foreign(option, target string) (header string, known bool) {
	if option == script.NoCookie {
		return "", true
	}
	if strings.Contains(option, "=") {
		return option, true
	}
	if other := r.users[option]; other != nil {
		return other.Cookies(target), true
	}
	r.mu.Lock()
	v, known := r.remembered[option]
	r.mu.Unlock()
	return r.cfg.SessionCookie + "=" + v.S, known && v.S != ""
}

// act does something that waits for nobody. It may be called at the seam, in
// the task of whoever caused an event.
func (r *run) act(st script.Statement, act script.Act, triggered bool) {
	defer r.acts(r.acts(st.Step))
	var err error
	switch a := act.(type) {
	case script.Verb:
		err = r.verb(st, a)
	case script.Partition:
		r.lab.Faults().Partition(a.One, a.Other)
		r.tell(st, "partition", "", "the network parts: "+a.String())
		r.touchPartition(st)
	case script.Skew:
		err = r.lab.Skew(a.Host, a.By)
		r.touchVerb(st, "skew", a.Host)
	case script.Answer:
		how := a.How
		if a.Status != 0 {
			how = strconv.Itoa(a.Status)
		}
		if err = r.lab.Answer(a.Host, how, a.Count); err == nil {
			r.touchAnswer(st, a)
		}
	case script.Rule:
		r.rule(st, a)
	case script.Step:
		u := r.users[a.User]
		r.pend(a)
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
			r.tell(st, "skipped", "", why)
			return
		}
		r.fail(st, err)
	}
}

func (r *run) tell(st script.Statement, kind, node, text string) {
	at := r.now()
	r.rec.AddEvent(history.Event{At: at, Step: st.Step, Kind: kind, Node: node, Text: text})
	if r.opts.Observe != nil {
		r.opts.Observe(lab.Event{At: at, Kind: lab.Told, Host: node, Verb: kind, Text: text})
	}
}

func (r *run) verb(st script.Statement, v script.Verb) error {
	if v.Name == "heal" {
		r.lab.Faults().Heal()
		r.tell(st, "heal", "", "the network is whole again")
		return nil
	}
	do := map[string]func(string) error{
		"kill": r.lab.Kill, "stop": r.lab.Stop, "start": r.lab.StartNode,
		"restart": r.lab.Restart, "pause": r.lab.Pause, "resume": r.lab.Resume,
	}[v.Name]
	if do == nil {
		return fmt.Errorf("nothing is known of %q", v.Name)
	}
	for _, host := range v.Hosts {
		r.touchVerb(st, v.Name, host)
		if err := do(host); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) rule(st script.Statement, a script.Rule) {
	if a.Verb == "release" {
		r.lab.Faults().Release(a.Kind, a.Link.From, a.Link.To)
		r.tell(st, "release", "", a.String())
		return
	}
	rule := fault.Rule{Kind: a.Kind, From: a.Link.From, To: a.Link.To, Count: a.Count, By: a.By, Spread: a.Spread}
	if a.Percent < 100 {
		rule.Percent = a.Percent
	}
	rule.Verb = map[string]fault.Verb{"hold": fault.Hold, "drop": fault.Drop, "delay": fault.Delay, "duplicate": fault.Duplicate}[a.Verb]
	added := r.lab.Faults().Add(rule)
	r.tell(st, a.Verb, "", a.String())
	r.mu.Lock()
	r.touches.rules = append(r.touches.rules, ruleAt{added, st})
	r.mu.Unlock()
}

func (r *run) remember(a script.Remember) {
	v, ok := a.Sum.Eval(r.lookupNow())
	r.mu.Lock()
	defer r.mu.Unlock()
	if ok {
		r.remembered[a.Name] = v
	}
}

// expect judges a condition there and then. Of several judgements the first
// that fails counts, or else the first that had no data.
func (r *run) expect(st script.Statement, a script.Expect) {
	res := a.Cond.Eval(r.lookupNow())
	key := judgement{st.Step, a.Cond.String()}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch old := r.judged[key]; {
	case old.Outcome == script.Fails, old.Outcome == script.NoData && res.Outcome != script.Fails:
		return
	}
	r.judged[key] = Expectation{Expr: key.expr, Outcome: res.Outcome, Actual: res.Actual, Line: st.Pos.Line}
}
