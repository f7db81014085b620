// Package loopback is the lab's world on real sockets and in real time.
//
// Start with New, which opens a World, and with World.URL, which says where a
// browser or curl on this machine finds a port of the lab. A machine with the
// logical address a.b.c.d is bound to 127.(b+offset).c.d, and so is the local
// end of everything that it dials: what the core sees as a remote address is
// always the logical one. A peer that is no machine of the lab, such as a real
// curl, appears under its real address. Where the system has 127.0.0.1 only
// (macOS, unless aliases were added) a table of ports replaces the mapping; so it
// does for machines with an IPv6 address, which all share one real address.
//
// Ports are logical, too: one is taken when another of the lab has it. A real
// port that another program has is replaced by a free one, except those of
// Config.Fixed. What no machine of the lab has open is refused, or lost, without
// a byte leaving this process.
//
// All machines live in this one process. Kill is therefore a fence: sockets are
// closed as the kernel closes those of a killed process, and every later call
// of that incarnation fails with world.ErrHostDown. Pause stops every call that
// a task makes to its machine, and every read, write and accept, while the
// kernel goes on to accept and to fill its buffers.
//
// What differs from virtual time:
//
//   - Tasks run in parallel, and time passes by itself: a run is not
//     repeatable. Random draws are (they are keyed by identity), the order of
//     things that race is not.
//   - Fencing and pausing take effect at the next call a task makes. Code that
//     only computes runs on until then, and so do calls that touch memory only:
//     NewSignal, Signal.Set, WithCancel, WithTimeout, Rand, Key, Name and Addr.
//   - An HTTP message counts as sent when its first 32 KiB have left.
//   - Buffers are the kernel's: a writer whose reader is paused goes on until
//     some hundred kilobytes lie between them. A backlog of n takes n+1
//     connections on Linux; elsewhere the system's own backlog is used.
//   - A delayed HTTP message is delayed in its sender, which is lost with it; a
//     delayed stream message or datagram is on its way and survives the sender.
//   - Bytes that no lab component would send exist here: a malformed request is
//     answered with 400 before any handler sees it.
//   - A partition keeps back what is written and the end of a connection: on a
//     stream until the lab's own retransmission, since the kernels of one machine
//     lose nothing. What lay in the receiver's kernel when the partition began is
//     still read.
//
// It leaves out TLS, HTTP/2, upgrades and trailers.
package loopback
