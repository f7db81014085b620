package appnode

import "strings"

// nextCookie finds the next cookie with this name in a Cookie header. rest is
// what follows it, for the next call.
func nextCookie(header, name string) (value, rest string, ok bool) {
	for header != "" {
		var pair string
		pair, header, _ = strings.Cut(header, ";")
		key, v, found := strings.Cut(pair, "=")
		if !found || strings.Trim(key, " \t") != name {
			continue
		}
		v = strings.Trim(v, " \t")
		if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
			v = v[1 : len(v)-1]
		}
		return v, header, true
	}
	return "", "", false
}
