package world_test

import (
	"testing"

	"sessionlab/lab/world"
)

func TestStatusTextIsTheStatusInDigits(t *testing.T) {
	for _, c := range []struct {
		code int
		want string
	}{{0, "0"}, {200, "200"}, {599, "599"}, {600, "600"}, {999, "999"}, {-1, "-1"}} {
		if got := world.StatusText(c.code); got != c.want {
			t.Errorf("StatusText(%d) = %q, want %q", c.code, got, c.want)
		}
	}
}
