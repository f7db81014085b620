package proxy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A sequence is a configuration, and requests to it one after another, each
// with what nginx made of it. The files in testdata/sequences hold them:
//
//	== name: what it shows
//	upstream app { server @a; server @b; }
//	location / { proxy_pass http://app; }
//	--
//	a refuse
//	GET /x X-A=1 => a>b us=502,200
//
// In the configuration @a is the address of node a. Lines that begin with
// upstream, map or server stand at the http level; without a server line all
// others are one server on port 8080. "app" is a group of node a where no
// upstream line says otherwise.
//
// A line behind the dashes is one of
//
//	start => ERROR                  what nginx -t says; nothing is started
//	NODE HOW [Name=value]           how the node answers from here on, see node
//	clock 100ms                     wait for that fraction of a second
//	wait 2s
//	[@MS|+MS] METHOD TARGET [Name=value] [body=TEXT] [from=N] [conn=K] [1.0]
//	    [gone=MS] [xN] => OUTCOME
//
// @MS is a time since the first request, +MS one of requests that run at once,
// since the first of them. The Host is shop.test, the connection a new one that
// is to be closed, unless said.
//
// An outcome is the status if it is not 200 or no node was asked, the nodes
// tried, $upstream_status where it says more, what a node got that is not
// simply what the client sent, the text if it is not that of the node asked,
// and response headers that matter. See outcome.
type sequence struct {
	name, does string
	file       string
	line       int
	conf       []string
	steps      []step
}

// step is one line of a sequence.
type step struct {
	line  int
	words []string // without the outcome
	want  string
}

// readSequences reads a file of sequences.
func readSequences(t testing.TB, file string) (all []sequence) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	inSteps := false
	for i, line := range strings.Split(string(data), "\n") {
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "== "):
			name, does, _ := strings.Cut(line[3:], ": ")
			all = append(all, sequence{name: name, does: does, file: filepath.Base(file), line: i + 1})
			inSteps = false
		case line == "--":
			inSteps = true
		case inSteps:
			do, want, _ := strings.Cut(line, " => ")
			s := &all[len(all)-1]
			s.steps = append(s.steps, step{i + 1, splitWords(do), strings.TrimSpace(want)})
		default:
			s := &all[len(all)-1]
			s.conf = append(s.conf, line)
		}
	}
	return all
}

// splitWords splits at blanks outside quotes, and takes the quotes away; `\n`
// and `\"` stand for what they say.
func splitWords(line string) (words []string) {
	var b strings.Builder
	quoted, word := false, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && quoted && i+1 < len(line):
			i++
			switch line[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			default:
				b.WriteByte(line[i])
			}
		case c == '"':
			quoted, word = !quoted, true
		case c == ' ' && !quoted:
			if word {
				words = append(words, b.String())
			}
			b.Reset()
			word = false
		default:
			b.WriteByte(c)
			word = true
		}
	}
	if word {
		words = append(words, b.String())
	}
	return words
}

const frontAddr, frontPort = "127.77.1.1", "8080"

var sequenceNodes = map[string]string{}

func init() {
	for i, name := range strings.Split("abcdefgh", "") {
		sequenceNodes[name] = fmt.Sprintf("127.77.1.%d:18080", 11+i)
	}
}

// text is the nginx.conf of a sequence. The sequence's own lines begin with the
// second one; http is what stands before them in the http block.
func (s sequence) text(http string) string {
	var outer, inner []string
	servers := false
	for _, line := range s.conf {
		switch word := strings.Fields(line)[0]; word {
		case "file:":
		case "upstream", "map", "server":
			servers = servers || word == "server"
			if word == "server" && !strings.Contains(line, "listen ") {
				line = "server { listen F:8080; " + strings.TrimPrefix(line, "server {")
			}
			outer = append(outer, line)
		default:
			inner = append(inner, line)
		}
	}
	all := strings.Join(s.conf, "\n")
	if servers {
		outer = append(outer, inner...)
	} else {
		if len(inner) == 0 || !strings.Contains(all, "listen ") {
			inner = append([]string{"listen F:8080;"}, inner...)
		}
		outer = append(outer, "server { "+strings.Join(inner, "\n")+" }")
	}
	if strings.Contains(all, "app") && !strings.Contains(all, "upstream app ") {
		http += " upstream app { server @a; }"
	}
	text := "worker_processes 1; events { } http { " + http + "\n" + strings.Join(outer, "\n") + "\n}\n"
	text = strings.ReplaceAll(text, "listen F:", "listen "+frontAddr+":")
	text = strings.ReplaceAll(text, "listen F", "listen "+frontAddr+":"+frontPort)
	for name, addr := range sequenceNodes {
		text = strings.ReplaceAll(text, "@"+name+";", addr+";")
		text = strings.ReplaceAll(text, "@"+name+" ", addr+" ")
		text = strings.ReplaceAll(text, "@"+name+"/", addr+"/")
	}
	return text
}

// files are the static files: lines such as "file: html/x.txt=TEXT".
func (s sequence) files() map[string]string {
	files := map[string]string{}
	for _, line := range s.conf {
		if file, ok := strings.CutPrefix(line, "file: "); ok {
			name, text, _ := strings.Cut(file, "=")
			files[name] = text
		}
	}
	return files
}

func mustDuration(t testing.TB, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestSequences runs all sequences in virtual time.
func TestSequences(t *testing.T) {
	files, err := filepath.Glob("testdata/sequences/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no sequences: %v", err)
	}
	for _, file := range files {
		group := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(group, func(t *testing.T) {
			for _, s := range readSequences(t, file) {
				t.Run(s.name, func(t *testing.T) {
					for i, got := range runOurs(t, s) {
						if want := s.steps[i].want; got != want {
							t.Errorf("%s:%d: %s\ngot  %s\nwant %s", s.file, s.steps[i].line, strings.Join(s.steps[i].words, " "), got, want)
						}
					}
				})
			}
		})
	}
}
