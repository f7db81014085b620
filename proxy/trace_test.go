package proxy

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// story is the trace in short, without what comes before from.
func (l *lab) story(from int) string {
	var b strings.Builder
	for _, e := range l.trace[from:] {
		fmt.Fprintf(&b, "%v", e.Kind)
		switch e.Kind {
		case Delivered:
			fmt.Fprintf(&b, " %d", e.Status)
		case AttemptEnded:
			fmt.Fprintf(&b, " %s %v %d", e.Server, e.Outcome, e.Status)
		default:
			fmt.Fprintf(&b, " %s", e.Server)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestTraceTellsTheStory(t *testing.T) {
	run(t, pool(t, "a", "b"), func(l *lab) {
		l.kill("a")
		l.get("/", 1)
		l.want("trace", l.story(0), `attempt began a
attempt ended a refused 502
upstream server temporarily disabled a
attempt began b
attempt ended b ok 200
delivered 200
`)
		l.boot("a")
		l.sleepUntil(11 * time.Second)
		l.get("/", 2)
		at := len(l.trace)
		l.get("/", 1)
		l.want("trace", l.story(at), `attempt began a
attempt ended a ok 200
upstream server readmitted a
delivered 200
`)
		l.kill("a", "b")
		l.get("/", 1)
		at = len(l.trace)
		l.get("/", 1)
		l.want("trace", l.story(at), "no live upstreams jspserver\ndelivered 502\n")
	})
}

func TestStatusTable(t *testing.T) {
	run(t, pool(t, "a weight=2", "b", "c backup"), func(l *lab) {
		l.get("/", 2)
		l.kill("a")
		l.get("/", 1)
		var got []string
		for _, s := range l.front.Status()[0].Servers {
			got = append(got, fmt.Sprint(s.Name, " ", s.State, " fails=", s.Fails, " requests=", s.Requests, " conns=", s.Conns))
		}
		l.want("status", strings.Join(got, "; "),
			"a unavail fails=1 requests=2 conns=0; b up fails=0 requests=2 conns=0; c up fails=0 requests=0 conns=0")
	})
}

func TestServerLevelReturnHidesItsOwnErrorPage(t *testing.T) {
	config := withErrorPage(pool(t, "a"))
	config.Servers[0].Return = &Return{Status: 503}
	run(t, config, func(l *lab) {
		r := l.send("GET", "/", "")
		if r.status != 503 || r.body == page50x {
			t.Errorf("answer = %d %q, want 503 with nginx's own page: the redirect is answered by return, too", r.status, r.body)
		}
	})
}
