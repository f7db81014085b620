// Package worldtest is the suite that every world.World must pass. It is what
// keeps the worlds equal: a behaviour of the contract exists only when a row
// here shows it.
//
// Start with Run. A third world (a container per machine, say) needs one test:
//
//	func TestContract(t *testing.T) {
//		worldtest.Run(t, func(t *testing.T, seed uint64) world.World {
//			return mine.New(mine.Config{Seed: seed})
//		})
//	}
//
// Each row builds a world of its own, boots machines in it, plays a story in
// the operator's task and closes it. A row that fails names the sentence of
// the contract that the world breaks; run it alone with
// -run 'TestContract/streams/kill_with_unread_input_resets'.
//
// The rows hold in every interleaving. What must happen is waited for, through
// the world's own clock and with a generous bound; what must not happen is
// watched for a moment, so that a slow machine never fails a correct world.
// Timeouts that should pass are short, those that should not are very long.
// In real time the whole suite takes some seconds.
//
// Calls of a machine are made in that machine's tasks, as the contract says;
// only calls of a dead machine, whose tasks are gone, are made by the operator.
//
// Left out: how long anything takes beyond "not before", headers that a server
// adds by itself, full duplex HTTP, and the differences that package world
// lists.
package worldtest
