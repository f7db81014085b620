package proxy

import (
	"fmt"
	"strings"
)

// assignment is a set directive, compiled.
type assignment struct {
	assign func(x *exchange, value string)
	value  text
}

// declare makes variables of the configuration's own known.
func (c *compiler) declare(name string) (assign func(x *exchange, value string), err error) {
	key := strings.ToLower(strings.TrimPrefix(name, "$"))
	switch {
	case key == "":
		return nil, fmt.Errorf(`invalid variable name "%s"`, name)
	case key == "args":
		return setArgs, nil
	}
	if err := c.free(key); err != nil {
		return nil, err
	}
	at, known := c.slots[key]
	if !known {
		at = len(c.slots)
		c.slots[key] = at
		c.own[key] = func(x *exchange) string {
			if at < len(x.vars) {
				return x.vars[at]
			}
			return ""
		}
	}
	return func(x *exchange, value string) {
		for len(x.vars) <= at {
			x.vars = append(x.vars, "")
		}
		x.vars[at] = value
	}, nil
}

// setArgs gives the request other arguments.
//
// Source: nginx ngx_http_variables.c, ngx_http_variable_set_args.
func setArgs(x *exchange, value string) { x.args, x.rawValid = value, false }

// compileSets compiles the set directives of a level.
func (c *compiler) compileSets(in []Set, pos string) ([]assignment, error) {
	all := make([]assignment, len(in))
	for i, set := range in {
		assign, err := c.declare(set.Variable)
		if err != nil {
			return nil, err
		}
		all[i].assign = assign
		c.later = append(c.later, func() (err error) {
			all[i].value, err = c.text(set.Value)
			return c.at(pos, err)
		})
	}
	return all, nil
}

// perform executes set directives.
//
// Source: nginx ngx_http_rewrite_module.c, ngx_http_rewrite_set.
func (x *exchange) perform(sets []assignment) (status int) {
	for i := range sets {
		sets[i].assign(x, sets[i].value.value(x))
	}
	return x.outOfMemory()
}
