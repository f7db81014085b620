// Package script is the text format of a scenario: one line, one statement;
// nouns first, then the script, then real configuration files attached below
// in the same file.
//
// Start with Parse, which turns a file into a Scenario, and Scenario.Cells,
// which gives the one or more plain scenarios that it stands for. Print is the
// way back to text; ParseLine reads one line typed at a prompt; Help is the
// page that documents the language.
//
// Words of the language are checked here: unknown words, options, nodes and
// users, values out of range and comparisons of unlike things are errors with
// file, line, column and a hint. What the words mean is not decided here: the
// package runs nothing, reads no clock and knows no default of Tomcat or nginx.
package script
