package conf

import (
	"math"
	"testing"
)

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
