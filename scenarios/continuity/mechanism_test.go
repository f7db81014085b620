package continuity

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// A story names the mechanism: each row is a tale with one anomaly.
func TestAStoryNamesItsMechanism(t *testing.T) {
	const (
		lost = `
			alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
			alice 10-12 /session : 200 b -`
		rolledBack = `
			alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
			alice 4-5 /set?name=cart&value=ink : 200 a S1 cart=ink#2/2
			alice 10-12 /session : 200 b S1 cart=pen#1/1`
		sameNode = `
			alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
			alice 4-5 /set?name=cart&value=ink : 200 a S1 cart=ink#2/2
			alice 10-12 /session : 200 a S1 cart=pen#1/1`
		elsewhere = "\n> 0-1 CREATED S9 a b applied" // something is replicated
	)
	for _, row := range []struct {
		tale     string
		want     Mechanism
		sentence string
	}{
		{lost, NotReplicated, "only a holds the session"},
		{lost + "\n! 5 kill a", CopyDied, "Only a held the session."},
		{lost + elsewhere, NeverSent, "No CREATED of S1 went to b."},
		{lost + "\n> 0-43 CREATED S1 a b applied", CreatedLate, "b held no copy: the CREATED of a was processed 33 ms after it was asked."},
		{lost + "\n> 0-3 CREATED S1 a b applied\n! 6 kill b", CopyDied, "b held the session until it was killed at 0.006s."},
		{lost + "\n> 0-3 CREATED S1 a b no_manager", NoApplication, "reached b at 0.003s, where the application did not run"},
		{lost + "\n> 0-3 CREATED S1 a b send_failed", MessageNotSent, "a could not send its CREATED to b at 0.003s"},
		{lost + "\n> 0-3 CREATED S1 a b dropped", MessageLost, "The CREATED of a to b was lost at 0.003s."},
		{lost + "\n> 0-3 CREATED S1 a b too_old", OlderThanState, "b dropped the CREATED of a as older"},
		{lost + "\n> 0-3 CREATED S1 a b applied\n> 6-7 EXPIRED S1 a b applied", ExpiredByPeer, "The EXPIRED of a had ended the copy of b at 0.007s."},
		{lost + "\n> 0-3 CREATED S1 a b applied\n> 9-11 CHANGE_ID S1 a b applied", IDChangeLate, "1 ms after it was asked"},
		{lost + "\n> 0-3 CREATED S1 a b applied\n> 6-7 CHANGE_ID S1 a b applied", IDChangedByPeer, "another id at 0.007s"},

		{lost + "\n> 4-5 DELTA S1 c b unknown_session", DeltaUnknownSession, "b held no such session at 0.005s: it dropped the DELTA of c."},
		{"alice 0-1 /login was=S0 : 200 a S1*\nalice 10-12 /session : 200 b -\n> 0-9 CREATED S0 a b applied\n> 1-3 CHANGE_ID S0 a b unknown_session",
			IDChangeLost, "the CHANGE_ID of a reached it at 0.003s, where no such session was held (its CREATED came 6 ms later)"},
		{"alice 0-1 /add : 200 a S8* count=1#1/1\nalice 4-5 /add : 200 a S1* count=1#2/1\nalice 10-12 /session : 200 b -\n> 2-3 EXPIRED S8 a b applied", NeverSent, "No CREATED of S1 went to b."},

		{rolledBack, NotReplicated, "b has a session of its own"},
		{rolledBack + elsewhere, NeverSent, "No message with the change went from a to b."},
		{rolledBack + elsewhere + "\n! 6 kill a", CopyDied, "a was killed at 0.006s, before it had sent the change to b."},
		{rolledBack + "\n> 5-8 DELTA S1 a b unknown_session\n> 0-9 CREATED S1 a b applied", DeltaUnknownSession, "(its CREATED came 1 ms later)"},
		{rolledBack + "\n> 5-40 DELTA S1 a b applied", DeltaLate, "30 ms after it was asked"},
		{rolledBack + "\n> 5-8 DELTA S1 a b send_failed", MessageNotSent, "a could not send its DELTA to b"},
		{rolledBack + "\n> 3-4 DELTA S1 b a erased", DeltaErasedPending, "The DELTA of b that a processed at 0.004s erased what a had not sent yet."},
		{rolledBack + "\n> 4-4 DELTA S1 - a discarded", DeltaDiscarded, "a forgot at 0.004s"},
		{rolledBack + "\n> 4-4 DELTA S1 - a alone", NoMembers, "a listed no members at 0.004s."},
		{rolledBack + "\n> 5-6 DELTA S1 a b applied\n> 6-8 DELTA S1 c b applied", OverwrittenByDelta, "b applied a DELTA of c over it at 0.008s."},
		{rolledBack + "\n> 5-6 DELTA S1 a b applied\n> 0-8 CREATED S1 a b copy_replaced", CopyWasReplaced, "put an empty copy in the place of that of b at 0.008s"},
		{strings.Replace(rolledBack, "/set?name=cart&value=ink", "/mutate?name=cart&value=ink", 1) + elsewhere, MutatedInPlace, "without setAttribute"},

		{sameNode + elsewhere, Unknown, ""},
		{sameNode + "\n! 7 kill a", CopyDied, "a had it and was killed at 0.007s."},
		{sameNode + "\n> 5-8 DELTA S1 b a applied", OverwrittenByDelta, "a applied a DELTA of b over it at 0.008s."},

		{"alice 0-1 /add : 200 a S1* count=1#1/1\nalice 2-5 /add : 200 a S1 count=2#2/2\nalice 3-6 /add : 200 b S1 count=2#3/2\nalice 8-9 /session : 200 b S1 count=2#3/2\n> 5-5 DELTA S1 a b applied",
			LostUpdate, "both had read the same value"},
		{"alice 0-1 /add : 200 a S1* count=1#1/1\nalice 2-3 /logout : 200 a -\nalice 6-7 /session sent=S1 : 200 b S1 count=1#1/1\n> 3-9 EXPIRED S1 a b applied", ExpiredLate, "3 ms after it was asked"},
		{"alice 0-1 /add : 200 a S1* count=1#1/1\nalice 2-3 /logout : 200 a -\nalice 6-7 /session sent=S1 : 200 b S1 count=1#1/1", ExpiredLate, "No EXPIRED of a had come to b."},
	} {
		r := Check(tale(t, row.tale), Options{})
		if len(r.Anomalies) == 0 {
			t.Errorf("%s\nno anomaly, want one by %s", row.tale, row.want)
			continue
		}
		a := r.Anomalies[len(r.Anomalies)-1]
		if a.Mechanism != row.want || !strings.Contains(a.Explanation, row.sentence) {
			t.Errorf("%s\ngot %s by %s: %s\nwant %s with %q", row.tale, a.Kind, a.Mechanism, a.Explanation, row.want, row.sentence)
		}
	}
}

func TestEveryMechanismIsListedOnce(t *testing.T) {
	listed := map[Mechanism]bool{}
	for _, m := range Mechanisms {
		if m.Doc == "" || listed[m.Name] {
			t.Errorf("mechanism %q: no meaning, or listed twice", m.Name)
		}
		listed[m.Name] = true
	}
	file, err := parser.ParseFile(token.NewFileSet(), "mechanism.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	for _, d := range file.Decls {
		constants, ok := d.(*ast.GenDecl)
		if !ok || constants.Tok != token.CONST {
			continue
		}
		for _, c := range constants.Specs {
			declared++
			name := strings.Trim(c.(*ast.ValueSpec).Values[0].(*ast.BasicLit).Value, `"`)
			if !listed[Mechanism(name)] {
				t.Errorf("mechanism %q is not listed", name)
			}
		}
	}
	if declared != len(listed) {
		t.Errorf("%d mechanisms are declared and %d listed", declared, len(listed))
	}
}
