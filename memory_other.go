//go:build !unix

package main

import "math"

// addressSpace is what the system leaves to the program, in bytes.
func addressSpace(int64) int64 { return math.MaxInt64 }
