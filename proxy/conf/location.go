package conf

import (
	"strings"

	"sessionlab/proxy"
)

// locationBlock reads a location.
//
// Source: nginx ngx_http_core_module.c, ngx_http_core_location.
func (r *reader) locationBlock(s statement) error {
	l := proxy.Location{Pos: place(s)}
	path := s.words[len(s.words)-1]
	l.Path = path.text
	if len(s.words) == 3 {
		l.Modifier = s.words[1].text
		switch l.Modifier {
		case "=", "^~", "~", "~*":
		default:
			return r.fail(s, s.words[1], "invalid location modifier %s", quote(l.Modifier))
		}
	} else {
		for _, modifier := range []string{"=", "^~", "~*", "~", "@"} {
			if rest, ok := strings.CutPrefix(path.text, modifier); ok {
				l.Modifier, l.Path = modifier, rest
				break
			}
		}
	}
	if l.Modifier == "~" || l.Modifier == "~*" {
		if err := r.regexp(s, path, l.Path); err != nil {
			return err
		}
	}
	outer, settings := r.location, r.settings
	list := &r.server.Locations
	if outer != nil {
		if err := r.nested(s, outer, &l); err != nil {
			return err
		}
		list = &outer.Locations
	}
	r.location, r.settings = &l, &l.Settings
	if err := r.block(inLocation); err != nil {
		return err
	}
	r.location, r.settings = outer, settings
	*list = append(*list, l)
	r.places[l.Pos] = s.at
	return nil
}

// nested refuses what may not stand inside a location.
//
// Source: nginx ngx_http_core_module.c, ngx_http_core_location.
func (r *reader) nested(s statement, outer, inner *proxy.Location) error {
	name := func(l *proxy.Location) string {
		if l.Modifier == "@" {
			return quote("@" + l.Path)
		}
		return quote(l.Path)
	}
	pattern := inner.Modifier == "~" || inner.Modifier == "~*"
	switch {
	case outer.Modifier == "=":
		return r.fail(s, s.words[0], "location %s cannot be inside the exact location %s", name(inner), name(outer))
	case outer.Modifier == "@":
		return r.fail(s, s.words[0], "location %s cannot be inside the named location %s", name(inner), name(outer))
	case inner.Modifier == "@":
		return r.fail(s, s.words[0], "named location %s can be on the server level only", name(inner))
	case !pattern && !strings.HasPrefix(inner.Path, outer.Path):
		return r.fail(s, s.words[0], "location %s is outside location %s", name(inner), name(outer))
	}
	return nil
}

func (r *reader) internal(statement) error {
	r.location.Internal = true
	return nil
}

// checkLocations looks for duplicates at the end of the http block, as nginx
// does.
//
// Source: nginx ngx_http.c, ngx_http_join_exact_locations.
func (r *reader) checkLocations() error {
	for _, server := range r.config.Servers {
		if err := r.checkLevel(server.Locations); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) checkLevel(locations []proxy.Location) error {
	type key struct {
		exact bool
		path  string
	}
	seen := map[key]bool{}
	for _, l := range locations {
		switch l.Modifier {
		case "", "^~", "=":
			k := key{l.Modifier == "=", l.Path}
			if seen[k] {
				return &Error{Position: r.places[l.Pos], Text: "duplicate location " + quote(l.Path)}
			}
			seen[k] = true
		}
		if err := r.checkLevel(l.Locations); err != nil {
			return err
		}
	}
	return nil
}

// proxyPass reads proxy_pass.
//
// Source: nginx ngx_http_proxy_module.c, ngx_http_proxy_pass.
func (r *reader) proxyPass(s statement) error {
	const http = "http://"
	url := s.words[1]
	l := r.location
	if l.ProxyPass != "" {
		return r.reject(s, "is duplicate")
	}
	if strings.Contains(url.text, "$") {
		l.ProxyPass = url.text
		return r.misspelt(s, url)
	}
	switch {
	case hasPrefixFold(url.text, "https://"):
		return r.fail(s, url, "proxy_pass to %s: TLS is not simulated", quote(url.text))
	case !hasPrefixFold(url.text, http):
		return r.fail(s, url, "invalid URL prefix")
	}
	rest := url.text[len(http):]
	address, uri := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		address, uri = rest[:i], rest[i:]
	}
	if strings.HasPrefix(address, "[") || strings.HasPrefix(address, "unix:") {
		return r.fail(s, url, "proxy_pass to %s: only names and IPv4 addresses are simulated", quote(url.text))
	}
	host, digits, hasPort := strings.Cut(address, ":")
	port := 80
	if hasPort {
		var ok bool
		if port, ok = number(digits); !ok || port < 1 || port > 65535 {
			return r.fail(s, url, "invalid port in upstream %s", quote(rest))
		}
	}
	if host == "" {
		return r.fail(s, url, "no host in upstream %s", quote(rest))
	}
	if _, err := r.addTarget(s, host, port, !hasPort, false); err != nil {
		return err
	}
	if uri != "" && (l.Modifier == "~" || l.Modifier == "~*" || l.Modifier == "@") {
		return r.fail(s, url, `"proxy_pass" cannot have URI part in location given by regular expression, `+
			`or inside named location, or inside "if" statement, or inside "limit_except" block`)
	}
	l.ProxyPass = http + rest
	return nil
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
