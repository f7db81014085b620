//go:build !unix

package cli

import "math"

// addressSpace is what the system leaves to the program, in bytes.
func addressSpace(int64) int64 { return math.MaxInt64 }
