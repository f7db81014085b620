package sessions

// Value is the object behind an attribute. Beside its text it carries what
// tells stale, lost and doubled writes apart from outside.
type Value struct {
	Text string
	// Write is the number that the writer gave to the last write; 0 if it gave
	// none.
	Write uint64
	// Writes is how many writes this object has behind it. Whoever writes sets
	// it to one more than what was read: of two writers that read the same
	// value, one is then not counted.
	Writes uint64
}

// Next is the object that replaces v after one more write.
func (v Value) Next(text string, write uint64) Value {
	return Value{Text: text, Write: write, Writes: v.Writes + 1}
}

// Attribute is a named value.
type Attribute struct {
	Name string
	Value
}

// Property names what an Action changes. The numbers are Tomcat's.
// Source: Tomcat DeltaRequest.java.
type Property uint8

const (
	AttributeProperty   Property = 0
	PrincipalProperty   Property = 1
	NewProperty         Property = 2
	MaxInactiveProperty Property = 3
)

// Action is one change of a session, in the form in which it can be sent to
// another copy and applied there. Access times and the id are never part of it.
type Action struct {
	Property Property
	// Remove takes the attribute, or the principal, away.
	Remove bool
	// Name is the attribute's name, or the principal's.
	Name string
	// Value is the attribute's new value.
	Value Value
	// New is the new isNew flag.
	New bool
	// MaxInactive is the new interval in whole seconds.
	MaxInactive int
}

// Recorder hears of every change of one session that is made through its methods,
// except by Apply and Mutate.
type Recorder interface {
	// Record is called with the session locked, in the order of the changes. It
	// must not call the session and must not wait.
	Record(Action)
}
