//go:build !linux

package loopback

import "time"

const mostNaps = 0

// nap sleeps for a short time more exactly than the runtime does, where the
// system has the means.
func nap(time.Duration) bool { return false }
