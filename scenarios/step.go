package scenarios

import (
	"context"
	"strings"

	"sessionlab/scenarios/script"
	"sessionlab/scenarios/users"
)

// steps sends a line's requests, which are pending, one after the other.
func (r *run) steps(ctx context.Context, st script.Statement, a script.Step) {
	r.send(ctx, st, a)
	r.pending.done(pendingKeys(a))
}

func (r *run) send(ctx context.Context, st script.Statement, a script.Step) {
	for n := range max(1, a.Count) {
		if think := a.Options.Duration("think", 0); n > 0 && think > 0 {
			_ = r.op.Sleep(ctx, think)
		}
		if ctx.Err() != nil {
			r.leave(st)
			return
		}
		req := users.Request{
			Method: a.Method, Target: a.Target, On: a.On, Step: st.Step, Label: a.Label,
			Timeout: a.Options.Duration("timeout", 0), Lines: a.Options.Headers("header"),
		}
		if a.Options.Has("cookie") {
			if req.Header, req.Foreign = r.foreign(a.Options.String("cookie", ""), a.Target); !req.Foreign {
				r.unfinish("line %d was not sent: no session was remembered for it: %s", st.Pos.Line, st)
				return
			}
		}
		if rec := r.users[a.User].Do(ctx, req); rec.Err != "" && ctx.Err() != nil {
			r.leave(st)
			return
		}
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
