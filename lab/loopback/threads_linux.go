package loopback

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// rlimitNproc is RLIMIT_NPROC. Source: Linux include/uapi/asm-generic/resource.h.
const rlimitNproc = 6

// What a thread and all else take of the address space: the stack of a thread of
// glibc, and room for a heap to grow. Source: pthread_create(3).
const (
	threadStack = 8 << 20
	heapRoom    = 64 << 20
)

// addressSpace is how many bytes of it this process uses.
// Source: proc_pid_statm(5).
func addressSpace() int {
	text, _ := os.ReadFile("/proc/self/statm")
	pages, _, _ := bytes.Cut(text, []byte(" "))
	n, _ := strconv.Atoi(string(pages))
	return n * os.Getpagesize()
}

// plenty of threads is a limit that nobody counts up to.
const plenty = 1 << 14

// threadsLeft is how many threads this process may have, those it has included,
// by the tightest limit, and which that is.
func threadsLeft() (left int, limit string, known bool) {
	own := threadsIn("/proc/self/status")
	look := func(max, used int, name string) {
		if n := max - used + own; !known || n < left {
			left, limit, known = n, name, true
		}
	}
	var rlimit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_AS, &rlimit) == nil && rlimit.Cur < 1<<48 {
		look(int(rlimit.Cur-heapRoom)/threadStack, addressSpace()/threadStack, "ulimit -v")
	}
	if os.Geteuid() != 0 && syscall.Getrlimit(rlimitNproc, &rlimit) == nil && rlimit.Cur < plenty {
		look(int(rlimit.Cur), threadsOf(os.Geteuid()), "ulimit -u")
	}
	for dir := controlGroup(); strings.HasPrefix(dir, "/sys/fs/cgroup"); dir = filepath.Dir(dir) {
		max, ok := numberIn(filepath.Join(dir, "pids.max"))
		if used, also := numberIn(filepath.Join(dir, "pids.current")); ok && also && max < plenty {
			look(max, used, "pids.max of the control group")
		}
	}
	return left, limit, known
}

// threadsOf counts the threads of a user's processes.
func threadsOf(user int) int {
	all, _ := filepath.Glob("/proc/[0-9]*")
	n := 0
	for _, dir := range all {
		info, err := os.Stat(dir)
		if err != nil {
			continue
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) == user {
			n += threadsIn(filepath.Join(dir, "status"))
		}
	}
	return n
}

// threadsIn reads how many threads a process has. Source: proc_pid_status(5).
func threadsIn(status string) int {
	text, _ := os.ReadFile(status)
	_, rest, _ := bytes.Cut(text, []byte("\nThreads:"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	n, _ := strconv.Atoi(string(bytes.TrimSpace(line)))
	return n
}

// controlGroup is the directory of this process's control group, version 2.
// Source: cgroups(7), /proc/self/cgroup.
func controlGroup() string {
	text, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return filepath.Join("/sys/fs/cgroup", path)
		}
	}
	return ""
}

func numberIn(file string) (n int, ok bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	n, err = strconv.Atoi(strings.TrimSpace(string(text)))
	return n, err == nil
}
