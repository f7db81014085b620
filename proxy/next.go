package proxy

import (
	"fmt"
	"strings"
	"time"
)

// Next is a set of the events on which a request is passed on to the next
// server: the words of proxy_next_upstream.
type Next uint16

const (
	NextError Next = 1 << iota
	NextTimeout
	NextInvalidHeader
	Next500
	Next502
	Next503
	Next504
	Next403
	Next404
	Next429
	NextNonIdempotent
	NextOff // nothing is passed on
)

var nextWords = map[string]Next{
	"error": NextError, "timeout": NextTimeout, "invalid_header": NextInvalidHeader,
	"http_500": Next500, "http_502": Next502, "http_503": Next503, "http_504": Next504,
	"http_403": Next403, "http_404": Next404, "http_429": Next429,
	"non_idempotent": NextNonIdempotent, "off": NextOff,
	"updating": 0, // of a cache, which is not simulated
}

// ParseNext reads the words of proxy_next_upstream, in capitals or not.
func ParseNext(words ...string) (Next, error) {
	var n Next
	for _, word := range words {
		bit, ok := nextWords[strings.ToLower(word)]
		if !ok {
			return 0, fmt.Errorf(`invalid value "%s"`, word)
		}
		n |= bit
	}
	if n&NextOff != 0 {
		n = NextOff
	}
	return n, nil
}

// statusEvents are the answers that can be listed. 501 is not among them.
var statusEvents = map[int]Next{
	500: Next500, 502: Next502, 503: Next503, 504: Next504, 403: Next403, 404: Next404, 429: Next429,
}

// NextPolicy is proxy_next_upstream with its time limit.
type NextPolicy struct {
	On      Next
	Timeout time.Duration // no further try is begun after so long; 0: no limit
}

// Try is what the policy must know about an attempt that has just ended.
type Try struct {
	Method   string
	Sent     bool          // any byte of the request has left
	Streamed bool          // the request's body was not kept and cannot be sent again
	Cached   bool          // on a connection that had served before
	Left     int           // tries left: AfterStatus counts this one, AfterFailure does not
	Since    time.Duration // since the first attempt of the request began
}

// AfterStatus reports whether an answer with this status is thrown away and the
// request passed on. An answer to the last try is delivered as it is.
//
// Source: nginx ngx_http_upstream.c, ngx_http_upstream_test_next.
func (p NextPolicy) AfterStatus(status int, t Try) bool {
	event, listed := statusEvents[status]
	return listed && t.Left > 1 && p.allows(event, t)
}

// AfterFailure answers, once a failed attempt has been counted, whether the
// request is passed on, and the status for the client if it is not.
//
// Source: nginx ngx_http_upstream.c, ngx_http_upstream_next.
func (p NextPolicy) AfterFailure(event Next, t Try) (again bool, status int) {
	return t.Left > 0 && p.allows(event, t), failureStatus(event)
}

// ExtraTry reports whether a failure is put down to an old connection, which
// gives the request one more try.
func (p NextPolicy) ExtraTry(event Next, t Try) bool { return t.Cached && event == NextError }

// allows applies the rules that answers and failures have in common.
func (p NextPolicy) allows(event Next, t Try) bool {
	if t.Sent && (t.Method == "POST" || t.Method == "LOCK" || t.Method == "PATCH") {
		event |= NextNonIdempotent
	}
	return p.On&event == event &&
		!(t.Sent && t.Streamed) &&
		!(p.Timeout > 0 && t.Since >= p.Timeout)
}

// counts reports whether moving on after the event is a failure of the server.
func (event Next) counts() bool { return event != Next403 && event != Next404 }

// failureStatus is what $upstream_status shows for an attempt that was moved on
// from, and what the client gets if it was the last.
func failureStatus(event Next) int {
	switch event {
	case NextTimeout, Next504:
		return 504
	case Next500:
		return 500
	case Next503:
		return 503
	case Next403:
		return 403
	case Next404:
		return 404
	case Next429:
		return 429
	}
	return 502
}
