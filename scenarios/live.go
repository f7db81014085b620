package scenarios

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sessionlab/lab"
	"sessionlab/scenarios/history"
	"sessionlab/scenarios/script"
)

// Live is a lab that is kept up and does what a person types. Its methods are
// called from the function given to Up, and from nowhere else.
type Live struct {
	r   *run
	ctx context.Context
}

// Passerby is the user that a lab without named users gets when it is kept up,
// so that there is somebody to send requests for.
const Passerby = "alice"

// Up brings up the lab of a scenario, without its script, lets its population
// go, and calls drive; when drive returns, everything is taken down. An error is
// as Run's.
func Up(sc *script.Scenario, o Options, drive func(*Live) error) error {
	defer o.World.Close()
	if len(sc.All("user")) == 0 {
		with := *sc
		with.Nouns = append(append([]script.Noun{}, sc.Nouns...), script.Noun{Word: "user", Name: Passerby})
		sc = &with
	}
	own := *sc // what is typed is appended to a copy
	own.Script = nil
	plan, err := PlanOf(sc)
	if err != nil {
		return err
	}
	crowd, err := people(sc)
	if err != nil {
		return err
	}
	l, err := lab.New(o.World, plan)
	if err != nil {
		return err
	}
	r := newRun(&own, o, l)
	r.live = true
	l.Watch(r.happened)
	err = o.World.Run(func(ctx context.Context) error {
		script, over, err := r.setUp(ctx, crowd)
		if err != nil {
			return err
		}
		defer over()
		return drive(&Live{r, script})
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLab, err)
	}
	return nil
}

// Lab is the lab itself, for tables.
func (l *Live) Lab() *lab.Lab { return l.r.lab }

// Scenario is what was declared, with the lines typed so far as its script.
func (l *Live) Scenario() *script.Scenario { return l.r.sc }

// Result is what has come of it so far.
func (l *Live) Result() *Result { return l.r.result() }

// Do performs one line of the scenario language and waits as long as the line
// does. It returns what there is to say about it; "" for what the timeline
// tells anyway.
func (l *Live) Do(line string) (string, error) {
	st, err := script.ParseLine(line, l.r.sc)
	if err != nil {
		return "", err
	}
	st.Step = l.r.sc.Append(st)
	seen := l.r.rec.Len()
	if len(st.Triggers) > 0 {
		l.r.arm(st, st.Triggers)
		return "armed", nil
	}
	l.r.wait(l.ctx, st)
	if err := l.r.forgive(); err != nil {
		return "", err
	}
	switch a := st.Act.(type) {
	case script.Step:
		if a.Meanwhile {
			return "sent", nil
		}
		return l.answers(a.User, seen), nil
	case script.Expect:
		l.r.mu.Lock()
		e := l.r.judged[st.Step]
		l.r.mu.Unlock()
		return fmt.Sprintf("%v: %s", e.Outcome, e.Actual), nil
	case script.Remember:
		l.r.mu.Lock()
		v, ok := l.r.remembered[a.Name]
		l.r.mu.Unlock()
		if !ok {
			return a.Name + ": no data", nil
		}
		return a.Name + " = " + v.String(), nil
	case script.WaitUntil:
		return "it is so", nil
	}
	return "", nil
}

// answers tells what a user has been answered since.
func (l *Live) answers(user string, since int) string {
	var lines []string
	for _, rec := range l.r.rec.History().Requests[since:] {
		if rec.User == user {
			lines = append(lines, describe(rec))
		}
	}
	return strings.Join(lines, "\n")
}

func describe(rec *history.Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s -> ", rec.Method, rec.Path)
	if rec.Status == 0 {
		b.WriteString(rec.Err)
	} else {
		fmt.Fprint(&b, rec.Status)
	}
	if rec.Node != "" {
		b.WriteString(" from " + rec.Node)
	}
	if len(rec.Attempts) > 1 {
		var tried []string
		for _, a := range rec.Attempts {
			tried = append(tried, a.Node+" "+a.Outcome)
		}
		b.WriteString(" (tried " + strings.Join(tried, ", ") + ")")
	}
	if rec.Session != "" {
		b.WriteString(", session " + rec.Session)
		if rec.NewSession {
			b.WriteString(" NEW")
		}
	} else if rec.Got != nil {
		b.WriteString(", no session")
	}
	for _, a := range rec.Got {
		fmt.Fprintf(&b, ", %s=%s", a.Name, a.Value)
	}
	return b.String()
}

// forgive returns the error of the latest line and forgets it: at a prompt one
// mistake does not end the lab.
func (r *run) forgive() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.crashed
	r.crashed = nil
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}
