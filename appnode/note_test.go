package appnode

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sessionlab/sessions"
)

// notes collects copies of what a node notes.
type notes struct {
	mu  sync.Mutex
	all []Note
}

func (n *notes) take(note *Note) {
	n.mu.Lock()
	defer n.mu.Unlock()
	kept := *note
	if note.Attributes != nil {
		kept.Attributes = append([]sessions.Attribute{}, note.Attributes...)
	}
	n.all = append(n.all, kept)
}

// latest is the only note since the last call.
func (n *notes) latest(t *testing.T) Note {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.all
	n.all = nil
	if len(all) != 1 {
		t.Fatalf("%d notes of one request: %+v", len(all), all)
	}
	return all[0]
}

// said is what a note says that the page did.
func (n Note) said() string {
	words := []string{n.Path}
	add := func(is bool, word string) {
		if is {
			words = append(words, word)
		}
	}
	add(n.New, "new")
	add(n.Login, "login")
	add(n.Logout, "logout")
	add(n.Op != "", fmt.Sprintf("%s %s=%s #%d/%d", n.Op, n.Attribute, n.Value, n.Number, n.Writes))
	add(n.Refused != "", fmt.Sprintf("refused %d", n.Status))
	return strings.Join(words, " ")
}

func TestEveryPageIsNotedAndTheAnswerAgrees(t *testing.T) {
	var noted notes
	playBoth(t, func(c *Config, _ *sessions.StandardConfig) { c.Noted = noted.take }, func(r *rig) {
		for _, step := range []struct {
			request string
			status  int
			want    string // # is the number of the step
		}{
			{"GET /session", 200, "/session"},
			{"GET /logout", 200, "/logout logout"},
			{"GET /counter", 200, "/counter new"},
			{"GET /", 200, "/ set test.org=test.org #/1"},
			{"GET /index.jsp", 200, "/index.jsp set test.org=test.org #/2"},
			{"POST /counter", 200, "/counter add count=1 #/1"},
			{"GET /counter?add=1", 200, "/counter add count=2 #/2"},
			{"GET /x/../counter;a=b?add=1", 200, "/counter add count=3 #/3"},
			{"GET /set?name=cart&value=pen", 200, "/set set cart=pen #/1"},
			{"GET /mutate?name=cart&value=book", 200, "/mutate mutate cart=book #/2"},
			{"GET /mutate?name=none&value=book", 500, "/mutate"},
			{"GET /set?name=cart", 200, "/set remove cart= #/0"},
			{"GET /remove?name=cart", 200, "/remove remove cart= #/0"},
			{"GET /set?name=gift&value=rose&size=x", 500, "/set set gift=rose #/1"},
			{"GET /login?user=alice", 200, "/login login set user=alice #/1"},
			{"GET /request?size=9000&flush=1", 200, "/request"},
			{"GET /status/204", 204, "/status/204"},
			{"GET /status/503", 503, "/status/503"},
			{"GET /nowhere", 404, "/nowhere"},
			{"GET /..%2fx", 400, " refused 400"},
			{"GET /logout", 200, "/logout logout"},
			{"POST /counter", 200, "/counter new add count=1 #/1"},
		} {
			method, target, _ := strings.Cut(step.request, " ")
			_, presented, _ := strings.Cut(r.cookie, "=")
			got := r.do(method, target)
			note := noted.latest(t)
			number := r.steps.Load()
			r.want(step.request+": status", got.status, step.status)
			r.want(step.request+": note", note.said(), strings.Replace(step.want, "#", fmt.Sprintf("#%d", number), 1))
			r.want(step.request+": node and request", note.Node+" "+note.Request, fmt.Sprintf("tomcat1 alice/%d", number))
			if step.status != 400 {
				r.want(step.request+": presented", note.Requested, presented)
			}
			if got.header.Get("Content-Type") != typeJSON || got.status == 204 {
				continue
			}
			if note.Logout {
				r.want(step.request+": session in the answer", got.Session, "")
				continue
			}
			r.want(step.request+": session", note.Session, got.Session)
			r.want(step.request+": new", note.New, got.New)
			if note.Attributes == nil || !slices.Equal(note.Attributes, got.Attributes) {
				t.Errorf("%s: the note lists %v, the answer %v", step.request, note.Attributes, got.Attributes)
			}
		}
		r.steps.Store(0)
	})
}

func TestAnOrderedStatusIsNotedAsNothingDone(t *testing.T) {
	var noted notes
	play(t, func(c *Config, _ *sessions.StandardConfig) { c.Noted = noted.take }, func(r *rig) {
		if err := r.node.Answer("503", 1); err != nil {
			t.Fatal(err)
		}
		r.post("/counter")
		if note := noted.latest(t); note.said() != "/counter" || note.Session != "" || note.Asked {
			t.Errorf("note = %+v, want one that says that nothing was done", note)
		}
	})
}

// What is killed before it has done anything has left no note; what is killed
// before its answer has left has one.
func TestANoteIsLeftAtTheInstantOfTheWrite(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer string
		after  time.Duration
		want   int
	}{
		{"killed between reading and writing", "ok", 500 * time.Millisecond, 0},
		{"killed behind the write, with the answer kept back", "hang", 1500 * time.Millisecond, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			var noted notes
			play(t, func(c *Config, _ *sessions.StandardConfig) { c.Noted = noted.take }, func(r *rig) {
				if err := r.node.Answer(row.answer, 1); err != nil {
					t.Fatal(err)
				}
				r.client.Go("kill", func(ctx context.Context) {
					if r.client.Sleep(ctx, row.after) == nil {
						_ = r.w.Kill("tomcat1")
					}
				})
				if got := r.post("/counter?ms=1000"); got.err == nil {
					t.Errorf("status %d from a node that was killed", got.status)
				}
			})
			if len(noted.all) != row.want {
				t.Errorf("%d notes, want %d: %+v", len(noted.all), row.want, noted.all)
			}
		})
	}
}

func TestAHeadMayHaveMaxHTTPHeaderSize(t *testing.T) {
	const rest = "GET /session HTTP/1.1\r\nHost: a\r\nCookie: \r\n\r\n"
	for _, row := range []struct{ max, head, status int }{
		{0, 8192, 200}, {0, 8193, 400}, {4096, 4096, 200}, {4096, 4097, 400}, {65536, 65536, 200}, {65536, 65537, 400},
	} {
		var noted notes
		play(t, func(c *Config, _ *sessions.StandardConfig) { c.MaxHTTPHeaderSize, c.Noted = row.max, noted.take }, func(r *rig) {
			got := r.do("GET", "/session", "Host", "a", "Cookie", strings.Repeat("c", row.head-len(rest)), WriteHeader, "1", RequestHeader, "alice/1")
			note := noted.latest(t)
			if got.status != row.status || strings.HasPrefix(note.Refused, "Request header is too large") != (row.status == 400) {
				t.Errorf("maxHttpHeaderSize %d, head of %d bytes: status %d, refused by %q, want status %d", row.max, row.head, got.status, note.Refused, row.status)
			}
		})
	}
}

func TestRefusalsNameTheirRule(t *testing.T) {
	for _, row := range []struct{ release, target, host, want string }{
		{"10.1", "/session", "tomcat_pool", `the Host header "tomcat_pool" has an underscore`},
		{"7", "/session", "tomcat_pool", ""},
		{"10.1", "/session", "tomcat-pool", ""},
		{"10.1", "/set?name=a|b", "a", `has the character '|', which must be written as %7C`},
		{"10.1", "/set?name=a%7Cb", "a", ""},
		{"10.1", "/session?x={", "a", `has the character '{', which must be written as %7B`},
		{"10.1", "/a%5Cb", "a", `the path "/a%5Cb" has an escape that is wrong or forbidden`},
		{"10.1", "/a/../../b", "a", "climbs above the root"},
	} {
		var noted notes
		release, err := sessions.ReleaseNamed(row.release)
		if err != nil {
			t.Fatal(err)
		}
		play(t, func(c *Config, _ *sessions.StandardConfig) { c.Release, c.Noted = release, noted.take }, func(r *rig) {
			got := r.do("GET", row.target, "Host", row.host)
			note := noted.latest(t)
			refused := row.want != ""
			if (got.status == 400) != refused || (note.Refused != "") != refused || !strings.Contains(note.Refused, row.want) {
				t.Errorf("Tomcat %s, %s, Host %s: status %d, refused by %q, want %q", row.release, row.target, row.host, got.status, note.Refused, row.want)
			}
		})
	}
}
