package lab_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The layout of the house, as rules. A package is named by its folder below
// the module's root.

// core are the packages that run in every world, together with everything
// below them. What they may not do, the world does for them.
var core = []string{"proxy", "appnode", "sessions", "scenarios/users", "scenarios/history", "scenarios/continuity", "scenarios/script", "scenarios/report"}

// importRules say who may not import whom, and why.
var importRules = []struct {
	who    string // a package and all below it
	not    []string
	except []string // packages below who that may
	reason string
}{
	{"proxy", []string{"sessionlab/appnode", "sessionlab/sessions"}, nil, "the front knows nothing of nodes; package lab hands it the one fact it needs (RouteOf)"},
	{"appnode", []string{"sessionlab/proxy"}, nil, "a node does not know who stands in front of it"},
	{"sessions", []string{"sessionlab/proxy", "sessionlab/appnode"}, nil, "managers know nothing of HTTP"},
	{"scenarios", []string{"sessionlab/lab/sim", "sessionlab/lab/loopback"}, nil, "only main chooses a world"},
	{"lab", []string{"sessionlab/lab/sim", "sessionlab/lab/loopback"}, []string{"lab/sim", "lab/loopback"}, "only main chooses a world"},
	{"lab/world", []string{"sessionlab/proxy", "sessionlab/appnode", "sessionlab/sessions", "sessionlab/scenarios"}, nil, "the contract knows nobody who uses it"},
	{"lab/fault", []string{"sessionlab/"}, nil, "the fault table is pure"},
	{"scenarios/script", []string{"sessionlab/lab", "sessionlab/proxy", "sessionlab/appnode", "sessionlab/sessions"}, nil, "the language is parsed without a lab"},
	{"scenarios/continuity", []string{"sessionlab/lab", "sessionlab/proxy", "sessionlab/appnode", "sessionlab/sessions"}, nil, "the verdict comes from the history alone"},
}

// coreBans are what core packages may not mention: package, name ("" for all
// of it), reason.
var coreBans = []struct{ pkg, name, reason string }{
	{"time", "Now", "the clock is Host.Now and Host.Elapsed"},
	{"time", "Since", "the clock is Host.Elapsed"},
	{"time", "Sleep", "waiting is Host.Sleep"},
	{"time", "After", "waiting is Host.Sleep"},
	{"time", "AfterFunc", "waiting is Host.Sleep"},
	{"time", "NewTimer", "waiting is Host.Sleep"},
	{"time", "NewTicker", "waiting is Host.Sleep"},
	{"context", "WithTimeout", "deadlines are Host.WithTimeout"},
	{"context", "WithDeadline", "deadlines are Host.WithTimeout"},
	{"context", "WithCancel", "cancelling is Host.WithCancel"},
	{"math/rand", "", "randomness is Host.Rand, keyed by identity"},
	{"math/rand/v2", "Int", "randomness is Host.Rand, keyed by identity"},
	{"math/rand/v2", "IntN", "randomness is Host.Rand, keyed by identity"},
	{"math/rand/v2", "Float64", "randomness is Host.Rand, keyed by identity"},
	{"math/rand/v2", "N", "randomness is Host.Rand, keyed by identity"},
	{"math/rand/v2", "Perm", "randomness is Host.Rand, keyed by identity"},
	{"math/rand/v2", "Shuffle", "randomness is Host.Rand, keyed by identity"},
	{"crypto/rand", "", "randomness is Host.Rand, keyed by identity"},
	{"os", "", "files are Host.Disk"},
	{"net", "Dial", "connections are Host.Dial"},
	{"net", "DialTimeout", "connections are Host.Dial"},
	{"net", "Listen", "ports are Host.Listen"},
	{"net", "ListenPacket", "datagrams are Host.ListenPacket"},
	{"net/http", "Server", "serving is Host.Serve"},
	{"net/http", "Transport", "it starts goroutines and repeats requests; use Host.DialHTTP"},
	{"net/http", "DefaultClient", "requests go through Host.Transport"},
	{"net/http", "ListenAndServe", "serving is Host.Serve"},
	{"net/http", "Get", "requests go through Host.Transport"},
	{"net/http", "Post", "requests go through Host.Transport"},
	{"net/http/cookiejar", "", "it reads the wall clock"},
	{"sync", "WaitGroup", "waiting is Host.NewSignal"},
	{"sync", "Cond", "waiting is Host.NewSignal"},
}

func below(pkg, root string) bool { return pkg == root || strings.HasPrefix(pkg, root+"/") }

type source struct {
	pkg, file string
	tree      *ast.File
}

func sources(t *testing.T) (*token.FileSet, []source) {
	t.Helper()
	set := token.NewFileSet()
	var all []source
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || (strings.HasPrefix(d.Name(), ".") && d.Name() != "..")) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		tree, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel("..", filepath.Dir(file))
		all = append(all, source{filepath.ToSlash(rel), file, tree})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d source files found: is the test looking at the right tree?", len(all))
	}
	return set, all
}

func importsOf(tree *ast.File) map[string]string {
	names := map[string]string{}
	for _, spec := range tree.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		name := path.Base(p)
		if name == "v2" {
			name = path.Base(path.Dir(p))
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = p
	}
	return names
}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	_, all := sources(t)
	for _, s := range all {
		for _, rule := range importRules {
			if !below(s.pkg, rule.who) || slices.ContainsFunc(rule.except, func(e string) bool { return below(s.pkg, e) }) {
				continue
			}
			for _, imported := range importsOf(s.tree) {
				for _, not := range rule.not {
					if imported == not || strings.HasPrefix(imported, strings.TrimSuffix(not, "/")+"/") {
						t.Errorf("%s imports %s: %s", s.file, imported, rule.reason)
					}
				}
			}
		}
	}
}

func TestCoreLeavesTimeTasksAndSocketsToTheWorld(t *testing.T) {
	set, all := sources(t)
	for _, s := range all {
		if !slices.ContainsFunc(core, func(c string) bool { return below(s.pkg, c) }) {
			continue
		}
		names := importsOf(s.tree)
		for _, ban := range coreBans {
			if ban.name != "" {
				continue
			}
			for _, p := range names {
				if p == ban.pkg {
					t.Errorf("%s imports %s: %s", s.file, p, ban.reason)
				}
			}
		}
		ast.Inspect(s.tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s: a go statement: tasks are Host.Go", set.Position(n.Pos()))
			case *ast.SelectStmt:
				t.Errorf("%s: a select: waiting is Host.NewSignal", set.Position(n.Pos()))
			case *ast.ChanType:
				t.Errorf("%s: a channel: waiting is Host.NewSignal or world.Queue", set.Position(n.Pos()))
			case *ast.CallExpr:
				if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "recover" && id.Obj == nil {
					t.Errorf("%s: recover: it would swallow the unwinding of a dead task; recovery is the world's", set.Position(n.Pos()))
				}
			case *ast.SelectorExpr:
				id, ok := n.X.(*ast.Ident)
				if !ok || id.Obj != nil {
					return true
				}
				for _, ban := range coreBans {
					if ban.name == n.Sel.Name && names[id.Name] == ban.pkg {
						t.Errorf("%s: %s.%s: %s", set.Position(n.Pos()), id.Name, ban.name, ban.reason)
					}
				}
			}
			return true
		})
	}
}
