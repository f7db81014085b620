package cli

import (
	"syscall"
	"testing"
)

func TestAddressSpaceThatGoKeepsForItselfIsNoMemoryOfTheLab(t *testing.T) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_AS, &before); err != nil {
		t.Fatal(err)
	}
	const left = 600 << 20
	limit := before
	limit.Cur = uint64(reserved()) + left
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &limit); err != nil {
		t.Skip(err) // it is lower already
	}
	got := freeMemory()
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &before); err != nil {
		t.Fatal(err)
	}
	if got > left || got < leastSpace {
		t.Errorf("with %d bytes of address space left, the free memory is %d", left, got)
	}
	if got := addressSpace(int64(limit.Cur) * 2); got < leastSpace {
		t.Errorf("with nothing left, the free memory is %d, want %d at least", got, leastSpace)
	}
}
