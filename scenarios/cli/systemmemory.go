package cli

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
)

// SystemMemory returns a function that says how many bytes of memory this process has
// in use and how many it may have: half of what was free when SystemMemory was
// called, or of what the process was given. It makes that the collector's limit,
// unless GOMEMLIMIT says another.
func SystemMemory() func() (used, most uint64) {
	most := uint64(freeMemory() / 2)
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(most)) // from there on memory matters more than time
	}
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	return func() (uint64, uint64) {
		metrics.Read(samples)
		return samples[0].Value.Uint64() - samples[1].Value.Uint64(), most
	}
}

// freeMemory is how many bytes the system can give, or lets this program have.
func freeMemory() int64 {
	free := int64(8 << 30) // where nobody says it
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		if kib, ok := kibibytes(string(text), "MemAvailable:"); ok {
			free = kib << 10
		}
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if text, err := os.ReadFile(file); err == nil {
			if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil {
				free = min(free, n)
			}
		}
	}
	return min(free, addressSpace(reserved()))
}

// reserved is how many bytes of address space the program has, most of which Go
// only keeps for itself and never fills; 0 where nobody says it.
func reserved() int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	kib, _ := kibibytes(string(text), "VmSize:")
	return kib << 10
}

// kibibytes is the number behind a name in /proc/meminfo or /proc/self/status.
func kibibytes(text, name string) (int64, bool) {
	_, rest, found := strings.Cut(text, name)
	words := strings.Fields(rest)
	if !found || len(words) == 0 {
		return 0, false
	}
	n, err := strconv.ParseInt(words[0], 10, 64)
	return n, err == nil
}
