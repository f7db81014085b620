//go:build unix

package main

import (
	"math"
	"syscall"
)

// addressSpace is what "ulimit -v" leaves to the program, in bytes.
func addressSpace() int64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_AS, &limit) != nil || uint64(limit.Cur) > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(limit.Cur)
}
