// Package world is the contract between the parts of the lab (proxy, nodes,
// sessions, users) and the machine room that they run in.
//
// Start with Host, which is all that a process may ask of its machine, and
// World, which is what only the operator may do to machines. The core of the
// lab is ordinary blocking code written against Host; it starts no goroutine,
// reads no clock and opens no socket of its own. Package loopback fulfils the
// contract with real sockets in real time, package sim in virtual time from a
// seed, and package worldtest holds the suite that both must pass.
//
// Beside the interfaces the package has what both worlds and the core share:
// the table of wire outcomes (Outcome, OutcomeOf), the label of a message on
// the wire (Label), keyed randomness (Key), a body's stretch of one byte (Run),
// and the waiting structures built on Signal (Queue, Semaphore, Mutex). What a
// handler may do besides net/http's interfaces is a small interface each: with its
// answer ResponseCutter, StatusWriter, WriteLimiter and ConnectionKeeper, with the
// request's body ReadLimiter.
//
// It leaves out every policy: no timeout, retry or delay is decided here. The
// known differences between the two worlds:
//
//   - Malformed bytes exist on loopback only, and with them a use for
//     ServeOptions.ReadRequest and HTTPConn.ReadAnswersBy, and for BodyLimiter,
//     BodyDiscarder and BodyAsker; the outcomes they lead to (BadHead, an answer
//     without a head) exist in both.
//   - In sim exactly one task runs at a time, so code without a wait is
//     atomic; on loopback it is not.
//   - Base delays of links are configured in sim; on loopback they are what
//     the kernel takes, plus what the fault table adds.
//   - An answer without a body leaves when the handler has returned in sim,
//     although it was flushed before.
//   - A body's window is BodyWindow in sim; on loopback it is the room in the
//     kernel's buffers, which is some more.
//   - A sim listener whose backlog is full leaves the caller waiting, as Linux
//     does; on loopback the kernel does it and rounds the backlog up by one.
package world
