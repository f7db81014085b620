package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sessionlab/lab"
	"sessionlab/scenarios/history"
	"sessionlab/scenarios/script"
	"sessionlab/sessions"
)

// Live is a lab that is kept up and does what a person types. Its methods are
// called from the function given to Up, and from nowhere else.
type Live struct {
	r     *run
	crowd []person
}

// Passerby is the user that a lab without named users gets when it is kept up,
// so that there is somebody to send requests for.
const Passerby = "alice"

// Up brings up the lab of a scenario, without its script, lets its population
// go, and calls drive; when drive returns, everything is taken down. The context
// that drive gets ends when the lab is over, also when a panic in one of its tasks
// ends it. An error is as Run's.
func Up(sc *script.Scenario, o Options, drive func(context.Context, *Live) error) error {
	defer o.World.Close()
	if len(sc.All("user")) == 0 {
		with := *sc
		with.Nouns = append(append([]script.Noun{}, sc.Nouns...), script.Noun{Word: "user", Name: Passerby})
		sc = &with
	}
	own := *sc // what is typed is appended to a copy
	own.Script, own.Final, own.End = nil, nil, 0
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
	l.Watch(func(e lab.Event) { r.happened(&e) })
	err = o.World.Run(func(ctx context.Context) error {
		stage, over, err := r.setUp(ctx, crowd)
		if err != nil {
			return err
		}
		defer over()
		r.disarm() // from now on what is armed can be disarmed
		return drive(stage, &Live{r, crowd})
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

// Events is the timeline so far.
func (l *Live) Events() []history.Event { return l.r.rec.History().Events }

// UserStatus is what a user has been doing.
type UserStatus struct {
	Name, Addr string
	Journey    string // "" for one who does what is typed
	UnderWay   int    // requests without an answer yet
	Requests   int    // answered, or given up on
	Failed     int    // of these
	Node       string // the node that answered last, "" for none
	Session    string // the session id in the user's cookie, "" for none
	Sessions   int    // different sessions seen
}

// Users lists the users in the order of the scenario.
func (l *Live) Users() []UserStatus {
	table := make([]UserStatus, len(l.crowd))
	rows := make(map[string]*UserStatus, len(l.crowd))
	seen := make(map[string]map[string]bool, len(l.crowd))
	for i, p := range l.crowd {
		u := l.r.users[p.name]
		table[i] = UserStatus{Name: p.name, Addr: p.addr, Journey: string(p.journey), UnderWay: u.UnderWay(), Session: u.Session()}
		rows[p.name], seen[p.name] = &table[i], map[string]bool{}
	}
	for _, rec := range l.r.rec.History().Requests {
		row := rows[rec.User]
		row.Requests++
		if rec.Failed() {
			row.Failed++
		}
		if rec.Node != "" {
			row.Node = rec.Node
		}
		if base := sessions.Base(rec.Session); base != "" && !seen[rec.User][base] {
			seen[rec.User][base] = true
			row.Sessions++
		}
	}
	return table
}

// Silence makes the users of the population wait before their next request, or
// lets them go on. It reports false if the lab has no population. Requests under
// way are answered all the same.
func (l *Live) Silence(quiet bool) bool {
	l.r.silent.Store(quiet)
	return slices.ContainsFunc(l.crowd, func(p person) bool { return p.journey != "" })
}

// Do performs one line of the scenario language and waits as long as the line
// does; ctx, which must be drive's or come from it, cuts that short. It returns
// what there is to say about it; "" for what the timeline tells anyway. An error
// of the line itself is a *script.Error. A line that was cut short has ctx's
// error.
func (l *Live) Do(ctx context.Context, line string) (string, error) {
	st, err := script.ParseLine(line, l.r.sc)
	if err != nil {
		return "", err
	}
	st.Pos.Line = len(l.r.sc.Script) + 1 // as if it were written below the others
	st.Step = l.r.sc.Append(st)
	if len(st.Triggers) > 0 {
		l.r.arm(st, st.Triggers)
		return "armed", nil
	}
	l.r.wait(ctx, st)
	if err := l.r.forgive(); err != nil {
		return "", err
	}
	return l.said(st.Step, st.Act), ctx.Err()
}

// Disarm ends every line that waits for its time or its event: after, every,
// when and whenever.
func (l *Live) Disarm() { l.r.disarm() }

// said is what there is to say about an act that has been done.
func (l *Live) said(step int, act script.Act) string {
	switch a := act.(type) {
	case script.Expect:
		l.r.mu.Lock()
		e := l.r.judged[claim{step, a.Cond.String()}]
		l.r.mu.Unlock()
		return fmt.Sprintf("%v: %s", e.Outcome, e.Actual)
	case script.Remember:
		l.r.mu.Lock()
		v, ok := l.r.remembered[a.Name]
		l.r.mu.Unlock()
		if !ok {
			return a.Name + ": no data"
		}
		return a.Name + " = " + v.String()
	case script.WaitUntil:
		return "it is so"
	case script.Together:
		var lines []string
		for _, each := range a.Acts {
			if said := l.said(step, each); said != "" {
				lines = append(lines, said)
			}
		}
		return strings.Join(lines, "\n")
	}
	return ""
}

// Describe tells in one line what a user was answered.
func Describe(rec *history.Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s -> ", rec.User, rec.Method, rec.Path)
	switch {
	case rec.Status == 0:
		b.WriteString(rec.Err)
	case rec.Err != "":
		fmt.Fprintf(&b, "%d, cut short (%s)", rec.Status, rec.Err)
	default:
		fmt.Fprint(&b, rec.Status)
	}
	if rec.Node != "" {
		b.WriteString(" from " + rec.Node)
	}
	if rec.Refused() {
		n := rec.Notes[len(rec.Notes)-1]
		b.WriteString(", refused by the connector of " + n.Node + ": " + n.Refused)
	}
	if len(rec.Attempts) > 1 {
		var tried []string
		for _, a := range rec.Attempts {
			tried = append(tried, a.Node+" "+a.Outcome)
		}
		b.WriteString(" (tried " + strings.Join(tried, ", ") + ")")
	}
	if rec.Session != "" {
		b.WriteString(", session " + ShortID(rec.Session))
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

// ShortID is a session id cut down to what tells it from others at a glance:
// "7C01A2F4.tomcat1".
func ShortID(id string) string { return lab.ShortID(id) }

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
