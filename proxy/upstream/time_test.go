package upstream

import (
	"testing"
	"time"
)

func TestTimesAreReadAsNginxReadsThem(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		text string
		// In milliseconds and in seconds; -1 is refused.
		millis, seconds time.Duration
	}{
		{"10", 10 * time.Second, 10 * time.Second},
		{"10s", 10 * time.Second, 10 * time.Second},
		{"500ms", 500 * time.Millisecond, -1},
		{"1m30s", 90 * time.Second, 90 * time.Second},
		{"1m30", 90 * time.Second, 90 * time.Second},
		{"1m 30s", 90 * time.Second, 90 * time.Second},
		{"1 30", 31 * time.Second, 31 * time.Second},
		{"1s2", 3 * time.Second, 3 * time.Second},
		{"1h5ms", time.Hour + 5*time.Millisecond, -1},
		{"2w1d", 15 * day, 15 * day},
		{"1M", -1, 30 * day},
		{"1y2M", -1, 425 * day},
		{"0", 0, 0},
		{"99999999999", forever / time.Second * time.Second, forever / time.Second * time.Second},
		{"", -1, -1}, {"s", -1, -1}, {"-1", -1, -1}, {"1s1m", -1, -1}, {"1x", -1, -1}, {"1 s", -1, -1},
		{"1s2s", -1, -1}, {"1M1y", -1, -1}, {"99999999999999999999", -1, -1}, {"9223372036854775807m", -1, -1},
	} {
		for _, inSeconds := range []bool{false, true} {
			want := c.millis
			if inSeconds {
				want = c.seconds
			}
			got, ok := ParseTime(c.text, inSeconds)
			if !ok {
				got = -1
			}
			if got.Truncate(time.Second) != want.Truncate(time.Second) || want < time.Second && got != want {
				t.Errorf("ParseTime(%q, %t) = %v, want %v (-1: refused)", c.text, inSeconds, got, want)
			}
		}
	}
}
