package appnode

import (
	"net/http"
	"strings"
	"testing"
)

func TestEveryPageOfTheHelpIsServed(t *testing.T) {
	fill := strings.NewReplacer("NAME", "count", "VALUE", "1", "USER", "alice", "N", "200")
	play(t, nil, func(r *rig) {
		r.do("GET", "/set?name=count&value=1")
		for _, page := range Pages {
			if got := r.do("GET", fill.Replace(page.Form)); got.status != http.StatusOK {
				t.Errorf("GET %s: status %d, want 200", fill.Replace(page.Form), got.status)
			}
		}
		for _, p := range Parameters {
			name, _, _ := strings.Cut(p.Form, "=")
			if got := r.do("GET", "/session?"+name+"=1"); got.status != http.StatusOK {
				t.Errorf("GET /session?%s=1: status %d, want 200", name, got.status)
			}
		}
	})
}
