package scenarios

import (
	"slices"
	"strings"

	"sessionlab/scenarios/history"
)

// sessionPage is the application's page that shows a session and changes nothing.
const sessionPage = "/session"

// ways is, by user, where the proxy may lead to a page that shows the session: the
// path is public, and which page is behind it only a node knows.
type ways map[string]*way

type way struct {
	beside string // sessionPage beside the page that the user's latest request led to
	read   string // the user's latest request that only read its session
}

// waysToSession finds the ways from what the users' requests have led to.
func waysToSession(requests []*history.Record) ways {
	found := ways{}
	for _, r := range slices.Backward(requests) {
		n := r.Answering()
		if n == nil || n.Refused != "" || r.On != "" || r.Foreign {
			continue
		}
		w := found[r.User]
		if w == nil {
			w = &way{}
			found[r.User] = w
		}
		public, _, _ := strings.Cut(r.Path, "?")
		public, _, _ = strings.Cut(public, ";")
		if prefix, same := strings.CutSuffix(public, n.Path); same && w.beside == "" {
			w.beside = prefix + sessionPage
		}
		if w.read == "" && r.Method == "GET" && n.Asked && n.Got != nil && n.Op == "" && !n.New && !n.Login && !n.Logout {
			w.read = r.Path
		}
	}
	return found
}

// of are the targets that a user may try, the likeliest first.
func (all ways) of(user string) []string {
	var targets []string
	add := func(target string) {
		if target != "" && !slices.Contains(targets, target) {
			targets = append(targets, target)
		}
	}
	if w := all[user]; w != nil {
		add(w.beside)
		add(w.read)
	}
	add(sessionPage)
	return targets
}

// noWay reports whether the proxy answered a request by itself, without turning to
// any node: another path may lead to one.
func noWay(r *history.Record) bool {
	return r.Answered() && r.Status < 500 && len(r.Attempts) == 0 && len(r.Notes) == 0
}
