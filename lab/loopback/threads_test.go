package loopback

import (
	"strings"
	"testing"
)

func TestLabBeginsOnlyWithAllTheThreadsItMayWant(t *testing.T) {
	most := mostThreads()
	for _, row := range []struct {
		left  int
		known bool
		short bool
	}{
		{most, true, false},
		{most - 1, true, true},
		{-3, true, true},
		{0, false, false},
	} {
		short := threadShortage(row.left, "ulimit -u", row.known)
		if (short != nil) != row.short {
			t.Errorf("%d threads left, known %t: got %v, want a shortage: %t", row.left, row.known, short, row.short)
		}
		if short != nil && !strings.Contains(short.Error(), "ulimit -u leaves ") {
			t.Errorf("%d threads left: %q names no limit", row.left, short)
		}
	}
}
