package appnode

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"sessionlab/sessions"
)

var answerStates = []sessions.State{
	{},
	{ID: "AB.n1", New: true, Created: 1_700_000_000_000, LastAccessed: 1_700_000_000_123},
	{ID: "AB.n1", Created: -1, Principal: "alice", Attributes: []sessions.Attribute{
		{Name: "cart", Value: sessions.Value{Text: "pen", Write: 7, Writes: 3}},
		{Name: "count", Value: sessions.Value{Text: "12", Write: 1<<64 - 1, Writes: 2}}}},
	{ID: "AB.n1", Attributes: []sessions.Attribute{
		{Name: "\"q\\\n\x7f", Value: sessions.Value{Text: "ünï\x00\xff <&>"}}}},
}

func TestAnswerIsReadBackBothWays(t *testing.T) {
	for _, st := range answerStates {
		body := append(appendAnswer(nil, "tomcat1", &st), "}\n"...)
		var scanned, parsed Answer
		if err := ParseAnswer(body, &scanned); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if err := parseAnyAnswer(body, &parsed); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if !same(scanned, parsed) {
			t.Errorf("%s: scanned %v, parsed %v", body, scanned, parsed)
		}
		if scanned.Session != st.ID || scanned.Node != "tomcat1" || scanned.New != st.New || scanned.User != st.Principal ||
			scanned.Created != st.Created || scanned.Accessed != st.LastAccessed || len(scanned.Attributes) != len(st.Attributes) {
			t.Errorf("%s: read %v, want %v", body, scanned, st)
		}
	}
}

func TestAnswersInOtherFormsAreReadToo(t *testing.T) {
	want := Answer{Node: "n", Session: "AB", Attributes: []sessions.Attribute{{Name: "a", Value: sessions.Value{Text: "1", Write: 2, Writes: 3}}}}
	for _, body := range []string{
		`{ "node": "n", "session": "AB", "attributes": {"a": {"value": "1", "write": 2, "writes": 3}} }`,
		`{"session":"\u0041B","attributes":{"a":{"writes":3,"write":2,"value":"1"}},"node":"n","more":[1]}`,
	} {
		got := Answer{User: "old", Attributes: make([]sessions.Attribute, 3)}
		if err := ParseAnswer([]byte(body), &got); err != nil || !same(got, want) {
			t.Errorf("%s: %v, %v, want %v", body, got, err, want)
		}
	}
	for name, body := range map[string]string{
		"a page":                  "<html>",
		"a number beyond int64":   `{"node":"n","session":"AB","new":true,"created":9223372036854775808,"accessed":0,"attributes":{}}` + "\n",
		"a number beyond uint64":  `{"node":"n","session":"AB","new":true,"created":0,"accessed":0,"attributes":{"a":{"value":"1","write":18446744073709551616,"writes":1}}}` + "\n",
		"a number that begins 00": `{"node":"n","session":"AB","new":true,"created":001,"accessed":0,"attributes":{}}` + "\n",
	} {
		if err := ParseAnswer([]byte(body), &Answer{}); err == nil {
			t.Errorf("%s was read as an answer", name)
		}
	}
}

func TestAttributesAreInOrderWhateverTheAnswerSays(t *testing.T) {
	const body = `{"node":"n","session":"AB","new":true,"created":0,"accessed":0,"attributes":{` +
		`"b":{"value":"2","write":2,"writes":1},"a":{"value":"1","write":1,"writes":1}}}` + "\n"
	var got Answer
	want := Answer{Node: "n", Session: "AB", New: true, Attributes: []sessions.Attribute{
		{Name: "a", Value: sessions.Value{Text: "1", Write: 1, Writes: 1}},
		{Name: "b", Value: sessions.Value{Text: "2", Write: 2, Writes: 1}},
	}}
	if err := ParseAnswer([]byte(body), &got); err != nil || !same(got, want) {
		t.Errorf("read %v, %v, want %v", got, err, want)
	}
}

func TestTheGreatestNumbersAreRead(t *testing.T) {
	const body = `{"node":"n","session":"AB","new":true,"created":-9223372036854775808,"accessed":9223372036854775807,"attributes":{` +
		`"a":{"value":"1","write":18446744073709551615,"writes":1}}}` + "\n"
	var got Answer
	want := Answer{Node: "n", Session: "AB", New: true, Created: math.MinInt64, Accessed: math.MaxInt64, Attributes: []sessions.Attribute{
		{Name: "a", Value: sessions.Value{Text: "1", Write: math.MaxUint64, Writes: 1}},
	}}
	if err := ParseAnswer([]byte(body), &got); err != nil || !same(got, want) {
		t.Errorf("read %v, %v, want %v", got, err, want)
	}
}

func TestScanningAnAnswerAgainAllocatesNothing(t *testing.T) {
	st := answerStates[2]
	st.Attributes = st.Attributes[:1]
	body := append(appendAnswer(nil, "tomcat1", &st), "}\n"...)
	var a Answer
	if n := testing.AllocsPerRun(100, func() {
		if !scanAnswer(body, &a) {
			t.Fatalf("%s is not in the node's own form", body)
		}
	}); n != 0 {
		t.Errorf("%v allocations for an answer like the one before, want 0", n)
	}
}

func same(a, b Answer) bool {
	attributes := slices.Equal(a.Attributes, b.Attributes)
	a.Attributes, b.Attributes = nil, nil
	return attributes && fmt.Sprint(a) == fmt.Sprint(b)
}

func FuzzParseAnswer(f *testing.F) {
	for _, st := range answerStates {
		f.Add(append(appendAnswer(nil, "n", &st), "}\n"...))
	}
	f.Add([]byte(`{"node":"n","session":null,"new":false,"created":00,"accessed":-0,"attributes":{},"pad":"xx"}` + "\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var scanned, parsed Answer
		if !scanAnswer(body, &scanned) {
			return
		}
		if err := parseAnyAnswer(body, &parsed); err != nil || !same(scanned, parsed) {
			t.Errorf("%q: scanned %v, parsed %v, %v", body, scanned, parsed, err)
		}
	})
}
