// Package fault decides what happens to a message on a link. It is a pure
// table of rules: it moves no byte and reads no clock. Both worlds ask it about
// every message and do what it answers.
//
// Start with Table and Rule. Left out: everything that happens to machines
// (kill, pause, skew), which are verbs of world.World.
package fault
