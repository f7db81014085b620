package proxy

import (
	"fmt"
	"strings"
)

// text is a value with variables in it, such as "$scheme://$host".
type text struct {
	literal string     // the whole text if there are no variables
	parts   []variable // otherwise
}

// variable gives the value of a variable, or of a literal piece, for an
// exchange.
type variable func(x *exchange) string

func (t text) value(x *exchange) string {
	switch len(t.parts) {
	case 0:
		return t.literal
	case 1:
		return t.parts[0](x)
	}
	var b strings.Builder
	for _, part := range t.parts {
		value := part(x)
		if b.Len()+len(value) > maxValue {
			x.tooLong = true
			x.unwell("a value takes more than 16 MiB")
			return ""
		}
		b.WriteString(value)
	}
	return b.String()
}

// maxValue is how many bytes a value may have. nginx's may have what it gets
// memory for, below 256 MiB; then it answers 500 as well.
//
// Source: nginx ngx_string.h, ngx_variable_value_t; ngx_http_script.c,
// ngx_http_complex_value.
const maxValue = 16 << 20

// outOfMemory is 500 once after a value was too long, or else 0.
func (x *exchange) outOfMemory() (status int) {
	if x.tooLong {
		x.tooLong = false
		return 500
	}
	return 0
}

// unwell traces what is wrong with a variable of the request, the first time.
func (x *exchange) unwell(text string) {
	if !x.ill {
		x.ill = true
		x.trace(TraceEvent{Kind: VariableFailed, Text: text})
	}
}

// CheckText reports a variable that is misspelt in a value: "$" without a name, or
// a brace that is not closed. Whether there is such a variable New finds out.
func CheckText(source string) error {
	for {
		at := strings.IndexByte(source, '$')
		if at < 0 {
			return nil
		}
		var err error
		if _, source, err = variableName(source[at+1:]); err != nil {
			return err
		}
	}
}

// text compiles a value. Variables are written $name or ${name}.
func (c *compiler) text(source string) (text, error) {
	if !strings.Contains(source, "$") {
		return text{literal: source}, nil
	}
	var t text
	rest := source
	for rest != "" {
		at := strings.IndexByte(rest, '$')
		if at != 0 {
			piece := rest
			if at > 0 {
				piece = rest[:at]
			}
			t.parts = append(t.parts, func(*exchange) string { return piece })
			rest = rest[len(piece):]
			continue
		}
		name, after, err := variableName(rest[1:])
		if err != nil {
			return text{}, err
		}
		v, err := c.variable(name)
		if err != nil {
			return text{}, err
		}
		t.parts = append(t.parts, v)
		rest = after
	}
	return t, nil
}

// variableName takes the name that stands behind a dollar sign.
func variableName(s string) (name, rest string, err error) {
	braced := strings.HasPrefix(s, "{")
	if braced {
		s = s[1:]
	}
	n := 0
	for n < len(s) && (s[n] == '_' || '0' <= s[n] && s[n] <= '9' || 'a' <= s[n]|0x20 && s[n]|0x20 <= 'z') {
		n++
		if '1' <= s[0] && s[0] <= '9' {
			break // a capture has one digit
		}
	}
	name, rest = s[:n], s[n:]
	if braced {
		if !strings.HasPrefix(rest, "}") {
			return "", "", fmt.Errorf(`the closing bracket in "%s" variable is missing`, name)
		}
		rest = rest[1:]
	}
	if name == "" {
		return "", "", fmt.Errorf("invalid variable name")
	}
	return name, rest, nil
}
