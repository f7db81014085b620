package proxy

import (
	"regexp"
	"strings"
)

// rewriting is a proxy_redirect directive, compiled.
type rewriting struct {
	preset   bool           // "default"
	pattern  *regexp.Regexp // of the whole value; nil for a prefix
	from, to text
}

// compileRedirects compiles the proxy_redirect directives of a level. None at
// all is "default", and "off" leaves nothing.
//
// Source: nginx ngx_http_proxy_module.c, ngx_http_proxy_redirect.
func (c *compiler) compileRedirects(rules []Redirect) ([]rewriting, error) {
	if len(rules) == 0 {
		return []rewriting{{preset: true}}, nil
	}
	var all []rewriting
	for _, rule := range rules {
		switch rule.From {
		case "off":
			return nil, nil
		case "default":
			all = append(all, rewriting{preset: true})
			continue
		}
		var w rewriting
		var err error
		if w.pattern, err = c.pattern(rule.From); err != nil {
			return nil, err
		}
		if w.pattern == nil {
			if w.from, err = c.text(rule.From); err != nil {
				return nil, err
			}
		}
		if w.to, err = c.text(rule.To); err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	return all, nil
}

// rewrite applies proxy_redirect to a URL of an answer.
//
// Source: nginx ngx_http_proxy_module.c, ngx_http_proxy_rewrite_redirect.
func (x *exchange) rewrite(l *location, url string) (string, bool) {
	for i := range l.redirects {
		rule := &l.redirects[i]
		if rule.pattern != nil {
			if x.match(rule.pattern, url) {
				return rule.to.value(x), true
			}
			continue
		}
		var from, to string
		switch {
		case !rule.preset:
			from, to = rule.from.value(x), rule.to.value(x)
		case l.pass.dynamic != nil:
			continue
		case l.pass.uri == "":
			from, to = l.pass.url+"/", "/"
		default:
			from, to = l.pass.url, l.path
		}
		if rest, ok := strings.CutPrefix(url, from); ok {
			return to + rest, true
		}
	}
	return url, false
}

// rewriteLocation applies proxy_redirect to the first Location. A rewritten
// path becomes a whole URL. The values themselves are the server's answer and
// stay as they are.
//
// Source: nginx ngx_http_upstream.c, ngx_http_upstream_rewrite_location.
func (x *exchange) rewriteLocation(l *location, values []string) []string {
	url, ok := x.rewrite(l, values[0])
	if !ok {
		return values
	}
	return append([]string{x.absolute(url)}, values[1:]...)
}

// rewriteRefresh applies proxy_redirect to the URL in the first Refresh.
//
// Source: nginx ngx_http_upstream.c, ngx_http_upstream_rewrite_refresh.
func (x *exchange) rewriteRefresh(l *location, values []string) []string {
	at := strings.Index(strings.ToLower(values[0]), "url=")
	if at < 0 {
		return values
	}
	at += len("url=")
	url, ok := x.rewrite(l, values[0][at:])
	if !ok {
		return values
	}
	return append([]string{values[0][:at] + url}, values[1:]...)
}
