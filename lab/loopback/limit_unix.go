//go:build unix

package loopback

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// openFiles says how many files and sockets this process may have open.
func openFiles() string {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return ""
	}
	return fmt.Sprintf("this process may have %d files and sockets open: ulimit -n", limit.Cur)
}

// systemFiles says how many files and sockets all processes may have open.
func systemFiles() string {
	return kernelLimit("all processes may have %s files and sockets open: fs.file-max", "/proc/sys/fs/file-max")
}

// localPorts says which ports there are to dial from.
func localPorts() string {
	return kernelLimit("the ports to dial from are %s: net.ipv4.ip_local_port_range", "/proc/sys/net/ipv4/ip_local_port_range")
}

// kernelLimit is a setting of Linux in a sentence, or "".
func kernelLimit(format, file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return fmt.Sprintf(format, strings.Join(strings.Fields(string(text)), " to "))
}
