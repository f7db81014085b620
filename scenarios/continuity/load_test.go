package continuity

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"sessionlab/scenarios/history"
)

func TestRequestsAreCountedWithoutAudits(t *testing.T) {
	r := Check(tale(t, `
		alice 0-1 /add : 200 a S1* count=1#1/1
		alice 2-3 /session tries=a,b : 200 b S1 count=1#1/1
		alice 4-5 /session tries=a : 502
		alice 6-7 /session : refused
		alice 8-9 /session : 200! a
		alice 10-11 /status/404 : 404 a html
		alice 12-13 /session audit tries=a,b : 200 b S1 count=1#1/1`), Options{})
	got := r.Requests
	if got.Total != 6 || got.OK != 3 || got.Failed != 3 || got.Retried != 1 || got.Duplicated != 0 {
		t.Errorf("requests = %+v, want total 6, ok 3, failed 3, retried 1, duplicated 0", got)
	}
	if want := map[string]int{"a": 3, "b": 1}; !maps.Equal(got.ByNode, want) {
		t.Errorf("by node = %v, want %v", got.ByNode, want)
	}
	if want := map[string]int{"200": 3, "404": 1, "502": 1, "none": 1}; !maps.Equal(got.ByStatus, want) {
		t.Errorf("by status = %v, want %v", got.ByStatus, want)
	}
	if r.Availability != 50 || !r.HasLoad {
		t.Errorf("availability = %v (load: %v), want 50", r.Availability, r.HasLoad)
	}
}

func TestOutageAndRecovery(t *testing.T) {
	for _, row := range []struct {
		name             string
		tale             string
		outage, recovery time.Duration
		hasFault         bool
	}{
		{"no fault", `
			alice 0-5 /session : 200 a`, 0, 0, false},
		{"an outage without a fault", `
			alice 0-5 /session : 502
			alice 20-25 /session : 200 a`, 25 * ms, 0, false},
		{"a hidden failure: the wait of the request under way", `
			! 10 kill a
			alice 8-13 /session tries=a,b : 200 b
			alice 40-41 /session : 200 b`, 0, 3 * ms, true},
		{"thinking is not waiting", `
			! 10 kill a
			alice 200-204 /session : 200 b`, 0, 4 * ms, true},
		{"until the last outage that began after the fault is over", `
			! 10 kill a
			alice 11-12 /session : 502
			alice 20-21 /session : 200 b
			alice 30-31 /session : 502
			alice 40-45 /session : 200 b
			bob 11-12 /session : 200 b`, 15 * ms, 35 * ms, true},
		{"an outage that never ends counts to its last failure", `
			! 10 pause a
			alice 11-12 /session : 502
			alice 90-100 /session : timeout`, 89 * ms, 90 * ms, true},
		{"each fault for itself", `
			! 10 kill a
			alice 11-12 /session : 502
			alice 20-22 /session : 200 b
			! 30 start a
			! 50 kill b
			alice 51-52 /session : 502
			alice 60-61 /session : 200 a`, 11 * ms, 12 * ms, true},
		{"a request that was under way when the fault came and failed", `
			! 10 kill a
			alice 8-12 /session : 502
			alice 12-14 /session : 200 b`, 6 * ms, 4 * ms, true},
		{"a fault that no request came after", `
			alice 0-5 /session : 200 a
			! 10 kill a`, 0, 0, false},
		{"audits are no load", `
			! 10 kill a
			alice 11-12 /session audit : 502`, 0, 0, false},
	} {
		r := Check(tale(t, row.tale), Options{})
		if r.LongestOutage != row.outage || r.Recovery != row.recovery || r.HasFault != row.hasFault {
			t.Errorf("%s: longest outage %v, recovery %v (fault: %v), want %v, %v (%v)",
				row.name, r.LongestOutage, r.Recovery, r.HasFault, row.outage, row.recovery, row.hasFault)
		}
	}
}

func TestLatencyPercentilesAreNearestRank(t *testing.T) {
	var c history.Recorder
	for i := range 200 {
		c.Add(&history.Record{User: "alice", N: i, Started: time.Duration(i), Ended: time.Duration(i) + time.Duration(i+1)*ms, Status: 200})
	}
	c.Add(&history.Record{User: "alice", N: 201, Ended: time.Hour, Err: "timeout"}) // got no head: no latency
	got := Check(c.History(), Options{}).Latency
	if want := (Latency{100 * ms, 180 * ms, 198 * ms, 200 * ms}); got != want {
		t.Errorf("latency of 1..200 ms = %v, want %v", got, want)
	}
}

func TestGuarantees(t *testing.T) {
	for _, row := range []struct {
		name string
		tale string
		want Guarantees // read your writes, monotonic reads, monotonic writes, writes follow reads
	}{
		{"all hold", `
			alice 0-1 /set?name=x&value=1 : 200 a S1* x=1#1/1
			alice 2-3 /set?name=y&value=1 : 200 b S1 x=1#1/1 y=1#2/1`,
			Guarantees{Guarantee{2, 0}, Guarantee{1, 0}, Guarantee{1, 0}, Guarantee{1, 0}}},
		{"read your writes only: nothing of the missing write had been read", `
			alice 0-1 /counter : 200 a S1*
			alice 2-3 /set?name=x&value=1 : 200 a html
			alice 4-5 /session : 200 b S1`,
			Guarantees{Guarantee{1, 1}, Guarantee{0, 0}, Guarantee{0, 0}, Guarantee{0, 0}}},
		{"monotonic reads only: the write was never acknowledged, but seen", `
			alice 0-1 /counter : 200 a S1*
			alice 2-3 /set?name=x&value=1 : timeout
			alice 4-5 /session : 200 a S1 x=1#1/1
			alice 6-7 /session : 200 b S1`,
			Guarantees{Guarantee{0, 0}, Guarantee{1, 1}, Guarantee{0, 0}, Guarantee{0, 0}}},
		{"monotonic writes: the second write is there, the first is not", `
			alice 0-1 /counter : 200 a S1*
			alice 2-3 /set?name=x&value=1 : 200 a html
			alice 4-5 /set?name=y&value=1 : 200 b S1 y=1#2/1`,
			Guarantees{Guarantee{1, 1}, Guarantee{0, 0}, Guarantee{1, 1}, Guarantee{0, 0}}},
		{"writes follow reads: what had been read is missing beside a later write", `
			alice 0-1 /counter : 200 a S1*
			alice 2-3 /set?name=x&value=1 : timeout
			alice 4-5 /session : 200 a S1 x=1#1/1
			alice 6-7 /set?name=y&value=1 : 200 b S1 y=1#2/1`,
			Guarantees{Guarantee{1, 0}, Guarantee{1, 1}, Guarantee{0, 0}, Guarantee{1, 1}}},
		{"a lost session breaks what depends on it, once", `
			alice 0-1 /set?name=x&value=1 : 200 a S1* x=1#1/1
			alice 2-3 /set?name=y&value=1 : 200 b S2* y=1#2/1
			alice 4-5 /session : 200 b S2 y=1#2/1`,
			Guarantees{Guarantee{4, 1}, Guarantee{2, 1}, Guarantee{1, 1}, Guarantee{1, 1}}},
	} {
		if got := Check(tale(t, row.tale), Options{}).Guarantees; got != row.want {
			t.Errorf("%s: guarantees = %v, want %v", row.name, got, row.want)
		}
	}
}

func TestFigures(t *testing.T) {
	h := tale(t, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1.a* cart=pen#1/1
		alice 2-3 /set?name=cart&value=7 : 200 a S1.a cart=7#2/2
		alice 4-5 /session : 200 b S1.b cart=pen#1/1
		! 6 kill a
		alice 7-9 /session tries=a,b : 200 b S1.b cart=7#2/2
		alice 10-11 /session : refused
		alice 12-14 /session : 200 a S1.a cart=7#2/2
		alice 90-99 /session audit : 200 b S1.b cart=7#2/2
		bob 0-1 /add : 200 a S2.a* count=1#3/1
		bob 2-3 /add : 200 b S3.b* count=1#4/1`)
	r := Check(h, Options{})
	for _, row := range []struct{ name, arg, want string }{
		{"users", "", "2"}, {"sessions.total", "", "3"}, {"sessions.kept", "", "2"}, {"sessions.lost", "", "1"},
		{"sessions.stale_reads", "", "1"}, {"sessions.id_changes", "", "2"}, {"sessions.rolled_back", "", "0"},
		{"requests.total", "", "8"}, {"requests.ok", "", "7"}, {"requests.failed", "", "1"}, {"requests.retried", "", "1"},
		{"requests.by_node", "a", "4"}, {"requests.by_node", "c", "0"}, {"requests.by_status", "200", "7"}, {"requests.by_status", "none", "1"},
		{"guarantees.read_your_writes.violations", "", "2"}, {"guarantees.read_your_writes.checked", "", "9"}, {"guarantees.monotonic_reads.violations", "", "2"},
		{"availability", "", "87.5%"}, {"longest_outage", "", "4ms"}, {"recovery", "", "8ms"}, {"latency.p50", "", "1ms"}, {"latency.max", "", "2ms"},
		{"alice.nodes", "", `"a a b b - a"`}, {"alice.statuses", "", `"200 200 200 200 - 200"`}, {"alice.requests", "", "6"},
		{"alice.ok", "", "5"}, {"alice.failed", "", "1"}, {"alice.retried", "", "1"}, {"alice.sessions", "", "1"}, {"bob.sessions", "", "2"},
		{"alice.new_sessions", "", "1"}, {"alice.id_changes", "", "2"}, {"alice.set_cookies", "", "3"}, {"alice.stale_reads", "", "1"},
		{"alice.lost", "", "0"}, {"bob.lost", "", "1"}, {"alice.last.cart", "", `"7"`}, {"alice.last.hat", "", `""`},
		{"alice.last.status", "", "200"}, {"alice.last.node", "", `"a"`}, {"alice.last.session", "", `"S1.a"`}, {"alice.last.new", "", "false"}, {"bob.last.new", "", "true"},
		{"carol.requests", "", "no data"},
	} {
		got, ok := r.Figure(row.name, row.arg)
		if !ok || got.String() != row.want {
			t.Errorf("Figure(%s, %q) = %v, %v, want %s", row.name, row.arg, got, ok, row.want)
		}
	}
	if v, _ := r.Figure("alice.last.cart", ""); v.Count != 7 {
		t.Errorf("alice.last.cart as a number = %d, want 7", v.Count)
	}
	for _, name := range []string{"sessions.losst", "alice.nodez", "alice.last.", "nothing", ""} {
		if v, ok := r.Figure(name, ""); ok {
			t.Errorf("Figure(%q) = %v, want none", name, v)
		}
	}
	page := Check(tale(t, "alice 0-1 / : 200 a html"), Options{})
	if v, ok := page.Figure("alice.last.cart", ""); !ok || v.Kind != NoData {
		t.Errorf("alice.last.cart behind a page without attributes = %v, %v, want no data", v, ok)
	}
	empty := Check(tale(t, ""), Options{})
	for _, name := range []string{"availability", "recovery", "latency.p99", "longest_outage", "guarantees.monotonic_writes.violations"} {
		if v, ok := empty.Figure(name, ""); !ok || v.Kind != NoData {
			t.Errorf("Figure(%s) of an empty history = %v, %v, want no data", name, v, ok)
		}
	}
}

func TestCheckLeavesTheHistoryAsItIs(t *testing.T) {
	h := tale(t, classRows[0].tale)
	h.Requests[0], h.Requests[1] = h.Requests[1], h.Requests[0]
	first := h.Requests[0]
	Check(h, Options{})
	if h.Requests[0] != first {
		t.Error("Check has sorted the caller's history")
	}
}

// longHistory is n requests of 1000 users over three nodes, with tries, id
// changes, stale reads and lost sessions.
func longHistory(n int) *history.History {
	var c history.Recorder
	nodes := []string{"a", "b", "c"}
	const users = 1000
	type state struct {
		id         string
		last, many int64
		n          int
	}
	var all [users]state
	for i := range n {
		u := i % users
		s := &all[u]
		s.n++
		r := history.Record{
			User: fmt.Sprintf("user%d", u), N: s.n, Started: time.Duration(i) * 10 * time.Microsecond,
			Method: "POST", Path: "/counter?add=1", Status: 200, Node: nodes[(i+s.n)%3], Sent: s.id,
			Attempts: []history.Attempt{{Node: nodes[(i+s.n)%3], Outcome: "200"}},
		}
		r.Ended = r.Started + time.Duration(i%7+1)*ms
		if s.id == "" || i%5003 == 0 {
			s.id = fmt.Sprintf("S%d", i)
			s.many, r.NewSession, r.SetCookie = 0, true, s.id
		}
		r.Session = s.id
		shown := history.Attr{Name: "count", Value: "1", Write: s.last, Writes: s.many}
		if i%3 != 0 {
			r.Notes = []history.Note{{Node: r.Node, Session: s.id, Write: &history.Write{Name: "count", Number: int64(i + 1), Op: history.Add}}}
			s.many++
			s.last = int64(i + 1)
			shown.Write, shown.Writes = s.last, s.many
		} else if i%11 == 0 && s.many > 1 {
			shown.Writes-- // a copy that is behind
		}
		r.Got = []history.Attr{}
		if s.many > 0 {
			r.Got = append(r.Got, shown)
		}
		if i%1009 == 0 {
			r.Status, r.Session, r.Got = 502, "", nil
		}
		c.Add(&r)
	}
	return c.History()
}

func BenchmarkCheckAMillionRequests(b *testing.B) {
	h := longHistory(1_000_000)
	b.ReportAllocs()
	for b.Loop() {
		if r := Check(h, Options{}); r.Requests.Total != 1_000_000 {
			b.Fatalf("checked %d requests, want 1000000", r.Requests.Total)
		}
	}
}

func BenchmarkCheckOneUserWithTwoHundredThousandRequests(b *testing.B) {
	h := longHistory(200_000)
	for _, r := range h.Requests {
		r.User, r.NewSession, r.Session, r.Sent = "alice", false, "S0", "S0"
	}
	for b.Loop() {
		Check(h, Options{})
	}
}
