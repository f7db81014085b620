package proxy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The right values are those of nginx 1.22.
func TestAMapThatDependsOnItselfIsEmpty(t *testing.T) {
	chain := func(n int) (maps []Map) {
		maps = []Map{{Source: "$uri", Variable: "$m0", Default: "end"}}
		for i := range n - 1 {
			maps = append(maps, Map{Source: "$uri", Variable: fmt.Sprintf("$m%d", i+1), Default: fmt.Sprintf("$m%d$m%[1]d", i)})
		}
		return maps
	}
	cycle := `cycle while evaluating variable "%s"`
	for _, c := range []struct {
		name string
		maps []Map
		text string
		want string // the page, or the status
		log  string
	}{
		{"in its source", []Map{{Source: "$x", Variable: "$x", Default: "1"}}, "[$x]", "[1]", fmt.Sprintf(cycle, "x")},
		{"in its values", []Map{{Source: "$uri", Variable: "$x", Default: "a$x"}}, "[$x]", "[" + strings.Repeat("a", 100) + "]", fmt.Sprintf(cycle, "x")},
		{"by another", []Map{{Source: "$y", Variable: "$x", Default: "$y"}, {Source: "$x", Variable: "$y", Default: "$x$x"}}, "[$x]", "[]", fmt.Sprintf(cycle, "x")},
		// nginx itself does not come to an end with this one.
		{"twice, volatile", []Map{{Source: "$y", Variable: "$x", Default: "$y$y", Volatile: true}, {Source: "$x", Variable: "$y", Default: "$x$x", Volatile: true}}, "[$x]", "[]", fmt.Sprintf(cycle, "x")},
		{"a chain is no cycle", chain(3), "[$m2]", "[endendendend]", ""},
		{"too long", chain(26), "$m25", "500", "a value takes more than 16 MiB"},
	} {
		config := Config{Maps: c.maps, Servers: []Server{{Listen: []int{8080}, Locations: []Location{
			{Path: "/", Return: &Return{Status: 200, Text: c.text}}}}}}
		var log []string
		run(t, config, func(l *lab) {
			l.want(c.name, l.get("/", 2), c.want+" "+c.want)
			for _, e := range l.trace {
				if e.Kind == VariableFailed {
					log = append(log, e.Text)
				}
			}
		})
		want := []string{c.log, c.log} // once for each request
		if c.log == "" {
			want = nil
		}
		if !slices.Equal(log, want) {
			t.Errorf("%s: the log is %q, want %q", c.name, log, want)
		}
	}
}

func TestOnlyAVolatileMapIsEvaluatedAgain(t *testing.T) {
	for _, c := range []struct {
		volatile bool
		want     string
	}{{false, "[before before]"}, {true, "[before after]"}} {
		config := Config{
			Maps:      []Map{{Source: "$v", Variable: "$m", Default: "$v", Volatile: c.volatile}},
			Variables: []string{"$v"},
			Servers: []Server{{Listen: []int{8080}, Locations: []Location{{Path: "/",
				Sets:   []Set{{"$v", "before"}, {"$first", "$m"}, {"$v", "after"}},
				Return: &Return{Status: 200, Text: "[$first $m]"}}}}},
		}
		run(t, config, func(l *lab) { l.want(fmt.Sprintf("volatile %v", c.volatile), l.get("/", 1), c.want) })
	}
}
