package javaio

import (
	"slices"
	"strings"
)

// Class is a Java class as a stream describes it.
type Class struct {
	number uint // tells it apart from the others
	size   int  // of its descriptor, without that of the class it extends
	super  *Class
}

// classes is how many there are; a Stream has room for 64.
var classes uint

// Field is a field of a class: its name, and the type of an object as Java's
// descriptors spell it, such as "Ljava/lang/String;"; "" for a primitive.
type Field struct{ Name, Type string }

// NewClass describes a class that extends super, nil for Object, with its
// serializable fields. It is called while a package is initialised.
func NewClass(name string, super *Class, fields ...Field) *Class {
	if classes == 64 {
		panic("javaio: more classes than a Stream has room for")
	}
	c := &Class{number: classes, super: super}
	classes++
	c.size = 1 + 2 + len(name) + 8 + 1 + 2 // TC_CLASSDESC, name, serialVersionUID, flags, number of fields
	var types []string
	for _, f := range fields {
		c.size += 1 + 2 + len(f.Name)
		switch {
		case f.Type == "":
		case slices.Contains(types, f.Type):
			c.size += reference
		default:
			c.size += 1 + 2 + len(f.Type)
			types = append(types, f.Type)
		}
	}
	c.size += ended
	return c
}

// Primitives are fields of primitive types, their names separated by blanks.
func Primitives(names string) []Field {
	var fields []Field
	for name := range strings.FieldsSeq(names) {
		fields = append(fields, Field{Name: name})
	}
	return fields
}

// Classes of Java itself.
var (
	number  = NewClass("java.lang.Number", nil)
	integer = NewClass("java.lang.Integer", number, Field{Name: "value"})
	long    = NewClass("java.lang.Long", number, Field{Name: "value"})
	boolean = NewClass("java.lang.Boolean", nil, Field{Name: "value"})

	// ByteArray is byte[], and StringArray String[].
	ByteArray   = NewClass("[B", nil)
	StringArray = NewClass("[Ljava.lang.String;", nil)
)
