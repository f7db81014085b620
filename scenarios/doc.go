// Package scenarios runs scenarios: it builds the lab that a scenario's nouns
// describe, lets its users and its script act, records what everybody saw, and
// has it judged.
//
// Start with Run, which runs one scenario (or one cell of it) in a world, and
// Library, the scenarios that come with the program.
//
// It leaves out the language (package script), the judgement (continuity), the
// printing (report) and the choice of a world, which is the caller's.
package scenarios
