package proxy

import (
	"flag"
	"os"
	"strings"
	"testing"
)

// What nginx does in many small cases stands in files of testdata, a line "CASE:
// OUTCOME" each. The front is held to them, and so is the nginx that is installed.
var record = flag.Bool("record", false, "write what the nginx that is installed does into testdata")

// recorded reads what nginx does in every case.
func recorded(t testing.TB, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, outcome, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); ok && line[0] != '#' {
			want[name] = outcome
		}
	}
	return want
}

// asNginx holds the outcomes of the front to a file; outcome is that of the nth
// case.
func asNginx(t testing.TB, file string, cases []string, outcome func(n int) string) {
	t.Helper()
	want := recorded(t, file)
	for n, name := range cases {
		if got := outcome(n); got != want[name] {
			t.Errorf("%s:\n      %s\nwant  %s, as nginx", name, got, want[name])
		}
	}
	if len(want) != len(cases) {
		t.Errorf("%s has %d cases, want %d", file, len(want), len(cases))
	}
}

// fromNginx is asNginx for nginx itself, of a version; with -record it writes the
// file. what are the cases, and where.
func fromNginx(t testing.TB, version, file, what string, cases []string, outcome func(n int) string) {
	t.Helper()
	want := map[string]string{}
	if !*record {
		want = recorded(t, file)
	}
	lines := "# What nginx " + version + " makes of " + what + ": go test ./proxy -run Recorded -record\n"
	for n, name := range cases {
		got := outcome(n)
		lines += name + ": " + got + "\n"
		if !*record && got != want[name] {
			t.Errorf("%s:\n      %s\nrecorded  %s", name, got, want[name])
		}
	}
	if *record {
		if err := os.WriteFile(file, []byte(lines), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
