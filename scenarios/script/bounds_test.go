package script_test

import (
	"errors"
	"strings"
	"testing"

	"sessionlab/scenarios/script"
)

// fitting are scenarios in which an option of an element can stand; ? is the
// place for it.
func fitting(e *script.Element) string {
	switch line := e.Noun + " " + e.Class; e.Noun {
	case "nodes":
		return "nodes 2 ?\n"
	case "node", "server":
		return "nodes 2\n" + e.Noun + " tomcat1 ?\n"
	case "users":
		return "nodes 2\nusers 2 ?\n"
	case "user":
		return "nodes 2\nuser bob ?\n"
	case "step":
		return "nodes 2\nuser bob\nbob GET / ?\n"
	case "proxy":
		if e.Class == "hash" {
			line += " $uri"
		}
		return "nodes 2\n" + line + " ?\n"
	default:
		return "nodes 2\n" + line + " ?\n"
	}
}

func TestEveryNumberOfAnOptionHasAnUpperBoundAndAReason(t *testing.T) {
	for i := range script.Elements {
		e := &script.Elements[i]
		for _, o := range e.Options {
			value := "99999999999999999999999"
			switch o.Type {
			case script.IntOption:
			case script.SizeOption:
				value = "99999MiB"
			case script.DurationOption:
				value = "8761h"
			default:
				continue
			}
			text := strings.Replace(fitting(e), "?", o.Name+"="+value, 1) + "end 1s\n"
			_, err := script.Parse("s.txt", []byte(text))
			var at *script.Error
			if !errors.As(err, &at) {
				t.Errorf("%s %s %s=%s: %v, want a refusal", e.Noun, e.Class, o.Name, value, err)
				continue
			}
			last := strings.TrimRight(fitting(e), "\n")
			last = last[strings.LastIndexByte(last, '\n')+1:]
			wantCol := strings.IndexByte(last, '?') + len(o.Name) + 2
			if at.Pos.Line != strings.Count(fitting(e), "\n") || at.Pos.Col != wantCol || at.File != "s.txt" {
				t.Errorf("%s=%s is refused at %s:%d:%d, want column %d of the last line: %v", o.Name, value, at.File, at.Pos.Line, at.Pos.Col, wantCol, at)
			}
			if !strings.Contains(at.Msg, "at most ") && !strings.Contains(at.Msg, "out of range: ") || strings.Contains(at.Msg, "at most ") && o.Type != script.DurationOption && at.Hint != o.Why {
				t.Errorf("%s=%s: %q, hint %q; want the bound, and why", o.Name, value, at.Msg, at.Hint)
			}
		}
	}
}

func TestAPathStaysInTheNodesFolder(t *testing.T) {
	for path, refused := range map[string]bool{
		"SESSIONS.ser": false, "work/app/SESSIONS.ser": false, `""`: false, "..x/a": false,
		"../x": true, "/etc/x": true, "a/../../x": true, ".": true, "a//b": true, "a/": true,
		`C:\x`: true, `"a` + "\x7f" + `"`: true, strings.Repeat("x", 256): true,
	} {
		_, err := script.Parse("s.txt", []byte("nodes 2\nmanager StandardManager pathname="+path+"\nend 1s\n"))
		if (err != nil) != refused {
			t.Errorf("pathname=%.40s: %v, want refused: %v", path, err, refused)
		}
	}
}
