package scenarios

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"sessionlab/scenarios/history"
)

// The record has the lab's fates under the lab's own words, and a sentence for each.
func TestEveryFateHasItsWordAndItsSentenceInTheRecord(t *testing.T) {
	inLab, inHistory := constantsOf(t, "../lab/fate.go"), constantsOf(t, "history/passage.go")
	if !slices.Equal(inLab, inHistory) || len(inLab) == 0 {
		t.Errorf("fates of the lab %q, of the record %q, want the same", inLab, inHistory)
	}
	for _, fate := range inHistory {
		p := history.Passage{Kind: "DELTA", From: "a", To: "b", Session: "S1", Fate: history.Fate(fate)}
		if said := p.String(); strings.HasSuffix(said, ": "+fate) {
			t.Errorf("%s has no sentence of its own: %s", fate, said)
		}
	}
}

// constantsOf are the texts that a file declares as constants, in its order.
func constantsOf(t *testing.T, file string) (texts []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.CONST {
			for _, spec := range d.Specs {
				for _, v := range spec.(*ast.ValueSpec).Values {
					texts = append(texts, strings.Trim(v.(*ast.BasicLit).Value, `"`))
				}
			}
		}
	}
	return texts
}
