package scenarios_test

import (
	"reflect"
	"testing"

	"sessionlab/appnode"
	"sessionlab/scenarios"
	"sessionlab/scenarios/history"
	"sessionlab/sessions"
)

// A record shares the notes of the one before only if they say the same.
func TestNotesThatDifferAreNotShared(t *testing.T) {
	if !scenarios.Same([]history.Note{{}}, []appnode.Note{{}}) {
		t.Error("two empty notes are not the same")
	}
	elsewhere := map[string]bool{"Request": true, "Host": true, // not in the record
		"Attribute": true, "Value": true, "Number": true, "Writes": true} // parts of a write
	for field := range reflect.TypeFor[appnode.Note]().Fields() {
		if elsewhere[field.Name] {
			continue
		}
		n := appnode.Note{}
		switch v := reflect.ValueOf(&n).Elem().FieldByIndex(field.Index); v.Kind() {
		case reflect.String:
			v.SetString("x")
		case reflect.Int:
			v.SetInt(1)
		case reflect.Bool:
			v.SetBool(true)
		default:
			v.Set(reflect.ValueOf([]sessions.Attribute{}))
		}
		if scenarios.Same([]history.Note{{}}, []appnode.Note{n}) {
			t.Errorf("a note with another %s is the same as one without", field.Name)
		}
	}
	write := []appnode.Note{{Op: appnode.Set}}
	if scenarios.Same([]history.Note{{Write: &history.Write{Op: history.Set}}}, write) {
		t.Error("the note of a write is the same as that of another write")
	}
	if scenarios.Same([]history.Note{{}}, nil) || scenarios.Same(nil, []appnode.Note{{}}) {
		t.Error("a note is the same as none")
	}
	if scenarios.Same([]history.Note{{Got: []history.Attr{{Name: "cart"}}}}, []appnode.Note{{Attributes: []sessions.Attribute{{Name: "book"}}}}) {
		t.Error("a note with an attribute is the same as one with another")
	}
}
