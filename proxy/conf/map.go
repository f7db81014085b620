package conf

import (
	"errors"
	"regexp"
	"regexp/syntax"
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
				m.Volatile = true
				continue
			case "hostnames":
				m.Hostnames = true
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
			if m.Hostnames && !validName(key) {
				return r.fail(line, pattern, "invalid hostname or wildcard %s", quote(pattern.text))
			}
		}
		m.Entries = append(m.Entries, proxy.MapEntry{Pattern: pattern.text, Value: line.words[1].text})
	}
	r.config.Maps = append(r.config.Maps, m)
	return nil
}

// regexp refuses an expression that RE2 does not know. nginx's are PCRE, which
// has more.
func (r *reader) regexp(s statement, w word, expr string) error {
	_, err := regexp.Compile(expr)
	if err == nil {
		return nil
	}
	var broken *syntax.Error
	if errors.As(err, &broken) && pcreWords[broken.Code] != "" {
		return r.fail(s, w, "pcre2_compile() failed: %s in %s", pcreWords[broken.Code], quote(expr))
	}
	return r.fail(s, w, "regular expression %s: %s (RE2 is understood, not all of PCRE)", quote(expr), err)
}

// pcreWords are what PCRE says where an expression ends too early.
//
// Source: PCRE2 pcre2_error.c; nginx ngx_regex.c, ngx_regex_compile.
var pcreWords = map[syntax.ErrorCode]string{
	syntax.ErrMissingParen:      "missing closing parenthesis",
	syntax.ErrMissingBracket:    "missing terminating ] for character class",
	syntax.ErrTrailingBackslash: `\ at end of pattern`,
}

// validName reports whether an asterisk in the name of a host stands at an end
// of it, before or behind a dot.
//
// Source: nginx ngx_hash.c, ngx_hash_add_key.
func validName(name string) bool {
	if strings.Count(name, "*") > 1 || strings.Contains(name, "..") {
		return false
	}
	return !strings.Contains(name, "*") || len(name) > 2 && (strings.HasPrefix(name, "*.") || strings.HasSuffix(name, ".*"))
}
