package proxy

import (
	"fmt"
	"regexp"
	"strings"
)

// mapping is a map block. Exact texts go before regular expressions, those in
// their order.
//
// Source: nginx ngx_http_map_module.c, ngx_http_variables.c, ngx_http_map_find.
type mapping struct {
	name     string
	slot     int  // of its value in an exchange
	volatile bool // the value is not kept
	source   text
	isHost   bool            // hostnames: a final dot does not count
	exact    map[string]text // by lower-case pattern
	hosts    []mapHost       // with hostnames, the names with an asterisk or a leading dot
	patterns []mapPattern
	fallback text
}

type mapHost struct {
	name  string
	value text
}

type mapPattern struct {
	re    *regexp.Regexp
	value text
}

// compileMap compiles a map and returns its variable.
func (c *compiler) compileMap(m *Map) (err error) {
	name := strings.ToLower(strings.TrimPrefix(m.Variable, "$"))
	if name == "" {
		return fmt.Errorf(`invalid variable name "%s"`, m.Variable)
	}
	if err := c.free(name); err != nil {
		return err
	}
	compiled := &mapping{name: name, slot: c.maps, volatile: m.Volatile, isHost: m.Hostnames, exact: map[string]text{}}
	c.maps++
	c.own[name] = func(x *exchange) string { return compiled.value(x) }
	c.later = append(c.later, func() error {
		return c.at(m.Pos, c.fillMap(compiled, m))
	})
	for _, entry := range m.Entries { // named captures become variables
		if re, err := c.pattern(entry.Pattern); err == nil && re != nil {
			if err := c.capturesOf(re); err != nil {
				return err
			}
		}
	}
	return nil
}

// changeable are the variables of nginx's own that may be given another
// meaning.
//
// Source: nginx ngx_http_variables.c and ngx_http_proxy_module.c,
// NGX_HTTP_VAR_CHANGEABLE.
var changeable = map[string]bool{"args": true, "proxy_host": true, "proxy_port": true, "proxy_add_x_forwarded_for": true}

// free reports whether a configuration may define a variable of that name.
func (c *compiler) free(name string) error {
	if variables[name] != nil && !changeable[name] {
		return fmt.Errorf(`the duplicate "%s" variable`, name)
	}
	return nil
}

// fillMap compiles the texts of a map once every variable is known.
func (c *compiler) fillMap(compiled *mapping, m *Map) (err error) {
	if compiled.source, err = c.text(m.Source); err != nil {
		return err
	}
	if compiled.fallback, err = c.text(m.Default); err != nil {
		return err
	}
	for _, entry := range m.Entries {
		value, err := c.text(entry.Value)
		if err != nil {
			return err
		}
		re, err := c.pattern(entry.Pattern)
		if err != nil {
			return err
		}
		if re != nil {
			compiled.patterns = append(compiled.patterns, mapPattern{re, value})
			continue
		}
		key := strings.ToLower(strings.TrimPrefix(entry.Pattern, `\`))
		if _, taken := compiled.exact[key]; taken {
			return fmt.Errorf(`conflicting parameter "%s"`, entry.Pattern)
		}
		compiled.exact[key] = value
		if m.Hostnames && (strings.HasPrefix(key, "*.") || strings.HasPrefix(key, ".") || strings.HasSuffix(key, ".*")) {
			delete(compiled.exact, key)
			compiled.hosts = append(compiled.hosts, mapHost{key, value})
		}
	}
	return nil
}

// pattern compiles a regular expression, which begins with "~" or "~*"; other
// texts give nil.
func (c *compiler) pattern(pattern string) (*regexp.Regexp, error) {
	if expr, ok := strings.CutPrefix(pattern, "~*"); ok {
		return compileRegexp("(?i)", expr)
	}
	if expr, ok := strings.CutPrefix(pattern, "~"); ok {
		return compileRegexp("", expr)
	}
	return nil, nil
}

func compileRegexp(flags, expr string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(flags + expr)
	if err != nil {
		return nil, fmt.Errorf(`regular expression "%s": %w`, expr, err)
	}
	return re, nil
}

// maxVariableDepth is how many maps may be evaluated for each other.
//
// Source: nginx ngx_http_variables.c, ngx_http_variable_depth.
const maxVariableDepth = 100

// evaluation is what an exchange knows about its maps.
type evaluation struct {
	values []mapped // by slot
	depth  int      // how many are being evaluated
	nth    int      // how many have been asked for, other than by a map
}

// mapped is the value of a map. A volatile one holds for its evaluation alone.
type mapped struct {
	value string
	known bool
	nth   int
}

// value is the map's value: the one found first, unless it is volatile. One that
// depends on itself is empty.
//
// Source: nginx ngx_http_variables.c, ngx_http_get_indexed_variable.
func (m *mapping) value(x *exchange) string {
	e := &x.maps
	if e.depth == 0 {
		e.nth++
	}
	for len(e.values) <= m.slot {
		e.values = append(e.values, mapped{})
	}
	if v := &e.values[m.slot]; v.known && (!m.volatile || v.nth == e.nth) {
		return v.value
	}
	if e.depth == maxVariableDepth {
		x.unwell(`cycle while evaluating variable "` + m.name + `"`)
		return ""
	}
	e.depth++
	value := m.find(x)
	e.depth--
	e.values[m.slot] = mapped{value, true, e.nth}
	return value
}

// find evaluates the map.
func (m *mapping) find(x *exchange) string {
	source := m.source.value(x)
	if m.isHost {
		source = strings.TrimSuffix(source, ".")
	}
	value, ok := m.exact[source] // the patterns are in lower case, and source is mostly, too
	if !ok {
		value, ok = m.exact[strings.ToLower(source)]
	}
	if ok {
		return value.value(x)
	}
	if len(m.hosts) > 0 {
		host := strings.ToLower(source)
		best, rank := -1, 0
		for i, h := range m.hosts {
			if r := nameRank(h.name, host); r > rank {
				best, rank = i, r
			}
		}
		if best >= 0 {
			return m.hosts[best].value.value(x)
		}
	}
	for _, p := range m.patterns {
		if x.match(p.re, source) {
			return p.value.value(x)
		}
	}
	return m.fallback.value(x)
}

// captures are what the latest regular expression of an exchange has matched.
type captures struct {
	text  string
	at    []int
	named []capture
}

type capture struct{ name, value string }

// match runs a regular expression; if it matches, $1 and the named captures
// are its own.
func (x *exchange) match(re *regexp.Regexp, s string) bool {
	at := re.FindStringSubmatchIndex(s)
	if at == nil {
		return false
	}
	x.captures.text, x.captures.at = s, at
	for i, name := range re.SubexpNames() {
		if name != "" {
			x.captures.named = append(x.captures.named, capture{strings.ToLower(name), x.capture(i)})
		}
	}
	return true
}

// capture is $0 to $9 of the latest match.
func (x *exchange) capture(n int) string {
	at := x.captures.at
	if 2*n+1 >= len(at) || at[2*n] < 0 {
		return ""
	}
	return x.captures.text[at[2*n]:at[2*n+1]]
}

// capturesOf makes the named groups of a regular expression known as variables.
func (c *compiler) capturesOf(re *regexp.Regexp) error {
	for _, name := range re.SubexpNames() {
		name = strings.ToLower(name)
		if name == "" || c.own[name] != nil {
			continue
		}
		if err := c.free(name); err != nil {
			return err
		}
		c.own[name] = func(x *exchange) string {
			for i := len(x.captures.named) - 1; i >= 0; i-- {
				if x.captures.named[i].name == name {
					return x.captures.named[i].value
				}
			}
			return ""
		}
	}
	return nil
}
