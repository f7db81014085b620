package proxy

import (
	"testing"
	"time"
)

func mustNext(t *testing.T, words ...string) Next {
	t.Helper()
	n, err := ParseNext(words...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestParseNextUpstream(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  Next
		err   string
	}{
		{[]string{"error", "timeout"}, NextError | NextTimeout, ""},
		{[]string{"http_500", "http_429", "non_idempotent"}, Next500 | Next429 | NextNonIdempotent, ""},
		{[]string{"error", "off"}, NextOff, ""},
		{[]string{"Error", "HTTP_500", "updating"}, NextError | Next500, ""},
		{[]string{"http_501"}, 0, `invalid value "http_501"`},
	} {
		got, err := ParseNext(c.words...)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if got != c.want || text != c.err {
			t.Errorf("%v: got %v, error %q; want %v, error %q", c.words, got, text, c.want, c.err)
		}
	}
}

func TestFailureIsPassedOn(t *testing.T) {
	preset := []string{"error", "timeout"}
	for _, c := range []struct {
		what   string
		on     []string
		limit  time.Duration
		event  Next
		try    Try
		again  bool
		status int
	}{
		{"refused GET", preset, 0, NextError, Try{Method: "GET", Left: 1}, true, 502},
		{"refused GET, last try", preset, 0, NextError, Try{Method: "GET"}, false, 502},
		{"refused POST was not sent", preset, 0, NextError, Try{Method: "POST", Left: 1}, true, 502},
		{"connect timeout of a POST", preset, 0, NextTimeout, Try{Method: "POST", Left: 1}, true, 504},
		{"closed after GET was sent", preset, 0, NextError, Try{Method: "GET", Sent: true, Left: 1}, true, 502},
		{"closed after POST was sent", preset, 0, NextError, Try{Method: "POST", Sent: true, Left: 1}, false, 502},
		{"closed after PATCH was sent", preset, 0, NextError, Try{Method: "PATCH", Sent: true, Left: 1}, false, 502},
		{"closed after LOCK was sent", preset, 0, NextError, Try{Method: "LOCK", Sent: true, Left: 1}, false, 502},
		{"closed after PUT was sent", preset, 0, NextError, Try{Method: "PUT", Sent: true, Left: 1}, true, 502},
		{"closed after DELETE was sent", preset, 0, NextError, Try{Method: "DELETE", Sent: true, Left: 1}, true, 502},
		{"POST with non_idempotent", []string{"error", "non_idempotent"}, 0, NextError,
			Try{Method: "POST", Sent: true, Left: 1}, true, 502},
		{"non_idempotent alone lists no event", []string{"non_idempotent"}, 0, NextError,
			Try{Method: "POST", Sent: true, Left: 1}, false, 502},
		{"read timeout of a GET", preset, 0, NextTimeout, Try{Method: "GET", Sent: true, Left: 1}, true, 504},
		{"read timeout of a POST", preset, 0, NextTimeout, Try{Method: "POST", Sent: true, Left: 1}, false, 504},
		{"timeout not listed", []string{"error"}, 0, NextTimeout, Try{Method: "GET", Left: 1}, false, 504},
		{"bad head not listed", preset, 0, NextInvalidHeader, Try{Method: "GET", Sent: true, Left: 1}, false, 502},
		{"bad head listed", []string{"invalid_header"}, 0, NextInvalidHeader,
			Try{Method: "GET", Sent: true, Left: 1}, true, 502},
		{"off", []string{"off"}, 0, NextError, Try{Method: "GET", Left: 1}, false, 502},
		{"time limit not reached", preset, time.Second, NextError,
			Try{Method: "GET", Left: 1, Since: 999 * time.Millisecond}, true, 502},
		{"time limit reached", preset, time.Second, NextError,
			Try{Method: "GET", Left: 1, Since: time.Second}, false, 502},
		{"streamed body, nothing sent", preset, 0, NextError, Try{Method: "GET", Streamed: true, Left: 1}, true, 502},
		{"streamed body, sent", preset, 0, NextError, Try{Method: "GET", Streamed: true, Sent: true, Left: 1}, false, 502},
	} {
		p := NextPolicy{On: mustNext(t, c.on...), Timeout: c.limit}
		again, status := p.AfterFailure(c.event, c.try)
		if again != c.again || status != c.status {
			t.Errorf("%s: again %v, status %d; want %v, %d", c.what, again, status, c.again, c.status)
		}
	}
}

func TestStatusIsPassedOn(t *testing.T) {
	for _, c := range []struct {
		what   string
		on     []string
		status int
		try    Try
		want   bool
	}{
		{"not listed", []string{"error"}, 500, Try{Method: "GET", Sent: true, Left: 2}, false},
		{"listed", []string{"http_500"}, 500, Try{Method: "GET", Sent: true, Left: 2}, true},
		{"listed, last try", []string{"http_500"}, 500, Try{Method: "GET", Sent: true, Left: 1}, false},
		{"another one listed", []string{"http_500"}, 503, Try{Method: "GET", Sent: true, Left: 2}, false},
		{"501 cannot be listed", []string{"http_500", "http_502", "http_503", "http_504"}, 501,
			Try{Method: "GET", Sent: true, Left: 2}, false},
		{"404", []string{"http_404"}, 404, Try{Method: "GET", Sent: true, Left: 2}, true},
		{"POST", []string{"http_503"}, 503, Try{Method: "POST", Sent: true, Left: 2}, false},
		{"POST with non_idempotent", []string{"http_503", "non_idempotent"}, 503,
			Try{Method: "POST", Sent: true, Left: 2}, true},
		{"200", []string{"http_500"}, 200, Try{Method: "GET", Sent: true, Left: 2}, false},
	} {
		p := NextPolicy{On: mustNext(t, c.on...)}
		if got := p.AfterStatus(c.status, c.try); got != c.want {
			t.Errorf("%s: passed on = %v, want %v", c.what, got, c.want)
		}
	}
}

func TestOnlyAnErrorOnAnOldConnectionGivesAnExtraTry(t *testing.T) {
	for _, c := range []struct {
		event  Next
		cached bool
		want   bool
	}{{NextError, true, true}, {NextError, false, false}, {NextTimeout, true, false}, {NextInvalidHeader, true, false}} {
		if got := (NextPolicy{}).ExtraTry(c.event, Try{Cached: c.cached}); got != c.want {
			t.Errorf("event %v, cached %v: extra try = %v, want %v", c.event, c.cached, got, c.want)
		}
	}
}
