package sessions

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrCorrupt is what decoding bytes gives that Append did not write.
var ErrCorrupt = errors.New("corrupt session data")

// magic starts a list of sessions; its last byte is the version of the format.
const magic = "SLS\x01"

const (
	flagNew = 1 << iota
	flagValid
)

// AppendList appends the states of sessions to b: a count, then each session
// with its length. Numbers are varints, strings have their length before them.
func AppendList(b []byte, states []State) []byte {
	b = append(b, magic...)
	b = binary.AppendUvarint(b, uint64(len(states)))
	var one []byte
	for i := range states {
		one = AppendState(one[:0], &states[i])
		b = binary.AppendUvarint(b, uint64(len(one)))
		b = append(b, one...)
	}
	return b
}

// DecodeList reads what AppendList wrote. One session that cannot be read makes
// the whole list unreadable, as in Tomcat. The error is ErrCorrupt.
func DecodeList(b []byte) ([]State, error) {
	if len(b) < len(magic) || string(b[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: not a list of sessions", ErrCorrupt)
	}
	d := decoder{b: b[len(magic):]}
	n := d.uint()
	if n > uint64(len(d.b)) { // each session takes at least its length byte
		d.fail()
	}
	var states []State
	for i := uint64(0); i < n && !d.bad; i++ {
		one := d.bytes()
		if d.bad {
			break
		}
		st, err := DecodeState(one)
		if err != nil {
			return nil, fmt.Errorf("session %d of %d: %w", i+1, n, err)
		}
		states = append(states, st)
	}
	if d.bad || len(d.b) > 0 {
		return nil, fmt.Errorf("%w: list of %d sessions is cut or too long", ErrCorrupt, n)
	}
	return states, nil
}

// AppendState appends one session to b.
func AppendState(b []byte, st *State) []byte {
	var flags byte
	if st.New {
		flags |= flagNew
	}
	if st.Valid {
		flags |= flagValid
	}
	b = append(b, flags)
	b = appendString(b, st.ID)
	b = binary.AppendVarint(b, st.Created)
	b = binary.AppendVarint(b, st.ThisAccessed)
	b = binary.AppendVarint(b, st.LastAccessed)
	b = binary.AppendVarint(b, int64(st.MaxInactive))
	b = appendString(b, st.Principal)
	b = binary.AppendUvarint(b, uint64(len(st.Attributes)))
	for _, a := range st.Attributes {
		b = appendString(b, a.Name)
		b = appendValue(b, a.Value)
	}
	return b
}

// DecodeState reads what AppendState wrote; b must hold nothing else. The error
// is ErrCorrupt.
func DecodeState(b []byte) (State, error) {
	d := decoder{b: b}
	flags := d.byte()
	st := State{
		New:          flags&flagNew != 0,
		Valid:        flags&flagValid != 0,
		ID:           string(d.bytes()),
		Created:      d.int(),
		ThisAccessed: d.int(),
		LastAccessed: d.int(),
	}
	maxInactive := d.int()
	st.MaxInactive = int(maxInactive)
	st.Principal = string(d.bytes())
	n := d.uint()
	for i := uint64(0); i < n && !d.bad; i++ {
		a := Attribute{Name: string(d.bytes()), Value: d.value()}
		if last := len(st.Attributes) - 1; last >= 0 && a.Name <= st.Attributes[last].Name {
			d.fail() // names must rise
		}
		st.Attributes = append(st.Attributes, a)
	}
	switch {
	case d.bad, len(d.b) > 0:
		return State{}, fmt.Errorf("%w: session is cut or too long", ErrCorrupt)
	case flags&^(flagNew|flagValid) != 0, maxInactive != int64(int32(maxInactive)):
		return State{}, fmt.Errorf("%w: session has unknown flags or an interval out of range", ErrCorrupt)
	}
	return st, nil
}

// AppendActions appends a list of actions to b, in their order.
func AppendActions(b []byte, actions []Action) []byte {
	b = binary.AppendUvarint(b, uint64(len(actions)))
	for i := range actions {
		a := &actions[i]
		head := byte(a.Property) << 1
		if a.Remove {
			head |= 1
		}
		b = append(b, head)
		switch a.Property {
		case AttributeProperty:
			b = appendString(b, a.Name)
			if !a.Remove {
				b = appendValue(b, a.Value)
			}
		case PrincipalProperty:
			b = appendString(b, a.Name)
		case NewProperty:
			b = binary.AppendVarint(b, number(a.New))
		case MaxInactiveProperty:
			b = binary.AppendVarint(b, int64(a.MaxInactive))
		}
	}
	return b
}

// DecodeActions reads what AppendActions wrote; b must hold nothing else. The
// error is ErrCorrupt.
func DecodeActions(b []byte) ([]Action, error) {
	d := decoder{b: b}
	n := d.uint()
	var actions []Action
	if n > 0 {
		actions = make([]Action, 0, min(n, 16)) // whatever the bytes claim
	}
	for i := uint64(0); i < n && !d.bad; i++ {
		head := d.byte()
		a := Action{Property: Property(head >> 1), Remove: head&1 != 0}
		switch a.Property {
		case AttributeProperty:
			a.Name = string(d.bytes())
			if !a.Remove {
				a.Value = d.value()
			}
		case PrincipalProperty:
			a.Name = string(d.bytes())
		case NewProperty:
			a.New = d.int() != 0
		case MaxInactiveProperty:
			v := d.int()
			a.MaxInactive = int(v)
			if v != int64(int32(v)) {
				d.fail()
			}
		default:
			d.fail()
		}
		actions = append(actions, a)
	}
	if d.bad || len(d.b) > 0 {
		return nil, fmt.Errorf("%w: list of %d actions is cut, too long or has an unknown property", ErrCorrupt, n)
	}
	return actions, nil
}

func number(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

func appendValue(b []byte, v Value) []byte {
	b = appendString(b, v.Text)
	b = binary.AppendUvarint(b, v.Write)
	return binary.AppendUvarint(b, v.Writes)
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// decoder takes values off the front of b; after the first that is not there
// bad is set and every value is zero.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) fail() { d.b, d.bad = nil, true }

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail()
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) value() Value {
	return Value{Text: string(d.bytes()), Write: d.uint(), Writes: d.uint()}
}

func (d *decoder) bytes() []byte {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.fail()
		return nil
	}
	p := d.b[:n]
	d.b = d.b[n:]
	return p
}
