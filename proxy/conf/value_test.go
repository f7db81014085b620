package conf

import (
	"math"
	"testing"
	"time"
)

func TestTimesAreReadAsNginxReadsThem(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"10", 10 * time.Second, true}, {"10s", 10 * time.Second, true}, {"500ms", 500 * time.Millisecond, true},
		{"1m30s", 90 * time.Second, true}, {"1m30", 90 * time.Second, true}, {"1h5ms", time.Hour + 5*time.Millisecond, true},
		{"2w1d", 15 * 24 * time.Hour, true}, {"1M", 30 * 24 * time.Hour, true}, {"0", 0, true},
		{"", 0, false}, {"s", 0, false}, {"-1", 0, false}, {"1s1m", 0, false}, {"1x", 0, false}, {"1 s", 0, false},
		{"1s2s", 0, false}, {"99999999999", 0, false}, {"99999999999999999999", 0, false},
	} {
		if got, ok := duration(c.text); ok != c.ok || ok && got != c.want {
			t.Errorf("duration(%q) = %v, %t, want %v, %t", c.text, got, ok, c.want, c.ok)
		}
	}
}

func TestSizesAreReadAsNginxReadsThem(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		ok   bool
	}{
		{"512", 512, true}, {"8k", 8 << 10, true}, {"10M", 10 << 20, true}, {"1g", 1 << 30, true}, {"0", 0, true},
		{"9223372036854775807", math.MaxInt64, true},
		{"", 0, false}, {"k", 0, false}, {"1.5m", 0, false}, {"9223372036854775807k", 0, false}, {"1kb", 0, false},
	} {
		if got, ok := size(c.text); ok != c.ok || ok && got != c.want {
			t.Errorf("size(%q) = %d, %t, want %d, %t", c.text, got, ok, c.want, c.ok)
		}
	}
}
