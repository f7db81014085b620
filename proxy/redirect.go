package proxy

import (
	"regexp"
	"slices"
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

// rewriteLocation applies proxy_redirect to the Location lines. The last one that
// was rewritten is the redirect: if it is a path it becomes a whole URL and goes
// first. The values themselves are the server's answer and
// stay as they are.
//
// Source: nginx ngx_http_upstream.c, ngx_http_upstream_rewrite_location;
// ngx_http_header_filter_module.c, ngx_http_header_filter.
func (x *exchange) rewriteLocation(l *location, values []string) []string {
	out, main := slices.Clone(values), -1
	for i, value := range values {
		url, ok := x.rewrite(l, value)
		if ok {
			main = i
		}
		out[i] = url
	}
	if main < 0 || x.absolute(out[main]) == out[main] {
		return out
	}
	whole := x.absolute(out[main])
	return slices.Insert(slices.Delete(out, main, main+1), 0, whole)
}

// rewriteRefresh applies proxy_redirect to the URL in the Refresh lines.
//
// Source: nginx ngx_http_upstream.c, ngx_http_upstream_rewrite_refresh.
func (x *exchange) rewriteRefresh(l *location, values []string) []string {
	out := slices.Clone(values)
	for i, value := range values {
		at := strings.Index(strings.ToLower(value), "url=")
		if at < 0 {
			continue
		}
		at += len("url=")
		if url, ok := x.rewrite(l, value[at:]); ok {
			out[i] = value[:at] + url
		}
	}
	return out
}
