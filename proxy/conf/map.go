package conf

import (
	"regexp"
	"strings"

	"sessionlab/proxy"
)

// mapBlock reads a map.
//
// Source: nginx ngx_http_map_module.c.
func (r *reader) mapBlock(s statement) error {
	m := proxy.Map{Source: s.words[1].text, Variable: s.words[2].text, Pos: place(s)}
	if !strings.HasPrefix(m.Variable, "$") || m.Variable == "$" {
		return r.fail(s, s.words[2], "invalid variable name %s", quote(m.Variable))
	}
	if err := r.misspelt(s, s.words[1]); err != nil {
		return err
	}
	preset := false
	exact := map[string]bool{}
	for {
		line, err := r.statement(true)
		if err != nil {
			return err
		}
		if line.end == '}' {
			break
		}
		if line.end == '{' {
			return r.fail(line, line.words[0], `unexpected "{"`)
		}
		pattern := line.words[0]
		if len(line.words) == 1 {
			switch pattern.text {
			case "volatile":
				r.note(NoEffect, pattern, `"volatile": values are never kept here`)
				continue
			case "hostnames":
				r.note(Ignored, pattern, `"hostnames" is not understood, ignored`)
				continue
			}
		}
		if len(line.words) != 2 {
			return r.fail(line, pattern, "invalid number of the map parameters")
		}
		switch {
		case pattern.text == "include":
			if err := r.include(line); err != nil {
				return err
			}
			continue
		case pattern.text == "default":
			if preset {
				return r.fail(line, pattern, "duplicate default map parameter")
			}
			preset = true
			m.Default = line.words[1].text
			continue
		case strings.HasPrefix(pattern.text, "~"):
			if err := r.regexp(line, pattern, strings.TrimPrefix(pattern.text[1:], "*")); err != nil {
				return err
			}
		default:
			key := strings.ToLower(strings.TrimPrefix(pattern.text, `\`))
			if exact[key] {
				return r.fail(line, pattern, "conflicting parameter %s", quote(strings.TrimPrefix(pattern.text, `\`)))
			}
			exact[key] = true
		}
		m.Entries = append(m.Entries, proxy.MapEntry{Pattern: pattern.text, Value: line.words[1].text})
	}
	r.config.Maps = append(r.config.Maps, m)
	return nil
}

// regexp refuses an expression that RE2 does not know. nginx's are PCRE, which
// has more.
func (r *reader) regexp(s statement, w word, expr string) error {
	if _, err := regexp.Compile(expr); err != nil {
		return r.fail(s, w, "regular expression %s: %s (RE2 is understood, not all of PCRE)", quote(expr), err)
	}
	return nil
}
