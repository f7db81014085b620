package scenarios

import (
	"slices"
	"strings"

	"sessionlab/scenarios/history"
)

// sessionPage is the application's page that shows a session and changes nothing.
const sessionPage = "/session"

// ways are, by user, public paths that lead to a node. Only a node knows which page
// is behind one; a last look changes nothing wherever it comes to.
type ways map[string]*way

type way struct {
	beside string // sessionPage beside a page that the user has come to, "" if the proxy renames them
	latest string // where the user's latest request came to a page
}

// waysToNodes finds where the users' requests have come to a node.
func waysToNodes(requests []*history.Record) ways {
	found := ways{}
	for _, r := range slices.Backward(requests) {
		n := r.Answering()
		if n == nil || n.Refused != "" || r.On != "" || r.Foreign {
			continue
		}
		w := found[r.User]
		if w != nil && w.beside != "" {
			continue
		}
		public, _, _ := strings.Cut(r.Path, "?")
		public, _, _ = strings.Cut(public, ";")
		if w == nil {
			w = &way{latest: public}
			found[r.User] = w
		}
		if prefix, same := strings.CutSuffix(public, n.Path); same {
			w.beside = prefix + sessionPage
		}
	}
	return found
}

// of are the targets that a user may try, the likeliest first.
func (all ways) of(user string) []string {
	w := all[user]
	if w == nil {
		return []string{sessionPage}
	}
	if w.beside == "" || w.beside == w.latest {
		return []string{w.latest}
	}
	return []string{w.beside, w.latest}
}

// noWay reports whether the proxy answered a request by itself, without turning to
// any node, and not because it had none left: another path may lead to one.
func noWay(r *history.Record) bool {
	return r.Answered() && r.Status != 502 && len(r.Attempts) == 0 && len(r.Notes) == 0
}
