package proxy

import (
	"fmt"
	"strings"
	"testing"
)

// counts are the skipped lines that requests have passed.
func (l *lab) counts() string {
	var all []string
	for _, s := range l.front.Skipped() {
		if s.Requests > 0 {
			all = append(all, fmt.Sprint(s.Directive, " ", s.Requests))
		}
	}
	return strings.Join(all, ", ")
}

// skipped is a configuration with a skipped line on each level and for each
// concern.
func skipped(t *testing.T) Config {
	line := func(name, setting string, c Concern) *Skipped {
		return &Skipped{Directive: name, Setting: setting, Concerns: c, Pos: "c:1:1"}
	}
	config := pool(t, "a")
	config.Skipped = []*Skipped{line("http", "", Everyone), line("auth", "auth", Unreturned)}
	server := &config.Servers[0]
	server.Skipped = []*Skipped{line("server", "", Forwarded)}
	server.Locations[0].Skipped = []*Skipped{line("location", "location", Everyone), line("body", "", WithBody)}
	server.Locations = append(server.Locations,
		Location{Path: "/free/", ProxyPass: "http://jspserver", Settings: Settings{Skipped: []*Skipped{line("free", "auth", 0)}}},
		Location{Path: "/said/", Return: &Return{Status: 200, Text: "said"}},
		Location{Path: "/sent/", Return: &Return{Status: 302, Text: "/said/"}},
		Location{Path: "/outer/", ProxyPass: "http://jspserver", Settings: Settings{Skipped: []*Skipped{
			{Directive: "own", Own: true, Concerns: Everyone, Pos: "c:1:1"}, line("handed on", "", Everyone)}},
			Locations: []Location{{Path: "/outer/inner/", ProxyPass: "http://jspserver"}}},
		Location{Path: "/files/", Settings: Settings{Skipped: []*Skipped{line("file", "", ForFiles), line("folder", "", ForFolders)}}},
		Location{Path: "/again/", Settings: Settings{
			ErrorPages: []ErrorPage{{Statuses: []int{404}, URI: "/again/page"}},
			Skipped:    []*Skipped{line("twice", "", Everyone)},
		}})
	return config
}

func TestARequestPassesTheSkippedLinesOfItsScope(t *testing.T) {
	for _, row := range []struct{ method, target, body, want string }{
		{"GET", "/", "", "http 1, auth 1, server 1, location 1"},
		{"POST", "/", "x=1", "http 1, auth 1, server 1, location 1, body 1"},
		{"GET", "/free/a", "", "http 1, server 1"},
		{"GET", "/free", "", "http 1"},
		{"GET", "/said/", "", "http 1"},
		{"GET", "/sent/", "", "http 1"},
		{"GET", "/outer/a", "", "http 1, auth 1, server 1, own 1, handed on 1"},
		{"GET", "/outer/inner/a", "", "http 1, auth 1, server 1, handed on 1"},
		{"GET", "/files/a", "", "http 1, auth 1, file 1"},
		{"GET", "/files/", "", "http 1, auth 1, file 1, folder 1"},
		{"GET", "/again/a", "", "http 1, auth 1, twice 1"},
		{"GET", "/../a", "", ""}, // refused before it comes to any level
	} {
		run(t, skipped(t), func(l *lab) {
			l.send(row.method, row.target, row.body)
			l.want(row.method+" "+row.target, l.counts(), row.want)
		})
	}
}

func TestTheFirstRequestThatPassesASkippedLineIsTold(t *testing.T) {
	run(t, skipped(t), func(l *lab) {
		l.get("/said/", 3)
		l.want("counted", l.counts(), "http 3")
		told := 0
		for _, e := range l.trace {
			if e.Kind == LinePassed {
				told++
				l.want("line", e.Line.Directive, "http")
			}
		}
		l.want("told", told, 1)
	})
}
