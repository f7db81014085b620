package conf

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sessionlab/proxy"
)

// tabled are the directives of nginx's own tables, by their name in crossplane.
func tabled(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/nginxinc/nginx-go-crossplane").Output()
	if err != nil {
		t.Skipf("crossplane's source is not here: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "analyze_oss_*.gen.go"))
	if err != nil || len(files) < 3 {
		t.Fatalf("files of crossplane: %q, %v, want those of 1.24, 1.26 and the latest", files, err)
	}
	var names []string
	for _, file := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if pair, ok := n.(*ast.KeyValueExpr); ok {
				if key, ok := pair.Key.(*ast.BasicLit); ok && key.Kind == token.STRING {
					name, _ := strconv.Unquote(key.Value)
					names = append(names, name)
				}
			}
			return true
		})
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// understoodEverywhere reports whether a directive has a row for each context of
// the http block and around it.
func understoodEverywhere(name string) bool {
	var contexts, rows mask
	for _, release := range []int{2201, 2501, 2901} {
		for _, m := range known(release, name) {
			contexts |= m
		}
	}
	for _, d := range directives() {
		if d.name == name {
			rows |= d.mask
		}
	}
	return rows != 0 && contexts&^rows&(inMain|inEvents|inAnyLevel|inUpstream) == 0
}

// Every directive of nginx does something here, or is harmless, or can change
// outcomes, and the table has no other.
func TestEveryDirectiveIsInOneClass(t *testing.T) {
	names := tabled(t)
	if len(names) < 500 || !slices.Contains(names, "limit_req") {
		t.Fatalf("%d directives in nginx's own tables, want some 600", len(names))
	}
	patterns := map[string]int{} // how many names it is for
	for _, row := range skippedTable {
		if row.reason == "" {
			t.Errorf("%s: no reason is given", row.names)
		}
		for _, pattern := range strings.Fields(row.names) {
			if _, twice := patterns[pattern]; twice {
				t.Errorf("%s has two rows", pattern)
			}
			patterns[pattern] = 0
		}
	}
	for _, name := range names {
		row, ok := rowOf(name)
		_, skipped := patterns[name]
		switch understood := understoodEverywhere(name); {
		case understood && skipped:
			t.Errorf("%s is understood everywhere, and it has a row among those that are skipped", name)
			continue
		case understood:
			continue
		case !ok:
			t.Errorf("%s has no row: it is not known whether it can change outcomes", name)
			continue
		}
		for _, pattern := range strings.Fields(row.names) {
			if prefix, open := strings.CutSuffix(pattern, "*"); pattern == name || open && strings.HasPrefix(name, prefix) {
				patterns[pattern]++
			}
		}
	}
	for pattern, n := range patterns {
		if n == 0 {
			t.Errorf("%s is no directive of nginx", pattern)
		}
	}
}

func TestSkippedLinesCarryTheirScope(t *testing.T) {
	text := in(`limit_req zone=one;
expires 1h;
auth_basic x;
server {
	rewrite a b; try_files /a /b;
	location /a { auth_basic off; rewrite a b; }
	location /b { deny 10.0.0.1; allow all; index index.jsp; proxy_request_buffering on; }
}
`)
	config, _, err := Read("c", []byte(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := func(lines []*proxy.Skipped) string {
		var all []string
		for _, s := range lines {
			own := ""
			if s.Own {
				own = " (own)"
			}
			all = append(all, s.Directive+own+"="+strconv.Itoa(int(s.Concerns))+"@"+s.Pos)
		}
		return strings.Join(all, " ")
	}
	server := config.Servers[0]
	for _, row := range []struct{ level, got, want string }{
		{"http", in(config.Skipped), "limit_req=2@c:3:1 auth_basic=2@c:5:1"},
		{"server", in(server.Skipped), "rewrite=1@c:7:2 try_files (own)=2@c:7:15"},
		{"location /a", in(server.Locations[0].Skipped), "auth_basic=0@c:8:16 rewrite (own)=1@c:8:32"},
		{"location /b", in(server.Locations[1].Skipped), "deny=2@c:9:16 allow=0@c:9:31 index=32@c:9:42 proxy_request_buffering=0@c:9:59"},
	} {
		if row.got != row.want {
			t.Errorf("skipped in %s: %q, want %q", row.level, row.got, row.want)
		}
	}
}

func TestNamesThatAreNotReadMatterOnlyAmongSeveralServers(t *testing.T) {
	one := "server { server_name $hostname; }\n"
	for text, want := range map[string]int{one: 0, one + "server { server_name b; }": 1} {
		config, _, err := Read("c", []byte(in(text)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(config.Skipped); got != want {
			t.Errorf("%s: %d lines can change outcomes, want %d", text, got, want)
		}
	}
}

func TestVariablesOfSkippedLinesAreKnownAsTheirs(t *testing.T) {
	config, _, err := Read("c", []byte("events {}\nhttp {\n geo $remote_addr $Here { default 0; }\n split_clients $uri $half { 50% a; * b; }\n map $uri $mine { default 1; }\n}\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"remote_addr": "geo at c:3:2", "here": "geo at c:3:2", "uri": "split_clients at c:4:2", "half": "split_clients at c:4:2"}
	if !maps.Equal(config.Undefined, want) {
		t.Errorf("undefined: got %v, want %v", config.Undefined, want)
	}
}
