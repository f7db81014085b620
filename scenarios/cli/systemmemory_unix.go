//go:build unix

package cli

import (
	"math"
	"syscall"
)

// leastSpace is what the lab may take in any case: less would only make the
// collector run all the time.
const leastSpace = 64 << 20

// addressSpace is what "ulimit -v" leaves to a program that has reserved some of
// it, in bytes.
func addressSpace(reserved int64) int64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_AS, &limit) != nil || uint64(limit.Cur) > math.MaxInt64 {
		return math.MaxInt64
	}
	return max(int64(limit.Cur)-reserved, leastSpace)
}
