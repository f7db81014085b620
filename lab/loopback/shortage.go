package loopback

import (
	"errors"
	"fmt"
	"syscall"

	"sessionlab/lab/world"
)

// shortages are the errors of a system that has too little of something. No
// machine of the lab ever sees one: the run ends.
var shortages = []struct {
	err    error
	limit  func() string
	remedy string
}{
	{syscall.EMFILE, openFiles, `"ulimit -n 4096" in the same shell, before the lab is started, lets it open more files, where the system allows that`},
	{syscall.ENFILE, systemFiles, "end programs that have many files open, or raise fs.file-max"},
	{syscall.ENOBUFS, nil, "the system has no memory left for sockets: end other programs, or take fewer users"},
	{syscall.ENOMEM, nil, "the system has no memory left: end other programs, or take fewer users"},
	{syscall.EADDRNOTAVAIL, localPorts, "all ports to dial from are in use: take fewer users, or let connections be kept alive"},
	{syscall.EPERM, nil, "something on this machine, such as a firewall, keeps the lab from using its loopback addresses"},
	{syscall.ENOSPC, nil, "make room on the disk that holds temporary files, or set TMPDIR to another"},
	{syscall.EDQUOT, nil, "make room on the disk that holds temporary files, or set TMPDIR to another"},
	{errNoDisk, nil, "set TMPDIR to a directory that can be written to"},
}

// errNoDisk says that a machine can have no disk, for whatever reason.
var errNoDisk = errors.New("no place for its disk")

// simNeedsNone closes every remedy.
const simNeedsNone = "; --world sim needs neither sockets nor files"

// shortage is an error in that light, or nil if it is none.
func shortage(doing string, err error) *world.Shortage {
	for _, s := range shortages {
		if !errors.Is(err, s.err) {
			continue
		}
		short := &world.Shortage{Doing: doing, Remedy: s.remedy + simNeedsNone, Err: s.err}
		if s.err == errNoDisk {
			short.Err = err
		}
		if s.limit != nil {
			short.Limit = s.limit()
		}
		return short
	}
	return nil
}

// enough ends the run if an error says that this machine has too little of
// something: whoever met it sees the host go down. Every other error stays what
// it is.
func (h *host) enough(err error, doing string, of any) error {
	if err == nil {
		return nil
	}
	short := shortage("", err)
	if short == nil {
		return err
	}
	short.Doing = fmt.Sprintf("%s cannot %s %v", h.Name(), doing, of)
	h.world.fail(short)
	return world.ErrHostDown
}
