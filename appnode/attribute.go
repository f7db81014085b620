package appnode

import "slices"

// attribute is a request attribute: what a valve leaves for the application. It
// lives as long as the request.
type attribute struct{ name, value string }

// SetAttribute sets a request attribute, in the place of one of the same name.
func (r *Request) SetAttribute(name, value string) {
	if i := r.attributeIndex(name); i >= 0 {
		r.attributes[i].value = value
		return
	}
	r.attributes = append(r.attributes, attribute{name, value})
}

// Attribute reads a request attribute.
func (r *Request) Attribute(name string) (value string, ok bool) {
	if i := r.attributeIndex(name); i >= 0 {
		return r.attributes[i].value, true
	}
	return "", false
}

func (r *Request) attributeIndex(name string) int {
	return slices.IndexFunc(r.attributes, func(a attribute) bool { return a.name == name })
}

// appendAttributes appends the request's attributes as a field of an answer, in
// the order in which they were set.
func appendAttributes(b []byte, all []attribute) []byte {
	b = append(b, `,"request":{`...)
	for i, a := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, a.name)
		b = append(b, ':')
		b = appendString(b, a.value)
	}
	return append(b, '}')
}
