package fault

import "time"

// A kernel that gets no acknowledgement sends again, each time after twice the
// time, up to two minutes. What a partition has swallowed therefore arrives some
// time after the end of the partition, at the next of these times: of a long
// partition the half of it, on average.
// Source: RFC 6298; Linux tcp_timer.c, TCP_RTO_MIN, TCP_TIMEOUT_INIT, TCP_RTO_MAX.
const (
	firstResend    = 200 * time.Millisecond // of data and of the end of a connection
	firstReconnect = time.Second            // of a connect
	longestResend  = 2 * time.Minute
)

// Resend is when the kernel sends again what it has sent at time zero and what was
// lost then: the first time at or after a time.
func Resend(after time.Duration) time.Duration { return backoff(firstResend, after) }

// Reconnect is Resend for the first packet of a connect.
func Reconnect(after time.Duration) time.Duration { return backoff(firstReconnect, after) }

func backoff(step, after time.Duration) time.Duration {
	at := step
	for at < after {
		step = min(2*step, longestResend)
		at += step
	}
	return at
}
