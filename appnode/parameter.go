package appnode

import (
	"net/url"
	"strings"
)

// Parameter is the first value of a parameter in a query string or a form, as
// the application sees it. A parameter with broken encoding is passed over, as
// Tomcat does.
func Parameter(query, name string) (value string, ok bool) {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if pair == "" {
			continue // as in a=1&&b=2
		}
		key, v, _ := strings.Cut(pair, "=")
		if key, ok := unescapeParameter(key); !ok || key != name {
			continue
		}
		if v, ok := unescapeParameter(v); ok {
			return v, true
		}
	}
	return "", false
}

func unescapeParameter(s string) (string, bool) {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s, true
	}
	s, err := url.QueryUnescape(s)
	return s, err == nil
}
