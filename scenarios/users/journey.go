package users

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"sessionlab/scenarios/history"
)

// Journey is what the users of a population do, round after round.
type Journey string

const (
	Browse  Journey = "browse"  // looks at the page, then reads its session a few times
	Counter Journey = "counter" // adds one to its counter again and again
	Shop    Journey = "shop"    // logs in, fills a cart, checks out, logs out
)

// Journeys are all of them with what they do, for a help page.
var Journeys = []struct {
	Name Journey
	Doc  string
}{
	{Browse, "looks at the page /, then reads /session three times, over and over"},
	{Counter, "adds one to its counter, POST /counter, again and again"},
	{Shop, "GET /login, fills a cart with /set, /counter?add=1, orders with /set, looks at /session in between, /logout; logged out by somebody else it starts again at the login"},
}

// Pace says how a population acts.
type Pace struct {
	// Think is the mean time between an answer and the next request; each time
	// it is drawn between half and one and a half of it.
	Think time.Duration
	// Requests is how many requests the journey has; 0: no end.
	Requests int
}

// Travel goes on the journey until ctx ends, the pace's requests are done, or goOn
// returns false; Travel calls it before each request, and it may wait. The first
// request comes after a part of the think time, so that a population does not start
// in step.
func (u *User) Travel(ctx context.Context, j Journey, p Pace, goOn func(context.Context) bool) {
	draw := u.host.Rand("think", u.name)
	if u.host.Sleep(ctx, time.Duration(draw.Float64()*float64(p.Think))) != nil {
		return
	}
	for n, round := 0, 0; ; {
		for _, r := range j.round(u.name, round) {
			if ctx.Err() != nil || p.Requests > 0 && n == p.Requests || !goOn(ctx) {
				return
			}
			n++
			rec := u.Do(ctx, r)
			if u.host.Sleep(ctx, time.Duration((0.5+draw.Float64())*float64(p.Think))) != nil {
				return
			}
			if j == Shop && lostItsWay(r, rec) {
				break // logged out by somebody else: start again at the login
			}
		}
		round++
	}
}

// lostItsWay reports whether a shopper found no session where there should be
// one.
func lostItsWay(r Request, rec *history.Record) bool {
	return rec.Acknowledged() && rec.Session == "" && r.Target != "/logout"
}

func (j Journey) round(user string, round int) []Request {
	get := func(format string, args ...any) Request {
		return Request{Method: http.MethodGet, Target: fmt.Sprintf(format, args...)}
	}
	switch j {
	case Browse:
		return browseRound
	case Counter:
		return counterRound
	case Shop:
		n := strconv.Itoa(round + 1)
		return []Request{
			get("/login?user=%s", user),
			get("/set?name=cart&value=pen-%s", n),
			get("/session"),
			get("/set?name=cart&value=pen-%s,book-%s", n, n),
			get("/counter?add=1"),
			get("/session"),
			get("/set?name=order&value=%s-%s", user, n),
			get("/session"),
			get("/logout"),
		}
	}
	panic("users: unknown journey " + string(j))
}

var (
	browseRound = []Request{
		{Method: http.MethodGet, Target: "/"},
		{Method: http.MethodGet, Target: "/session"},
		{Method: http.MethodGet, Target: "/session"},
		{Method: http.MethodGet, Target: "/session"},
	}
	counterRound = []Request{{Method: http.MethodPost, Target: "/counter"}}
)
