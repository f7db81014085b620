package scenarios

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sessionlab/scenarios/users"
)

// settle is how long a run waits at its end for requests and messages that are
// still under way.
const settle = 2 * time.Second

// auditTimeout is how long a user waits for an answer to a last look.
const auditTimeout = 5 * time.Second

// hurry is how long the last looks of an interrupted run may take, and the wait
// for messages before it; never is without an end.
const (
	hurry = time.Second
	never = 1000 * time.Hour
)

// knock is a last look: by a user, with an old session or, if
// that is "", with what the user has.
type knock struct{ user, session string }

// end lets what is under way come to its end, then audits.
func (r *run) end(ctx context.Context) {
	stopped := r.now()
	r.waitUntil(ctx, settle, func() bool { return r.underWay() == 0 })
	settle, patience := settle, never
	if r.interrupted() {
		settle, patience = hurry, hurry // somebody waits at the terminal
	}
	r.mu.Lock()
	r.ended, r.stopped = true, stopped
	if waiting := r.waitingUsers(); len(waiting) > 0 {
		r.unfinished = append(r.unfinished, "no answer had come at the end to requests of "+few(waiting))
	}
	knocks := r.loggedOut
	r.mu.Unlock()
	r.waitUntil(ctx, settle, r.lab.Quiet)
	if ctx.Err() != nil {
		return
	}
	r.keepCopies()
	r.audit(ctx, knocks, r.op.Elapsed()+patience)
}

// audit has every user look once more where a request of theirs has come to a node
// before, and those who have logged out try their old session. At until, of the
// lab's time, it stops and notes how many looks are missing. At last the inventory
// is taken.
func (r *run) audit(ctx context.Context, knocks []knock, until time.Duration) {
	readings := make([]knock, 0, len(r.order)+len(knocks))
	for _, name := range r.order {
		if r.users[name].Session() != "" {
			readings = append(readings, knock{user: name})
		}
	}
	for _, k := range knocks {
		if r.users[k.user].Session() != k.session {
			readings = append(readings, k)
		}
	}
	ways := waysToNodes(r.rec.History().Requests)
	for i, k := range readings {
		if r.interrupted() {
			until = min(until, r.op.Elapsed()+hurry)
		}
		left := until - r.op.Elapsed()
		if left <= 0 {
			r.mu.Lock()
			r.unaudited = fmt.Sprintf("the last look was cut short: %d of %d readings missing, so that the last writes of those users are not judged",
				len(readings)-i, len(readings))
			r.mu.Unlock()
			break
		}
		for _, target := range ways.of(k.user) {
			if k.session == "" && r.users[k.user].Presents(target) == "" {
				continue // the cookie is for other paths
			}
			rec := r.users[k.user].Do(ctx, users.Request{
				Method: "GET", Target: target, Audit: true, Timeout: min(auditTimeout, left), Cookie: k.session,
			})
			if !noWay(rec) {
				break
			}
		}
	}
	held := r.inventory()
	r.mu.Lock()
	r.closed, r.held, r.taken = true, held, r.now()
	r.mu.Unlock()
}

// interrupted reports whether the run did not come to its end.
func (r *run) interrupted() bool {
	return r.cut || r.opts.Interrupted != nil && r.opts.Interrupted()
}

// cutShort takes up a run that the world has ended in the middle. No task runs
// any more.
func (r *run) cutShort() {
	if r.cut = true; r.ended {
		r.unaudited = "the last look was cut short: the last writes of some users are not judged"
		return
	}
	r.stopped = max(0, r.world.Elapsed()-r.lab.Zero())
	r.unaudited = "there was no last look: the last writes of the users are not judged"
}

// waitingUsers are those with a request under way.
func (r *run) waitingUsers() []string {
	var names []string
	for _, name := range r.order {
		if r.users[name].UnderWay() > 0 {
			names = append(names, name)
		}
	}
	return names
}

// few lists some names, and how many more there are.
func few(names []string) string {
	const most = 5
	if more := len(names) - most; more > 1 {
		return fmt.Sprintf("%s and %d more users", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

func (r *run) underWay() int {
	n := 0
	for _, name := range r.order {
		n += r.users[name].UnderWay()
	}
	return n
}

// waitUntil looks every millisecond whether something has come true. It reports
// false when the limit has passed or ctx has ended before.
func (r *run) waitUntil(ctx context.Context, limit time.Duration, come func() bool) bool {
	for end := r.op.Elapsed() + limit; !come(); {
		if r.op.Elapsed() >= end || r.op.Sleep(ctx, time.Millisecond) != nil {
			return false
		}
	}
	return true
}
