// Package conf reads the text of an nginx.conf into a proxy.Config, and says
// what is wrong with it in the words of "nginx -t".
//
// Start with Read and Options. A mistake is an *Error, and what was read but means
// nothing here is a Diagnostic. The table in directive.go names every directive
// that does something. What nginx knows beyond it is skipped and listed, with the
// contexts and argument counts checked against the tables of nginx's own
// source that the crossplane library carries. The table in skipped.go says which
// of these lines can change what users get: they go into the configuration, and
// the proxy counts the requests that pass them.
//
// The text is tokenized here and not by crossplane, whose lexer takes a no-break
// space for a separator, ends a word at "}", has no columns, reports the line
// where a directive begins, and runs a goroutine of its own. nginx does
// otherwise: it executes each directive when its ";" or "{" has been read, so
// the first mistake in the file is the one reported, with the line on which the
// parser stands.
//
// Write is the way back.
//
// Left out: include of anything but mime.types, and what package proxy leaves out.
// Regular expressions are RE2, not PCRE. Unknown variables are found by proxy.New.
package conf
